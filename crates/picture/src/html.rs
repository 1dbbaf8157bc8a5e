//! A whole run as one page without network: it steps through the calls by keys and buttons.
//!
//! The page carries the changes of the rows, as the picture holds them, and applies them itself. Everything from outside comes in as
//! data and is shown as text. Without scripts the page shows the first difference, or the last call.

use std::fmt::Write as _;

use crate::row::{Change, Kind, Piece, Place};
use crate::run::{Call, Picture};
use crate::svg;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Returns the page of a run, which begins with the call at `place`.
pub fn page(picture: &Picture, place: usize) -> String {
    let still = svg::call(picture, place).unwrap_or_default();
    let mut page = String::new();
    let mut rest = PAGE;
    // Marks are looked for in the template only, never in what replaces them.
    while let Some((before, behind)) = rest.split_once("{{") {
        let (mark, behind) = behind.split_once("}}").unwrap_or(("", behind));
        page.push_str(before);
        match mark {
            "title" => page.push_str(&svg::escaped(&picture.title)),
            "style" => page.push_str(STYLE),
            "script" => page.push_str(SCRIPT),
            "still" => page.push_str(&still),
            "data" => page.push_str(&data(picture, place)),
            _ => {}
        }
        rest = behind;
    }
    page.push_str(rest);
    page
}

/// Returns the run as JSON that may stand in a page.
fn data(picture: &Picture, place: usize) -> String {
    let mut out = String::new();
    _ = write!(out, "{{\"header\":{},\"at\":{place},\"title\":", picture.header);
    string(&mut out, &picture.title);
    out.push_str(",\"cause\":");
    match &picture.cause {
        Some(cause) => string(&mut out, cause),
        None => out.push_str("null"),
    }
    out.push_str(",\"notes\":");
    strings(&mut out, &picture.notes);
    out.push_str(",\"first\":");
    let first: Vec<Piece> = picture.first.pieces().copied().collect();
    list(&mut out, &first, |out, piece| self::piece(out, piece, picture.header));
    out.push_str(",\"calls\":");
    list(&mut out, &picture.calls, |out, call| self::call(out, call, picture.header));
    out.push('}');
    out
}

/// Writes `[number, text, result, subject, break, gone, come, system, wrong]`; what is empty at the end is left out.
fn call(out: &mut String, call: &Call, header: u64) {
    _ = write!(out, "\n[{},", call.number);
    string(out, &call.text);
    out.push(',');
    string(out, &call.result);
    _ = write!(out, ",{},{},", call.subject.unwrap_or(0), call.brk);
    change(out, &call.change, header);
    if !call.system.is_empty() || call.wrong.is_some() {
        out.push(',');
        strings(out, &call.system);
    }
    if let Some(wrong) = &call.wrong {
        out.push_str(",[");
        for text in [&wrong.rule, &wrong.sentence, &wrong.result] {
            string(out, text);
            out.push(',');
        }
        strings(out, &wrong.system);
        out.push(',');
        change(out, &wrong.change, header);
        out.push(']');
    }
    out.push(']');
}

/// Writes the starts that go and the pieces that come.
fn change(out: &mut String, change: &Change, header: u64) {
    list(out, &change.gone, |out, Place { region, offset }| {
        _ = match region {
            0 => write!(out, "{offset}"),
            region => write!(out, "\"{region}:{offset}\""),
        };
    });
    out.push(',');
    list(out, &change.come, |out, piece| self::piece(out, piece, header));
}

/// Writes `[offset, size, kind, name, region, header]`; region and header where they are not as usual.
fn piece(out: &mut String, piece: &Piece, header: u64) {
    let kind = match piece.kind {
        Kind::Used => 0,
        Kind::Free => 1,
        Kind::Foreign => 2,
    };
    let Place { region, offset } = piece.start;
    _ = write!(out, "[{offset},{},{kind},{}", piece.size, piece.name.unwrap_or(0));
    if region != 0 || piece.header != header {
        _ = write!(out, ",{region},{}", piece.header);
    }
    out.push(']');
}

fn list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn strings(out: &mut String, texts: &[String]) {
    list(out, texts, |out, text| string(out, text));
}

/// Writes a text as JSON that ends no element of a page.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => _ = write!(out, "\\u{:04x}", u32::from(letter)),
            letter if letter.is_control() => _ = write!(out, "\\u{:04x}", u32::from(letter)),
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::fixture::piece;
    use crate::run::fixture::picture;

    #[test]
    fn the_page_is_whole_and_asks_nobody() {
        let page = page(&picture(), 3);
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
        assert!(!page.contains("{{") && page.contains("\"at\":3"), "a mark is left");
        // The name of SVG is no address that is asked.
        let asked = page.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !asked.contains("http:") && !asked.contains("https:") && !asked.contains("src="),
            "something is loaded"
        );
        assert!(page.contains("[4,\"b4 = os_malloc(8)\",\"HEAP+0x20\",4,131072,[],"), "{page}");
    }

    #[test]
    fn nothing_in_a_trace_ends_the_data() {
        let mut picture = picture();
        picture.title = "</script><b>{{data}}\\\"\u{1b}".to_owned();
        let page = page(&picture, 0);
        assert!(page.contains("\\u003c/script\\u003e\\u003cb\\u003e{{data}}\\\\\\\"\\u001b"), "{page}");
        assert_eq!(page.matches("</script>").count(), 2);
    }

    #[test]
    fn ten_thousand_calls_stay_below_three_megabytes() {
        let mut picture = picture();
        let before = picture.calls[0].clone();
        picture.calls.clear();
        for number in 1..=10_000 {
            let come = vec![piece(u64::from(number) * 4096, 1000, Some(number)), piece(1 << 40, 1 << 30, None)];
            let gone = vec![Place { region: 0, offset: u64::from(number) }];
            picture.calls.push(Call { number: number as usize, change: Change { gone, come }, ..before.clone() });
        }
        let length = page(&picture, 0).len();
        assert!(length < 3 << 20, "{length} bytes");
    }
}
