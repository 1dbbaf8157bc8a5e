//! The real system. Each method makes at most the one system call it is named for, besides pure queries of the break.
#![expect(unsafe_code, reason = "system calls")]

use super::{Memory, Sys};
use std::ptr::{self, NonNull};

/// The running process's break and mappings.
#[derive(Clone, Copy, Debug)]
pub struct Linux {
    through: Through,
}

/// How the break is moved.
#[derive(Clone, Copy, Debug)]
enum Through {
    /// The C library's `sbrk`. It remembers the break, so a raw call beside it would corrupt both parties' idea of the
    /// heap.
    Library,
    /// The raw system call, where the C library keeps no break of its own and its `sbrk` refuses to grow: musl.
    Raw,
}

impl Linux {
    /// The way that fits the C library this crate is built for.
    #[must_use]
    pub const fn new() -> Self {
        let through = if cfg!(target_env = "musl") { Through::Raw } else { Through::Library };
        Self { through }
    }

    /// The raw system call with any C library. Only for a process in which nobody else moves the break through `sbrk`,
    /// and that is one in which nobody calls the C library's `malloc`.
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

// SAFETY: each method passes on what the kernel answered.
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
            Through::Library => {
                let by = libc::intptr_t::try_from(by).ok()?;
                // SAFETY: the break only ever moves up, which takes nothing from anybody.
                let old = unsafe { libc::sbrk(by) };
                (old.addr() != usize::MAX).then_some(old)?
            }
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

    fn map(&mut self, length: usize) -> Option<Memory> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: without an address and MAP_FIXED no existing mapping is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: a new mapping, known to nobody else.
        NonNull::new(start.cast()).map(|start| unsafe { Memory::new(start, length) })
    }

    fn unmap(&mut self, memory: Memory) -> bool {
        // SAFETY: `memory` was the only right to use these bytes, and it ends here.
        unsafe { libc::munmap(memory.start().as_ptr().cast(), memory.length()) == 0 }
    }

    fn page_size(&self) -> usize {
        // SAFETY: only asks; the C library knows the answer without a system call.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(bytes).unwrap_or(4096)
    }
}

/// The system call itself: moves the break to `to` and returns it, or returns the break as it is if `to` is refused;
/// null asks.
fn raw_break(to: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: callers pass null or an address above the current break, which takes nothing from anybody.
    let address = unsafe { libc::syscall(libc::SYS_brk, to) };
    address as *mut libc::c_void
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::Allocator;
    use crate::check::check;

    /// In a child of its own, where nobody calls the C library's `malloc`: whether `work` was true there.
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

    #[test]
    fn the_break_moves_through_the_raw_call() {
        assert!(in_child(|| works(Linux::raw())));
    }
}
