//! One allocator, many threads: mixed calls with contents verified, and forks in the middle of them.
#![expect(unsafe_code, reason = "calls the C face, forks")]

use libc::c_void;
use osmem::ffi::{os_calloc, os_free, os_malloc, os_realloc};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, ptr, slice, thread};

/// What a forked child ends with: all was well, or what it was handed is not what it must be.
const WELL: i32 = 0;
const WRONG: i32 = 3;
/// A child takes a thousandth of this, unless it waits for a lock that nobody holds.
const PATIENCE: Duration = Duration::from_secs(20);

/// One thread's blocks. Uses no memory but its own and the allocator's, so that a forked child may use it too.
struct Worker {
    blocks: [(*mut c_void, usize); 32],
    random: u64,
}

impl Worker {
    fn new(seed: u64) -> Self {
        Self { blocks: [(ptr::null_mut(), 0); 32], random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// A number below `end` (xorshift).
    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 1).unwrap_or(0) % end
    }

    /// One call on one of the blocks, verified; `false` if anything is not as it must be.
    fn step(&mut self) -> bool {
        let index = self.below(self.blocks.len());
        let bytes = match self.below(50) {
            0 => 131_000 + self.below(5000),
            1..5 => 1 + self.below(20_000),
            _ => 1 + self.below(500),
        };
        let (payload, old) = self.blocks[index];
        if !holds(payload, old, mark(payload, old)) {
            return false;
        }
        let (new, bytes) = match self.below(3) {
            0 if payload.is_null() => (os_malloc(bytes), bytes),
            1 if payload.is_null() => (os_calloc(1, bytes), bytes),
            0 | 1 => (free(payload), 0),
            // SAFETY: null or a live block of this worker's, not used any more after it was resized.
            _ => (unsafe { os_realloc(payload, bytes) }, bytes),
        };
        let kept = if new.is_null() { 0 } else { old.min(bytes) };
        let well = (new.is_null() == (bytes == 0)) && holds(new, kept, mark(payload, old));
        if bytes > 0 && !new.is_null() {
            // SAFETY: a live block of `bytes` bytes.
            unsafe { new.write_bytes(mark(new, bytes), bytes) };
        }
        self.blocks[index] = (new, bytes);
        well
    }

    fn free_all(&mut self) {
        for (payload, _) in &mut self.blocks {
            *payload = free(*payload);
        }
    }
}

/// Returns null, for the place where the pointer was kept.
fn free(payload: *mut c_void) -> *mut c_void {
    // SAFETY: null or a live block of the caller's, who forgets it.
    unsafe { os_free(payload) };
    ptr::null_mut()
}

/// What every byte of a block holds: something that hardly any other block does.
fn mark(payload: *mut c_void, bytes: usize) -> u8 {
    (payload.addr() / 8 + bytes).to_ne_bytes().iter().fold(0, |sum, byte| sum ^ byte)
}

/// Whether the first `bytes` bytes all are `byte`.
fn holds(payload: *mut c_void, bytes: usize, byte: u8) -> bool {
    // SAFETY: callers pass live blocks, or no bytes at all.
    bytes == 0 || unsafe { slice::from_raw_parts(payload.cast::<u8>(), bytes) }.iter().all(|&found| found == byte)
}

#[test]
fn four_threads_of_mixed_calls_keep_their_contents() {
    thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || {
                let mut worker = Worker::new(seed);
                for step in 0..10_000 {
                    assert!(worker.step(), "thread {seed}, step {step}");
                }
                worker.free_all();
            });
        }
    });
}

#[test]
fn a_child_forked_in_the_middle_of_calls_can_allocate() {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 11..=13 {
            let stop = &stop;
            scope.spawn(move || {
                let mut worker = Worker::new(seed);
                while !stop.load(Ordering::Relaxed) {
                    assert!(worker.step(), "thread {seed}");
                }
                worker.free_all();
            });
        }
        let ends = (1..=200).map(|seed| (seed, wait(fork(|| child(seed)))));
        let failure = ends.into_iter().find(|(_, end)| end != &Ok(WELL));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(failure, None, "the first child that does not end well");
    });
}

/// What a child does: nothing that needs the C library's or Rust's own memory.
fn child(seed: u64) -> bool {
    let mut worker = Worker::new(seed);
    let well = (0..100).all(|_| worker.step());
    worker.free_all();
    well
}

/// Starts a child that does `work` and ends at once.
fn fork(work: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child only calls the allocator, which is made for that, and ends without running anything of the
    // test's.
    match unsafe { libc::fork() } {
        -1 => panic!("cannot fork: {}", io::Error::last_os_error()),
        0 => {
            let end = if work() { WELL } else { WRONG };
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(end) }
        }
        child => child,
    }
}

/// The child's exit code; an error if it was killed or had to be, because it hangs.
fn wait(child: libc::pid_t) -> Result<i32, &'static str> {
    let deadline = Instant::now() + PATIENCE;
    let mut status = 0;
    // SAFETY: a child of ours that nobody else waits for.
    while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > deadline {
            // SAFETY: as above.
            unsafe {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, &raw mut status, 0);
            }
            return Err("hangs");
        }
        thread::sleep(Duration::from_micros(200));
    }
    if libc::WIFEXITED(status) { Ok(libc::WEXITSTATUS(status)) } else { Err("was killed") }
}
