//! Programs whose every access Miri judges (`make miri`), races between threads included. Natively they are tests like
//! others.
//!
//! Under Miri its seed decides everything: which calls are made, and how the threads interleave.
#![expect(unsafe_code, reason = "writes to blocks, frees them")]

use osmem::alloc::Allocator;
use osmem::block::{Compact, Full, Header};
use osmem::check::check;
use osmem::policy::Policy;
use osmem::process;
use osmem::sys::sim::Sim;
use std::sync::mpsc;
use std::{ptr, thread};

/// Random numbers (xorshift).
struct Random(u64);

impl Random {
    fn new(number: usize) -> Self {
        let byte = Box::new(0_u8);
        // Where it lies depends on Miri's seed; natively it says nothing that another run would say again.
        let seed = if cfg!(miri) { (&raw const *byte).addr() } else { 0 };
        Self(((seed + number) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or(0) % end
    }
}

/// A live block, and how many bytes were asked for.
#[derive(Clone, Copy)]
struct Held {
    payload: *mut u8,
    bytes: usize,
}

// SAFETY: one thread has it at a time.
unsafe impl Send for Held {}

impl Held {
    const NONE: Self = Self { payload: ptr::null_mut(), bytes: 0 };

    /// Marks a new block: its first and its last whole word.
    fn new(payload: *mut u8, bytes: usize) -> Self {
        assert!(!payload.is_null(), "the system has room");
        let held = Self { payload, bytes };
        for word in held.words() {
            // SAFETY: a word of a live block, which is this thread's.
            unsafe { word.write(held.mark()) };
        }
        held
    }

    /// The words that are marked. Miri takes its time with each access, and its emulation of weak memory breaks down over a
    /// part of what was an atomic before: so they are few, and whole words.
    fn words(self) -> impl Iterator<Item = *mut usize> {
        let (words, first) = (self.bytes / size_of::<usize>(), self.payload.cast::<usize>());
        [0, words.saturating_sub(1)].into_iter().take(words).map(move |word| first.wrapping_add(word))
    }

    fn mark(self) -> usize {
        !self.bytes
    }

    fn is_intact(self) -> bool {
        // SAFETY: words of a live block, which were written.
        self.words().all(|word| unsafe { word.read() } == self.mark())
    }

    /// Whether the block at `new`, made of this one by resizing it to `bytes` bytes, begins with its mark.
    fn is_kept(self, new: *const u8, bytes: usize) -> bool {
        // SAFETY: a word of a live block, which was written.
        self.bytes.min(bytes) < size_of::<usize>() || unsafe { new.cast::<usize>().read() } == self.mark()
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
fn engine<H: Header>(policy: Policy, number: usize) {
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
            Held::new(payload.unwrap_or(ptr::null_mut()), bytes)
        } else if what < 3 {
            assert!(held.is_intact());
            let payload = allocator.realloc(held.payload, bytes).unwrap_or(ptr::null_mut());
            assert!(!payload.is_null() && held.is_kept(payload, bytes));
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
        if step % 50 == 0 {
            assert_eq!(check(&allocator), Ok(()));
        }
    }
    for held in blocks {
        allocator.free(held.payload);
    }
    assert_eq!(check(&allocator), Ok(()));
}

/// Miri takes a thousand times as long.
const STEPS: usize = if cfg!(miri) { 80 } else { 20_000 };

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

/// Blocks on their way to a thread, at most: one that gets no processor for a while frees nothing.
const MOST_HANDED_ON: usize = 256;

/// One thread on the process's heap: takes blocks, resizes, frees, hands some on, and frees those that it is handed.
fn work(number: usize, to: &mpsc::SyncSender<Held>, from: &mpsc::Receiver<Held>) {
    let mut random = Random::new(number);
    let mut blocks = [Held::NONE; 24];
    let free = |held: Held| {
        assert!(held.is_intact() && process::usable_size(held.payload) >= held.bytes);
        // SAFETY: a live block, which is forgotten.
        unsafe { process::free(held.payload) };
    };
    // More than a thread keeps for itself: whole batches go to the depot, and come from there.
    for _ in 0..20 {
        _ = to.try_send(Held::new(process::allocate(1000), 1000));
    }
    for _ in 0..STEPS {
        let index = random.below(blocks.len());
        let held = blocks[index];
        // Of few sizes, so that batches fill and go from one thread to the other; and some that are in no cache.
        let bytes = if random.below(6) > 0 { 600 + 200 * random.below(3) } else { size(&mut random) };
        let bytes = bytes.next_multiple_of(size_of::<usize>());
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
                2..5 if to.try_send(held).is_ok() => Held::NONE,
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
    let ((to_second, second), (to_first, first)) =
        (mpsc::sync_channel(MOST_HANDED_ON), mpsc::sync_channel(MOST_HANDED_ON));
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
    assert!(process::stats().heap_bytes < 4 << 20);
    for work in works {
        work.join().expect("the thread ends well");
    }
    // Gets what one of the two has kept.
    let heir = thread::spawn(|| Held::new(process::allocate(1000), 1000));
    let held = heir.join().expect("the thread ends well");
    // SAFETY: a live block, which is forgotten.
    unsafe { process::free(held.payload) };
    process::trim(0);
    assert!(process::stats().used_bytes < 16 << 10, "no more than the room in which threads keep blocks");
}
