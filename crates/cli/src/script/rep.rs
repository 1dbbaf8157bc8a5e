//! Traces of the malloc lab (CS:APP), `.rep`: four numbers, then one operation a line: `a ID SIZE`, `r ID SIZE`, `f ID`.
//!
//! An id becomes the slot of that number. `os_malloc(0)` gives NULL, so `a ID 0` leaves its id without a block: `f ID` is then a
//! free of NULL, and `r ID SIZE` a realloc of NULL. `r ID 0` frees, as `f ID` does. `f -1` is a free of NULL.

use std::io::BufRead;

use osmem_oracle::program::{Op, Pointer, Slot};

use super::lines::Lines;
use super::{MOST_STEPS, SLOTS, ScriptError, excerpt, number};

/// Larger sizes are taken for numbers that overflowed when the trace was made.
const LARGEST: u64 = 1 << 62;

/// The numbers at the top.
const HEADER: [&str; 4] = ["suggested heap size", "number of ids", "number of operations", "weight"];

/// What is wrong with a trace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepError {
    #[error(
        "\"{line}\" is no {what}; a trace begins with four lines of one number each: heap size, ids, operations, weight"
    )]
    Header { what: &'static str, line: String },
    #[error(
        "the trace ends before its {what}; it begins with four lines of one number each: heap size, ids, operations, weight"
    )]
    NoHeader { what: &'static str },
    #[error("{ids} ids are too many; the most is {SLOTS}")]
    TooManyIds { ids: u64 },
    #[error("{operations} operations are too many; the most is {MOST_STEPS}")]
    TooManyOperations { operations: u64 },
    #[error("unknown operation \"{line}\"; an operation is `a ID SIZE`, `r ID SIZE` or `f ID`")]
    Unknown { line: String },
    #[error("\"{id}\" is no id; the second number announces {ids} ids, which begin at 0")]
    Id { id: String, ids: u64 },
    #[error("\"{size}\" is no size; a size is a whole number from 0 to {LARGEST}")]
    Size { size: String },
    #[error("id {id} is allocated already, in line {line}; free it first, or use another id")]
    Allocated { id: u64, line: usize },
    #[error("id {id} was never allocated; write `a {id} SIZE` before it")]
    NeverAllocated { id: u64 },
    #[error("id {id} is freed already, in line {line}; a trace frees no block twice and resizes no freed one")]
    Freed { id: u64, line: usize },
    #[error(
        "the trace ends after {found} operations, {announced} are announced; correct the third number, or add the rest"
    )]
    Fewer { found: u64, announced: u64 },
    #[error("one operation more than the {announced} that are announced; correct the third number")]
    More { announced: u64 },
}

/// What an id has.
#[derive(Clone, Copy)]
enum Id {
    Never,
    /// NULL, since this line.
    Null(usize),
    /// A block, since this line.
    Block(usize),
    /// None any more, since this line.
    Freed(usize),
}

/// The steps of the trace that `input` holds, which messages call `file`.
pub fn parse(file: &str, input: impl BufRead) -> Result<Vec<Op>, ScriptError> {
    let mut lines = Lines::new(file, input);
    let mut reader = Reader::default();
    let mut end = 1;
    while let Some((line, text)) = lines.next()? {
        reader.line(line, text.trim()).map_err(|wrong| ScriptError::Rep { file: file.to_owned(), line, wrong })?;
        end = line;
    }
    reader.finish().map_err(|wrong| ScriptError::Rep { file: file.to_owned(), line: end, wrong })
}

#[derive(Default)]
struct Reader {
    header: Vec<u64>,
    ids: Vec<Id>,
    ops: Vec<Op>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), RepError> {
        if text.is_empty() {
            return Ok(());
        }
        if self.header.len() < HEADER.len() {
            return self.header_line(text);
        }
        if self.ops.len() as u64 == self.announced() {
            return Err(RepError::More { announced: self.announced() });
        }
        let op = self.operation(line, text)?;
        self.ops.push(op);
        Ok(())
    }

    fn announced(&self) -> u64 {
        self.header.get(2).copied().unwrap_or(0)
    }

    fn header_line(&mut self, text: &str) -> Result<(), RepError> {
        let at = self.header.len();
        let found = number(text).ok_or_else(|| RepError::Header { what: HEADER[at], line: excerpt(text) })?;
        match at {
            1 if found > u64::from(SLOTS) => return Err(RepError::TooManyIds { ids: found }),
            1 => self.ids = (0..found).map(|_| Id::Never).collect(),
            2 if found > MOST_STEPS as u64 => return Err(RepError::TooManyOperations { operations: found }),
            _ => {}
        }
        self.header.push(found);
        Ok(())
    }

    fn operation(&mut self, line: usize, text: &str) -> Result<Op, RepError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match *words.as_slice() {
            ["a", id, bytes] => {
                let (slot, size) = (self.slot(id)?, size(bytes)?);
                let state = &mut self.ids[slot as usize];
                if let Id::Null(since) | Id::Block(since) = *state {
                    return Err(RepError::Allocated { id: slot.into(), line: since });
                }
                *state = if size == 0 { Id::Null(line) } else { Id::Block(line) };
                Ok(Op::Malloc { slot, size })
            }
            ["r", id, bytes] => {
                let (slot, size) = (self.slot(id)?, size(bytes)?);
                let pointer = self.pointer(slot)?;
                self.ids[slot as usize] = if size == 0 { Id::Freed(line) } else { Id::Block(line) };
                Ok(Op::Realloc { slot, pointer, size })
            }
            ["f", "-1"] => Ok(Op::Free { pointer: Pointer::Null }),
            ["f", id] => {
                let slot = self.slot(id)?;
                let pointer = self.pointer(slot)?;
                self.ids[slot as usize] = Id::Freed(line);
                Ok(Op::Free { pointer })
            }
            _ => Err(RepError::Unknown { line: excerpt(text) }),
        }
    }

    fn slot(&self, word: &str) -> Result<Slot, RepError> {
        let slot = number(word).and_then(|id| Slot::try_from(id).ok()).filter(|id| (*id as usize) < self.ids.len());
        slot.ok_or_else(|| RepError::Id { id: excerpt(word), ids: self.ids.len() as u64 })
    }

    /// What an id passes to a function.
    fn pointer(&self, slot: Slot) -> Result<Pointer, RepError> {
        match self.ids[slot as usize] {
            Id::Null(_) => Ok(Pointer::Null),
            Id::Block(_) => Ok(Pointer::block(slot)),
            Id::Never => Err(RepError::NeverAllocated { id: slot.into() }),
            Id::Freed(line) => Err(RepError::Freed { id: slot.into(), line }),
        }
    }

    fn finish(self) -> Result<Vec<Op>, RepError> {
        if let Some(what) = HEADER.get(self.header.len()) {
            return Err(RepError::NoHeader { what });
        }
        let (found, announced) = (self.ops.len() as u64, self.announced());
        if found < announced {
            return Err(RepError::Fewer { found, announced });
        }
        Ok(self.ops)
    }
}

fn size(word: &str) -> Result<u64, RepError> {
    number(word).filter(|size| *size <= LARGEST).ok_or_else(|| RepError::Size { size: excerpt(word) })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::text;
    use super::*;

    fn error(text: &str) -> String {
        parse("t.rep", text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_trace_becomes_a_script() {
        let trace = "20000\r\n3\n\n10\n1\na 0 512\na 1 0\nr 0 640\n\nr 1 100\nf 0\na 0 0\nf 0\nf -1\nr 1 0\na 1 8\n";
        let script = "\
b0 = malloc 512
b1 = malloc 0
b0 = realloc b0 640
b1 = realloc NULL 100
free b0
b0 = malloc 0
free NULL
free NULL
realloc b1 0
b1 = malloc 8
";
        let ops = parse("t.rep", trace.as_bytes()).unwrap();
        assert_eq!(text::print(&ops), script);
        assert_eq!(text::parse("s", script.as_bytes()).unwrap(), ops);
        assert_eq!(parse("t.rep", &b"0\n0\n0\n0"[..]).unwrap(), []);
    }

    #[test]
    fn every_mistake_is_said_with_its_line() {
        let begins = "begins with four lines of one number each: heap size, ids, operations, weight";
        let cases = [
            ("", format!("1: the trace ends before its suggested heap size; it {begins}")),
            ("1\n2\n3\n", format!("3: the trace ends before its weight; it {begins}")),
            ("1\nx 2\n", format!("2: \"x 2\" is no number of ids; a trace {begins}")),
            ("-1\n", format!("1: \"-1\" is no suggested heap size; a trace {begins}")),
            ("a 0 1\n", format!("1: \"a 0 1\" is no suggested heap size; a trace {begins}")),
            ("1\n65537\n", "2: 65537 ids are too many; the most is 65536".to_owned()),
            ("1\n1\n1000001\n", "3: 1000001 operations are too many; the most is 1000000".to_owned()),
        ];
        for (trace, expected) in cases {
            assert_eq!(error(trace), format!("t.rep:{expected}"), "{trace:?}");
        }
        let form = "an operation is `a ID SIZE`, `r ID SIZE` or `f ID`";
        let sizes = "a size is a whole number from 0 to 4611686018427387904";
        let ids = "the second number announces 2 ids, which begin at 0";
        let cases = [
            ("x 0 1", format!("6: unknown operation \"x 0 1\"; {form}")),
            ("a 1", format!("6: unknown operation \"a 1\"; {form}")),
            ("a 2 8", format!("6: \"2\" is no id; {ids}")),
            ("f -2", format!("6: \"-2\" is no id; {ids}")),
            ("r -1 8", format!("6: \"-1\" is no id; {ids}")),
            ("a 1 -8", format!("6: \"-8\" is no size; {sizes}")),
            ("a 1 4611686018427387905", format!("6: \"4611686018427387905\" is no size; {sizes}")),
            ("r 0 18446744073709551616", format!("6: \"18446744073709551616\" is no size; {sizes}")),
            ("a 0 8", "6: id 0 is allocated already, in line 5; free it first, or use another id".to_owned()),
            ("f 1", "6: id 1 was never allocated; write `a 1 SIZE` before it".to_owned()),
            ("r 1 8", "6: id 1 was never allocated; write `a 1 SIZE` before it".to_owned()),
            (
                "f 0\nf 0",
                "7: id 0 is freed already, in line 6; a trace frees no block twice and resizes no freed one".to_owned(),
            ),
            (
                "r 0 0\nr 0 8",
                "7: id 0 is freed already, in line 6; a trace frees no block twice and resizes no freed one".to_owned(),
            ),
            (
                "f 0",
                "6: the trace ends after 2 operations, 3 are announced; correct the third number, or add the rest"
                    .to_owned(),
            ),
            (
                "f 0\nf -1\nf -1",
                "8: one operation more than the 3 that are announced; correct the third number".to_owned(),
            ),
        ];
        for (rest, expected) in cases {
            assert_eq!(error(&format!("0\n2\n3\n1\na 0 16\n{rest}\n")), format!("t.rep:{expected}"), "{rest:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_like_chance_never_panic(bytes in vec(any::<u8>(), 0..300)) {
            let _ = parse("t.rep", bytes.as_slice());
        }

        #[test]
        fn whatever_a_trace_gives_is_a_readable_script(
            lines in vec(("[arf]", -1..4_i64, prop::option::of(0..3_u64)), 0..20),
        ) {
            let body: String = lines.iter().map(|(kind, id, size)| match size {
                Some(size) => format!("{kind} {id} {size}\n"),
                None => format!("{kind} {id}\n"),
            }).collect();
            let trace = format!("0\n4\n{}\n1\n{body}", lines.len());
            if let Ok(ops) = parse("t.rep", trace.as_bytes()) {
                prop_assert_eq!(text::parse("s", text::print(&ops).as_bytes()).unwrap(), ops);
            }
        }
    }
}
