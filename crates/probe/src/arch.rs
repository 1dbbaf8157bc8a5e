//! What depends on the machine: two raw system calls and the way to learn one's caller.
//!
//! Raw, because the C library's wrappers set `errno`; naked, because the text of a naked function exists exactly once in
//! the library, which gives all marks one instruction pointer.

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the probe knows no raw system call for this architecture: add one to crates/probe/src/arch.rs");

use core::ffi::c_int;

/// `write(-1, text, length)`: the one instruction that makes marks.
///
/// The kernel looks at the descriptor first and answers EBADF; it never reads `text`. A tracer does.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub extern "C" fn write_nowhere(text: *const u8, length: usize) {
    core::arch::naked_asm!("mov rdx, rsi", "mov rsi, rdi", "mov rdi, -1", "mov eax, 1", "syscall", "ret")
}

/// `write(-1, text, length)`: the one instruction that makes marks.
///
/// The kernel looks at the descriptor first and answers EBADF; it never reads `text`. A tracer does.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub extern "C" fn write_nowhere(text: *const u8, length: usize) {
    core::arch::naked_asm!("mov x2, x1", "mov x1, x0", "mov x0, #-1", "mov x8, #64", "svc #0", "ret")
}

/// `exit_group(status)`: ends the process here and now.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub extern "C" fn end_process(status: c_int) -> ! {
    core::arch::naked_asm!("mov eax, 231", "syscall", "ud2")
}

/// `exit_group(status)`: ends the process here and now.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub extern "C" fn end_process(status: c_int) -> ! {
    core::arch::naked_asm!("mov x8, #94", "svc #0", "brk #1")
}
