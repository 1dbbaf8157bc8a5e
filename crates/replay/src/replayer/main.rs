//! The program that runs sequences of `os_*` calls from a file and writes into the file how they went.
//!
//! `osmem-replayer FILE one INDEX` runs one sequence in its own process, to be traced with the probe: a failed check is told
//! in one line on standard error and by the exit status. `osmem-replayer FILE all` runs each sequence in a child with a fresh
//! heap and shows marks of its own to a tracer; a crash, a hang or a stop of one child is written down, and the next begins.
//! `osmem-replayer FILE time os` measures how long the calls of the first sequence take, with nothing around them, and
//! `osmem-replayer FILE time c` the same calls of the C library's malloc.
//!
//! As in the test programs, nothing here asks for memory, formats or prints through the standard library, and what is
//! needed is mapped before the first sequence: inside a sequence the library under test alone asks the system for memory.
//! The modules, bottom first: `message`, `marks`, `system`, `memory`, `work`, `calls`, `file`, `run`, `timed`, `children`, `all`.

#![no_main]
#![expect(unsafe_code, reason = "is called by the C start-up code")]

use core::ffi::{CStr, c_char, c_int};
use core::slice;

use message::unusable;

#[cfg(target_feature = "crt-static")]
compile_error!(
    "this program loads libosmem.so when it starts, which a static executable cannot: \
     build with RUSTFLAGS='-C target-feature=-crt-static'"
);

mod all;
mod calls;
mod children;
mod file;
mod marks;
mod memory;
mod message;
mod run;
mod system;
mod timed;
mod work;

/// The program. The C start-up code calls it, without Rust's own start-up.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: the C start-up code gives as many readable pointers as it says.
    let arguments = unsafe { slice::from_raw_parts(arguments, usize::try_from(count).unwrap_or(0)) };
    let argument = |index: usize| {
        // SAFETY: each points to a C string that lives as long as the process.
        arguments.get(index).map(|pointer| unsafe { CStr::from_ptr::<'static>(*pointer) })
    };
    match (argument(1), argument(2).map(CStr::to_bytes), argument(3), arguments.len()) {
        (Some(path), Some(b"one"), Some(index), 4) => {
            let file = file::open(path);
            match number(index.to_bytes()).filter(|index| *index < file.header.sequences) {
                Some(index) => run::one(&file, index),
                None => unusable("there is no such sequence"),
            }
        }
        (Some(path), Some(b"all"), None, 3) => all::all(&file::open(path)),
        (Some(path), Some(b"time"), Some(heap), 4) => match calls::Heap::named(heap.to_bytes()) {
            Some(heap) => timed::time(&file::open(path), heap),
            None => unusable("there is no such heap: os or c"),
        },
        _ => {
            unusable("usage: osmem-replayer FILE one INDEX, osmem-replayer FILE all, or osmem-replayer FILE time os|c")
        }
    }
    0
}

/// A number in decimal.
fn number(digits: &[u8]) -> Option<u32> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}
