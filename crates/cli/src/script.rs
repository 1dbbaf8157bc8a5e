//! Programs of calls that people write down, and source code that makes the same calls.
//!
//! A script is a list of [`Op`]s. `text` reads and writes the readable form, `rep` reads the traces of the malloc lab, `c` and
//! `rust` write programs. Whatever is read is bounded here: nobody's file makes this command run out of memory, and everything
//! that is wrong with one is said with its line.

pub mod c;
mod lines;
pub mod rep;
pub mod rust;
pub mod text;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use osmem_oracle::program::{Op, Slot};

pub use lines::LineError;
pub use rep::RepError;
pub use text::TextError;

/// A script has at most so many steps.
pub const MOST_STEPS: usize = 1_000_000;

/// Slots have numbers below this.
pub const SLOTS: Slot = 1 << 16;

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be opened or read.
    #[error("cannot read the script {file}: {source}; name a file you may read, or - for standard input")]
    Read { file: String, source: io::Error },
    /// Nothing to do.
    #[error("the script {file} has no steps; docs/scripts.md shows some")]
    Empty { file: String },
    /// No line of text that a script could have.
    #[error("{file}:{line}: {wrong}")]
    Line { file: String, line: usize, wrong: LineError },
    /// No step of a readable script.
    #[error("{file}:{line}: {wrong}")]
    Text { file: String, line: usize, wrong: TextError },
    /// No line of a trace.
    #[error("{file}:{line}: {wrong}")]
    Rep { file: String, line: usize, wrong: RepError },
}

/// The script in a file: a trace of the malloc lab if its name ends in `.rep`, else a readable script; `-` is standard input, with
/// a readable script.
pub fn read(path: &Path) -> Result<Vec<Op>, ScriptError> {
    let file = name(path);
    let ops = parse(path, &file)?;
    if ops.is_empty() { Err(ScriptError::Empty { file }) } else { Ok(ops) }
}

fn parse(path: &Path, file: &str) -> Result<Vec<Op>, ScriptError> {
    if is_standard_input(path) {
        return text::parse(file, io::stdin().lock());
    }
    let input = match File::open(path) {
        Ok(input) => BufReader::new(input),
        Err(source) => return Err(ScriptError::Read { file: file.to_owned(), source }),
    };
    let is_rep = path.as_os_str().as_encoded_bytes().ends_with(b".rep");
    if is_rep { rep::parse(file, input) } else { text::parse(file, input) }
}

/// How messages call a script.
pub fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What a file holds, as a message may show it: short, and nothing in it that a terminal obeys.
fn excerpt(text: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = text.chars().take(MOST).collect::<String>().escape_debug().to_string();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// Text that may stand in a comment of a program: one line, and no characters that make it look like something else.
fn harmless(text: &str) -> String {
    let hidden =
        |c: char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || hidden(c) { ' ' } else { c }).collect()
}

/// A number of decimal digits and nothing else. `None` too if it needs more than 64 bits.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use osmem_oracle::program::Pointer;

    use super::*;

    #[test]
    fn the_name_decides_what_a_file_is() {
        let dir = tempfile::tempdir().unwrap();
        let trace = dir.path().join("short.rep");
        fs::write(&trace, "0\n1\n2\n1\na 0 16\nf 0\n").unwrap();
        let ops = vec![Op::Malloc { slot: 0, size: 16 }, Op::Free { pointer: Pointer::block(0) }];
        assert_eq!(read(&trace).unwrap(), ops);
        let script = dir.path().join("script");
        fs::write(&script, text::print(&ops)).unwrap();
        assert_eq!(read(&script).unwrap(), ops);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        let message = read(&missing).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("cannot read the script {}: No such file", missing.display())),
            "{message}"
        );
        let message = read(dir.path()).unwrap_err().to_string();
        assert!(message.contains("Is a directory"), "{message}");
        let binary = dir.path().join("libosmem.so");
        fs::write(&binary, b"\x7fELF\x02\x01\x01\x00\xff").unwrap();
        let message = read(&binary).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}:1: the line is not UTF-8 text", binary.display())), "{message}");
    }

    #[test]
    fn excerpts_are_short_and_harmless() {
        assert_eq!(excerpt("malloc"), "malloc");
        assert_eq!(excerpt("\u{1b}[31m\u{202e}"), "\\u{1b}[31m\\u{202e}");
        assert_eq!(excerpt(&"x".repeat(1000)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for text in ["", "+1", "-1", "1_000", "0x10", "18446744073709551616", "1.0", "٣"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
