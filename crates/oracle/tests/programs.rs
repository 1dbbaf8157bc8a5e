//! Random programs stand at the edges more often than chance would put them there.

use osmem_oracle::heap::Heap;
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Machine, Op};
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::Readings;
use osmem_oracle::rules::Contract;

/// What counts as an edge, and how many of a thousand calls must stand at it.
const EDGES: [(&str, usize); 6] = [
    ("a threshold", 5),
    ("a remainder around HEADER + 8", 20),
    ("two free blocks that fit equally well", 5),
    ("three free neighbours or more", 20),
    ("a realloc that shrinks", 20),
    ("a realloc of a block that has shrunk", 5),
];

fn asks_for(op: &Op) -> Option<u64> {
    match *op {
        Op::Malloc { size, .. } | Op::Realloc { size, .. } => Some(size),
        Op::Calloc { nmemb, size, .. } => nmemb.checked_mul(size),
        _ => None,
    }
}

/// The longest chain of free blocks that lie side by side.
fn chain(heap: &Heap) -> usize {
    let mut longest = 0;
    let mut length = 0;
    for index in 0..heap.blocks.len() {
        length = if heap.is_free(index) { length + 1 } else { 0 };
        longest = longest.max(length);
    }
    longest
}

#[test]
fn edges_are_common() {
    let (plan, params) = (Plan::everything(250), Params::CONTRACT);
    let (mut counts, mut calls) = ([0; EDGES.len()], 0);
    for number in 0..200 {
        let program = random::program(1, number, &plan);
        let mut machine = Machine::new(Model::new(&Contract, params, Readings::CONTRACT, HEAP));
        let mut shrunk = Vec::new();
        for op in program.ops.iter().filter(|op| op.is_call()) {
            calls += 1;
            let heap = &machine.model.heap;
            let mut count = |edge: usize, is_at: bool| counts[edge] += usize::from(is_at);
            count(3, chain(heap) >= 3);
            if let Some(size) = asks_for(op) {
                let threshold =
                    if matches!(op, Op::Calloc { .. }) { params.calloc_threshold } else { params.mmap_threshold };
                count(0, (threshold - 48..threshold + 16).contains(&size));
                let size = params.align(size.min(1 << 40));
                let fitting: Vec<u64> = heap.fitting(size).map(|index| heap.blocks[index].size).collect();
                let best = fitting.iter().min();
                count(1, best.is_some_and(|best| (24..=56).contains(&(best - size))));
                count(2, fitting.iter().filter(|size| Some(*size) == best).count() > 1);
            }
            if let Op::Realloc { size, pointer, .. } = *op {
                let pointer = machine.address(pointer);
                let old = heap.live(pointer).map_or(0, |found| heap.block(found).size);
                count(5, shrunk.contains(&pointer));
                let shrinks = size > 0 && size < old;
                count(4, shrinks);
                shrunk.extend(shrinks.then_some(pointer));
            }
            machine.step(*op);
        }
    }
    for ((edge, least), count) in EDGES.into_iter().zip(counts) {
        println!("{edge}: {count} of {calls} calls");
        assert!(count * 1000 >= least * calls, "{edge}: only {count} of {calls} calls");
    }
}
