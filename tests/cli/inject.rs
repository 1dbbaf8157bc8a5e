//! `osmem check --inject`: refusals that are asked for.

use crate::bench::{Bench, osmem, output};

#[test]
fn our_own_library_bears_any_refusal_under_both_tracers() {
    for tracer in ["strace", "builtin", "both"] {
        for refusal in ["brk:ENOMEM:2", "mmap:ENOMEM:1", "mmap:ENOMEM:1+"] {
            let (code, told, error) =
                output(&mut osmem(&["check", "--tracer", tracer, "--inject", refusal, "malloc-split", "realloc-map"]));
            assert_eq!(code, Some(0), "{tracer} {refusal}: {told}{error}");
            assert!(told.contains(&format!("{refusal} injected")), "{told}");
        }
        let (code, told, _) =
            output(&mut osmem(&["check", "--tracer", tracer, "--inject", "brk:ENOMEM:500", "malloc-zero"]));
        assert!(code == Some(0) && told.contains("not reached"), "{told}");
    }
}

#[test]
fn a_library_that_goes_on_as_if_it_had_been_given_memory_fails() {
    let bench = Bench::empty();
    let library = bench.reference("libosmem.so", "if (b == MAP_FAILED) {", "if (b == (void *)8) {");
    let run = |tracer: &str| {
        let arguments = ["check", "--tracer", tracer, "--inject", "mmap:ENOMEM:1", "malloc-map-no-prealloc", "--lib"];
        output(osmem(&arguments).arg(&library).current_dir(bench.path("")))
    };
    for tracer in ["strace", "builtin"] {
        let (code, told, error) = run(tracer);
        assert_eq!(code, Some(1), "{tracer}: {told}{error}");
    }
}

#[test]
fn what_cannot_be_injected_is_told_with_the_right_form() {
    for wrong in
        ["foo", "brk", "brk:ENOMEM", "brk:ENOMEM:0", "brk:EPERM:1", "munmap:ENOMEM:1", "brk:ENOMEM:x", "brk:ENOMEM:1++"]
    {
        let (code, _, error) = output(&mut osmem(&["check", "--inject", wrong]));
        assert_eq!(code, Some(2), "{wrong}");
        assert!(error.contains("write brk:ENOMEM:N or mmap:ENOMEM:N"), "{wrong}: {error}");
    }
}
