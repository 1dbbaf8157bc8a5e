//! `osmem trace` of programs that behave.

use std::process::Command as Process;

use crate::bench::{Bench, MAPS_ALL, TINY, TINY_TRACE, osmem, output};
use crate::support::built;

#[test]
fn a_program_s_trace_goes_to_standard_output() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let mut trace = osmem(&["trace", "--"]);
    assert_eq!(output(trace.arg(&program)), (Some(0), TINY_TRACE.to_owned(), String::new()));
}

#[test]
fn arguments_environment_and_status_are_the_program_s_own() {
    let bench = Bench::empty();
    // stdio would move the break.
    let source = "static void say(const char *s) { write(1, s, strlen(s)); }
        int main(int n, char **v) { say(v[n - 1]); say(getenv(\"COLOUR\")); os_malloc(atoi(v[1])); return n; }";
    let program = bench.program("parrot", source);
    let mut trace = osmem(&["trace", "--"]);
    trace.arg(&program).args(["500", "--lib"]).env("COLOUR", "blue");
    let (code, stdout, stderr) = output(&mut trace);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stdout, "os_malloc(500) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nexit 3\n");
    assert!(stderr.contains("output:\n--libblue\n"), "{stderr}");
}

#[test]
fn another_library_can_be_put_in_front() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let library = bench.library("mine.so", MAPS_ALL);
    let mut trace = osmem(&["trace", "--lib", library.to_str().unwrap(), "--"]);
    let (code, stdout, stderr) = output(trace.arg(&program));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("os_malloc(100) = MAP1+0x20\n  mmap(NULL, 132, "), "{stdout}");
}

#[test]
fn the_program_s_own_library_comes_before_ours() {
    let bench = Bench::empty();
    bench.library("libosmem.so", MAPS_ALL);
    let search = format!("-L{}", built().dir.display());
    let program = bench.compile("own", TINY, &[&search, "-losmem", "-Wl,-rpath,$ORIGIN"]);
    let mut trace = osmem(&["trace", "--"]);
    let (code, stdout, stderr) = output(trace.arg(&program));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("mmap(NULL, 132, "), "{stdout}");
}

#[test]
fn a_program_on_the_path_is_found() {
    let bench = Bench::empty();
    bench.program("tiny-on-the-path", TINY);
    let mut trace = osmem(&["trace", "--", "tiny-on-the-path"]);
    let path = format!("{}:{}", bench.path("").display(), std::env::var("PATH").unwrap());
    assert_eq!(output(trace.env("PATH", path)), (Some(0), TINY_TRACE.to_owned(), String::new()));
}

#[test]
#[ignore = "needs strace"]
fn the_raw_log_is_strace_s_own() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let mut trace = osmem(&["trace", "--raw", "--tracer", "strace", "--"]);
    let (code, stdout, _) = output(trace.arg(&program));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("brk(0x") && stdout.contains("os_malloc 100"), "{stdout}");
    assert!(stdout.contains("+++ exited with 0 +++"), "{stdout}");
}

#[test]
fn a_program_that_exits_by_itself_is_whole() {
    let bench = Bench::empty();
    for ending in ["exit(4)", "_exit(4)", "quick_exit(4)"] {
        let program = bench.program("ending", &format!("int main(void) {{ os_free(os_malloc(8)); {ending}; }}"));
        let mut trace = osmem(&["trace", "--"]);
        let (code, stdout, stderr) = output(trace.arg(&program));
        assert_eq!(code, Some(0), "{ending}: {stderr}");
        assert!(stdout.ends_with("\nexit 4\n"), "{stdout}");
    }
}

#[test]
fn a_program_runs_by_hand_as_it_runs_under_trace() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let status = Process::new(program).env("LD_LIBRARY_PATH", &built().dir).status().unwrap();
    assert!(status.success());
}

#[test]
fn the_built_in_tracer_knows_whose_code_made_a_system_call() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let source = "#include <stdlib.h>
        void *os_malloc(size_t n) { return malloc(n); }
        void *os_calloc(size_t n, size_t m) { return calloc(n, m); }
        void *os_realloc(void *p, size_t n) { return realloc(p, n); }
        void os_free(void *p) { free(p); }";
    let library = bench.library("wraps.so", source);
    let mut trace = osmem(&["trace", "--origins", "--tracer", "builtin", "--lib", library.to_str().unwrap(), "--"]);
    let (_, told, _) = output(trace.arg(&program));
    assert!(told.contains("made by the C library, called by its malloc\n"), "{told}");

    let mut check =
        osmem(&["check", "--all", "--tracer", "builtin", "malloc-prealloc-once", "--lib", library.to_str().unwrap()]);
    let (code, told, _) = output(check.current_dir(bench.path("")));
    assert_eq!(code, Some(1));
    assert!(told.contains("origin") && told.contains("called by its malloc"), "{told}");
}

#[test]
#[ignore = "needs strace"]
fn strace_does_not_know_whose_code_made_a_system_call() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let (_, told, _) = output(osmem(&["trace", "--origins", "--tracer", "strace", "--"]).arg(program));
    assert!(told.ends_with("only the built-in tracer knows: --tracer builtin\n"), "{told}");
}
