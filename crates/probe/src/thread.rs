//! What the probe keeps for each thread: whether it is inside an `os_*` call.
//!
//! A slot of the C library's thread-specific data. The first few slots are part of every thread from its start, and the
//! probe asks before anyone else does, so using it never allocates. (A variable of thread-local storage may: the loader
//! lays some out at first use.)

use core::ffi::c_void;
use core::ptr::null;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::c;

/// The slot, once [`prepare`] has been called.
static SLOT: AtomicU32 = AtomicU32::new(u32::MAX);

/// Takes a slot. The C library has hundreds and nobody before us; were none left, no call would count as inside another.
pub fn prepare() {
    let mut slot = u32::MAX;
    // SAFETY: `slot` is writable, and the slot's content, not being a pointer, needs no destructor.
    if unsafe { c::pthread_key_create(&raw mut slot, None) } == 0 {
        SLOT.store(slot, Ordering::Relaxed);
    }
}

/// Is the calling thread inside an `os_*` call?
pub fn is_inside() -> bool {
    // SAFETY: an invalid slot is answered by a null pointer.
    !unsafe { c::pthread_getspecific(SLOT.load(Ordering::Relaxed)) }.is_null()
}

/// Notes whether the calling thread is inside an `os_*` call.
pub fn set_inside(inside: bool) {
    let note: *const c_void = if inside { (&raw const SLOT).cast() } else { null() };
    // SAFETY: an invalid slot is refused; the pointer is only ever compared with null.
    unsafe { c::pthread_setspecific(SLOT.load(Ordering::Relaxed), note) };
}
