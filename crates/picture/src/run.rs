//! A run of calls, each with the change that it makes, and the scene of one call.

use crate::row::{Change, Piece, Row};

/// A run.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The name of the trace, the test or the program.
    pub title: String,
    /// Bytes of a header.
    pub header: u64,
    /// The row before the first call.
    pub first: Row,
    /// The calls in order.
    pub calls: Vec<Call>,
    /// The blocks that the program held at any time.
    pub lives: Vec<Life>,
    /// Sentences about what is left out.
    pub notes: Vec<String>,
    /// The likely cause of the first difference, in a sentence.
    pub cause: Option<String>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number, counted from 1.
    pub number: usize,
    /// The call with the program's names: `b4 = os_malloc(96)`.
    pub text: String,
    /// The place that it gave, `HEAP+0x20` or `NULL`; empty for `os_free`.
    pub result: String,
    /// Its system calls, as traces have them.
    pub system: Vec<String>,
    /// The name that it gave, moved or took back.
    pub subject: Option<u32>,
    /// The change of the actual row.
    pub change: Change,
    /// The break behind it, in bytes above the start of the heap.
    pub brk: u64,
    /// Its difference from the contract.
    pub wrong: Option<Wrong>,
}

/// The difference of a call from the contract.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The rule: `R5 best fit`.
    pub rule: String,
    /// The difference in a sentence.
    pub sentence: String,
    /// The place that the contract demands; empty for `os_free`.
    pub result: String,
    /// The system calls that the contract demands.
    pub system: Vec<String>,
    /// The change that the contract demands of the row before.
    pub change: Change,
}

/// The life of a block at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The block.
    pub piece: Piece,
    /// The number of the call that gave it.
    pub born: usize,
    /// The number of the call that took it back.
    pub died: Option<usize>,
}

/// The meaning of a row in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The row before the call.
    Before,
    /// The row behind a call that keeps the contract.
    After,
    /// The row that the contract demands behind the call.
    Expected,
    /// The row behind a call that leaves the contract.
    Actual,
}

impl Role {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Expected => "expected",
            Self::Actual => "actual",
        }
    }
}

/// One call with its rows.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The call.
    pub call: &'a Call,
    /// The rows from top to bottom.
    pub rows: Vec<(Role, Row)>,
}

impl Picture {
    /// Returns the place of the first call that leaves the contract.
    pub fn first_wrong(&self) -> Option<usize> {
        self.calls.iter().position(|call| call.wrong.is_some())
    }

    /// Returns the scene of the call at `place`.
    pub fn scene(&self, place: usize) -> Option<Scene<'_>> {
        let call = self.calls.get(place)?;
        let mut before = self.first.clone();
        self.calls[..place].iter().for_each(|call| before.apply(&call.change));
        Some(Self::scene_of(call, before))
    }

    /// Returns the scenes of all calls in order.
    pub fn scenes(&self) -> impl Iterator<Item = Scene<'_>> {
        let mut row = self.first.clone();
        self.calls.iter().map(move |call| {
            let before = row.clone();
            row.apply(&call.change);
            Self::scene_of(call, before)
        })
    }

    fn scene_of(call: &Call, before: Row) -> Scene<'_> {
        let behind = |change: &Change| {
            let mut row = before.clone();
            row.apply(change);
            row
        };
        let rows = match &call.wrong {
            None => vec![(Role::After, behind(&call.change))],
            Some(wrong) => {
                vec![(Role::Expected, behind(&wrong.change)), (Role::Actual, behind(&call.change))]
            }
        };
        let first = (Role::Before, before);
        Scene { call, rows: [first].into_iter().chain(rows).collect() }
    }

    /// Returns whether any row holds a piece.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.calls.iter().all(|call| call.change.come.is_empty() && call.wrong.is_none())
    }
}

impl Call {
    /// Returns the call and its result in a line: `b4 = os_malloc(96) at HEAP+0x20`, `os_malloc(0) = NULL`.
    pub fn line(&self) -> String {
        match self.result.as_str() {
            "" => self.text.clone(),
            "NULL" | "?" => format!("{} = {}", self.text, self.result),
            place => format!("{} at {place}", self.text),
        }
    }
}

impl Wrong {
    /// Returns what the contract demands and what was seen: places where they differ, otherwise system calls.
    pub fn sides(&self, call: &Call) -> (String, String) {
        if self.result != call.result {
            let told = |result: &str| if result.is_empty() { "a return" } else { result }.to_owned();
            return (told(&self.result), told(&call.result));
        }
        let told = |calls: &[String]| if calls.is_empty() { "no system call".to_owned() } else { calls.join(", ") };
        (told(&self.system), told(&call.system))
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::row::fixture::piece;

    /// A run of four calls whose last one takes the first block that fits in place of the best one.
    pub fn picture() -> Picture {
        let mut row = Row::default();
        let mut calls = Vec::new();
        let mut add = |text: &str, result: &str, next: Row, wrong: Option<Row>| {
            let wrong = wrong.map(|row_of| Wrong {
                rule: "R5 best fit".to_owned(),
                sentence: "it gave another block".to_owned(),
                result: "HEAP+0xc8".to_owned(),
                system: Vec::new(),
                change: row.change_to(&row_of),
            });
            calls.push(Call {
                number: calls.len() + 1,
                text: text.to_owned(),
                result: result.to_owned(),
                system: if calls.is_empty() { vec!["brk(HEAP+0x20000) = HEAP+0x20000".to_owned()] } else { Vec::new() },
                subject: Some(if calls.len() == 3 { 4 } else { 1 }),
                change: row.change_to(&next),
                brk: 0x20000,
                wrong,
            });
            row = next;
        };
        let rest = |offset| piece(offset, 0x20000 - offset - 32, None);
        add("b1 = os_malloc(96)", "HEAP+0x20", Row::of([piece(0, 96, Some(1)), rest(128)]), None);
        let two = [piece(0, 96, Some(1)), piece(128, 8, Some(2)), piece(168, 8, Some(3)), rest(208)];
        add("b3 = os_malloc(8)", "HEAP+0xc8", Row::of(two), None);
        let freed = [piece(0, 96, None), piece(128, 8, Some(2)), piece(168, 8, None), rest(208)];
        add("os_free(b3)", "", Row::of(freed), None);
        let best = [piece(0, 96, None), piece(128, 8, Some(2)), piece(168, 8, Some(4)), rest(208)];
        let first = [piece(0, 8, Some(4)), piece(40, 56, None), piece(128, 8, Some(2)), piece(168, 8, None), rest(208)];
        add("b4 = os_malloc(8)", "HEAP+0x20", Row::of(first), Some(Row::of(best)));
        let lives = vec![
            Life { piece: piece(0, 96, Some(1)), born: 1, died: Some(3) },
            Life { piece: piece(128, 8, Some(2)), born: 2, died: None },
        ];
        Picture { title: "first-fit.trace".to_owned(), header: 32, calls, lives, ..Picture::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::picture;
    use super::*;

    #[test]
    fn a_scene_has_the_rows_before_and_behind_its_call() {
        let picture = picture();
        let scene = picture.scene(1).unwrap();
        let roles: Vec<_> = scene.rows.iter().map(|(role, row)| (*role, row.pieces().count())).collect();
        assert_eq!(roles, [(Role::Before, 2), (Role::After, 4)]);
        let scene = picture.scene(picture.first_wrong().unwrap()).unwrap();
        let roles: Vec<_> = scene.rows.iter().map(|(role, row)| (*role, row.pieces().count())).collect();
        assert_eq!(roles, [(Role::Before, 4), (Role::Expected, 4), (Role::Actual, 5)]);
        let wrong = scene.call.wrong.as_ref().unwrap();
        assert_eq!(wrong.sides(scene.call), ("HEAP+0xc8".to_owned(), "HEAP+0x20".to_owned()));
        assert!(picture.scenes().nth(3).unwrap().rows == scene.rows);
        assert!(picture.scene(4).is_none() && !picture.is_empty());
    }
}
