//! The lines of a script, one at a time, each bounded before it is read.

use std::io::{BufRead, Read as _};

use super::ScriptError;

/// A line has at most so many bytes, its end not counted.
const LONGEST: usize = 4096;

/// What no line of a script may be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("the line is longer than {LONGEST} bytes; a script has one short step in each line")]
    TooLong,
    #[error("the line is not UTF-8 text; a script is a text file, not a program or a library")]
    NotText,
}

/// Reads line by line; LF and CRLF both end one.
pub struct Lines<'f, R> {
    file: &'f str,
    input: R,
    line: Vec<u8>,
    number: usize,
}

impl<'f, R: BufRead> Lines<'f, R> {
    /// The lines of `input`, which messages call `file`.
    pub fn new(file: &'f str, input: R) -> Self {
        Self { file, input, line: Vec::new(), number: 0 }
    }

    /// The next line with its number, counted from 1.
    pub fn next(&mut self) -> Result<Option<(usize, &str)>, ScriptError> {
        self.line.clear();
        self.number += 1;
        let most = LONGEST as u64 + 2; // with CR and LF
        if let Err(source) = self.input.by_ref().take(most).read_until(b'\n', &mut self.line) {
            return Err(ScriptError::Read { file: self.file.to_owned(), source });
        }
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let wrong = |wrong| ScriptError::Line { file: self.file.to_owned(), line: self.number, wrong };
        if line.len() > LONGEST {
            return Err(wrong(LineError::TooLong));
        }
        let text = str::from_utf8(line).map_err(|_| wrong(LineError::NotText))?;
        if text.contains('\0') {
            return Err(wrong(LineError::NotText));
        }
        // Some editors begin a file with a mark that is no part of its text.
        Ok(Some((self.number, if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text })))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Read};

    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<(usize, String)>, String> {
        let mut lines = Lines::new("here", bytes);
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().map_err(|error| error.to_string())? {
            all.push((number, line.to_owned()));
        }
        Ok(all)
    }

    #[test]
    fn lines_end_in_lf_or_crlf() {
        let expected = [(1, "a"), (2, ""), (3, "b")].map(|(number, line)| (number, line.to_owned()));
        for bytes in ["a\n\nb", "a\r\n\r\nb\r\n", "\u{feff}a\n\nb\n", "a\n\r\nb\r"] {
            assert_eq!(lines(bytes.as_bytes()).unwrap(), expected, "{bytes:?}");
        }
        assert_eq!(lines(b"").unwrap(), []);
    }

    #[test]
    fn the_longest_line_is_read_and_no_longer_one() {
        for end in ["", "\n", "\r\n"] {
            let line = "x".repeat(LONGEST);
            assert_eq!(lines(format!("{line}{end}").as_bytes()).unwrap(), [(1, line.clone())]);
            let message = lines(format!("a\n{line}x{end}").as_bytes()).unwrap_err();
            assert_eq!(message, "here:2: the line is longer than 4096 bytes; a script has one short step in each line");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        for bytes in [&b"a\n\xff\n"[..], b"a\nb\0\n"] {
            let expected = "here:2: the line is not UTF-8 text; a script is a text file, not a program or a library";
            assert_eq!(lines(bytes).unwrap_err(), expected);
        }
    }

    /// An endless line that counts what is read of it, and fails at the end.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 > 50 << 20 {
                return Err(io::Error::other("read to its end"));
            }
            self.0 += buffer.len() as u64;
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_huge_line_is_refused_early_and_a_read_error_is_told() {
        let mut lines = Lines::new("here", BufReader::new(Endless(0)));
        assert!(matches!(lines.next(), Err(ScriptError::Line { line: 1, wrong: LineError::TooLong, .. })));
        assert!(lines.input.get_ref().0 < 100_000, "{}", lines.input.get_ref().0);
        let mut lines = Lines::new("here", BufReader::new(Endless(51 << 20)));
        let message = lines.next().unwrap_err().to_string();
        assert!(message.starts_with("cannot read the script here: read to its end; "), "{message}");
    }
}
