//! The functions that look at the whole heap: walk, check, count.
#![expect(unsafe_code, reason = "C functions, one of which calls back")]

use super::global::{self, GLOBAL};
use crate::alloc::{Seen, Stats};
use crate::block::Status;
use crate::check::{Broken, check};
use crate::report;
use crate::sys::errno;
use libc::{c_int, c_void};
use std::ptr;

/// `struct os_block`: what a walk shows of a block.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BlockSeen {
    /// Where the payload begins.
    pub payload: *const c_void,
    /// Bytes in the payload.
    pub size: usize,
    /// `OS_BLOCK_FREE` (0), `OS_BLOCK_ALLOC` (1) or `OS_BLOCK_MAPPED` (2).
    pub status: c_int,
}

/// `os_block_callback`: what a walk calls. Not zero ends the walk.
pub type Callback = unsafe extern "C" fn(block: *const BlockSeen, arg: *mut c_void) -> c_int;

/// Calls `callback` for each block: those of the heap in address order, then the mappings in address order. Stops as
/// soon as it returns something else than 0, and returns that; else 0.
///
/// -1 with errno `EINVAL` without a callback, with `EDEADLK` inside another walk's.
///
/// # Safety
///
/// `callback` can be called with `arg`, and returns: it neither jumps nor unwinds out. Blocks have their headers unharmed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_heap_walk(callback: Option<Callback>, arg: *mut c_void) -> c_int {
    let Some(callback) = callback else {
        errno::set(libc::EINVAL);
        return -1;
    };
    let walked = GLOBAL.show(|allocator| {
        for seen in allocator.heap_blocks().chain(allocator.mapped_blocks()) {
            let block = show(seen);
            // SAFETY: the caller's promise.
            let answer = unsafe { callback(&raw const block, arg) };
            if answer != 0 {
                return answer;
            }
        }
        0
    });
    walked.unwrap_or_else(deadlock)
}

/// Checks the whole heap: 0 if it is sound, else the number of the first invariant that is broken, as 2 for H2. errno is
/// kept.
///
/// -1 with errno `EDEADLK` inside a walk's callback.
#[unsafe(no_mangle)]
pub extern "C" fn os_heap_check() -> c_int {
    let checked = GLOBAL.locked(|allocator| errno::kept(|| check(allocator)));
    match checked {
        None => deadlock(),
        Some(Ok(())) => 0,
        Some(Err(broken)) => {
            if GLOBAL.speaks() {
                report::broken("os_heap_check", &broken);
            }
            number(&broken)
        }
    }
}

/// Counts what the heap holds, by a walk over it; all zero inside a walk's callback. errno is kept.
#[unsafe(no_mangle)]
pub extern "C" fn os_stats() -> Stats {
    global::stats().unwrap_or_default()
}

/// A call that would wait for itself.
fn deadlock() -> c_int {
    errno::set(libc::EDEADLK);
    -1
}

fn show(seen: Seen) -> BlockSeen {
    let status = match seen.status {
        Status::FREE => 0,
        Status::MAPPED => 2,
        _ => 1,
    };
    BlockSeen { payload: ptr::with_exposed_provenance(seen.payload), size: seen.size, status }
}

/// The number behind the H.
fn number(broken: &Broken) -> c_int {
    broken.invariant.get(1..).and_then(|number| number.parse().ok()).unwrap_or(c_int::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_is_known_by_its_number() {
        let named = |invariant| number(&Broken { invariant, block: 0, what: "is made up" });
        assert_eq!([named("H2"), named("H9"), named("H10")], [2, 9, 10]);
    }
}
