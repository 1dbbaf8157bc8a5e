//! The key of this run: the secret that every mark carries, drawn by the tracer.
//!
//! It comes in the environment and is wiped there before any other code of the process runs, so that neither
//! `getenv` nor `/proc/self/environ` shows it to the allocator under test.

use core::ffi::{CStr, c_char};
use core::ptr::write_bytes;
use core::sync::atomic::{AtomicU64, Ordering};

/// The variable; its value is 16 lower-case hex digits.
const VARIABLE: &[u8] = b"OSMEM_PROBE_KEY=";

/// The key's value; 0, which no tracer draws, while there is none.
static KEY: AtomicU64 = AtomicU64::new(0);

/// The key, if this run has one.
pub fn get() -> Option<u64> {
    match KEY.load(Ordering::Relaxed) {
        0 => None,
        key => Some(key),
    }
}

/// Takes the key out of `environment`, leaving no trace of it.
///
/// The variable's bytes are overwritten where they stand, and its place in the list is given to its neighbour. The list
/// keeps its length: the kernel's auxiliary vector lies right behind it, and C libraries find that by the list's end.
///
/// # Safety
/// `environment` is the process's own list: writable, of writable C strings, ended by a null pointer, and no other
/// thread uses it.
pub unsafe fn take(environment: *mut *mut c_char) {
    let mut slot = environment;
    // SAFETY: the caller's promise; the loop stops at the list's null pointer.
    while let Some(variable) = unsafe { (*slot).as_mut() } {
        // SAFETY: the caller's promise: a C string.
        let text = unsafe { CStr::from_ptr(variable) }.to_bytes();
        if let Some(value) = text.strip_prefix(VARIABLE) {
            if let Some(key) = parse(value) {
                KEY.store(key, Ordering::Relaxed);
            }
            let length = text.len();
            // SAFETY: `variable` is writable for `length` bytes, and `text` is not used after this. The slot has a
            // neighbour on either side, or is the first, with at least the ending null pointer behind it.
            unsafe {
                write_bytes(variable, 0, length);
                *slot = if slot == environment { *slot.add(1) } else { *slot.sub(1) };
            }
            if slot == environment {
                // The neighbour behind moved in; it may be a second copy of the variable, or the end of the list.
                continue;
            }
        }
        // SAFETY: the slot held a variable, so the list goes on behind it.
        slot = unsafe { slot.add(1) };
    }
}

/// The number that 16 lower-case hex digits stand for.
fn parse(value: &[u8]) -> Option<u64> {
    if value.len() != 16 {
        return None;
    }
    value.iter().try_fold(0, |key, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(key << 4 | u64::from(digit))
    })
}
