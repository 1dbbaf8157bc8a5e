//! Reading a text entry by entry, in bounded memory whatever it holds.

use std::io::{self, BufRead, Read};
use std::str::FromStr;

use thiserror::Error;

use super::read::{Line, read_line};
use crate::model::{End, Entry, Trace};

/// A text that is no trace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct TextError {
    /// Counted from 1, comments included.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

/// Why a text could not be read to its end.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is no trace.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Its source failed.
    #[error("line {line} cannot be read: {source}")]
    Io {
        /// The line that was to come, counted from 1.
        line: usize,
        /// Why.
        source: io::Error,
    },
}

/// A piece of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A call with all its events, or a move of the break by the program.
    Entry(Entry),
    /// The end line; nothing follows it.
    End(End),
}

/// Reads a text as an iterator of items, each with the line of the text that it begins on (from 1, comments included).
///
/// A text that is a trace gives its entries and then its end, which comes only once it is known that nothing follows. Any
/// other text gives an error at some point, and nothing after that. Lines and calls have limits that no allocator comes near,
/// so that no text fills our memory.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    /// The line read last.
    line: usize,
    /// The entry read last: its events may follow.
    open: Option<Open>,
    /// The end line, until it is known that nothing follows.
    end: Option<(usize, End)>,
    over: bool,
}

#[derive(Debug)]
struct Open {
    line: usize,
    entry: Entry,
    /// Of its events' text.
    bytes: usize,
}

impl Reader<()> {
    /// Bytes of a line, without its line break.
    pub const LONGEST_LINE: usize = 64 << 10;
    /// Events of a call.
    pub const MOST_EVENTS: usize = 100_000;
    /// Bytes of all events of a call: as many events of that length would be too much together.
    pub const LONGEST_CALL: usize = 64 << 20;
}

impl<R: BufRead> Reader<R> {
    /// Reads nothing yet.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, open: None, end: None, over: false }
    }

    /// The next line that is no comment, without its line break; `None` at the end of the text.
    fn line(&mut self) -> Result<Option<String>, ReadError> {
        loop {
            self.line += 1;
            let mut bytes = Vec::new();
            // One more than may be, and the line break.
            let most = Reader::LONGEST_LINE as u64 + 1;
            let read = self.input.by_ref().take(most).read_until(b'\n', &mut bytes);
            if read.map_err(|source| ReadError::Io { line: self.line, source })? == 0 {
                return Ok(None);
            }
            if bytes.ends_with(b"\n") {
                bytes.pop();
            } else if bytes.len() > Reader::LONGEST_LINE {
                return Err(self.wrong(format!("the line is longer than {} bytes", Reader::LONGEST_LINE)));
            }
            let text = String::from_utf8(bytes).map_err(|_| self.wrong("the text is not UTF-8".into()))?;
            if text.ends_with('\r') {
                return Err(self.wrong("the line ends in CR LF: save the file with plain line breaks (LF)".into()));
            }
            if !text.starts_with('#') {
                return Ok(Some(text));
            }
        }
    }

    fn read(&mut self) -> Result<Option<(usize, Item)>, ReadError> {
        while let Some(text) = self.line()? {
            if self.end.is_some() {
                return Err(self.wrong("nothing may follow the end line (`exit N` or `killed by SIGNAME`)".into()));
            }
            let line =
                read_line(&text).ok_or_else(|| self.wrong(format!("`{}` is no line of a trace", quote(&text))))?;
            // One spelling only: HEAP+0x20, not HEAP+32 or HEAP+0x020.
            let written = line.to_string();
            if written != text {
                return Err(self.wrong(format!("`{}` must be written `{}`", quote(&text), quote(&written))));
            }
            let done = match line {
                Line::Entry(entry) => self.open.replace(Open { line: self.line, entry, bytes: 0 }),
                Line::End(end) => {
                    self.end = Some((self.line, end));
                    self.open.take()
                }
                Line::Event(event) => {
                    let Some(Open { entry: Entry::Call(call), bytes, .. }) = &mut self.open else {
                        return Err(self.wrong("an indented line must stand below a call".into()));
                    };
                    call.events.push(event);
                    *bytes += text.len();
                    if call.events.len() > Reader::MOST_EVENTS {
                        return Err(self.wrong(format!("the call has more than {} events", Reader::MOST_EVENTS)));
                    }
                    if *bytes > Reader::LONGEST_CALL {
                        return Err(
                            self.wrong(format!("the call's events are longer than {} bytes", Reader::LONGEST_CALL))
                        );
                    }
                    None
                }
            };
            if let Some(Open { line, entry, .. }) = done {
                return Ok(Some((line, Item::Entry(entry))));
            }
        }
        let (line, end) = self.end.take().ok_or_else(|| self.without_end())?;
        self.over = true;
        Ok(Some((line, Item::End(end))))
    }

    fn wrong(&self, problem: String) -> ReadError {
        TextError { line: self.line, problem }.into()
    }

    fn without_end(&self) -> ReadError {
        self.wrong("the text stops without an end line (`exit N` or `killed by SIGNAME`)".into())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<(usize, Item), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let item = self.read();
        self.over |= item.is_err();
        item.transpose()
    }
}

impl FromStr for Trace {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut reader = Reader::new(text.as_bytes());
        let mut entries = Vec::new();
        for item in &mut reader {
            match item? {
                (_, Item::Entry(entry)) => entries.push(entry),
                (_, Item::End(end)) => return Ok(Self { entries, end }),
            }
        }
        Err(reader.without_end().into())
    }
}

impl From<ReadError> for TextError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Text(error) => error,
            ReadError::Io { line, source } => Self { line, problem: source.to_string() },
        }
    }
}

/// A line for a message: not too long, and without anything that a terminal would obey.
fn quote(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut quoted = String::new();
    for letter in text.chars().take(LONGEST) {
        if letter.is_control() { quoted.extend(letter.escape_default()) } else { quoted.push(letter) }
    }
    if text.chars().nth(LONGEST).is_some() {
        quoted.push('…');
    }
    quoted
}
