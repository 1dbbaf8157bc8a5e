//! What Miri judges as it runs (`make miri`): every access, and every race. Natively these are short tests like others.
//!
//! `OSMEM_MIRI_SEED` varies the calls; how the threads interleave is up to Miri's own seed.
#![expect(unsafe_code, reason = "writes to blocks, frees them")]

use osmem::alloc::Allocator;
use osmem::block::{Compact, Full, Header};
use osmem::check::check;
use osmem::policy::Policy;
use osmem::process;
use osmem::sys::sim::Sim;
use std::sync::mpsc;
use std::{ptr, slice, thread};

/// Random numbers (xorshift).
struct Random(u64);

impl Random {
    fn new(number: u64) -> Self {
        let seed = std::env::var("OSMEM_MIRI_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0_u64);
        Self((seed * 64 + number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or(0) % end
    }
}

/// A live block, and how many of its first bytes hold its mark.
#[derive(Clone, Copy)]
struct Held {
    payload: *mut u8,
    bytes: usize,
}

// SAFETY: one thread has it at a time.
unsafe impl Send for Held {}

impl Held {
    const NONE: Self = Self { payload: ptr::null_mut(), bytes: 0 };

    /// So many bytes at either end are marked: under Miri each takes its time. Whole words, as far as possible: Miri breaks
    /// down over a part of what was an atomic before.
    const MARKED: usize = 16;

    /// Marks a new block.
    fn new(payload: *mut u8, bytes: usize) -> Self {
        assert!(!payload.is_null());
        let held = Self { payload, bytes };
        for bytes in held.ends() {
            bytes.fill(held.mark());
        }
        held
    }

    fn mark(self) -> u8 {
        self.bytes.to_ne_bytes().iter().fold(0x5a, |sum, byte| sum ^ byte)
    }

    #[expect(clippy::mut_from_ref, reason = "the bytes are the caller's")]
    fn ends(&self) -> [&mut [u8]; 2] {
        let length = self.bytes.min(Self::MARKED);
        let second = if self.bytes >= 2 * length { length } else { 0 };
        // SAFETY: inside a live block of at least so many bytes; the two do not overlap.
        unsafe {
            [
                slice::from_raw_parts_mut(self.payload, length),
                slice::from_raw_parts_mut(self.payload.add(self.bytes - second), second),
            ]
        }
    }

    fn is_intact(self) -> bool {
        self.ends().iter().all(|bytes| bytes.iter().all(|byte| *byte == self.mark()))
    }

    /// Whether the bytes that were kept when it was resized to `bytes` bytes hold their mark.
    fn is_kept(self, new: *const u8, bytes: usize) -> bool {
        let kept = self.bytes.min(bytes).min(Self::MARKED);
        // SAFETY: inside a live block of at least so many bytes.
        unsafe { slice::from_raw_parts(new, kept) }.iter().all(|byte| *byte == self.mark())
    }
}

/// Most requests are small, some are for a mapping, and some near to it.
fn size(random: &mut Random) -> usize {
    match random.below(24) {
        0 => 131_000 + random.below(200),
        1 => 140_000 + random.below(70_000),
        2..6 => 1 + random.below(9000),
        _ => 1 + random.below(300),
    }
}

/// Random calls of one allocator, which is checked again and again.
fn engine<H: Header>(policy: Policy, number: u64) {
    let mut random = Random::new(number);
    let mut allocator = Allocator::<Sim, H>::with_policy(Sim::with(4096, 2 << 20, 4 << 20), policy);
    let mut blocks = [Held::NONE; 12];
    for step in 0..STEPS {
        let index = random.below(blocks.len());
        let (held, bytes) = (blocks[index], size(&mut random));
        let what = random.below(8);
        blocks[index] = if held.payload.is_null() {
            let payload = match what {
                0 | 1 => allocator.calloc(1, bytes),
                2 => allocator.aligned(1 << random.below(14), bytes),
                _ => allocator.malloc(bytes),
            };
            Held::new(payload.expect("the simulated system has room"), bytes)
        } else if what < 3 {
            assert!(held.is_intact());
            let payload = allocator.realloc(held.payload, bytes).expect("the simulated system has room");
            assert!(held.is_kept(payload, bytes));
            Held::new(payload, bytes)
        } else {
            assert!(held.is_intact() && allocator.usable_size(held.payload) >= held.bytes);
            allocator.free(held.payload);
            Held::NONE
        };
        match random.below(40) {
            0 => _ = allocator.sys().move_break_as_foreigner(24),
            1 => _ = allocator.trim(0),
            _ => {}
        }
        if step % 16 == 0 {
            assert_eq!(check(&allocator), Ok(()));
        }
    }
    for held in blocks {
        allocator.free(held.payload);
    }
    assert_eq!(check(&allocator), Ok(()));
}

/// Miri takes a thousand times as long.
const STEPS: usize = if cfg!(miri) { 200 } else { 20_000 };

#[test]
fn the_full_header_by_the_contract() {
    engine::<Full>(Policy::EXACT, 1);
}

#[test]
fn the_full_header_padded() {
    engine::<Full>(Policy::PADDED, 2);
}

#[test]
fn the_compact_header_by_the_contract() {
    engine::<Compact<8>>(Policy::EXACT, 3);
}

#[test]
fn the_compact_header_padded() {
    engine::<Compact<16>>(Policy::PADDED, 4);
}

/// What a thread does on the process's heap: takes blocks, resizes, frees, hands some on, and frees what it is handed.
fn work(number: u64, to: &mpsc::Sender<Held>, from: &mpsc::Receiver<Held>) {
    let mut random = Random::new(number);
    let mut blocks = [Held::NONE; 24];
    let free = |held: Held| {
        assert!(held.is_intact() && process::usable_size(held.payload) >= held.bytes);
        // SAFETY: a live block, which is forgotten.
        unsafe { process::free(held.payload) };
    };
    for _ in 0..STEPS {
        let index = random.below(blocks.len());
        let held = blocks[index];
        // Of few sizes, so that batches fill and go from one thread to the other; and some that are in no cache.
        let bytes = if random.below(6) > 0 { 600 + 200 * random.below(3) } else { size(&mut random) };
        let bytes = bytes.next_multiple_of(8);
        blocks[index] = if held.payload.is_null() {
            let payload = match random.below(8) {
                0 => process::allocate_zeroed(bytes),
                1 => process::allocate_aligned(64 << random.below(6), bytes),
                _ => process::allocate(bytes),
            };
            Held::new(payload, bytes)
        } else {
            match random.below(8) {
                0 | 1 => {
                    assert!(held.is_intact());
                    // SAFETY: a live block, which is used at its new place only.
                    let payload = unsafe { process::reallocate(held.payload, bytes) };
                    assert!(held.is_kept(payload, bytes));
                    Held::new(payload, bytes)
                }
                2..5 if to.send(held).is_ok() => Held::NONE,
                _ => {
                    free(held);
                    Held::NONE
                }
            }
        };
        from.try_iter().for_each(free);
    }
    blocks.into_iter().filter(|held| !held.payload.is_null()).for_each(free);
}

#[test]
fn two_threads_on_the_heap_of_the_process() {
    // What is still on its way when one has ended is freed at the end.
    let ((to_second, second), (to_first, first)) = (mpsc::channel(), mpsc::channel());
    let works = [(5, to_second, first), (6, to_first, second)].map(|(number, to, from)| {
        thread::spawn(move || {
            work(number, &to, &from);
            drop(to);
            for held in from {
                assert!(held.is_intact());
                // SAFETY: a live block, which is forgotten.
                unsafe { process::free(held.payload) };
            }
        })
    });
    // Looks at all blocks, while their owners go on.
    let used = process::stats().used_bytes;
    for work in works {
        work.join().expect("the thread ends well");
    }
    process::trim(0);
    assert!(process::stats().used_bytes <= used.max(1 << 20), "what was freed is free");
}
