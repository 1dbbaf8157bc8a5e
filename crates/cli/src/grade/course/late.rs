//! The list of who was late, and by how many days.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::CourseError;

/// The most days that anyone can be late; more is a mistake in the list.
const MOST_DAYS: f64 = 3650.0;
/// The most bytes of the list.
const LONGEST: u64 = 16 << 20;

/// Reads a CSV file of names and days; a first line `name,days` is a heading.
pub fn read_late(path: &Path) -> Result<BTreeMap<String, f64>, CourseError> {
    let read = |source: io::Error| CourseError::Read { path: path.to_owned(), source };
    let meta = fs::metadata(path).map_err(read)?;
    if !meta.is_file() || meta.len() > LONGEST {
        let message = "is not a file of at most 16 MiB; give a CSV file of names and days".to_owned();
        return Err(CourseError::Whole { path: path.to_owned(), message });
    }
    parse(path, &fs::read(path).map_err(read)?)
}

/// Reads `bytes`, which stand in `path`.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, f64>, CourseError> {
    // What spreadsheets put before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let wrong = |line: u64, message: String| CourseError::Content {
        path: path.to_owned(),
        line: usize::try_from(line).unwrap_or(usize::MAX),
        message,
    };
    let mut days = BTreeMap::new();
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| {
            let line = line_of(bytes, error.position());
            wrong(line, "is not UTF-8 text; save the list as UTF-8".to_owned())
        })?;
        let line = line_of(bytes, record.position());
        let (Some(name), Some(text), 2) = (record.get(0), record.get(1), record.len()) else {
            return Err(wrong(
                line,
                format!("must be a name and the days, such as alice,1; has {} columns", record.len()),
            ));
        };
        if number == 0 && name.eq_ignore_ascii_case("name") && text.eq_ignore_ascii_case("days") {
            continue;
        }
        if name.is_empty() {
            return Err(wrong(line, "name: must not be empty".to_owned()));
        }
        let late = text.parse::<f64>().ok().filter(|late| (0.0..=MOST_DAYS).contains(late)).ok_or_else(|| {
            let text = text.escape_debug();
            wrong(line, format!("days: must be a number from 0 to {MOST_DAYS}, such as 1.5, is \"{text}\""))
        })?;
        if let Some(first) = lines.insert(name.to_owned(), line) {
            return Err(wrong(line, format!("name: \"{}\" stands in line {first} already", name.escape_debug())));
        }
        days.insert(name.to_owned(), late);
    }
    Ok(days)
}

/// The line of a record; where the reader counts from there may be empty lines before it.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    let (before, after) = bytes.split_at(start.min(bytes.len()));
    let empty = after.iter().take_while(|byte| b"\r\n".contains(byte));
    before.iter().chain(empty).filter(|byte| **byte == b'\n').count() as u64 + 1
}
