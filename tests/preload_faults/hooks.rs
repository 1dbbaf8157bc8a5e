//! Beside another preloaded library, which wraps a function of the C library and allocates in it.

use crate::run::{Programs, bare, fine};
use crate::support::built;

/// Runs the program with the wrapper before our library, and behind it.
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
    a_wrapped_mmap_may_allocate: "mmap"
    a_wrapped_sbrk_may_allocate: "sbrk"
    a_wrapped_sysconf_may_allocate: "sysconf"
    wrapped_keys_of_threads_may_allocate: "key"
    a_wrapped_madvise_may_allocate: "madvise"
    a_wrapped_mprotect_may_allocate: "mprotect"
    a_wrapped_mremap_may_allocate: "mremap"
    a_wrapped_getauxval_may_allocate: "getauxval"
    a_wrapped_syscall_may_allocate: "syscall"
}
