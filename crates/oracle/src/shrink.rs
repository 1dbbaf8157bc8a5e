//! Makes a program that shows a mistake as short as it can be made, as long as it still shows it.

use std::collections::HashMap;

use crate::params::Params;
use crate::program::{Op, Pointer, Slot};
use crate::valid::{misuses, valid_part};

/// Shrinks `ops`, of which `fails` is true. `fails` may begin to say no to everything when it has had enough.
///
/// No program is tried that passes more pointers that are not valid than `ops` does: of a valid program come valid ones only.
pub fn shrink(ops: Vec<Op>, params: Params, mut fails: impl FnMut(&[Op]) -> bool) -> Vec<Op> {
    let mut best = ops;
    let mut most = misuses(&best, params);
    let mut fails = |candidate: &[Op]| {
        let count = misuses(candidate, params);
        let better = count <= most && fails(candidate);
        if better {
            most = count;
        }
        better
    };
    let valid = valid_part(&best, params);
    if valid.len() < best.len() && fails(&valid) {
        best = valid;
    }
    loop {
        let before = best.clone();
        let is_valid = misuses(&best, params) == 0;
        drop_chunks(&mut best, &mut fails, |ops| if is_valid { valid_part(&ops, params) } else { ops });
        simplify_calls(&mut best, &mut fails);
        simplify_sizes(&mut best, &mut fails);
        if best == before {
            break;
        }
    }
    let renumbered = renumber(&best);
    if renumbered != best && fails(&renumbered) { renumbered } else { best }
}

/// Leaves out runs of steps, long ones first; of what is left `valid` takes away what must not be tried.
fn drop_chunks(best: &mut Vec<Op>, fails: &mut impl FnMut(&[Op]) -> bool, valid: impl Fn(Vec<Op>) -> Vec<Op>) {
    let mut length = best.len().next_power_of_two() / 2;
    while length > 0 {
        // From the end: what comes last is needed least by others.
        let mut end = best.len();
        while end > 0 {
            let start = end.saturating_sub(length);
            let candidate = valid(whole(best[..start].iter().chain(&best[end.min(best.len())..])));
            if candidate.len() < best.len() && fails(&candidate) {
                *best = candidate;
            }
            end = start.min(best.len());
        }
        length /= 2;
    }
}

/// The steps without those that pass a slot that nothing was put into.
fn whole<'a>(ops: impl Iterator<Item = &'a Op>) -> Vec<Op> {
    let mut filled = Vec::new();
    ops.filter(|op| {
        let known = match op.pointer() {
            Some(Pointer::Slot { slot, .. }) => filled.contains(&slot),
            _ => true,
        };
        filled.extend(op.slot().filter(|_| known));
        known
    })
    .copied()
    .collect()
}

/// Puts plainer calls in the place of others.
fn simplify_calls(best: &mut [Op], fails: &mut impl FnMut(&[Op]) -> bool) {
    for place in 0..best.len() {
        let plainer = match best[place] {
            Op::Calloc { slot, nmemb, size } if nmemb != 1 && size != 0 => {
                nmemb.checked_mul(size).map(|size| Op::Calloc { slot, nmemb: 1, size })
            }
            Op::Calloc { slot, nmemb: 1, size } => Some(Op::Malloc { slot, size }),
            Op::Realloc { slot, size, .. } => Some(Op::Malloc { slot, size }),
            _ => None,
        };
        try_op(best, place, plainer, fails);
    }
}

/// Puts smaller and rounder sizes in the place of others.
fn simplify_sizes(best: &mut [Op], fails: &mut impl FnMut(&[Op]) -> bool) {
    for place in 0..best.len() {
        let size = match best[place] {
            Op::Malloc { size, .. } | Op::Calloc { size, .. } | Op::Realloc { size, .. } => size,
            Op::MoveBreak { by } => by.unsigned_abs(),
            Op::Free { .. } | Op::Refuse(_) => continue,
        };
        let rounder = [8, 100, 1000, 10_000, 100_000, 131_072, 200_000].into_iter().filter(|round| *round < size);
        let down =
            [10_000, 1000, 100, 8].into_iter().map(|unit| size / unit * unit).filter(|down| (1..size).contains(down));
        for candidate in rounder.chain(down).collect::<Vec<_>>() {
            let op = match best[place] {
                Op::Malloc { slot, .. } => Op::Malloc { slot, size: candidate },
                Op::Calloc { slot, nmemb, .. } => Op::Calloc { slot, nmemb, size: candidate },
                Op::Realloc { slot, pointer, .. } => Op::Realloc { slot, pointer, size: candidate },
                Op::MoveBreak { by } => Op::MoveBreak { by: candidate.cast_signed() * by.signum() },
                other => other,
            };
            if try_op(best, place, Some(op), fails) {
                break;
            }
        }
    }
}

fn try_op(best: &mut [Op], place: usize, op: Option<Op>, fails: &mut impl FnMut(&[Op]) -> bool) -> bool {
    let Some(op) = op.filter(|op| *op != best[place]) else { return false };
    let old = std::mem::replace(&mut best[place], op);
    let better = fails(best);
    if !better {
        best[place] = old;
    }
    better
}

/// The same program with its slots counted from 1 in the order of their first use.
fn renumber(ops: &[Op]) -> Vec<Op> {
    let mut numbers: HashMap<Slot, Slot> = HashMap::new();
    let mut number = |slot: Slot| {
        let next = Slot::try_from(numbers.len()).unwrap_or(Slot::MAX) + 1;
        *numbers.entry(slot).or_insert(next)
    };
    let mut see = |pointer| match pointer {
        Pointer::Slot { slot, offset } => Pointer::Slot { slot: number(slot), offset },
        other => other,
    };
    ops.iter()
        .map(|op| match *op {
            Op::Free { pointer } => Op::Free { pointer: see(pointer) },
            Op::Malloc { slot, size } => Op::Malloc { slot: slot_of(see(Pointer::block(slot))), size },
            Op::Calloc { slot, nmemb, size } => Op::Calloc { slot: slot_of(see(Pointer::block(slot))), nmemb, size },
            Op::Realloc { slot, pointer, size } => {
                let pointer = see(pointer);
                Op::Realloc { slot: slot_of(see(Pointer::block(slot))), pointer, size }
            }
            other => other,
        })
        .collect()
}

fn slot_of(pointer: Pointer) -> Slot {
    match pointer {
        Pointer::Slot { slot, .. } => slot,
        Pointer::Null | Pointer::Stack => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malloc(slot: Slot, size: u64) -> Op {
        Op::Malloc { slot, size }
    }

    fn free(slot: Slot) -> Op {
        Op::Free { pointer: Pointer::block(slot) }
    }

    #[test]
    fn what_does_not_matter_goes() {
        let mut ops: Vec<Op> = (1..100).flat_map(|slot| [malloc(slot, 700 + u64::from(slot)), free(slot)]).collect();
        ops.insert(120, Op::Calloc { slot: 200, nmemb: 5, size: 1234 });
        ops.push(Op::Realloc { slot: 200, pointer: Pointer::block(200), size: 5000 });
        let fails = |ops: &[Op]| {
            let zeroed = ops.iter().any(|op| matches!(op, Op::Calloc { nmemb, size, .. } if nmemb * size >= 1000));
            zeroed && ops.iter().any(|op| matches!(op, Op::Realloc { size: 2000.., .. }))
        };
        let shrunk = shrink(ops, Params::CONTRACT, fails);
        assert_eq!(shrunk.len(), 2, "{shrunk:?}");
        let [Op::Calloc { slot: 1, nmemb, size }, Op::Realloc { slot: 1, pointer, size: 2000..=5000 }] = shrunk[..]
        else {
            panic!("{shrunk:?}");
        };
        assert!(nmemb * size < 1300 && pointer == Pointer::block(1), "{shrunk:?}");
    }

    #[test]
    fn a_judge_that_has_had_enough_ends_it() {
        let ops = vec![malloc(7, 100); 50];
        let mut patience = 3;
        let shrunk = shrink(ops, Params::CONTRACT, |_| {
            patience -= 1;
            patience > 0
        });
        assert!(shrunk.len() < 50);
    }
}
