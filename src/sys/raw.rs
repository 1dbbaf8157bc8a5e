//! The system calls themselves, by one instruction each: no function of another library runs in between, and errno stays
//! as it is.
//!
//! A library that is loaded before this one may wrap `mmap` or `sysconf` and allocate in the wrapper; the allocator holds
//! its lock there. So the allocator asks the kernel directly.
#![expect(unsafe_code, reason = "system calls")]

#[cfg(not(miri))]
use std::arch::asm;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("osmem needs the instruction that makes a system call on this machine: see src/sys/raw.rs");

/// Answers from this one on, as unsigned numbers, are negated errors (the kernel's own convention).
const FIRST_ERROR: usize = usize::MAX - 4094;

/// Makes the system call `number` with six arguments and returns the kernel's answer: a negative number is an error.
///
/// # Safety
///
/// The call with these arguments must not harm memory that others use.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[expect(clippy::cast_possible_truncation, reason = "a register has 64 bits, and so has a usize here")]
#[inline]
unsafe fn call(number: libc::c_long, arguments: [usize; 6]) -> usize {
    let [one, two, three, four, five, six] = arguments;
    let answer: usize;
    // SAFETY: the caller's promise; the kernel changes only the registers that are named here.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number.cast_unsigned() as usize => answer,
            in("rdi") one,
            in("rsi") two,
            in("rdx") three,
            in("r10") four,
            in("r8") five,
            in("r9") six,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// Makes the system call `number` with six arguments and returns the kernel's answer: a negative number is an error.
///
/// # Safety
///
/// The call with these arguments must not harm memory that others use.
#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
unsafe fn call(number: libc::c_long, arguments: [usize; 6]) -> usize {
    let [one, two, three, four, five, six] = arguments;
    let answer: usize;
    // SAFETY: the caller's promise; the kernel changes only the registers that are named here.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") one => answer,
            in("x1") two,
            in("x2") three,
            in("x3") four,
            in("x4") five,
            in("x5") six,
            options(nostack),
        );
    }
    answer
}

/// Refuses every call: an interpreter runs no instructions of a machine.
///
/// # Safety
///
/// None is needed; the others need it.
#[cfg(miri)]
unsafe fn call(_: libc::c_long, _: [usize; 6]) -> usize {
    FIRST_ERROR
}

const fn is_error(answer: usize) -> bool {
    answer >= FIRST_ERROR
}

const fn address_of(answer: usize) -> Option<usize> {
    if is_error(answer) { None } else { Some(answer) }
}

/// Maps `length` private bytes without a file and returns their address; `None` if the kernel refuses.
///
/// # Safety
///
/// With `MAP_FIXED` among `flags`, the bytes from `place` on must belong to the caller.
pub(crate) unsafe fn mmap(place: usize, length: usize, protection: i32, flags: i32) -> Option<usize> {
    let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let flag_bits = |bits: i32| bits.cast_unsigned() as usize;
    let arguments = [place, length, flag_bits(protection), flag_bits(flags), usize::MAX, 0];
    // SAFETY: the caller's promise; without MAP_FIXED no existing mapping is touched.
    address_of(unsafe { call(libc::SYS_mmap, arguments) })
}

/// Gives mapped bytes back; `false` if the kernel refuses.
///
/// # Safety
///
/// The bytes must belong to the caller, who gives them up.
pub(crate) unsafe fn munmap(place: usize, length: usize) -> bool {
    // SAFETY: the caller's promise.
    !is_error(unsafe { call(libc::SYS_munmap, [place, length, 0, 0, 0, 0]) })
}

/// Resizes a mapping, which may move, and returns its address; `None`, and the mapping as it was, if the kernel refuses.
///
/// # Safety
///
/// The mapping must belong to the caller, who no longer uses the old address.
pub(crate) unsafe fn mremap(place: usize, old: usize, new: usize) -> Option<usize> {
    let may_move = libc::MREMAP_MAYMOVE.cast_unsigned() as usize;
    // SAFETY: the caller's promise.
    address_of(unsafe { call(libc::SYS_mremap, [place, old, new, may_move, 0, 0]) })
}

/// Gives the pages between two addresses back to the kernel; they read as zero from now on. `false` if it refuses.
///
/// # Safety
///
/// The bytes must belong to the caller, who gives their contents up.
pub(crate) unsafe fn discard(place: usize, length: usize) -> bool {
    let advice = libc::MADV_DONTNEED.cast_unsigned() as usize;
    // SAFETY: the caller's promise.
    !is_error(unsafe { call(libc::SYS_madvise, [place, length, advice, 0, 0, 0]) })
}

/// Moves the break to `to` and returns where it is then; 0 only asks.
///
/// # Safety
///
/// `to` is 0 or above the break, or the bytes above it belong to the caller, who gives them up.
pub(crate) unsafe fn brk(to: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { call(libc::SYS_brk, [to, 0, 0, 0, 0, 0]) }
}

/// Sleeps as long as the word holds `value`, until it is woken. It may also return without a reason.
pub(crate) fn futex_wait(word: *const u32, value: u32) {
    if cfg!(miri) {
        return std::thread::yield_now();
    }
    let operation = (libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG).cast_unsigned() as usize;
    // SAFETY: the kernel only compares the word.
    unsafe { call(libc::SYS_futex, [word.expose_provenance(), operation, value as usize, 0, 0, 0]) };
}

/// Wakes one thread that sleeps on the word.
pub(crate) fn futex_wake(word: *const u32) {
    let operation = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG).cast_unsigned() as usize;
    // SAFETY: the kernel does not look at the word.
    unsafe { call(libc::SYS_futex, [word.expose_provenance(), operation, 1, 0, 0, 0]) };
}

/// Writes bytes to standard error, as many as it takes at once.
pub(crate) fn write_error(bytes: &[u8]) {
    // SAFETY: the kernel only reads the bytes.
    unsafe { call(libc::SYS_write, [2, bytes.as_ptr().expose_provenance(), bytes.len(), 0, 0, 0]) };
}

/// Returns the most bytes that the process may have mapped; `usize::MAX` without a limit.
pub(crate) fn address_space_limit() -> usize {
    let mut limit = libc::rlimit64 { rlim_cur: u64::MAX, rlim_max: u64::MAX };
    let resource = libc::RLIMIT_AS as usize;
    // SAFETY: the kernel writes into the variable and nowhere else.
    unsafe { call(libc::SYS_prlimit64, [0, resource, 0, (&raw mut limit).expose_provenance(), 0, 0]) };
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

/// Returns the bytes of one page, a power of two.
#[inline]
pub(crate) fn page_size() -> usize {
    if cfg!(target_arch = "x86_64") {
        return 4096; // the machine has no other
    }
    // SAFETY: only reads what the kernel told the process at its start.
    let bytes = unsafe { libc::getauxval(libc::AT_PAGESZ) };
    usize::try_from(bytes).ok().filter(|bytes| bytes.is_power_of_two()).unwrap_or(4096)
}
