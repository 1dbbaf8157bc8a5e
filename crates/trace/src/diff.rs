//! The first difference of two traces, as data: how it looks is the reader's business.

use std::hash::Hash;

use similar::{Algorithm, DiffOp, capture_diff_slices_by_key};

use crate::model::{Entry, Request, Trace};

/// How the two sides of a row relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Both sides are equal.
    Same,
    /// Both sides have a line here, but not the same.
    Changed,
    /// Only the expected trace has this line.
    OnlyExpected,
    /// Only the actual trace has this line.
    OnlyActual,
}

/// Two lines side by side; a side is `None` where it has no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// How the sides relate.
    pub mark: Mark,
    /// The expected line, without its line break.
    pub expected: Option<String>,
    /// The actual line, without its line break.
    pub actual: Option<String>,
}

/// Where two traces part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first entry (call, program's move of the break, or end line) that differs, counted from 1; equal in both traces.
    pub entry: usize,
    /// The rows of the first differing entry with the entries around it.
    pub rows: Vec<Row>,
}

/// The first difference, with `context` entries before and after it; `None` where the traces are equal.
pub fn first_difference(expected: &Trace, actual: &Trace, context: usize) -> Option<Difference> {
    let (expected, actual) = (blocks(expected), blocks(actual));
    let same = expected.iter().zip(&actual).take_while(|(one, other)| one.lines == other.lines).count();
    if same == expected.len() && same == actual.len() {
        return None;
    }
    let before = same.saturating_sub(context);
    let mut rows = block_rows(&expected[before..same], &actual[before..same], usize::MAX);
    rows.extend(block_rows(&expected[same..], &actual[same..], context.saturating_add(1)));
    Some(Difference { entry: same + 1, rows })
}

/// All rows of both traces, aligned.
pub fn rows(expected: &Trace, actual: &Trace) -> Vec<Row> {
    block_rows(&blocks(expected), &blocks(actual), usize::MAX)
}

/// An entry or the end line, as its lines.
struct Block {
    key: Key,
    lines: Vec<String>,
}

/// Blocks of equal keys are put side by side: what the program asked for, whatever came of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Call(Request<()>),
    Program,
    End,
}

fn blocks(trace: &Trace) -> Vec<Block> {
    let block = |entry: &Entry| Block {
        key: match entry {
            Entry::Call(call) => Key::Call(call.request.map(|_| ())),
            Entry::Program(_) => Key::Program,
        },
        lines: entry.to_string().lines().map(String::from).collect(),
    };
    let end = Block { key: Key::End, lines: vec![trace.end.to_string()] };
    trace.entries.iter().map(block).chain([end]).collect()
}

/// The rows of the first `limit` pairs of blocks.
fn block_rows(expected: &[Block], actual: &[Block], limit: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for (one, other) in align(expected, actual, |block| block.key).into_iter().take(limit) {
        let lines = |block: Option<&'_ Block>| block.map_or(Vec::new(), |block| block.lines.clone());
        let (one, other) = (lines(one), lines(other));
        let pairs = match (one.split_first(), other.split_first()) {
            // The first lines belong together, equal or not.
            (Some((head, rest)), Some((other_head, other_rest))) => {
                let mut pairs = vec![(Some(head), Some(other_head))];
                pairs.extend(align(rest, other_rest, String::clone));
                pairs
            }
            _ => align(&one, &other, String::clone),
        };
        rows.extend(pairs.into_iter().map(|(expected, actual)| row(expected, actual)));
    }
    rows
}

fn row(expected: Option<&String>, actual: Option<&String>) -> Row {
    let mark = match (expected, actual) {
        (Some(one), Some(other)) if one == other => Mark::Same,
        (Some(_), Some(_)) => Mark::Changed,
        (Some(_), None) => Mark::OnlyExpected,
        (None, _) => Mark::OnlyActual,
    };
    Row { mark, expected: expected.cloned(), actual: actual.cloned() }
}

/// Pairs the items of both sides: equal keys with one another, what stands between them in order.
fn align<'a, T, K: Eq + Hash>(
    one: &'a [T],
    other: &'a [T],
    key: impl Fn(&T) -> K,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let mut pairs = Vec::new();
    for operation in capture_diff_slices_by_key(Algorithm::Myers, one, other, key) {
        let (old, new) = match operation {
            DiffOp::Equal { old_index, new_index, len } => (old_index..old_index + len, new_index..new_index + len),
            DiffOp::Delete { old_index, old_len, new_index } => (old_index..old_index + old_len, new_index..new_index),
            DiffOp::Insert { old_index, new_index, new_len } => (old_index..old_index, new_index..new_index + new_len),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                (old_index..old_index + old_len, new_index..new_index + new_len)
            }
        };
        let (old, new) = (&one[old], &other[new]);
        pairs.extend((0..old.len().max(new.len())).map(|at| (old.get(at), new.get(at))));
    }
    pairs
}
