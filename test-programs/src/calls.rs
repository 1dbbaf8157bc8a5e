//! The four functions under test, each with the checks that hold for every call, and the blocks they give.

#![expect(unsafe_code, reason = "calls the library under test")]

use core::ffi::{c_int, c_void};
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicBool, Ordering};
use core::{ptr, slice};

use osmem_replay::check;

use crate::given::{PREALLOCATION, header};
use crate::memory::{Memory, Place, first_difference};
use crate::message::Part::{Hex, Number, Text};
use crate::message::{FAILED, fail, tell};
use crate::system::unless_refused;

unsafe extern "C" {
    fn os_malloc(size: usize) -> *mut c_void;
    fn os_calloc(nmemb: usize, size: usize) -> *mut c_void;
    fn os_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    fn os_free(pointer: *mut c_void);
}

/// A live block, filled with a pattern of its own.
///
/// One that is dropped without [`free`] stays allocated; its pattern is verified a last time.
#[must_use = "keep it until the end of the scenario, or free it"]
pub struct Block(Memory);

impl Block {
    /// Where its payload starts.
    #[must_use]
    pub fn place(&self) -> Place {
        self.0.place()
    }

    /// The bytes that were asked for.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// Checks the result of `function` for a request of `size` bytes; the contents are not touched.
    fn new(function: &str, result: *mut c_void, size: usize) -> Self {
        if result.is_null() {
            fail(FAILED, &[Text(function), Text(" gave NULL for "), Number(size), Text(" bytes")]);
        }
        if !result.addr().is_multiple_of(8) {
            fail(
                check::MISALIGNED,
                &[Text(function), Text(" gave "), Hex(result.addr()), Text(", which is not a multiple of 8")],
            );
        }
        // SAFETY: M1 is what the library under test promises; it is here to be checked.
        Self(unsafe { Memory::new(result.cast(), size) })
    }

    fn filled(mut self) -> Self {
        self.0.fill();
        self
    }

    fn verify(&self) {
        self.0.verify("a live block", check::WRITTEN_INTO);
    }

    /// Verifies the contents and leaves the block to a function that takes it.
    fn hand_over(self) -> *mut c_void {
        let block = ManuallyDrop::new(self);
        block.verify();
        block.0.address().cast()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.verify();
    }
}

/// `os_malloc(size)`, which must succeed.
pub fn malloc(size: usize) -> Block {
    // SAFETY: takes any size.
    Block::new("os_malloc", unsafe { os_malloc(size) }, size).filled()
}

/// `os_calloc(nmemb, size)`, which must succeed and give zeros only.
pub fn calloc(nmemb: usize, size: usize) -> Block {
    // SAFETY: takes any sizes.
    zeroed(Block::new("os_calloc", unsafe { os_calloc(nmemb, size) }, nmemb * size)).filled()
}

/// Checks that a block is all zero.
fn zeroed(block: Block) -> Block {
    let bytes = block.0.bytes();
    if let Some(at) = bytes.iter().position(|byte| *byte != 0) {
        let is = usize::from(bytes[at]);
        fail(
            check::NOT_ZEROED,
            &[Text("byte "), Number(at), Text(" of os_calloc's payload is "), Hex(is), Text(" instead of zero")],
        );
    }
    block
}

/// `os_malloc(size)`, unless the system refuses the memory: then it must give NULL with ENOMEM.
pub fn try_malloc(size: usize) -> Option<Block> {
    // SAFETY: takes any size.
    let result = unless_refused(|| unsafe { os_malloc(size) })?;
    Some(Block::new("os_malloc", result, size).filled())
}

/// The same for `os_calloc(nmemb, size)`, which must give zeros only.
pub fn try_calloc(nmemb: usize, size: usize) -> Option<Block> {
    // SAFETY: takes any sizes.
    let result = unless_refused(|| unsafe { os_calloc(nmemb, size) })?;
    Some(zeroed(Block::new("os_calloc", result, nmemb * size)).filled())
}

/// `os_realloc(block, size)`, which must keep the contents as far as both sizes reach; unless the system refuses the memory: then it
/// must give NULL with ENOMEM, and the block must stay as it is.
pub fn try_realloc(block: Block, size: usize) -> Block {
    let copy = copy(&block);
    block.verify();
    // SAFETY: a live block, which is given up below unless it stays one.
    match unless_refused(|| unsafe { os_realloc(block.0.address().cast(), size) }) {
        Some(result) => {
            core::mem::forget(block);
            kept(Block::new("os_realloc", result, size), copy).filled()
        }
        None => {
            block.verify();
            block
        }
    }
}

/// `os_realloc(NULL, size)`, which must succeed.
pub fn realloc_null(size: usize) -> Block {
    // SAFETY: takes NULL and any size.
    Block::new("os_realloc", unsafe { os_realloc(ptr::null_mut(), size) }, size).filled()
}

/// `os_realloc(block, size)`, which must succeed and keep the contents as far as both sizes reach.
pub fn realloc(block: Block, size: usize) -> Block {
    let copy = copy(&block);
    // SAFETY: a live block, given up here.
    kept(Block::new("os_realloc", unsafe { os_realloc(block.hand_over(), size) }, size), copy).filled()
}

/// Checks that a block that was just resized holds what it held before, as far as both sizes reach.
fn kept(block: Block, copy: &[u8]) -> Block {
    if let Some(at) = first_difference(copy, block.0.bytes()) {
        fail(
            check::CONTENTS_LOST,
            &[
                Text("os_realloc to "),
                Number(block.size()),
                Text(" bytes lost contents: byte "),
                Number(at),
                Text(" was "),
                Hex(usize::from(copy[at])),
                Text(" and is "),
                Hex(usize::from(block.0.bytes()[at])),
            ],
        );
    }
    block
}

/// The contents of a block, kept outside the memory under test until the next call.
fn copy(block: &Block) -> &'static [u8] {
    const LIMIT: usize = 1 << 19;
    static mut COPY: [u8; LIMIT] = [0; LIMIT];
    let bytes = block.0.bytes();
    if bytes.len() > LIMIT {
        fail(FAILED, &[Text("the program resizes a block of more than "), Number(LIMIT), Text(" bytes")]);
    }
    // SAFETY: long enough, as just checked; the program has one thread, and `realloc` drops the last copy before the next.
    unsafe {
        let start = (&raw mut COPY).cast::<u8>();
        ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
        slice::from_raw_parts(start, bytes.len())
    }
}

/// `os_free(block)`.
pub fn free(block: Block) {
    // SAFETY: a live block, given up here.
    unsafe { os_free(block.hand_over()) }
}

/// [`free`] for each of them in turn.
pub fn free_all(blocks: impl IntoIterator<Item = Block>) {
    blocks.into_iter().for_each(free);
}

/// `os_realloc(block, 0)`, which must free the block and give NULL.
pub fn realloc_zero(block: Block) {
    // SAFETY: a live block, given up here.
    expect_null("os_realloc to 0 bytes", unsafe { os_realloc(block.hand_over(), 0) });
}

/// `os_realloc(block, size)`, which must give NULL and leave the block as it is.
pub fn realloc_fails(block: Block, size: usize) -> Block {
    // SAFETY: a live block; it stays one, which is verified as long as it lives.
    expect_null("os_realloc", unsafe { os_realloc(block.0.address().cast(), size) });
    block.verify();
    block
}

/// `os_malloc(size)`, which must give NULL.
pub fn malloc_gives_null(size: usize) {
    // SAFETY: takes any size.
    expect_null("os_malloc", unsafe { os_malloc(size) });
}

/// `os_calloc(nmemb, size)`, which must give NULL.
pub fn calloc_gives_null(nmemb: usize, size: usize) {
    // SAFETY: takes any sizes.
    expect_null("os_calloc", unsafe { os_calloc(nmemb, size) });
}

/// `os_realloc(place, size)` of a place that is no live block (or NULL), which must give NULL.
pub fn realloc_gives_null(place: Place, size: usize) {
    // SAFETY: R10: the pointer is recognised without being read; nothing that lives here is given up.
    expect_null("os_realloc", unsafe { os_realloc(ptr::without_provenance_mut(place.0), size) });
}

/// `os_free(place)` of a place that is no live block (or NULL), which must change nothing.
pub fn free_ignored(place: Place) {
    // SAFETY: R14: the pointer is recognised without being read; nothing that lives here is given up.
    unsafe { os_free(ptr::without_provenance_mut(place.0)) }
}

/// Tells that `block` does not lie at `place`, where that is so.
///
/// The program goes on, and [`status`] tells it in the end: whether a block lies where it must is seen in the trace, too.
pub fn same_place(block: &Block, place: Place) {
    if block.place() != place {
        tell(&[Text("the block lies at "), Hex(block.place().0), Text(", it must lie at "), Hex(place.0)]);
        MISPLACED.store(true, Ordering::Relaxed);
    }
}

/// Whether a block was seen elsewhere than it must lie.
static MISPLACED: AtomicBool = AtomicBool::new(false);

/// Returns the exit status of a program that came to its end.
#[must_use]
pub fn status() -> c_int {
    if MISPLACED.load(Ordering::Relaxed) { check::MISPLACED } else { 0 }
}

/// Takes the whole preallocation by one request and frees it again, so that the heap is one free block afterwards.
///
/// The request leaves a header of the preallocation's payload: too little to be split off, whether or not the header of
/// the first block is counted. Whatever is wrong with the first request, the same stands afterwards.
pub fn warm() {
    free(malloc(PREALLOCATION - 2 * header()));
}

/// Checks that each block lies at the place with its number.
pub fn same_places<const N: usize>(blocks: &[Block; N], places: [Place; N]) {
    blocks.iter().zip(places).for_each(|(block, place)| same_place(block, place));
}

fn expect_null(call: &str, result: *mut c_void) {
    if !result.is_null() {
        fail(FAILED, &[Text(call), Text(" gave "), Hex(result.addr()), Text(", it must give NULL")]);
    }
}
