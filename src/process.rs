//! The heap of the whole process for programs that want speed: what [`Osmem`](crate::Osmem) and the preloadable library
//! stand on.
//!
//! One heap of [`Compact`] headers, with payloads aligned to 16 and [`Policy::PADDED`](crate::policy::Policy::PADDED),
//! behind one lock; in front of it each thread keeps small blocks for itself (`cache`). It leaves the process's break alone
//! and stands in address space of its own ([`region`](crate::sys::region)), so that it has nothing to do with the heap of
//! the `os_*` functions, nor with the C library's: neither knows the other's blocks.
//!
//! Every function may be called at any time, before anything else of the program has run, by several threads at once and
//! by the child of a threaded process, but not by a signal handler. None changes errno, takes memory for itself, or panics.
#![expect(unsafe_code, reason = "a global behind a lock, each thread's own cache")]

mod cache;
mod depot;
mod shared;
mod threads;

use crate::alloc::Stats;
use crate::block::{Block, Compact, Header};
use crate::policy::Policy;
use crate::report;
use crate::settings::{OnMisuse, Settings};
use crate::sys::forks::Forks;
use crate::sys::lock::Lock;
use crate::sys::raw;
use cache::{Batch, LARGEST, batch, shelf_for, size_on};
use shared::Shared;
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

/// The header of the process heap's blocks.
type Layout = Compact<16>;

/// How it treats the system, as long as no setting says anything else; none concerns blocks that grow or shrink.
const POLICY: Policy = Policy::PADDED;

/// Where its memory comes from.
#[cfg(not(miri))]
type System = crate::sys::region::Region;
#[cfg(miri)]
type System = crate::sys::miri::Arena;

/// A block of the heap that a thread or the depot keeps.
type Kept = Block<Layout>;

struct Process {
    lock: Lock,
    shared: UnsafeCell<Shared>,
    forks: Forks,
    /// The heap's last segment, for looks without the lock: the address of its first payload, and its end.
    first_payload: AtomicUsize,
    end: AtomicUsize,
    on_misuse: AtomicU8,
    keeps: AtomicBool,
}

// SAFETY: what is shared is only reached while the lock is held (`locked`).
unsafe impl Sync for Process {}

static PROCESS: Process = Process {
    lock: Lock::new(),
    shared: UnsafeCell::new(Shared::new()),
    forks: Forks::new(),
    first_payload: AtomicUsize::new(usize::MAX),
    end: AtomicUsize::new(0),
    on_misuse: AtomicU8::new(OnMisuse::Abort as u8),
    keeps: AtomicBool::new(true),
};

/// Does `work` under the lock. Nothing below changes errno: it makes system calls without the C library.
fn locked<R>(work: impl FnOnce(&mut Shared) -> R) -> R {
    let is_fresh = PROCESS.lock.acquire_unless_mine();
    if !is_fresh && !PROCESS.forks.begin() {
        PROCESS.lock.acquire(); // a signal handler has come in between, and waits for itself
    }
    // SAFETY: the lock is held, and `work` cannot come here a second time: nothing that it calls knows of this function.
    let shared = unsafe { &mut *PROCESS.shared.get() };
    let result = work(shared);
    if let Some((first_payload, end)) = shared.allocator.last_segment() {
        if first_payload != PROCESS.first_payload.load(Ordering::Relaxed) {
            // A reader that sees the new end must not see the old beginning with it (`live`).
            PROCESS.first_payload.store(usize::MAX, Ordering::Relaxed);
            PROCESS.end.store(end, Ordering::Release);
            PROCESS.first_payload.store(first_payload, Ordering::Release);
        }
        PROCESS.end.store(end, Ordering::Relaxed);
    }
    if is_fresh {
        PROCESS.lock.release();
    } else {
        PROCESS.forks.end();
    }
    result
}

/// Does `work` under the lock; if there is no memory for it, once more with all that this thread, the depot and ended
/// threads' caches kept back in the heap.
fn insisting<R>(work: impl Fn(&mut Shared) -> Option<R>) -> Option<R> {
    locked(&work).or_else(|| {
        threads::empty();
        locked(|shared| {
            shared.empty_depot();
            work(shared)
        })
    })
}

/// A block of at least `bytes` bytes, aligned to 16, contents undefined; for 0 bytes a block of its own as well. Null if
/// the size is more than `PTRDIFF_MAX` or the system refuses.
#[inline]
#[must_use]
pub fn allocate(bytes: usize) -> *mut u8 {
    if bytes > LARGEST {
        return allocate_large(bytes);
    }
    let shelf = shelf_for(bytes);
    if let Some(cache) = threads::cache()
        && let Some(block) = cache.shelves[shelf].front.pop()
    {
        block.set_live();
        return block.payload().as_ptr();
    }
    allocate_small(shelf)
}

/// A block from the shelf's second batch, the depot or the heap.
#[cold]
#[inline(never)]
fn allocate_small(shelf: usize) -> *mut u8 {
    let block = match threads::cache_or_new() {
        Some(cache) => {
            let cached = &mut cache.shelves[shelf];
            cached.take().or_else(|| locked(|shared| shared.refill(cached, shelf)))
        }
        None => locked(|shared| {
            let mut one = None;
            shared.allocator.malloc_many(size_on(shelf), 1, |block| one = Some(block));
            one
        }),
    };
    let Some(block) = block else { return allocate_large(size_on(shelf)) };
    block.set_live();
    block.payload().as_ptr()
}

/// A block straight from the heap, or a mapping.
#[inline(never)]
fn allocate_large(bytes: usize) -> *mut u8 {
    insisting(|shared| shared.allocator.malloc(bytes).ok()).unwrap_or(ptr::null_mut())
}

/// [`allocate`], and every byte is zero.
#[must_use]
pub fn allocate_zeroed(bytes: usize) -> *mut u8 {
    let (payload, unclean) = if bytes > LARGEST {
        insisting(|shared| shared.allocator.malloc_unclean(bytes).ok()).unwrap_or((ptr::null_mut(), 0))
    } else {
        (allocate(bytes), bytes)
    };
    if !payload.is_null() {
        // SAFETY: a live block that is at least so long, and that nobody else has yet.
        unsafe { payload.write_bytes(0, unclean) };
    }
    payload
}

/// [`allocate`] at a multiple of `alignment`, which is a power of two; null also where there is no such place.
#[must_use]
pub fn allocate_aligned(alignment: usize, bytes: usize) -> *mut u8 {
    if alignment <= Layout::ALIGNMENT {
        return allocate(bytes);
    }
    insisting(|shared| shared.allocator.aligned(alignment, bytes.max(1)).ok()).unwrap_or(ptr::null_mut())
}

/// Resizes the block at `payload` to `bytes` bytes, as many as 1 if they are 0, and returns where it is now. Its first
/// bytes are kept, as many as both sizes have; alignment to more than 16 is not. Null, and the old block as it was, if
/// that is not possible, or if `payload` is no live block and misuse is not to end the process.
///
/// # Safety
///
/// Nobody uses the block under its old address any more, unless null is returned.
#[must_use]
pub unsafe fn reallocate(payload: *mut u8, bytes: usize) -> *mut u8 {
    let (old_size, wanted) = match live(payload).map(Block::heap_size) {
        Some(size) if POLICY.keeps(size, bytes) => return payload,
        // To move what is so small costs less than to take the lock.
        Some(size) if size <= LARGEST && bytes <= LARGEST => (size, bytes),
        _ => match resize(payload, bytes) {
            Ok(payload) => return payload,
            Err(Some(size)) => (size, if bytes > size { POLICY.with_reserve(bytes) } else { bytes }),
            Err(None) => return ptr::null_mut(),
        },
    };
    let mut new = allocate(wanted);
    if new.is_null() && wanted > bytes {
        new = allocate(bytes);
    }
    if !new.is_null() {
        // SAFETY: two live blocks, both at least so long.
        unsafe { new.copy_from_nonoverlapping(payload, old_size.min(bytes)) };
        // SAFETY: the caller's promise.
        unsafe { free(payload) };
    }
    new
}

/// Resizes a block where it is, or by moving its pages; `Err` with its old size if it must be copied, and with nothing if
/// it is no block or too large.
#[inline(never)]
fn resize(payload: *mut u8, bytes: usize) -> Result<*mut u8, Option<usize>> {
    let resized = locked(|shared| match shared.allocator.resize(payload, bytes.max(1)) {
        Ok(Some(payload)) => Ok(payload),
        Ok(None) => Err(Some(shared.allocator.usable_size(payload))),
        Err(_) => Err(None),
    });
    if resized == Err(None) && usable_size(payload) == 0 {
        misused("realloc", payload);
    }
    resized
}

/// Frees the block at `payload`; null is ignored. What becomes of other pointers is a setting
/// ([`OnMisuse`]).
///
/// # Safety
///
/// Nobody uses the block any more.
#[inline]
pub unsafe fn free(payload: *mut u8) {
    if let Some(block) = live(payload)
        && let size = block.heap_size()
        && size <= LARGEST
        && let Some(cache) = threads::cache()
    {
        let shelf = shelf_for(size);
        block.set_cached();
        if let Some(full) = cache.shelves[shelf].put(block, batch(shelf)) {
            pass_on(shelf, full);
        }
        return;
    }
    free_slowly(payload);
}

#[cold]
#[inline(never)]
fn pass_on(shelf: usize, full: Batch) {
    locked(|shared| shared.take_back(shelf, full));
}

#[inline(never)]
fn free_slowly(payload: *mut u8) {
    if payload.is_null() {
        return;
    }
    if let Some(block) = live(payload)
        && block.heap_size() <= LARGEST
        && threads::cache_or_new().is_some()
    {
        // SAFETY: the caller's promise; now there is a cache.
        return unsafe { free(payload) };
    }
    if !locked(|shared| shared.allocator.try_free(payload)) {
        misused("free", payload);
    }
}

/// Returns the live block of the heap's last segment whose payload begins at `payload`; other blocks are found under the
/// lock. Reads the bytes in front of it without the lock: only the owner of a block changes whether it is live.
#[inline]
fn live(payload: *mut u8) -> Option<Kept> {
    let address = payload.addr();
    if address >= PROCESS.end.load(Ordering::Acquire)
        || address < PROCESS.first_payload.load(Ordering::Relaxed)
        || !address.is_multiple_of(Layout::ALIGNMENT)
    {
        return None;
    }
    let header = NonNull::new(payload.wrapping_sub(Layout::BYTES).cast::<Layout>())?;
    // SAFETY: it can be read: it lies in memory of the heap, which stays mapped for good (`region`). Bytes that are no
    // header of ours are only looked at.
    let block = unsafe { Block::at(header) };
    block.is_live().then_some(block)
}

/// A pointer that is no live block was passed to `call`.
#[cold]
#[inline(never)]
fn misused(call: &str, payload: *mut u8) {
    let setting = PROCESS.on_misuse.load(Ordering::Relaxed);
    if setting == OnMisuse::Ignore as u8 {
        return;
    }
    let found = locked(|shared| shared.allocator.diagnose(payload));
    report::misuse(call, payload.addr(), found, setting == OnMisuse::Abort as u8);
}

/// Bytes in the payload of a live block; 0 if it is none.
#[must_use]
pub fn usable_size(payload: *const u8) -> usize {
    match live(payload.cast_mut()) {
        Some(block) => block.heap_size(),
        None => locked(|shared| shared.allocator.usable_size(payload.cast_mut())),
    }
}

/// Gives free memory at the end of the heap back to the system, all but `keep` bytes, and before that what this thread,
/// the depot and ended threads' caches keep to the heap; whether the system got anything.
pub fn trim(keep: usize) -> bool {
    threads::empty();
    locked(|shared| {
        shared.empty_depot();
        shared.allocator.trim(keep)
    })
}

/// Returns the bytes of one page, a power of two.
#[must_use]
pub fn page_size() -> usize {
    raw::page_size()
}

/// Counts what there is, by a walk over the heap. Blocks that threads keep count as used.
#[must_use]
pub fn stats() -> Stats {
    locked(|shared| shared.allocator.stats())
}

/// Makes the settings hold from now on; for the beginning of a program, while there is one thread.
pub fn configure(settings: Settings) {
    if let Some(on_misuse) = settings.on_misuse {
        PROCESS.on_misuse.store(on_misuse as u8, Ordering::Relaxed);
    }
    if !settings.thread_cache {
        PROCESS.keeps.store(false, Ordering::Relaxed);
        threads::empty();
        threads::retire();
    }
    locked(|shared| {
        let policy = shared.allocator.policy_mut();
        if let Some(bytes) = settings.top_pad {
            policy.top_pad = bytes.clamp(1, usize::MAX / 4); // 0 would be exact growth, which is something else
            policy.trim = policy.trim.max(policy.top_pad);
        }
        if let Some(bytes) = settings.mmap_threshold {
            (policy.mmap_threshold, policy.adaptive) = (bytes.max(1), false);
        }
    });
}

/// Acquires the lock, so that a child does not inherit a heap in the middle of a change (`pthread_atfork`).
pub fn before_fork() {
    PROCESS.forks.prepare(&PROCESS.lock);
}

/// Releases the lock, or the child's copy of it, if [`before_fork`] acquired it. Blocks that other threads kept are lost to
/// the child.
pub fn after_fork() {
    PROCESS.forks.finish(&PROCESS.lock);
}
