//! The functions that tell of the heap or tune it.
#![expect(unsafe_code, reason = "functions of the C library under their own names")]

use libc::c_int;
use osmem::{process, report};

/// `struct mallinfo2` of `<malloc.h>`, and with `N = c_int` its older form `struct mallinfo`.
#[repr(C)]
struct Info<N> {
    /// Bytes of the heap.
    arena: N,
    /// Free blocks.
    ordblks: N,
    /// Always 0, like the other two fields of glibc's fast bins.
    smblks: N,
    /// Mappings.
    hblks: N,
    /// Bytes of mappings.
    hblkhd: N,
    /// Always 0, as in glibc.
    usmblks: N,
    /// Always 0.
    fsmblks: N,
    /// Bytes of the heap in use.
    uordblks: N,
    /// Bytes of the heap that are free.
    fordblks: N,
    /// Bytes at the top of the heap that `malloc_trim` could give back.
    keepcost: N,
}

impl<N> Info<N> {
    /// The heap as it is, each figure as `number` makes it.
    fn now(number: impl Fn(usize) -> N) -> Self {
        let stats = process::stats();
        Self {
            arena: number(stats.heap_bytes),
            ordblks: number(stats.free_blocks),
            smblks: number(0),
            hblks: number(stats.mapped_blocks),
            hblkhd: number(stats.mapped_bytes),
            usmblks: number(0),
            fsmblks: number(0),
            uordblks: number(stats.used_bytes),
            fordblks: number(stats.free_bytes),
            keepcost: number(stats.top_bytes),
        }
    }
}

/// The heap in figures.
#[unsafe(no_mangle)]
extern "C" fn mallinfo2() -> Info<usize> {
    Info::now(|number| number)
}

/// The heap in figures that stop at `INT_MAX`.
#[unsafe(no_mangle)]
extern "C" fn mallinfo() -> Info<c_int> {
    Info::now(|number| c_int::try_from(number).unwrap_or(c_int::MAX))
}

/// Prints the heap in figures, one line on standard error.
#[unsafe(no_mangle)]
extern "C" fn malloc_stats() {
    report::figures("heap", &process::stats());
}

/// Gives free memory at the top of the heap back to the system, all but `pad` bytes: 1 if there was any, else 0.
#[unsafe(no_mangle)]
extern "C" fn malloc_trim(pad: usize) -> c_int {
    process::trim(pad).into()
}

/// Accepts every parameter and changes nothing: what can be set is set in the environment.
#[unsafe(no_mangle)]
extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    1
}
