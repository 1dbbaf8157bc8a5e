//! Random calls over the simulated system, each judged by the shadow. `PROPTEST_CASES` sets the number of sequences.

mod shadow;

use osmem::block::{Compact, Full, Header};
use osmem::policy::Policy;
use osmem::size::MMAP_THRESHOLD;
use osmem::sys::Sys;
use osmem::sys::sim::Sim;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngAlgorithm;
use shadow::{LARGEST, Shadow};
use std::ptr;

/// One thing that happens. What it happens to is chosen among what there is at the time.
#[derive(Clone, Debug)]
enum Step {
    Malloc(Size),
    Calloc(Size, usize),
    Realloc(Pointer, Size),
    Free(Pointer),
    /// At a multiple of two to this power.
    Aligned(u32, Size),
    /// A foreigner moves the break up, or down as far as the heap allows.
    Foreign(isize),
    /// The system will refuse the n-th answer.
    Refuse(usize),
}

#[derive(Clone, Debug)]
enum Size {
    Bytes(usize),
    /// So many more or less than a block of the heap has, so that remainders around the smallest block come about.
    Near(Index, isize),
}

#[derive(Clone, Debug)]
enum Pointer {
    Live(Index),
    Freed(Index),
    Interior(Index, usize),
    Foreign(usize),
    Null,
}

fn size<H: Header>() -> impl Strategy<Value = Size> {
    let edge = MMAP_THRESHOLD - H::BYTES;
    let page_edge = prop_oneof![Just(4096), Just(16384), Just(65536)].prop_map(|page: usize| page - H::BYTES);
    let near = prop_oneof![-41_isize..=41, Just(-8), Just(-32), Just(-40), Just(8), Just(40)];
    prop_oneof![
        6 => (0_usize..200).prop_map(Size::Bytes),
        4 => (200_usize..9000).prop_map(Size::Bytes),
        1 => (9000..edge).prop_map(Size::Bytes),
        1 => (edge - 50..edge + 50).prop_map(Size::Bytes),
        2 => (page_edge, 0_usize..24).prop_map(|(page, more)| Size::Bytes(page - 12 + more)),
        1 => (edge..LARGEST - 50).prop_map(Size::Bytes),
        1 => (0_usize..100).prop_map(|less| Size::Bytes(usize::MAX - less)),
        1 => (0_usize..100).prop_map(|less| Size::Bytes(isize::MAX.unsigned_abs() + 50 - less)),
        6 => (any::<Index>(), near).prop_map(|(block, more)| Size::Near(block, more)),
    ]
}

fn pointer() -> impl Strategy<Value = Pointer> {
    prop_oneof![
        16 => any::<Index>().prop_map(Pointer::Live),
        1 => any::<Index>().prop_map(Pointer::Freed),
        1 => (any::<Index>(), 1_usize..100).prop_map(|(block, offset)| Pointer::Interior(block, offset)),
        1 => prop_oneof![0_usize..5000, any::<usize>()].prop_map(Pointer::Foreign),
        1 => Just(Pointer::Null),
    ]
}

fn step<H: Header>() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => size::<H>().prop_map(Step::Malloc),
        10 => (size::<H>(), 1_usize..9).prop_map(|(size, count)| Step::Calloc(size, count)),
        30 => (pointer(), size::<H>()).prop_map(|(pointer, size)| Step::Realloc(pointer, size)),
        30 => pointer().prop_map(Step::Free),
        4 => (0_u32..18, size::<H>()).prop_map(|(power, size)| Step::Aligned(power, size)),
        2 => (-5000_isize..5000).prop_map(Step::Foreign),
        2 => (1_usize..4).prop_map(Step::Refuse),
    ]
}

impl Size {
    fn bytes(&self, shadow: &Shadow<impl Header>) -> usize {
        match self {
            Self::Bytes(bytes) => *bytes,
            Self::Near(index, more) => {
                let sizes: Vec<usize> = shadow.allocator.heap_blocks().map(|block| block.size).collect();
                if sizes.is_empty() { 1 } else { index.get(&sizes).saturating_add_signed(*more).min(LARGEST) }
            }
        }
    }
}

impl Pointer {
    /// `None` if there is no such pointer yet.
    fn resolve(&self, shadow: &Shadow<impl Header>) -> Option<*mut u8> {
        let (live, freed) = (shadow.live(), shadow.freed());
        match self {
            Self::Live(index) if !live.is_empty() => Some(index.get(&live).payload),
            Self::Freed(index) if !freed.is_empty() => Some(*index.get(&freed)),
            Self::Interior(index, offset) if !live.is_empty() => {
                let block = index.get(&live);
                Some(block.payload.wrapping_add(1 + offset % block.bytes.max(2)))
                    .filter(|inside| live.iter().all(|other| other.payload != *inside))
            }
            Self::Foreign(address) => Some(ptr::without_provenance_mut(*address)),
            Self::Null => Some(ptr::null_mut()),
            _ => None,
        }
    }
}

impl Step {
    fn run(&self, shadow: &mut Shadow<impl Header>) {
        match self {
            Self::Malloc(size) => _ = shadow.malloc(size.bytes(shadow)),
            Self::Calloc(size, count) => _ = shadow.calloc(*count, size.bytes(shadow) / count),
            Self::Realloc(pointer, size) => {
                if let Some(pointer) = pointer.resolve(shadow) {
                    _ = shadow.realloc(pointer, size.bytes(shadow));
                }
            }
            Self::Free(pointer) => {
                if let Some(pointer) = pointer.resolve(shadow) {
                    shadow.free(pointer);
                }
            }
            Self::Aligned(power, size) => _ = shadow.aligned(1 << power, size.bytes(shadow)),
            Self::Foreign(by) => {
                let end = shadow.allocator.heap_blocks().last().map(|block| block.payload + block.size);
                let sys = shadow.allocator.sys();
                let above = end.map_or(0, |end| sys.current_break() - end);
                sys.move_break_as_foreigner((*by).max(-above.cast_signed()));
            }
            Self::Refuse(nth) => shadow.allocator.sys().refuse(*nth),
        }
    }
}

/// Runs the steps over a fresh allocator of one layout, each judged.
fn keeps_the_rules<H: Header>(sim: Sim, steps: &[Step]) {
    follow(Shadow::<H>::with_policy(sim, Policy::EXACT), steps);
}

fn follow<H: Header>(mut shadow: Shadow<H>, steps: &[Step]) {
    for step in steps {
        step.run(&mut shadow);
    }
    shadow.finish();
}

/// Padded growth, with any of the things that a policy may allow.
fn policy() -> impl Strategy<Value = Policy> {
    let sizes = (1_usize..200_000, prop_oneof![Just(usize::MAX), 1_usize..300_000], 3000_usize..300_000);
    let span = prop_oneof![Just(usize::MAX), 200_000_usize..2_000_000];
    let defers = prop_oneof![Just(0), 1_usize..100_000];
    (sizes, span, defers, any::<[bool; 7]>()).prop_map(|((top_pad, trim, mmap_threshold), span, defers, may)| Policy {
        top_pad,
        trim,
        mmap_threshold,
        span,
        defers,
        calloc_maps_pages: may[0],
        adaptive: may[1],
        spares_top: may[2],
        leaps: may[3],
        stands_in: may[4],
        remap: may[5],
        reserves: may[6],
    })
}

/// Page size, and bytes that the heap may have.
fn system() -> impl Strategy<Value = (usize, usize)> {
    (
        prop_oneof![4 => Just(4096_usize), 1 => Just(16384), 1 => Just(65536)],
        prop_oneof![4 => Just(16_usize << 20), 1 => Just(512 << 10)],
    )
}

/// As many sequences as `PROPTEST_CASES` says, or one part of them.
fn config(parts: u32) -> ProptestConfig {
    let config = ProptestConfig {
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift, // the default one takes most of the time in a debug build
        ..ProptestConfig::default()
    };
    ProptestConfig { cases: config.cases.div_ceil(parts), ..config }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn every_call_keeps_the_rules((page, heap) in system(), steps in prop::collection::vec(step::<Full>(), 1..500)) {
        keeps_the_rules::<Full>(Sim::with(page, heap, 4 << 20), &steps);
    }
}

proptest! {
    #![proptest_config(config(3))]

    #[test]
    fn so_it_does_with_compact_headers(
        (page, heap) in system(),
        steps in prop::collection::vec(step::<Compact<8>>(), 1..500),
    ) {
        keeps_the_rules::<Compact<8>>(Sim::with(page, heap, 4 << 20), &steps);
    }

    #[test]
    fn so_it_does_with_compact_headers_and_payloads_aligned_to_16(
        (page, heap) in system(),
        steps in prop::collection::vec(step::<Compact<16>>(), 1..500),
    ) {
        keeps_the_rules::<Compact<16>>(Sim::with(page, heap, 4 << 20), &steps);
    }

    #[test]
    fn every_policy_hands_out_sound_blocks(
        policy in policy(),
        (page, heap) in system(),
        steps in prop::collection::vec(step::<Full>(), 1..500),
    ) {
        follow(Shadow::<Full>::with_policy(Sim::with(page, heap, 4 << 20), policy), &steps);
    }

    #[test]
    fn so_it_does_with_compact_headers_and_every_policy(
        policy in policy(),
        (page, heap) in system(),
        steps in prop::collection::vec(step::<Compact<16>>(), 1..500),
    ) {
        follow(Shadow::<Compact<16>>::with_policy(Sim::with(page, heap, 4 << 20), policy), &steps);
    }
}
