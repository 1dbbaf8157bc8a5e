//! The real system: the process's break and its mappings. Each method makes at most the one system call it is named for,
//! besides pure queries of the break.
#![expect(unsafe_code, reason = "system calls")]

#[cfg(all(target_env = "gnu", not(miri)))]
use super::glibc;
use super::{Memory, Sys, raw};
use std::ptr::{self, NonNull};
#[cfg(all(target_env = "gnu", not(miri)))]
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(all(target_env = "gnu", not(miri)))]
use std::thread;

/// The running process's break and mappings.
#[derive(Debug)]
pub struct Linux {
    through: Through,
}

/// The way in which the break is moved.
#[derive(Clone, Copy, Debug)]
enum Through {
    /// The C library's `sbrk`. It remembers the break, so a raw call beside it would corrupt both parties' idea of the
    /// heap.
    Library,
    /// The raw system call, where the C library keeps no break of its own and its `sbrk` refuses to grow: musl.
    Raw,
}

/// Attempts at a move of the break that another thread does not disturb.
#[cfg(all(target_env = "gnu", not(miri)))]
const ATTEMPTS: u32 = 10_000;
/// Looks for a move that is noted late: it takes another thread that long to get back from the system.
#[cfg(all(target_env = "gnu", not(miri)))]
const LOOKS: u32 = 100;

impl Linux {
    /// Returns the way that fits the C library this crate is built for.
    #[must_use]
    pub const fn new() -> Self {
        let through = if cfg!(target_env = "musl") { Through::Raw } else { Through::Library };
        Self { through }
    }

    /// Returns the raw system call with any C library. Only for a process in which nothing else moves the break through
    /// `sbrk`: the C library's `malloc` must not be called there.
    #[must_use]
    pub const fn raw() -> Self {
        Self { through: Through::Raw }
    }
}

impl Default for Linux {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: each method passes on the kernel's answer.
unsafe impl Sys for Linux {
    fn current_break(&self) -> usize {
        match self.through {
            // SAFETY: zero only asks.
            Through::Library => unsafe { libc::sbrk(0) }.addr(),
            Through::Raw => raw_break(ptr::null_mut()).addr(),
        }
    }

    fn move_break(&mut self, by: usize) -> Option<Memory> {
        let old = match self.through {
            Through::Library => library_break(libc::intptr_t::try_from(by).ok()?)?,
            Through::Raw => {
                let old = raw_break(ptr::null_mut());
                old.addr().checked_add(by)?;
                let new = old.wrapping_byte_add(by);
                (raw_break(new) == new).then_some(old)?
            }
        };
        // SAFETY: the system has just moved the break from `old` up by `by` bytes, at our request.
        NonNull::new(old.cast()).map(|start| unsafe { Memory::new(start, by) })
    }

    fn lower_break(&mut self, by: usize) -> bool {
        let Ok(down) = libc::intptr_t::try_from(by) else { return false };
        let old = self.current_break();
        match self.through {
            // SAFETY: the bytes above the new break are the caller's, who gives them up.
            Through::Library => unsafe { libc::sbrk(-down) }.addr() == old,
            Through::Raw => {
                let new = raw_break(ptr::null_mut()).wrapping_byte_sub(by);
                raw_break(new) == new
            }
        }
    }

    fn leap(&mut self, _: usize, _: usize) -> bool {
        false // the process has one break
    }

    fn discard(&mut self, start: usize, bytes: usize) -> bool {
        // SAFETY: the caller's bytes, whose contents are given up.
        unsafe { raw::discard(start, bytes) }
    }

    fn grows_clean(&self) -> bool {
        true
    }

    fn map(&mut self, length: usize) -> Option<Memory> {
        map(length)
    }

    fn remap(&mut self, memory: Memory, length: usize) -> Result<Memory, Memory> {
        remap(memory, length)
    }

    fn unmap(&mut self, memory: Memory) -> bool {
        unmap(memory)
    }

    fn page_size(&self) -> usize {
        raw::page_size()
    }
}

/// Makes a private mapping of `length` bytes for [`Sys::map`].
pub(super) fn map(length: usize) -> Option<Memory> {
    // SAFETY: without an address no existing mapping is touched.
    let start = unsafe { raw::mmap(0, length, libc::PROT_READ | libc::PROT_WRITE, 0) }?;
    // SAFETY: a new mapping, known nowhere else.
    at(start).map(|start| unsafe { Memory::new(start, length) })
}

/// Resizes a mapping for [`Sys::remap`].
pub(super) fn remap(memory: Memory, length: usize) -> Result<Memory, Memory> {
    // SAFETY: `memory` is the only right to use these bytes; it is exchanged for the answer.
    let start = unsafe { raw::mremap(memory.address(), memory.length(), length) };
    match start.and_then(at) {
        // SAFETY: the mapping as the system has just resized it.
        Some(start) => Ok(unsafe { Memory::new(start, length) }),
        None => Err(memory),
    }
}

/// Gives a mapping back for [`Sys::unmap`].
pub(super) fn unmap(memory: Memory) -> bool {
    // SAFETY: `memory` was the only right to use these bytes, and it ends here.
    unsafe { raw::munmap(memory.address(), memory.length()) }
}

/// Returns the place of an address that the kernel gave.
pub(super) fn at(address: usize) -> Option<NonNull<u8>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
}

/// Moves the break up and lets the C library know; returns its old place, or `None` if the system refuses.
///
/// `sbrk` reads what it remembers of the break, asks the system, and notes the answer: two threads in it get the same
/// bytes. In a program of several threads each of those steps is made here, and looked at again: when another thread's
/// `sbrk` shows in between, the bytes are left to it. A whole move between the last look and this one does not show, nor one
/// whose thread is suspended between its steps for as long as all this takes.
#[cfg(all(target_env = "gnu", not(miri)))]
fn library_break(by: libc::intptr_t) -> Option<*mut libc::c_void> {
    match glibc::remembered_break().filter(|_| !glibc::is_single_threaded()) {
        Some(remembered) => contended_break(remembered, by),
        None => library_call(by),
    }
}

/// Moves the break as [`library_break`] does in a program of several threads.
#[cfg(all(target_env = "gnu", not(miri)))]
fn contended_break(remembered: &AtomicUsize, by: libc::intptr_t) -> Option<*mut libc::c_void> {
    let is_at = |address: usize| remembered.load(Ordering::SeqCst) == address;
    let mut waited = 0;
    for _ in 0..ATTEMPTS {
        let old = remembered.load(Ordering::SeqCst);
        if old == 0 {
            return library_call(by);
        }
        let new = old.checked_add_signed(by)?;
        let actual = ask_break();
        if actual != old {
            // The other thread has yet to note its move; unless it waits for ever, or never will.
            waited += 1;
            if waited == ATTEMPTS / 20 {
                settle_break(remembered, old, actual);
            }
            thread::yield_now();
            continue;
        }
        // SAFETY: upwards, unless the break was moved since it was asked for: then what it took is given back below.
        if unsafe { raw::brk(new) } < new {
            if is_at(old) && ask_break() == old {
                return None;
            }
            continue;
        }
        if let Err(theirs) = remembered.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst) {
            // Its move came first, from the same place: it must have what it was promised.
            if ask_break() < theirs {
                // SAFETY: upwards.
                unsafe { raw::brk(theirs) };
            }
            continue;
        }
        // A move that was waiting for ours, and one that is noted only now.
        if (0..LOOKS).all(|_| is_at(new)) && ask_break() == new {
            return Some(ptr::with_exposed_provenance_mut(old));
        }
    }
    None
}

/// Makes what `sbrk` remembers and the break agree, after a move that was never noted.
#[cfg(all(target_env = "gnu", not(miri)))]
fn settle_break(remembered: &AtomicUsize, old: usize, actual: usize) {
    if actual > old {
        // The bytes in between are left alone. If this fails, the other thread is there after all.
        _ = remembered.compare_exchange(old, actual, Ordering::SeqCst, Ordering::SeqCst);
    } else {
        // SAFETY: upwards, to where the other thread believes its memory to end.
        unsafe { raw::brk(old) };
    }
}

#[cfg(any(not(target_env = "gnu"), miri))]
fn library_break(by: libc::intptr_t) -> Option<*mut libc::c_void> {
    library_call(by)
}

/// Moves the break by `sbrk`.
fn library_call(by: libc::intptr_t) -> Option<*mut libc::c_void> {
    // SAFETY: the break only ever moves up, which takes nothing from its other users.
    let old = unsafe { libc::sbrk(by) };
    (old.addr() != usize::MAX).then_some(old)
}

/// Returns where the break stands.
#[cfg(all(target_env = "gnu", not(miri)))]
fn ask_break() -> usize {
    // SAFETY: 0 only asks.
    unsafe { raw::brk(0) }
}

/// Makes the system call itself: moves the break to `to` and returns it, or returns the break as it is if `to` is refused;
/// null asks.
fn raw_break(to: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: callers pass null or an address above the current break, which takes nothing from its other users, or give
    // up what lies between.
    ptr::with_exposed_provenance_mut(unsafe { raw::brk(to.expose_provenance()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::Allocator;
    use crate::check::check;

    /// In a child of its own, where the C library's `malloc` is not called: whether `work` was true there.
    fn in_child(work: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child neither allocates nor returns.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(if work() { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: our own child.
        let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
        ended == child && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }

    /// What must hold whichever way the break is moved.
    fn works(mut system: Linux) -> bool {
        let start = system.current_break();
        let refused = system.move_break(usize::MAX / 2).is_none() && system.current_break() == start;
        let moved = system.move_break(24).is_some_and(|memory| (memory.address(), memory.length()) == (start, 24));

        let mut allocator = Allocator::new(system);
        let mut blocks = [ptr::null_mut(); 4];
        for (block, bytes) in blocks.iter_mut().zip([100, 131_032, 200_000, 131_000]) {
            let Ok(payload) = allocator.malloc(bytes) else { return false };
            // SAFETY: a live block of `bytes` bytes.
            unsafe { payload.write_bytes(1, bytes) };
            *block = payload;
        }
        let extended = allocator.realloc(blocks[3], 131_032) == Ok(blocks[3]);
        for block in blocks {
            allocator.free(block);
        }
        let gone = allocator.mapped_blocks().count() == 0;
        let whole = allocator.malloc(131_032) == Ok(blocks[0]); // everything was merged
        refused && moved && extended && gone && whole && check(&allocator).is_ok()
    }

    #[cfg(not(target_env = "musl"))] // whose `sbrk` refuses to grow
    #[test]
    fn the_break_moves_through_the_c_library() {
        assert!(in_child(|| works(Linux { through: Through::Library })));
    }

    #[cfg(target_env = "gnu")]
    #[test]
    fn a_move_that_another_thread_has_not_noted_yet_is_left_to_it() {
        assert!(in_child(|| {
            let Some(remembered) = glibc::remembered_break() else { return false };
            let old = remembered.load(Ordering::SeqCst);
            // SAFETY: upwards.
            let moved = unsafe { raw::brk(old + 4096) } == old + 4096;
            let taken = contended_break(remembered, 100).map(<*mut _>::addr);
            moved
                && taken == Some(old + 4096)
                && ask_break() == old + 4196
                && library_call(0).map(<*mut _>::addr) == Some(old + 4196)
        }));
    }

    #[cfg(target_env = "gnu")]
    #[test]
    fn bytes_that_another_thread_was_promised_are_given_back_to_it() {
        assert!(in_child(|| {
            let Some(remembered) = glibc::remembered_break() else { return false };
            let promised = remembered.load(Ordering::SeqCst) + 8192;
            remembered.store(promised, Ordering::SeqCst);
            let taken = contended_break(remembered, 100).map(<*mut _>::addr);
            taken == Some(promised) && ask_break() == promised + 100
        }));
    }

    /// Each thread sees the others' moves, so no bytes are given twice.
    #[cfg(target_env = "gnu")]
    #[test]
    fn threads_that_move_the_break_at_the_same_time_get_bytes_of_their_own() {
        const MOVES: usize = 300;
        const BYTES: libc::intptr_t = 48;
        let remembered = glibc::remembered_break().expect("glibc exports it");
        library_call(0);
        let mut places: Vec<usize> = thread::scope(|scope| {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(move || {
                        let one = || contended_break(remembered, BYTES).expect("a place").addr();
                        (0..MOVES).map(|_| one()).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        places.sort_unstable();
        assert_eq!(places.len(), 2 * MOVES);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= BYTES.cast_unsigned()), "two have the same bytes");
    }

    #[test]
    fn the_break_moves_through_the_raw_call() {
        assert!(in_child(|| works(Linux::raw())));
    }
}
