//! Blocks of more than the memory of most machines, of which only the first and the last bytes are touched.

#![expect(unsafe_code, reason = "calls the library under test")]

use core::ffi::c_void;

use osmem_replay::check;

use crate::message::Part::Text;
use crate::message::fail;
use crate::system::unless_refused;

unsafe extern "C" {
    fn os_malloc(size: usize) -> *mut c_void;
    fn os_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    fn os_free(pointer: *mut c_void);
}

/// A live block, by its payload and its size in bytes.
#[must_use = "free it"]
pub struct Huge {
    start: *mut u8,
    size: usize,
}

impl Huge {
    /// The bytes at both ends hold a pattern.
    const ENDS: [u8; 2] = [0xa5, 0x5a];

    fn marked(start: *mut c_void, size: usize) -> Self {
        let start: *mut u8 = start.cast();
        // SAFETY: the library promises `size` bytes here, and is held to it.
        unsafe {
            start.write(Self::ENDS[0]);
            start.add(size - 1).write(Self::ENDS[1]);
        }
        Self { start, size }
    }

    fn verify(&self) {
        // SAFETY: as above.
        let ends = unsafe { [self.start.read(), self.start.add(self.size - 1).read()] };
        if ends != Self::ENDS {
            fail(check::WRITTEN_INTO, &[Text("the ends of a huge block do not hold what was written there")]);
        }
    }
}

/// `os_malloc(size)`; `None` if the system refuses that much, for which NULL must come with ENOMEM.
pub fn huge_malloc(size: usize) -> Option<Huge> {
    // SAFETY: takes any size.
    unless_refused(|| unsafe { os_malloc(size) }).map(|start| Huge::marked(start, size))
}

/// `os_realloc(block, size)`, which must keep the ends that both sizes have; `None` if the system refuses it.
pub fn huge_realloc(block: Huge, size: usize) -> Option<Huge> {
    block.verify();
    // SAFETY: a live block, given up here unless the call is refused.
    match unless_refused(|| unsafe { os_realloc(block.start.cast(), size) }) {
        Some(start) => Some(Huge::marked(start, size)),
        None => {
            huge_free(block);
            None
        }
    }
}

/// `os_free(block)`.
pub fn huge_free(block: Huge) {
    block.verify();
    // SAFETY: a live block, given up here.
    unsafe { os_free(block.start.cast()) }
}
