//! Random calls over the simulated system, each judged by the shadow. `PROPTEST_CASES` sets the number of sequences.

mod shadow;

use osmem::size::{HEADER, MMAP_THRESHOLD};
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

fn size() -> impl Strategy<Value = Size> {
    let edge = MMAP_THRESHOLD - HEADER;
    let page_edge = prop_oneof![Just(4096), Just(16384), Just(65536)].prop_map(|page: usize| page - HEADER);
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

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => size().prop_map(Step::Malloc),
        10 => (size(), 1_usize..9).prop_map(|(size, count)| Step::Calloc(size, count)),
        30 => (pointer(), size()).prop_map(|(pointer, size)| Step::Realloc(pointer, size)),
        30 => pointer().prop_map(Step::Free),
        2 => (-5000_isize..5000).prop_map(Step::Foreign),
        2 => (1_usize..4).prop_map(Step::Refuse),
    ]
}

impl Size {
    fn bytes(&self, shadow: &Shadow) -> usize {
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
    fn resolve(&self, shadow: &Shadow) -> Option<*mut u8> {
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
    fn run(&self, shadow: &mut Shadow) {
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

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift, // the default one takes most of the time in a debug build
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_call_keeps_the_rules(
        page_size in prop_oneof![4 => Just(4096_usize), 1 => Just(16384), 1 => Just(65536)],
        heap in prop_oneof![4 => Just(16_usize << 20), 1 => Just(512 << 10)],
        steps in prop::collection::vec(step(), 1..500),
    ) {
        let mut shadow = Shadow::new(Sim::with(page_size, heap, 4 << 20));
        for step in steps {
            step.run(&mut shadow);
        }
        shadow.finish();
    }
}
