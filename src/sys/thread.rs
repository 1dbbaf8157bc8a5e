//! One word of each thread's own, at a place that is fixed when the program starts.
//!
//! An allocator cannot use what the language offers: for a library, a thread's variables may have to be allocated when
//! they are first touched. The model that never allocates (*initial-exec*) is not to be had there, so the word is declared
//! and read in assembly: the one place in this package that knows the machine. Its cost in a library that is opened later
//! is these 8 bytes of what the C library sets aside for such libraries. Under Miri, which runs no assembly, the word is
//! a variable of the language.
#![expect(unsafe_code, reason = "reads and writes a thread's own word")]

#[cfg(not(miri))]
use std::arch::{asm, global_asm};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("osmem needs the thread's own word of this machine: see src/sys/thread.rs");

#[cfg(not(miri))]
global_asm!(
    ".pushsection .tbss.osmem_thread_word, \"awT\", %nobits",
    ".globl osmem_thread_word",
    ".hidden osmem_thread_word",
    ".type osmem_thread_word, %object",
    ".size osmem_thread_word, 8",
    ".p2align 3",
    "osmem_thread_word:",
    ".zero 8",
    ".popsection",
);

#[cfg(miri)]
thread_local! {
    static WORD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Where this thread's word lies.
#[inline]
fn place() -> *mut usize {
    let place: *mut usize;
    #[cfg(miri)]
    {
        place = WORD.with(std::cell::Cell::as_ptr);
    }
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: reads where the word lies relative to the thread, and where the thread's words are; both never change.
    unsafe {
        asm!(
            "mov {place}, qword ptr [rip + osmem_thread_word@GOTTPOFF]",
            "add {place}, qword ptr fs:[0]",
            place = out(reg) place,
            options(pure, nomem, nostack),
        );
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        asm!(
            "mrs {place}, tpidr_el0",
            "adrp {offset}, :gottprel:osmem_thread_word",
            "ldr {offset}, [{offset}, #:gottprel_lo12:osmem_thread_word]",
            "add {place}, {place}, {offset}",
            place = out(reg) place,
            offset = out(reg) _,
            options(pure, nomem, nostack),
        );
    }
    place
}

/// This thread's word; 0 in a new thread.
#[inline]
pub(crate) fn word() -> usize {
    // SAFETY: the thread's own word.
    unsafe { place().read() }
}

/// Changes this thread's word.
#[inline]
pub(crate) fn set_word(value: usize) {
    // SAFETY: as in `word`.
    unsafe { place().write(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn each_thread_has_a_word_of_its_own() {
        set_word(7);
        let other = thread::spawn(|| {
            let before = word();
            set_word(9);
            (before, word())
        });
        assert_eq!(other.join().ok(), Some((0, 9)));
        assert_eq!(word(), 7);
        set_word(0);
    }
}
