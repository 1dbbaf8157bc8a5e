//! The readable script: one step a line.
//!
//! ```text
//! # b and a number name a slot; blank lines and comments are free
//! b1 = malloc 1000
//! b2 = calloc 10 20
//! b1 = realloc b1 2000
//! b3 = realloc NULL 100
//! realloc b1 0
//! free b1+16
//! free stack
//! move break 4096
//! refuse break
//! ```
//!
//! A realloc without a slot in front keeps its result in the slot that its pointer names, so one of NULL or of the stack must
//! name a slot. [`print`] leaves the slot out only where both hold: it is the pointer's own, and the size is 0. What is printed
//! reads back as the same steps.

use std::fmt::Write as _;
use std::io::BufRead;

use osmem_oracle::program::{Op, Pointer, Refused, Slot};

use super::lines::Lines;
use super::{MOST_STEPS, SLOTS, ScriptError, excerpt, number};

/// The program itself moves the break at most so far, in bytes.
const FARTHEST: i64 = 1 << 30;

/// What is wrong with a step.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("unknown step \"{word}\"; a step is malloc, calloc, realloc, free, move break or refuse")]
    Unknown { word: String },
    #[error("nothing is called; write a call behind the =, such as `b1 = malloc 1000`")]
    NoCall,
    #[error("{word} is not written so; write `{form}`")]
    Form { word: &'static str, form: &'static str },
    #[error("the result of realloc {pointer} needs a slot; write `b1 = realloc {pointer} SIZE`")]
    NoSlot { pointer: &'static str },
    #[error("\"{word}\" is no slot; slots are b0 to b{last}", last = SLOTS - 1)]
    Slot { word: String },
    #[error("\"{word}\" is no size; a size is a whole number from 0 to {}", u64::MAX)]
    Size { word: String },
    #[error("\"{word}\" is no pointer; a pointer is b1, b1+16, b1-16, NULL or stack")]
    Pointer { word: String },
    #[error("nothing was assigned to b{slot} before this line; begin with `b{slot} = malloc SIZE`")]
    Unassigned { slot: Slot },
    #[error("\"{word}\" is no move of the break; it is a whole number from -{FARTHEST} to {FARTHEST}")]
    Move { word: String },
    #[error("\"{word}\" cannot be refused; write `refuse break`, `refuse mappings` or `refuse nothing`")]
    Refuse { word: String },
    #[error("the script has more than {MOST_STEPS} steps; cut it into several")]
    TooManySteps,
}

/// Every first word with the whole form of its step.
const FORMS: [(&str, &str); 6] = [
    ("malloc", "b1 = malloc SIZE"),
    ("calloc", "b1 = calloc NMEMB SIZE"),
    ("realloc", "b1 = realloc POINTER SIZE"),
    ("free", "free POINTER"),
    ("move", "move break BYTES"),
    ("refuse", "refuse break|mappings|nothing"),
];

/// The steps that `input` holds, which messages call `file`.
pub fn parse(file: &str, input: impl BufRead) -> Result<Vec<Op>, ScriptError> {
    let mut lines = Lines::new(file, input);
    let mut reader = Reader::default();
    while let Some((line, text)) = lines.next()? {
        reader.line(text).map_err(|wrong| ScriptError::Text { file: file.to_owned(), line, wrong })?;
    }
    Ok(reader.ops)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    ops: Vec<Op>,
    /// By slot: a step before this one keeps its result there.
    assigned: Vec<bool>,
}

impl Reader {
    fn line(&mut self, text: &str) -> Result<(), TextError> {
        let text = text.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(());
        }
        let op = step(text)?;
        if self.ops.len() == MOST_STEPS {
            return Err(TextError::TooManySteps);
        }
        if let Some(Pointer::Slot { slot, .. }) = op.pointer()
            && !self.assigned.get(slot as usize).is_some_and(|assigned| *assigned)
        {
            return Err(TextError::Unassigned { slot });
        }
        if let Some(slot) = op.slot() {
            let place = slot as usize;
            if self.assigned.len() <= place {
                self.assigned.resize(place + 1, false);
            }
            self.assigned[place] = true;
        }
        self.ops.push(op);
        Ok(())
    }
}

fn step(text: &str) -> Result<Op, TextError> {
    let (target, call) = match text.split_once('=') {
        Some((target, call)) => (Some(slot(target.trim())?), call),
        None => (None, text),
    };
    let words: Vec<&str> = call.split_whitespace().collect();
    match (target, words.as_slice()) {
        (Some(slot), ["malloc", bytes]) => Ok(Op::Malloc { slot, size: size(bytes)? }),
        (Some(slot), ["calloc", count, bytes]) => Ok(Op::Calloc { slot, nmemb: size(count)?, size: size(bytes)? }),
        (_, ["realloc", word, bytes]) => {
            let pointer = pointer(word)?;
            let slot = match (target, pointer) {
                (Some(slot), _) | (None, Pointer::Slot { slot, .. }) => slot,
                (None, Pointer::Null) => return Err(TextError::NoSlot { pointer: "NULL" }),
                (None, Pointer::Stack) => return Err(TextError::NoSlot { pointer: "stack" }),
            };
            Ok(Op::Realloc { slot, pointer, size: size(bytes)? })
        }
        (None, ["free", word]) => Ok(Op::Free { pointer: pointer(word)? }),
        (None, ["move", "break", by]) => Ok(Op::MoveBreak { by: distance(by)? }),
        (None, ["refuse", what]) => Ok(Op::Refuse(refused(what)?)),
        (_, []) => Err(TextError::NoCall),
        (_, [first, ..]) => Err(match FORMS.iter().find(|(word, _)| word == first) {
            Some((word, form)) => TextError::Form { word, form },
            None => TextError::Unknown { word: excerpt(first) },
        }),
    }
}

fn size(word: &str) -> Result<u64, TextError> {
    number(word).ok_or_else(|| TextError::Size { word: excerpt(word) })
}

/// Every slot has one name: no zeros in front.
fn slot(word: &str) -> Result<Slot, TextError> {
    let digits = word.strip_prefix('b').filter(|digits| *digits == "0" || !digits.starts_with('0'));
    let slot = digits.and_then(number).and_then(|number| Slot::try_from(number).ok());
    slot.filter(|slot| *slot < SLOTS).ok_or_else(|| TextError::Slot { word: excerpt(word) })
}

fn pointer(word: &str) -> Result<Pointer, TextError> {
    match word {
        "NULL" => return Ok(Pointer::Null),
        "stack" => return Ok(Pointer::Stack),
        _ => {}
    }
    let wrong = || TextError::Pointer { word: excerpt(word) };
    let (name, offset) = word.split_at(word.find(['+', '-']).unwrap_or(word.len()));
    if !name.starts_with('b') {
        return Err(wrong());
    }
    let slot = slot(name)?;
    let offset = if offset.is_empty() { 0 } else { signed(offset).ok_or_else(wrong)? };
    Ok(Pointer::Slot { slot, offset })
}

fn distance(word: &str) -> Result<i64, TextError> {
    let by = signed(word).filter(|by| (-FARTHEST..=FARTHEST).contains(by));
    by.ok_or_else(|| TextError::Move { word: excerpt(word) })
}

/// Digits behind at most one sign.
fn signed(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    number(digits).and(text.parse().ok())
}

fn refused(word: &str) -> Result<Refused, TextError> {
    match word {
        "break" => Ok(Refused::Break),
        "mappings" => Ok(Refused::Mappings),
        "nothing" => Ok(Refused::Nothing),
        _ => Err(TextError::Refuse { word: excerpt(word) }),
    }
}

/// The steps as a script, each with its line end.
pub fn print(ops: &[Op]) -> String {
    let mut text = String::new();
    for op in ops {
        text.push_str(&line(op));
        text.push('\n');
    }
    text
}

/// One step as a line of a script.
pub fn line(op: &Op) -> String {
    match *op {
        Op::Malloc { slot, size } => format!("b{slot} = malloc {size}"),
        Op::Calloc { slot, nmemb, size } => format!("b{slot} = calloc {nmemb} {size}"),
        Op::Realloc { slot, pointer, size } => {
            let own = matches!(pointer, Pointer::Slot { slot: named, .. } if named == slot);
            let target = if own && size == 0 { String::new() } else { format!("b{slot} = ") };
            format!("{target}realloc {} {size}", shown(pointer))
        }
        Op::Free { pointer } => format!("free {}", shown(pointer)),
        Op::MoveBreak { by } => format!("move break {by}"),
        Op::Refuse(Refused::Nothing) => "refuse nothing".to_owned(),
        Op::Refuse(Refused::Break) => "refuse break".to_owned(),
        Op::Refuse(Refused::Mappings) => "refuse mappings".to_owned(),
    }
}

fn shown(pointer: Pointer) -> String {
    match pointer {
        Pointer::Null => "NULL".to_owned(),
        Pointer::Stack => "stack".to_owned(),
        Pointer::Slot { slot, offset } => {
            let mut text = format!("b{slot}");
            if offset != 0 {
                // Writing to a string does not fail.
                let _ = write!(text, "{offset:+}");
            }
            text
        }
    }
}

#[cfg(test)]
mod tests;
