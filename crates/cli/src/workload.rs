//! A workload of our own, for measurements where no script is named: blocks of all sizes that come and go.

use osmem_oracle::program::{Op, Pointer, Slot};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Calls of the workload, before what is left is freed.
const CALLS: usize = 4000;
/// Blocks that live at a time, at most.
const LIVE: u32 = 400;

/// Returns the workload that this seed draws. Every block is freed.
pub fn drawn(seed: u64) -> Vec<Op> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut free: Vec<Slot> = (0..LIVE).rev().collect();
    let mut held: Vec<Slot> = Vec::new();
    let mut ops = Vec::with_capacity(CALLS + LIVE as usize);
    while ops.len() < CALLS {
        let kind = random.random_range(0..100);
        // The number of blocks swings, so that the heap grows and is cut up.
        let half = LIVE as usize / 2;
        let wanted = half + if (ops.len() / 500).is_multiple_of(2) { half } else { 0 };
        let grows = held.len() < wanted && (held.len() < wanted / 2 || kind < 55);
        if grows && let Some(slot) = free.pop() {
            held.push(slot);
            let size = size(&mut random);
            ops.push(if kind % 10 == 0 { Op::Calloc { slot, nmemb: 1, size } } else { Op::Malloc { slot, size } });
        } else if !held.is_empty() {
            let at = random.random_range(0..held.len());
            if kind >= 85 {
                let slot = held[at];
                ops.push(Op::Realloc { slot, pointer: Pointer::block(slot), size: size(&mut random) });
            } else {
                let slot = held.swap_remove(at);
                free.push(slot);
                ops.push(Op::Free { pointer: Pointer::block(slot) });
            }
        }
    }
    ops.extend(held.into_iter().map(|slot| Op::Free { pointer: Pointer::block(slot) }));
    ops
}

/// Returns a size: most are small, some have pages, few a mapping of their own.
fn size(random: &mut impl Rng) -> u64 {
    match random.random_range(0..1000) {
        0..600 => random.random_range(8..256),
        600..900 => random.random_range(256..4096),
        900..995 => random.random_range(4096..65_536),
        _ => random.random_range(131_072..400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_each_time_and_frees_all() {
        let ops = drawn(1);
        assert_eq!(ops, drawn(1));
        assert_ne!(ops, drawn(2));
        let mut held = std::collections::BTreeSet::new();
        for op in &ops {
            match op {
                Op::Malloc { slot, .. } | Op::Calloc { slot, .. } => assert!(held.insert(*slot), "{op:?}"),
                Op::Free { pointer: Pointer::Slot { slot, .. } } => assert!(held.remove(slot), "{op:?}"),
                Op::Realloc { slot, .. } => assert!(held.contains(slot), "{op:?}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(held.is_empty() && ops.len() >= CALLS);
    }
}
