//! The real system. Each method makes at most the one system call it is named for, besides pure queries of the break.
#![expect(unsafe_code, reason = "system calls")]

use super::{Memory, Sys};
use std::ptr::{self, NonNull};

/// The running process's break and mappings.
#[derive(Debug)]
pub struct Linux {
    through: Through,
    elsewhere: Option<Region>,
}

/// A mapping in which a break of our own stands, once the real one cannot move any more.
#[derive(Debug)]
struct Region {
    start: NonNull<u8>,
    used: usize,
    length: usize,
}

/// Bytes of the mappings in which the heap goes on.
const REGION: usize = 1 << 20;
/// How far above the break the first attempt at a place for one is made; the last is at 16 GiB.
const NEAREST: usize = 16 << 20;
const ATTEMPTS: u32 = 11;

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
        Self { through, elsewhere: None }
    }

    /// The raw system call with any C library. Only for a process in which nobody else moves the break through `sbrk`,
    /// and that is one in which nobody calls the C library's `malloc`.
    #[must_use]
    pub const fn raw() -> Self {
        Self { through: Through::Raw, elsewhere: None }
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
        if let Some(region) = &self.elsewhere {
            return region.start.addr().get() + region.used;
        }
        match self.through {
            // SAFETY: zero only asks.
            Through::Library => unsafe { libc::sbrk(0) }.addr(),
            Through::Raw => raw_break(ptr::null_mut()).addr(),
        }
    }

    fn move_break(&mut self, by: usize) -> Option<Memory> {
        if let Some(region) = &mut self.elsewhere {
            return region.take(by);
        }
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

    fn lower_break(&mut self, by: usize) -> bool {
        if self.elsewhere.is_some() {
            return false;
        }
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

    fn leap(&mut self, room: usize) -> bool {
        let Some(length) = room.checked_next_multiple_of(REGION) else { return false };
        let from = self.current_break();
        for attempt in 0..ATTEMPTS {
            let place = (from + (NEAREST << attempt)).next_multiple_of(REGION);
            let Some(start) = map_at(place, length) else { return false };
            if start.addr().get() > from && start.addr().get() - from <= NEAREST << ATTEMPTS {
                self.elsewhere = Some(Region { start, used: 0, length });
                return true;
            }
            // SAFETY: a mapping of our own, which nobody knows yet.
            unsafe { libc::munmap(start.as_ptr().cast(), length) };
        }
        false
    }

    fn grows_clean(&self) -> bool {
        true
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

    fn remap(&mut self, memory: Memory, length: usize) -> Result<Memory, Memory> {
        let old = memory.start().as_ptr().cast();
        // SAFETY: `memory` is the only right to use these bytes; it is exchanged for the answer.
        let start = unsafe { libc::mremap(old, memory.length(), length, libc::MREMAP_MAYMOVE) };
        match NonNull::new(start.cast()) {
            // SAFETY: the mapping as the system has just resized it.
            Some(start) if start.addr().get() != usize::MAX => Ok(unsafe { Memory::new(start, length) }),
            _ => Err(memory),
        }
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

impl Region {
    fn take(&mut self, by: usize) -> Option<Memory> {
        let used = self.used.checked_add(by).filter(|&used| used <= self.length)?;
        // SAFETY: inside the mapping, behind everything that was handed out before.
        let memory = unsafe { Memory::new(self.start.add(self.used), by) };
        self.used = used;
        Some(memory)
    }
}

/// A mapping at `place` if that is free, else anywhere.
fn map_at(place: usize, length: usize) -> Option<NonNull<u8>> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: without MAP_FIXED no existing mapping is touched.
    let start = unsafe { libc::mmap(ptr::without_provenance_mut(place), length, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED { None } else { NonNull::new(start.cast()) }
}

/// The system call itself: moves the break to `to` and returns it, or returns the break as it is if `to` is refused;
/// null asks.
fn raw_break(to: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: callers pass null or an address above the current break, which takes nothing from anybody, or give
    // up what lies between.
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
        assert!(in_child(|| works(Linux { through: Through::Library, elsewhere: None })));
    }

    #[test]
    fn the_break_moves_through_the_raw_call() {
        assert!(in_child(|| works(Linux::raw())));
    }
}
