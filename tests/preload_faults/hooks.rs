//! A second preloaded library that wraps a function of the C library and allocates in it.

use crate::run::{Programs, bare, fine};
use crate::support::built;

/// Runs the program with the wrapper before our library, then behind it.
fn allocates_in(function: &str) {
    let programs = Programs::new();
    let define = format!("-DWRAPS_{function}");
    let wrapper = programs.compile("preload_faults/wraps.c", "libwraps.so", &["-shared", "-fPIC", &define, "-ldl"]);
    let program = programs.compile("preload_faults/wrapped.c", "wrapped", &[]);
    let (wrapper, ours) = (wrapper.display(), built().malloc_library.display());
    for libraries in [format!("{wrapper} {ours}"), format!("{ours} {wrapper}")] {
        assert_eq!(fine(bare(&program).env("LD_PRELOAD", &libraries)), "", "{libraries}");
    }
}

macro_rules! wrapped {
    ($($test:ident: $function:literal)*) => {
        $(#[test]
        fn $test() {
            allocates_in($function);
        })*
    };
}

wrapped! {
    malloc_under_a_wrapped_mmap_ends: "mmap"
    malloc_under_a_wrapped_sbrk_ends: "sbrk"
    malloc_under_a_wrapped_sysconf_ends: "sysconf"
    malloc_under_wrapped_thread_keys_ends: "key"
    malloc_under_a_wrapped_madvise_ends: "madvise"
    malloc_under_a_wrapped_mprotect_ends: "mprotect"
    malloc_under_a_wrapped_mremap_ends: "mremap"
    malloc_under_a_wrapped_getauxval_ends: "getauxval"
    malloc_under_a_wrapped_syscall_ends: "syscall"
}
