//! The text of a trace, read entry by entry.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic here is the report")]

mod values;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::Path;

use osmem_trace::Trace;
use osmem_trace::text::{Item, ReadError, Reader, TextError};
use proptest::prelude::*;

/// The trace and the lines of its entries and its end.
fn read(input: impl Read) -> Result<(Trace, Vec<usize>), ReadError> {
    let (mut entries, mut lines, mut end) = (Vec::new(), Vec::new(), None);
    for item in Reader::new(BufReader::new(input)) {
        let (line, item) = item?;
        lines.push(line);
        match item {
            Item::Entry(entry) => entries.push(entry),
            Item::End(found) => assert!(end.replace(found).is_none()),
        }
    }
    Ok((Trace { entries, end: end.expect("a text without an error has an end") }, lines))
}

fn wrong(input: impl Read) -> TextError {
    match read(input).expect_err("an error") {
        ReadError::Text(error) => error,
        error @ ReadError::Io { .. } => panic!("{error}"),
    }
}

fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/traces");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "trace"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    assert!(texts.len() > 50);
    texts
}

#[test]
fn every_fixture_is_read_as_from_a_string() {
    for text in fixtures() {
        let (trace, lines) = read(text.as_bytes()).unwrap();
        assert_eq!(trace, text.parse().unwrap());
        let starts = text.lines().enumerate().filter(|(_, line)| !line.starts_with([' ', '#']));
        assert_eq!(lines, starts.map(|(at, _)| at + 1).collect::<Vec<_>>());
    }
}

#[test]
fn a_fixture_cut_after_any_line_has_no_end() {
    /// Of the longest fixtures, the beginning will do.
    const MOST: usize = 150;
    for text in fixtures() {
        for (count, (at, _)) in text.match_indices('\n').enumerate().take((text.lines().count() - 1).min(MOST)) {
            let cut = &text[..=at];
            let error = wrong(cut.as_bytes());
            assert_eq!(error.line, count + 2, "{cut}");
            assert!(error.problem.contains("stops without an end line"), "{error}");
            assert_eq!(cut.parse::<Trace>().unwrap_err(), error);
        }
    }
}

#[test]
fn items_come_before_what_is_wrong_below_them_and_nothing_after_it() {
    let text = "# a comment\nos_malloc(1) = NULL\n  brk(HEAP) = HEAP\nos_malloc(2) = NULL\nhello\nexit 0\n";
    let mut reader = Reader::new(text.as_bytes());
    assert!(matches!(reader.next(), Some(Ok((2, Item::Entry(_))))));
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "line 5: `hello` is no line of a trace");
    assert!(reader.next().is_none());

    // The end is told only when nothing follows it.
    let mut reader = Reader::new("os_malloc(1) = NULL\nexit 0\n# more\n\n".as_bytes());
    assert!(matches!(reader.next(), Some(Ok((1, Item::Entry(_))))));
    assert!(matches!(reader.next(), Some(Err(ReadError::Text(TextError { line: 4, .. })))));
    assert!(reader.next().is_none());
}

#[test]
fn windows_line_breaks_and_foreign_bytes_are_told() {
    for (text, line) in [("# one\r\nexit 0\r\n", 1), ("# one\nexit 0\r\n", 2), ("os_free(NULL)\nexit 0\r", 2)] {
        let error = wrong(text.as_bytes());
        assert_eq!(error.line, line);
        assert!(error.problem.contains("CR LF"), "{error}");
    }
    let error = wrong(&b"os_free(NULL)\n# caf\xe9\nexit 0\n"[..]);
    assert_eq!(error.to_string(), "line 2: the text is not UTF-8");
    // A message is fit for a terminal.
    let error = wrong(format!("\x1b[2J{}\n", "é".repeat(1000)).as_bytes());
    assert!(error.problem.len() < 400 && !error.problem.contains('\x1b'), "{error}");
}

#[test]
fn long_lines_and_calls_have_a_limit() {
    let comment = "#".repeat(Reader::LONGEST_LINE);
    read(format!("{comment}\nexit 0\n{comment}").as_bytes()).unwrap();
    for text in [format!("exit 0\n{comment}#"), format!("exit 0\n{comment}#\n")] {
        let error = wrong(text.as_bytes());
        assert_eq!((error.line, error.problem.as_str()), (2, "the line is longer than 65536 bytes"));
    }

    let event = "  brk(HEAP) = HEAP\n";
    let call = format!("os_malloc(1) = NULL\n{}", event.repeat(Reader::MOST_EVENTS));
    read(format!("{call}{call}exit 0\n").as_bytes()).unwrap();
    let error = wrong(format!("{call}{event}exit 0\n").as_bytes());
    assert_eq!(error.line, Reader::MOST_EVENTS + 2);
    assert!(error.problem.contains("more than 100000 events"), "{error}");

    let event = format!("  write({}) = 0\n", "x".repeat(60_000));
    let mut call = Endless { piece: event.into(), given: 0, most: u64::MAX };
    let error = wrong(b"os_malloc(1) = NULL\n".chain(&mut call));
    assert!(error.problem.contains("longer than 67108864 bytes"), "{error}");
    assert!(call.given < 70_000_000);
}

/// Gives `piece` over and over, up to `most` bytes.
struct Endless {
    piece: Vec<u8>,
    given: u64,
    most: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.given % self.piece.len() as u64).unwrap();
        let left = usize::try_from(self.most - self.given).unwrap_or(usize::MAX);
        let length = (&self.piece[at..]).read(buffer)?.min(left);
        self.given += length as u64;
        Ok(length)
    }
}

#[test]
fn a_line_of_100_megabytes_is_not_read_to_its_end() {
    let mut input = Endless { piece: vec![b'x'; 1 << 12], given: 0, most: 100 << 20 };
    let error = wrong(&mut input);
    assert_eq!(error.line, 1);
    assert!(input.given < 1 << 20, "{} bytes", input.given);
}

#[test]
fn a_source_that_fails_is_told_with_the_line() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let error = read(b"os_free(NULL)\n".chain(Broken)).unwrap_err();
    assert!(matches!(error, ReadError::Io { line: 2, .. }));
    assert_eq!(error.to_string(), "line 2 cannot be read: the cable is out");
}

proptest! {
    #[test]
    fn any_trace_comes_back_however_it_arrives(trace in values::trace(), pieces in 1..9_usize) {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = buffer.len().min(self.1);
                self.0.read(&mut buffer[..length])
            }
        }
        let mut text = String::new();
        write!(text, "{trace}").unwrap();
        prop_assert_eq!(read(Pieces(text.as_bytes(), pieces)).unwrap().0, trace);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = Reader::new(&bytes[..]).count();
    }

    /// Both ways of reading say the same of a damaged text.
    #[test]
    fn both_ways_agree(trace in values::trace(), at in any::<prop::sample::Index>(), with in "[ -~\n\r]{0,3}") {
        let mut text = trace.to_string();
        let at = at.index(text.len());
        text.replace_range(at..=at, &with);
        let streamed = read(text.as_bytes()).map(|(trace, _)| trace).map_err(|error| error.to_string());
        prop_assert_eq!(streamed, text.parse::<Trace>().map_err(|error| error.to_string()));
    }
}
