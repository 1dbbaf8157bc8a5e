//! The numbers a program counts with: those of its `sizes!` table, unless its arguments give others.
//!
//! Without arguments a program counts with headers of [`HEADER`] bytes and with the base sizes of its table. The command
//! may give others: the header first, then every size of the table in its order, each a decimal number of bytes.

#![expect(unsafe_code, reason = "reads the arguments that the C start-up code passes")]

use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::message::Part::{Number, Text};
use crate::message::{FAILED, fail};

/// The header of the contract, in bytes.
pub const HEADER: usize = 32;
/// The move of the break that comes with the first heap request, in bytes.
pub const PREALLOCATION: usize = 128 << 10;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static VALUES: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());

/// Keeps the arguments of `main`.
pub fn keep_arguments(count: c_int, values: *mut *const c_char) {
    COUNT.store(usize::try_from(count).unwrap_or(0), Ordering::Relaxed);
    VALUES.store(values, Ordering::Relaxed);
}

/// Returns the header to count with, in bytes.
#[must_use]
pub fn header() -> usize {
    argument(1).unwrap_or(HEADER)
}

/// Returns the sizes of the program's table in bytes, if the arguments give them.
#[must_use]
pub fn given<const N: usize>() -> Option<[usize; N]> {
    let given = COUNT.load(Ordering::Relaxed).saturating_sub(2);
    if given == 0 {
        return None;
    }
    if given != N {
        fail(FAILED, &[Text("the program takes a header and "), Number(N), Text(" sizes")]);
    }
    Some(core::array::from_fn(|at| argument(at + 2).unwrap_or(0)))
}

/// Returns the argument at `place` as a number; `None` if there is none.
fn argument(place: usize) -> Option<usize> {
    if place >= COUNT.load(Ordering::Relaxed) {
        return None;
    }
    // SAFETY: `main` got `COUNT` pointers to C strings, which live as long as the process.
    let text = unsafe { CStr::from_ptr(VALUES.load(Ordering::Relaxed).add(place).read()) };
    let mut digits = text.to_bytes().iter().map(|byte| byte.checked_sub(b'0').filter(|digit| *digit < 10));
    let number = digits.try_fold(0_usize, |number, digit| number.checked_mul(10)?.checked_add(usize::from(digit?)));
    number.or_else(|| fail(FAILED, &[Text("argument "), Number(place), Text(" is no number of bytes")]))
}

/// Declares the sizes of a program, in bytes, and a function `sizes()` that returns them.
///
/// ```text
/// sizes! {
///     hole = 496 in 400..900;       // any multiple of 16 in the range; 496 is the base size
///     guard = 96 in 16..200;
///     merged = 2 * hole + HEADER;   // follows from the others
///     where merged > guard;         // must hold, or the program cannot be run with these numbers
/// }
/// ```
///
/// A base size that is drawn stays a multiple of the largest of 16, 8, 4 and 2 that divides it. Expressions know
/// `HEADER`, `SPLIT` (the least rest that is split off), `WHOLE` (the payload of the whole preallocation), `LARGEST`
/// (the largest request that is heap by every reading), `MAPPED` (the least that is mapped by every reading) and `PAGE`.
/// The table also stands as text in the section `.osmem.sizes` of the program, where the command reads it.
#[macro_export]
macro_rules! sizes {
    ($($table:tt)*) => {
        #[used]
        #[unsafe(link_section = ".osmem.sizes")]
        static SIZES: [u8; stringify!($($table)*).len()] = $crate::bytes_of(stringify!($($table)*));
        $crate::size_fields! { [] [] $($table)* }
    };
}

/// Copies a text of the compiler's into an array.
#[must_use]
pub const fn bytes_of<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = text.as_bytes()[at];
        at += 1;
    }
    bytes
}

/// Makes the fields and the base values of a `sizes!` table, entry by entry.
#[doc(hidden)]
#[macro_export]
macro_rules! size_fields {
    ([$($name:ident)*] [$($value:tt)*]) => {
        #[derive(Clone, Copy)]
        struct Sizes { $($name: usize),* }

        /// Returns the sizes of this run, in bytes.
        fn sizes() -> Sizes {
            use $crate::words::*;
            let _contract: usize = HEADER;
            if let Some([$($name),*]) = $crate::given() {
                return Sizes { $($name),* };
            }
            $($value)*
            Sizes { $($name),* }
        }
    };
    ([$($names:ident)*] [$($values:tt)*] $name:ident = $base:literal in $low:literal .. $high:literal ; $($rest:tt)*) => {
        $crate::size_fields! { [$($names)* $name] [$($values)* let $name: usize = $base;] $($rest)* }
    };
    ([$($names:ident)*] [$($values:tt)*] where $condition:expr ; $($rest:tt)*) => {
        $crate::size_fields! { [$($names)*] [$($values)*] $($rest)* }
    };
    ([$($names:ident)*] [$($values:tt)*] $name:ident = $value:expr ; $($rest:tt)*) => {
        $crate::size_fields! { [$($names)* $name] [$($values)* let $name: usize = $value;] $($rest)* }
    };
}

/// The words that a `sizes!` table may use, with their values for the contract's header, in bytes.
#[doc(hidden)]
pub mod words {
    pub use super::HEADER;
    use super::PREALLOCATION;

    /// The least rest that is split off.
    pub const SPLIT: usize = HEADER + 8;
    /// The payload of the whole preallocation.
    pub const WHOLE: usize = PREALLOCATION - HEADER;
    /// The largest payload that is heap by every reading.
    pub const LARGEST: usize = WHOLE - 8;
    /// The least payload that is mapped by every reading.
    pub const MAPPED: usize = PREALLOCATION + 8;
    /// The page, which is calloc's threshold.
    pub const PAGE: usize = 4096;
}
