//! `osmem::Osmem`: each function of the trait by itself with layouts of every kind, and this test program, which is served
//! by it altogether.
#![expect(unsafe_code, reason = "calls the functions of the trait, and touches what they return")]
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

use osmem::Osmem;
use proptest::collection::vec;
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;
use std::process::Command;
use std::{env, slice, thread};

#[global_allocator]
static ALLOCATOR: Osmem = Osmem;

/// A block, and the byte that it is full of.
#[derive(Debug)]
struct Block {
    payload: *mut u8,
    layout: Layout,
    filled: u8,
}

impl Block {
    fn new(layout: Layout, zeroed: bool, filled: u8) -> Self {
        // SAFETY: no layout of these tests is empty.
        let payload = unsafe { if zeroed { ALLOCATOR.alloc_zeroed(layout) } else { ALLOCATOR.alloc(layout) } };
        assert!(!payload.is_null() && payload.addr().is_multiple_of(layout.align()), "{layout:?}: {payload:?}");
        let block = Self { payload, layout, filled: 0 };
        assert!(!zeroed || block.is_filled(layout.size()), "{layout:?} is not zero");
        block.fill(filled)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: a live block, all bytes of which have been written.
        unsafe { slice::from_raw_parts(self.payload, self.layout.size()) }
    }

    fn is_filled(&self, bytes: usize) -> bool {
        // Compared with itself, one byte further on: that is fast, whatever the profile.
        match &self.bytes()[..bytes] {
            bytes @ [first, rest @ ..] => *first == self.filled && bytes[..rest.len()] == *rest,
            [] => true,
        }
    }

    fn fill(self, with: u8) -> Self {
        // SAFETY: a live block of this size.
        unsafe { self.payload.write_bytes(with, self.layout.size()) };
        Self { filled: with, ..self }
    }

    fn resize(self, bytes: usize) -> Self {
        let kept = self.layout.size().min(bytes);
        // SAFETY: a live block of this layout.
        let payload = unsafe { ALLOCATOR.realloc(self.payload, self.layout, bytes) };
        let layout = Layout::from_size_align(bytes, self.layout.align()).unwrap();
        assert!(!payload.is_null() && payload.addr().is_multiple_of(layout.align()), "{layout:?}: {payload:?}");
        let block = Self { payload, layout, ..self };
        assert!(block.is_filled(kept), "{layout:?} has lost its contents");
        let with = block.filled;
        block.fill(with)
    }

    fn free(self) {
        assert!(self.is_filled(self.layout.size()), "{:?} was written to", self.layout);
        // SAFETY: a live block of this layout.
        unsafe { ALLOCATOR.dealloc(self.payload, self.layout) };
    }

    fn assert_apart(&self, blocks: &BTreeMap<usize, Self>) {
        let (start, end) = (self.payload.addr(), self.payload.addr() + self.layout.size());
        if let Some((address, before)) = blocks.range(..end).next_back() {
            assert!(address + before.layout.size() <= start, "{self:?} and {before:?} have bytes in common");
        }
    }
}

/// Every alignment up to 64 KiB, and two more.
fn alignments() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => (0..=16_u32).prop_map(|power| 1 << power),
        1 => Just(1 << 20),
        1 => Just(4 << 20),
    ]
}

/// Sizes next to what is an edge for somebody: the thread cache, the page, the mapping threshold.
fn sizes() -> impl Strategy<Value = usize> {
    let edges = vec![1, 16, 24, 32, 64, 512, 1024, 1040, 4096, 8192, 65536, 131_040, 131_056, 131_072, 262_144];
    prop_oneof![
        4 => 1..200_usize,
        4 => (prop::sample::select(edges), 0..24_usize).prop_map(|(edge, by)| (edge + by).saturating_sub(12).max(1)),
        1 => 1..2_000_000_usize,
    ]
}

#[derive(Clone, Debug)]
enum Step {
    New { size: usize, alignment: usize, zeroed: bool },
    Resize { which: prop::sample::Index, size: usize },
    Free { which: prop::sample::Index },
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (sizes(), alignments(), any::<bool>())
            .prop_map(|(size, alignment, zeroed)| Step::New { size, alignment, zeroed }),
        2 => (any::<prop::sample::Index>(), sizes()).prop_map(|(which, size)| Step::Resize { which, size }),
        2 => any::<prop::sample::Index>().prop_map(|which| Step::Free { which }),
    ]
}

/// Takes the steps one by one; what is left is freed.
fn follow(steps: Vec<Step>) {
    let mut blocks: BTreeMap<usize, Block> = BTreeMap::new();
    for (number, step) in steps.into_iter().enumerate() {
        // Never 0, or a block that was zeroed would not show what was written to it.
        let filled = u8::try_from(number % 255).unwrap() + 1;
        let chosen = |which: &prop::sample::Index, blocks: &mut BTreeMap<usize, Block>| {
            let address = (!blocks.is_empty()).then(|| *blocks.keys().nth(which.index(blocks.len())).unwrap());
            address.and_then(|address| blocks.remove(&address))
        };
        let block = match step {
            Step::New { size, alignment, zeroed } => {
                Some(Block::new(Layout::from_size_align(size, alignment).unwrap(), zeroed, filled))
            }
            Step::Resize { which, size } => chosen(&which, &mut blocks).map(|block| block.resize(size)),
            Step::Free { which } => {
                if let Some(block) = chosen(&which, &mut blocks) {
                    block.free();
                }
                None
            }
        };
        if let Some(block) = block {
            block.assert_apart(&blocks);
            blocks.insert(block.payload.addr(), block);
        }
    }
    blocks.into_values().for_each(Block::free);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_aligned_apart_and_keep_their_contents(steps in vec(steps(), 1..120)) {
        follow(steps);
    }
}

/// With each alignment: dirtied memory is handed out again, and is zero where that was asked for.
#[test]
fn zeroed_blocks_are_zero_whoever_had_the_memory_before() {
    let powers = (0..=16).chain([20, 22]);
    for alignment in powers.map(|power: u32| 1_usize << power) {
        for size in [1, 15, 16, 100, 1024, 1025, 5000, 131_000, 131_072, 300_000, 1_000_000] {
            let layout = Layout::from_size_align(size, alignment).unwrap();
            for _ in 0..3 {
                let dirty = [1, 2, 3].map(|filled| Block::new(layout, false, filled));
                dirty.into_iter().for_each(Block::free);
                let clean = [4, 5, 6].map(|filled| Block::new(layout, true, filled));
                clean.into_iter().for_each(Block::free);
            }
        }
    }
}

#[test]
fn a_resized_block_keeps_a_large_alignment() {
    for alignment in (4..=22).map(|power: u32| 1_usize << power) {
        let mut block = Block::new(Layout::from_size_align(100, alignment).unwrap(), false, 7);
        for bytes in [1, 101, 1024, 1025, 4096, 5000, 200_000, 2_000_000, 131_072, 131_000, 50, 8] {
            block = block.resize(bytes);
        }
        block.free();
    }
}

#[test]
fn what_is_too_large_is_null_and_the_old_block_stays() {
    let most = isize::MAX.unsigned_abs();
    for alignment in (0..=22).chain([40, 46, 62]).map(|power: u32| 1_usize << power) {
        for size in [1_usize << 48, 1 << 62, most - alignment, most - 16, most] {
            let Ok(layout) = Layout::from_size_align(size, alignment) else { continue };
            // SAFETY: not an empty layout.
            assert!(unsafe { ALLOCATOR.alloc(layout) }.is_null(), "{layout:?}");
            // SAFETY: as above.
            assert!(unsafe { ALLOCATOR.alloc_zeroed(layout) }.is_null(), "{layout:?}");
            if alignment <= 4 << 20 {
                let block = Block::new(Layout::from_size_align(100, alignment).unwrap(), false, 9);
                // SAFETY: a live block of this layout, and a size with which there is a layout.
                assert!(unsafe { ALLOCATOR.realloc(block.payload, block.layout, size) }.is_null(), "{layout:?}");
                block.free();
            }
        }
    }
}

#[test]
fn threads_pass_blocks_on() {
    let (give, take) = std::sync::mpsc::channel::<Vec<String>>();
    thread::scope(|scope| {
        for number in 0..4 {
            let give = give.clone();
            scope.spawn(move || {
                for round in 0..200 {
                    give.send((0..50).map(|length| "x".repeat(number * round + length)).collect()).unwrap();
                }
            });
        }
        drop(give);
        let bytes: usize = take.iter().flatten().map(|text| text.len()).sum();
        assert_eq!(bytes, 4 * 200 * (49 * 50 / 2) + (1 + 2 + 3) * (199 * 200 / 2) * 50);
    });
}

#[test]
fn this_program_is_counted() {
    let before = osmem::process::stats();
    let numbers: Vec<u64> = (0..100_000).collect();
    let after = osmem::process::stats();
    assert!(after.used_bytes + after.mapped_bytes >= 800_000, "{before:?} {after:?}");
    assert_eq!(numbers.iter().sum::<u64>(), 4_999_950_000);
}

/// Does nothing: for a process of its own.
#[test]
fn idle() {}

/// What `idle` has on standard error, under these settings.
fn said(settings: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "idle", "--quiet", "--nocapture"]).envs(settings.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_program_takes_its_settings_from_the_environment() {
    assert_eq!(said(&[("OSMEM_STATS", "0")]), "");
    let form = r"^osmem: process \d+: heap of \d+ bytes, \d+ in \d+ blocks in use, \d+ in \d+ blocks free, \d+ of them at the top; \d+ bytes in \d+ mappings\n$";
    let line = said(&[("OSMEM_STATS", "1")]);
    assert!(regex::Regex::new(form).unwrap().is_match(&line), "{line}");
    assert_eq!(
        said(&[("OSMEM_THREAD_CACHE", "off"), ("OSMEM_ON_MISUSE", "report")]),
        "osmem: OSMEM_THREAD_CACHE=off is ignored: set it to 0 or 1\n"
    );
    for cache in ["0", "1"] {
        for bytes in ["0", "1", "64K", "9223372036854775807"] {
            let settings = [("OSMEM_TOP_PAD", bytes), ("OSMEM_MMAP_THRESHOLD", bytes), ("OSMEM_THREAD_CACHE", cache)];
            assert_eq!(said(&settings), "", "{settings:?}");
        }
    }
}
