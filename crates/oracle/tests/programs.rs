//! Random programs stand at the edges more often than chance would put them there.

use osmem_oracle::call::NULL;
use osmem_oracle::heap::Heap;
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Done, Machine, Op, Pointer};
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::Readings;
use osmem_oracle::rules::Rules;
use osmem_oracle::shrink::shrink;
use osmem_oracle::valid::misuses;
use rand::RngExt;
use rand_pcg::Pcg64;

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
        let mut machine = Machine::new(Model::new(Rules::CONTRACT, params, Readings::CONTRACT, HEAP));
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

/// Core: nothing but valid pointers.
fn core(ops: usize) -> Plan {
    Plan { misuse: false, huge: false, foreign: false, refusals: false, ..Plan::everything(ops) }
}

#[test]
fn programs_without_misuse_are_valid_and_pass_all_that_is_valid() {
    let (mut of_freed, mut frees_null) = (0, 0);
    for number in 0..300 {
        let program = random::program(2, number, &core(250));
        assert_eq!(misuses(&program.ops, Params::CONTRACT), 0, "program {number}: {:?}", program.ops);
        for (op, done) in program.ops.iter().zip(&program.done) {
            let Done::Call(call) = done else { panic!("{op:?} is no call") };
            let null = call.result == Some(NULL);
            frees_null += usize::from(*op == Op::Free { pointer: Pointer::Null });
            of_freed += usize::from(matches!(op, Op::Realloc { pointer: Pointer::Slot { .. }, size: 1.., .. }) && null);
        }
    }
    assert!(of_freed > 30 && frees_null > 30, "{of_freed} {frees_null}");
}

#[test]
fn shrinking_makes_no_misuse() {
    let mut random = Pcg64::new(3, 3);
    let mut tried = 0;
    for number in 0..60 {
        let plan = if number % 2 == 0 { core(120) } else { Plan::everything(120) };
        let program = random::program(3, number, &plan);
        let mut most = misuses(&program.ops, plan.params);
        // A judge without a reason: nothing but the rules of shrinking keeps a program valid.
        let mut patience = 400;
        let shrunk = shrink(program.ops, plan.params, |candidate| {
            let count = misuses(candidate, plan.params);
            assert!(count <= most, "program {number}: {candidate:?}");
            (tried, patience) = (tried + 1, patience - 1);
            let fails = patience > 0 && random.random_range(0..3) == 0;
            if fails {
                most = count;
            }
            fails
        });
        assert!(misuses(&shrunk, plan.params) <= most, "program {number}: {shrunk:?}");
    }
    assert!(tried > 2000, "{tried}");
}
