//! What the test programs share: the four functions behind a safe face that checks what they give and what they keep.
//!
//! A program is one scenario of plain calls. [`malloc`], [`calloc`], [`realloc`] and [`free`] stand for the C functions; a
//! [`Block`] in between is one live block, filled with a pattern of its own. The pattern is verified before the block is
//! resized or freed, and at the end of the scenario for every block still in use; overlapping blocks, lost contents and a payload
//! somebody wrote into all show up as a wrong byte. A failed check writes one line to standard error and ends the program
//! with a status that tells its kind (`osmem_replay::check`), or with 1.
//!
//! Nothing here asks for memory, formats or prints through the standard library: what the tracer sees of a program's memory
//! calls comes from the library under test. Headers and freed memory are never read; a freed [`Block`] is gone by its type.
//! The modules, bottom first: `message`, `memory`, `system`, `given`, `calls`, `huge`, `dice`.

#[cfg(target_feature = "crt-static")]
compile_error!(
    "the test programs load libosmem.so when they start, which static executables cannot: \
     build with RUSTFLAGS='-C target-feature=-crt-static'"
);

mod calls;
mod dice;
mod given;
mod huge;
mod memory;
mod message;
mod system;

pub use calls::{
    Block, calloc, calloc_gives_null, free, free_all, free_ignored, malloc, malloc_gives_null, realloc, realloc_fails,
    realloc_gives_null, realloc_null, realloc_zero, same_place, same_places, status, try_calloc, try_malloc,
    try_realloc, warm,
};
pub use dice::Dice;
#[doc(hidden)]
pub use given::{bytes_of, keep_arguments, words};
pub use given::{given, header};
pub use huge::{Huge, huge_free, huge_malloc, huge_realloc};
pub use memory::{NULL, Place, stack_place};
pub use system::{Foreign, Refused, expect_errno, foreign_break, keep_errno, while_refused};

pub use libc::{EINVAL, ENOMEM};

/// Makes a function without arguments the program: `scenario!(|| { … });`.
///
/// The C start-up code calls it as `main`, without Rust's own start-up; the file says `#![cfg_attr(not(test), no_main)]`.
/// The test harness (`cargo clippy --all-targets`) brings a `main` of its own and leaves the scenario aside.
#[macro_export]
macro_rules! scenario {
    ($scenario:expr) => {
        #[cfg_attr(test, expect(dead_code, reason = "the test harness has its own main"))]
        fn scenario() {
            let scenario: fn() = $scenario;
            scenario();
        }

        #[cfg(not(test))]
        #[unsafe(no_mangle)]
        extern "C" fn main(count: core::ffi::c_int, values: *mut *const core::ffi::c_char) -> core::ffi::c_int {
            $crate::keep_arguments(count, values);
            scenario();
            $crate::status()
        }
    };
}

/// Makes a function without arguments a constructor of the program: it runs before `main`.
#[macro_export]
macro_rules! before_main {
    ($constructor:expr) => {
        #[cfg(not(test))]
        #[used]
        #[unsafe(link_section = ".init_array")]
        static BEFORE_MAIN: extern "C" fn() = {
            extern "C" fn before_main() {
                let constructor: fn() = $constructor;
                constructor();
            }
            before_main
        };
    };
}
