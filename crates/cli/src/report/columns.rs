//! Two texts side by side in a given width.

use crate::record::Row;

/// Between the two columns.
const GUTTER: &str = " │ ";
/// Before the left column: the mark and its spaces.
const MARGIN: usize = 4;

/// One row laid out: both texts cut to the width of their column, the left one padded.
pub struct Cells {
    /// What was expected, padded.
    pub expected: String,
    /// What was seen.
    pub actual: String,
}

/// The widths of the two columns for these rows in a line of `width`: no wider than their texts, both cut alike where they do not fit.
pub fn widths(rows: &[Row], width: usize) -> (usize, usize) {
    let longest = |side: fn(&Row) -> Option<&String>| {
        rows.iter().filter_map(side).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let (left, right) = (
        longest(|row| row.expected.as_ref()).max("expected".len()),
        longest(|row| row.actual.as_ref()).max("actual".len()),
    );
    let room = width.saturating_sub(MARGIN + GUTTER.chars().count()).max(40);
    if left + right <= room {
        return (left, right);
    }
    let half = room / 2;
    if left <= half {
        (left, room - left)
    } else if right <= half {
        (room - right, right)
    } else {
        (half, half)
    }
}

/// Lays out one row.
pub fn cells(row: &Row, (left, right): (usize, usize)) -> Cells {
    let (expected, actual) = (row.expected.as_deref().unwrap_or(""), row.actual.as_deref().unwrap_or(""));
    let focus = match (&row.expected, &row.actual) {
        (Some(expected), Some(actual)) if expected != actual => {
            expected.chars().zip(actual.chars()).take_while(|(one, other)| one == other).count()
        }
        _ => 0,
    };
    Cells { expected: format!("{:left$}{GUTTER}", fit(expected, left, focus)), actual: fit(actual, right, focus) }
}

/// Cuts `text` to `width` characters: out of its middle, so that the call's name and its result stay, but never the place `focus`.
fn fit(text: &str, width: usize, focus: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let room = width - 1;
    let tail = room / 3;
    let head = room - tail;
    let part = |from: usize, count: usize| text.chars().skip(from).take(count).collect::<String>();
    if focus < head || focus + tail >= length {
        format!("{}…{}", part(0, head), part(length - tail, tail))
    } else {
        let lead = head / 2;
        let from = (focus - head / 4).min(length - (room - lead));
        format!("{}…{}", part(0, lead), part(from, room - lead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(expected: &str, actual: &str) -> Row {
        Row { mark: '~', expected: Some(expected.to_owned()), actual: Some(actual.to_owned()) }
    }

    #[test]
    fn short_texts_are_left_alone_and_aligned() {
        let rows = [row("os_malloc(8) = HEAP+0x20", "os_malloc(8) = NULL"), row("exit 0", "exit 0")];
        let widths = widths(&rows, 100);
        assert_eq!(widths, (24, 19));
        let cells: Vec<_> = rows.iter().map(|row| cells(row, widths)).collect();
        assert_eq!(cells[0].expected, "os_malloc(8) = HEAP+0x20 │ ");
        assert_eq!(cells[1].expected, "exit 0                   │ ");
        assert_eq!(cells[1].actual, "exit 0");
    }

    #[test]
    fn long_texts_lose_their_middle_but_never_the_difference() {
        let text = |size: &str, place: &str| {
            format!("  mmap(NULL, {size}, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {place}")
        };
        for width in [50, 72, 80, 100, 120] {
            for (one, other, seen) in [("131072", "135168", "MAP1"), ("131072", "131072", "MAP2")] {
                let row = row(&text(one, "MAP1"), &text(other, seen));
                let widths = widths(std::slice::from_ref(&row), width);
                let cells = cells(&row, widths);
                assert!(
                    cells.expected.chars().count() + cells.actual.chars().count() + MARGIN <= width.max(47),
                    "{width}"
                );
                assert_ne!(cells.expected.trim_end_matches(GUTTER).trim_end(), cells.actual, "{width}");
                assert!(cells.actual.starts_with("  mmap("), "{}", cells.actual);
            }
        }
        let (one, other) =
            (format!("{}1{}", "a".repeat(60), "b".repeat(60)), format!("{}2{}", "a".repeat(60), "b".repeat(60)));
        let row = row(&one, &other);
        assert!(cells(&row, (40, 40)).expected.contains('1'));
        assert!(cells(&row, (40, 40)).actual.contains('2'));
    }
}
