//! A scene for documents: the rows of one call below each other, as SVG.

use std::fmt::Write as _;

use crate::axis::{Axis, Part, label};
use crate::row::{Kind, Piece, Row};
use crate::run::{Picture, Role, Scene};

/// Columns of an axis.
const COLUMNS: usize = 104;
/// Units of a column.
const COLUMN: usize = 8;
/// Units left of the rows, for their names.
const LEFT: usize = 80;
/// Units of the whole width.
const WIDTH: usize = LEFT + COLUMNS * COLUMN + 8;
/// Units of a bar.
const BAR: usize = 24;
/// Units from one row to the next.
const STEP: usize = 52;
/// Units above the first row.
const TOP: usize = 76;
/// Characters of a sentence that fit into the width.
const LINE: usize = 120;

/// The colours, for light and dark surroundings, shared by all drawings.
pub const COLOURS: &str = "\
.bg{fill:#fff}.t{fill:#1f2328}.m{fill:#59636e}.h{fill:#57606a}.u{fill:#9ec5fe}.f{fill:#eaeef2;stroke:#afb8c1}\
.x{fill:#d8b9ff}.r{fill:#7fd18b}.w{fill:#ff9c94}.s{stroke:#1f2328;fill:none}\
@media(prefers-color-scheme:dark){.bg{fill:#0d1117}.t{fill:#e6edf3}.m{fill:#9198a1}.h{fill:#848d97}.u{fill:#1f4f8f}\
.f{fill:#21262d;stroke:#484f58}.x{fill:#553098}.r{fill:#1a6b2b}.w{fill:#9b2c26}.s{stroke:#e6edf3}}";

/// Returns a text as XML has it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No XML holds them.
            letter if letter.is_control() && letter != '\n' && letter != '\t' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// Returns the beginning of a drawing of this size, with its title.
pub fn open(width: usize, height: usize, title: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{title}\" font-family=\"ui-monospace,Menlo,Consolas,monospace\" font-size=\"12\">\
         <title>{title}</title><style>{COLOURS}</style><rect class=\"bg\" width=\"{width}\" height=\"{height}\"/>\n"
    )
}

/// Returns the scene of the call at `place`; `None` if there is none.
pub fn call(picture: &Picture, place: usize) -> Option<String> {
    let scene = picture.scene(place)?;
    let rows: Vec<&Row> = scene.rows.iter().map(|(_, row)| row).collect();
    let axis = Axis::of(&rows, scene.call.subject, COLUMNS);
    let height = TOP + STEP * rows.len() + 26;
    let title = format!("{}, call {}: {}", picture.title, scene.call.number, scene.call.line());
    let mut out = open(WIDTH, height, &title);
    heading(&mut out, &scene);
    ruler(&mut out, &axis, &rows);
    for (number, (role, row)) in scene.rows.iter().enumerate() {
        let y = TOP + STEP * number;
        line(&mut out, (8, y + 16), "m", role.name());
        bar(&mut out, &axis, row, (*role, scene.call.subject), y);
    }
    legend(&mut out, height - 12, scene.call.wrong.is_some());
    out.push_str("</svg>\n");
    Some(out)
}

fn line(out: &mut String, (x, y): (usize, usize), class: &str, text: &str) {
    _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
}

fn heading(out: &mut String, scene: &Scene<'_>) {
    let call = scene.call;
    line(out, (8, 20), "t", &shown(&format!("call {}: {}", call.number, call.line())));
    if let Some(wrong) = &call.wrong {
        let (expected, actual) = wrong.sides(call);
        let what = format!("{}: {}; expected {expected}, actual {actual}", wrong.rule, wrong.sentence);
        line(out, (8, 38), "m", &shown(&what));
    } else if !call.system.is_empty() {
        line(out, (8, 38), "m", &shown(&call.system.join(", ")));
    }
}

/// Returns a text that fits into a line.
fn shown(text: &str) -> String {
    crate::text::cut(text, LINE)
}

fn ruler(out: &mut String, axis: &Axis, rows: &[&Row]) {
    let mut pieces: Vec<&Piece> = rows.iter().flat_map(|row| row.pieces()).filter(|piece| axis.draws(piece)).collect();
    pieces.sort_by_key(|piece| (piece.start, piece.header));
    pieces.dedup_by_key(|piece| (piece.start, piece.header));
    let mut free_from = 0;
    for piece in pieces {
        let Some((column, end)) = axis.columns(piece.start, piece.end()) else { continue };
        let column = axis.columns(piece.start, piece.payload()).map_or(column, |(_, end)| end).min(end);
        let prefix = if piece.start.region == 0 { String::new() } else { format!("MAP{}", piece.start.region) };
        let what = format!("{prefix}+{:#x}", piece.payload());
        if column >= free_from && column + what.len() <= COLUMNS {
            line(out, (x(column), TOP - 8), "m", &what);
            free_from = column + what.len() + 1;
        }
    }
}

fn x(column: usize) -> usize {
    LEFT + column * COLUMN
}

fn bar(out: &mut String, axis: &Axis, row: &Row, (role, subject): (Role, Option<u32>), y: usize) {
    for piece in row.pieces().filter(|piece| axis.draws(piece)) {
        let Some((from, to)) = axis.columns(piece.start, piece.end()) else { continue };
        let is_subject = subject.is_some() && piece.name == subject;
        let class = match (piece.kind, role) {
            (Kind::Used, Role::Expected | Role::After) if is_subject => "r",
            (Kind::Used, Role::Actual) if is_subject => "w",
            (Kind::Used, _) => "u",
            (Kind::Free, _) => "f",
            (Kind::Foreign, _) => "x",
        };
        let width = (to - from) * COLUMN - 1;
        let what = escaped(&format!("{} at {}, header {} bytes", piece.label(false), piece.start, piece.header));
        _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\"><title>{what}</title></rect>",
            x(from)
        );
        if let Some((from, to)) = axis.columns(piece.start, piece.payload()) {
            let width = (to - from) * COLUMN - 2;
            _ = writeln!(out, "<rect class=\"h\" x=\"{}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\"/>", x(from));
        }
        let text = [label(piece, subject, false), label(piece, subject, true)];
        if let Some(text) = text.iter().find(|text| text.chars().count() <= to - from) {
            line(out, (x(from), y + BAR + 13), "t", text);
        }
    }
    for segment in &axis.segments {
        if let Part::Fold(count) = segment.part {
            line(out, (x(segment.column), y + 16), "m", &format!("…{count}"));
        }
    }
}

fn legend(out: &mut String, y: usize, wrong: bool) {
    let mut items = vec![
        ("h", "header"),
        ("u", "in use"),
        ("f", "free"),
        ("x", "not the allocator's"),
        ("r", "block of this call"),
    ];
    if wrong {
        items[4].1 = "block as expected";
        items.push(("w", "block as seen"));
    }
    let mut at = LEFT;
    for (class, word) in items {
        _ = writeln!(out, "<rect class=\"{class}\" x=\"{at}\" y=\"{}\" width=\"12\" height=\"12\"/>", y - 10);
        line(out, (at + 18, y), "m", word);
        at += 18 + (word.len() + 3) * COLUMN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::picture;

    #[test]
    fn the_difference_is_drawn_with_both_sides() {
        let svg = call(&picture(), 3).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
        for expected in [
            ">expected</text>",
            ">actual</text>",
            "class=\"r\"",
            "class=\"w\"",
            ">*b4 8</text>",
            "expected HEAP+0xc8, actual HEAP+0x20",
        ] {
            assert!(svg.contains(expected), "{expected}\n{svg}");
        }
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(call(&picture(), 9).is_none());
    }

    #[test]
    fn nothing_in_a_trace_becomes_a_tag() {
        let mut picture = picture();
        picture.calls[0].text = "<script>&\"'\u{1b}".to_owned();
        let svg = call(&picture, 0).unwrap();
        assert!(svg.contains("&lt;script&gt;&amp;&quot;&#39;\u{fffd}") && !svg.contains("<script"), "{svg}");
    }
}
