//! A scene for terminals: a bar for each row, the labels below it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::axis::{Axis, Part, label};
use crate::row::{Kind, Piece, Row};
use crate::run::{Role, Scene};

/// The narrowest and the widest terminal that is drawn for, in columns.
pub const NARROWEST: usize = 20;
/// See [`NARROWEST`].
pub const WIDEST: usize = 200;

const DIM: Style = Style::new().dimmed();
const USED: Style = AnsiColor::Blue.on_default();
const RIGHT: Style = AnsiColor::Green.on_default().bold();
const WRONG: Style = AnsiColor::Red.on_default().bold();

/// How a terminal shows a picture.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Its width in columns.
    pub width: usize,
    /// Whether it shows characters beyond ASCII.
    pub unicode: bool,
}

/// The marks of a bar.
struct Marks {
    header: char,
    used: char,
    free: char,
    foreign: char,
    fold: char,
}

const UNICODE: Marks = Marks { header: '▓', used: '█', free: '░', foreign: '╳', fold: '…' };
const ASCII: Marks = Marks { header: '=', used: '#', free: '.', foreign: 'x', fold: '~' };

/// One column of a bar.
#[derive(Clone, Copy)]
struct Cell {
    mark: char,
    style: Style,
}

impl Screen {
    fn marks(self) -> &'static Marks {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    fn columns(self) -> usize {
        self.width.clamp(NARROWEST, WIDEST)
    }

    /// Returns what the marks mean, in as many lines as the width needs.
    pub fn legend(self) -> String {
        let Marks { header, used, free, foreign, fold } = self.marks();
        let items = [
            format!("{header} header"),
            format!("{used} in use"),
            format!("{free} free"),
            format!("{foreign} not ours"),
            format!("{fold} blocks left out"),
            "* the block of this call".to_owned(),
        ];
        let mut text = String::new();
        let mut column = 0;
        for item in items {
            let length = item.chars().count();
            if column > 0 && column + 3 + length > self.columns() {
                text.push('\n');
                column = 0;
            }
            if column > 0 {
                text.push_str("   ");
                column += 3;
            }
            text.push_str(&cut(&item, self.columns()));
            column += length;
        }
        text.push('\n');
        text
    }

    /// Returns the bars of a scene, each with its labels, indented by `indent`; whole lines.
    pub fn bars(self, scene: &Scene<'_>, indent: usize) -> String {
        let gutter = if self.columns() < 50 { 4 } else { indent + "expected  ".len() };
        // The last column stays free: some terminals break the line there.
        let width = self.columns() - gutter - 1;
        let rows: Vec<&Row> = scene.rows.iter().map(|(_, row)| row).collect();
        let axis = Axis::of(&rows, scene.call.subject, width);
        let mut text = String::new();
        if rows.iter().all(|row| row.is_empty()) {
            let nothing = "no heap and no mapping yet";
            return format!("{:gutter$}{}\n", "", cut(nothing, width));
        }
        let ruler = ruler(&axis, &rows, width);
        _ = writeln!(text, "{:gutter$}{DIM}{ruler}{DIM:#}", "");
        for (role, row) in &scene.rows {
            let name = &role.name()[..role.name().len().min(gutter - 1)];
            let margin = indent.min(gutter - 1 - name.len());
            _ = write!(text, "{:margin$}{name:1$}", "", gutter - margin);
            bar(&mut text, self.cells(&axis, row, (*role, scene.call.subject), width));
            let labels = labels(&axis, row, scene.call.subject, width);
            if !labels.is_empty() {
                let style = style_of(*role);
                _ = writeln!(text, "{:gutter$}{style}{labels}{style:#}", "");
            }
        }
        text
    }

    fn cells(self, axis: &Axis, row: &Row, (role, subject): (Role, Option<u32>), width: usize) -> Vec<Cell> {
        let marks = self.marks();
        let mut cells = vec![Cell { mark: ' ', style: Style::new() }; axis.width().min(width)];
        let mut fill = |columns: Option<(usize, usize)>, mark: char, style: Style| {
            let (from, to) = columns.unwrap_or((0, 0));
            let to = to.min(cells.len());
            cells[from.min(to)..to].fill(Cell { mark, style });
        };
        for piece in row.pieces().filter(|piece| axis.draws(piece)) {
            let is_subject = subject.is_some() && piece.name == subject;
            let (mark, style) = match piece.kind {
                Kind::Used if is_subject => (marks.used, style_of(role)),
                Kind::Used => (marks.used, USED),
                Kind::Free => (marks.free, DIM),
                Kind::Foreign => (marks.foreign, DIM),
            };
            fill(axis.columns(piece.start, piece.end()), mark, style);
            fill(axis.columns(piece.start, piece.payload()), marks.header, DIM);
        }
        for segment in axis.segments.iter().filter(|segment| matches!(segment.part, Part::Fold(_))) {
            fill(Some((segment.column, segment.column + segment.width - 1)), marks.fold, DIM);
        }
        cells
    }
}

/// The colour of the call's block in a row.
fn style_of(role: Role) -> Style {
    match role {
        Role::Before => Style::new(),
        Role::After => AnsiColor::Cyan.on_default(),
        Role::Expected => RIGHT,
        Role::Actual => WRONG,
    }
}

fn bar(text: &mut String, mut cells: Vec<Cell>) {
    while cells.last().is_some_and(|cell| cell.mark == ' ') {
        cells.pop();
    }
    for run in cells.chunk_by(|one, other| one.style == other.style) {
        let marks: String = run.iter().map(|cell| cell.mark).collect();
        let style = run[0].style;
        _ = write!(text, "{style}{marks}{style:#}");
    }
    text.push('\n');
}

/// Writes `what` into a line at a column, if all of it fits there. Returns whether it does.
fn write_at(line: &mut [char], column: usize, end: usize, what: &str) -> bool {
    let length = what.chars().count();
    let fits = column + length <= end.min(line.len());
    if fits {
        line[column..column + length].iter_mut().zip(what.chars()).for_each(|(place, letter)| *place = letter);
    }
    fits
}

fn finished(line: &[char]) -> String {
    line.iter().collect::<String>().trim_end().to_owned()
}

/// The labels of the pieces of a row, and how many pieces each fold hides.
fn labels(axis: &Axis, row: &Row, subject: Option<u32>, width: usize) -> String {
    let mut line = vec![' '; axis.width().min(width)];
    let place = |piece: &Piece| axis.columns(piece.start, piece.end());
    for piece in row.pieces().filter(|piece| axis.draws(piece)) {
        let Some((from, to)) = place(piece) else { continue };
        // A blank keeps it from the next one.
        let _ = write_at(&mut line, from, to - 1, &label(piece, subject, false))
            || write_at(&mut line, from, to, &label(piece, subject, true));
    }
    for segment in &axis.segments {
        if let Part::Fold(count) = segment.part {
            write_at(&mut line, segment.column, segment.column + segment.width, &count.to_string());
        }
    }
    finished(&line)
}

/// The places of payloads above the bars, as far as there is room.
fn ruler(axis: &Axis, rows: &[&Row], width: usize) -> String {
    let mut line = vec![' '; width];
    let mut free_from = 0;
    let mut pieces: Vec<&Piece> = rows.iter().flat_map(|row| row.pieces()).filter(|piece| axis.draws(piece)).collect();
    pieces.sort_by_key(|piece| (piece.start, piece.header));
    pieces.dedup_by_key(|piece| (piece.start, piece.header));
    for piece in pieces {
        let Some((column, _)) = axis.columns(piece.start, piece.end()) else { continue };
        let column = axis.columns(piece.start, piece.payload()).map_or(column, |(_, end)| end);
        let prefix = match piece.start.region {
            0 => String::new(),
            number => format!("MAP{number}"),
        };
        let what = format!("{prefix}+{:#x}", piece.payload());
        if column >= free_from && write_at(&mut line, column, width, &what) {
            free_from = column + what.len() + 1;
        }
    }
    finished(&line)
}

/// Returns a text of at most `width` characters.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{kept}..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fixture::picture;

    /// The text without its colours.
    fn plain(text: &str) -> String {
        let mut plain = String::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\u{1b}' => _ = letters.by_ref().find(|letter| *letter == 'm'),
                letter => plain.push(letter),
            }
        }
        plain
    }

    #[test]
    fn a_difference_is_drawn_as_three_rows() {
        let picture = picture();
        let screen = Screen { width: 80, unicode: true };
        let text = plain(&screen.bars(&picture.scene(3).unwrap(), 2));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 7, "{text}");
        assert!(lines[0].trim_start().starts_with("+0x20"), "{text}");
        for (line, name) in [(1, "  before"), (3, "  expected"), (5, "  actual")] {
            assert!(lines[line].starts_with(name) && lines[line].contains('▓'), "{text}");
        }
        assert!(lines[4].contains("*b4") && lines[6].contains("*b4"), "{text}");
        assert!(lines[6].find("*b4") < lines[4].find("*b4"), "{text}");
    }

    #[test]
    fn every_width_holds_and_ascii_is_ascii() {
        let picture = picture();
        for width in [1, 20, 33, 60, 80, 120, 200, 1000] {
            for unicode in [true, false] {
                let screen = Screen { width, unicode };
                for place in 0..4 {
                    let text = plain(&(screen.bars(&picture.scene(place).unwrap(), 2) + &screen.legend()));
                    let longest = text.lines().map(|line| line.chars().count()).max();
                    assert!(longest <= Some(width.clamp(NARROWEST, WIDEST)), "{width}: {text}");
                    assert!(unicode || text.is_ascii(), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_run_without_memory_says_so() {
        let mut picture = picture();
        picture.calls[0].change.come.clear();
        let text = Screen { width: 80, unicode: true }.bars(&picture.scene(0).unwrap(), 2);
        assert_eq!(text.trim(), "no heap and no mapping yet");
    }
}
