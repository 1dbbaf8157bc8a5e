//! `osmem trace` of programs that misbehave, and `osmem check` of libraries that make them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::bench::{Bench, TINY, malloc_body, osmem, output, processes_about};

fn trace(program: &Path, options: &[&str]) -> (Option<i32>, String, String) {
    let mut trace = osmem(&["trace"]);
    trace.args(options).arg("--").arg(program);
    output(&mut trace)
}

#[test]
fn a_program_that_cannot_be_run_is_a_usage_error() {
    let bench = Bench::empty();
    let (code, stdout, stderr) = trace(&bench.path("none"), &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("none does not exist"), "{stderr}");

    let (code, _, stderr) = trace(Path::new("no-such-program-on-the-path"), &[]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("no-such-program-on-the-path does not exist on the PATH"), "{stderr}");

    let file = bench.write("plain", "no program");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    for unfit in [file, bench.path("programs")] {
        let (code, stdout, stderr) = trace(&unfit, &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("cannot be executed"), "{stderr}");
    }
}

#[test]
fn a_program_that_never_calls_the_library_is_told_why_that_may_be() {
    let bench = Bench::empty();
    let program = bench.program("silent", "int main(void) { puts(\"hello\"); return 0; }");
    let (code, stdout, stderr) = trace(&program, &[]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("never calls os_*; is it linked with a shared libosmem.so"), "{stderr}");
    assert!(stderr.contains("hello"), "{stderr}");
}

#[test]
fn a_program_that_no_probe_gets_into_is_refused() {
    let bench = Bench::empty();
    let program = bench.compile("static", "int main(void) { puts(\"ran\"); return 0; }", &["-static"]);
    let (code, stdout, stderr) = trace(&program, &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("cannot be traced: it is statically linked"), "{stderr}");
    assert!(stderr.contains("link it dynamically") && !stderr.contains("ran\n"), "{stderr}");
}

#[test]
fn a_crash_is_placed() {
    let bench = Bench::empty();
    let program = bench.program("crash", "int main(void) { os_malloc(8); *(volatile int *)8 = 1; return 0; }");
    let (code, stdout, stderr) = trace(&program, &[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.ends_with("\nkilled by SIGSEGV\n"), "{stdout}");
    assert!(stderr.contains("SIGSEGV: outside the library, after os_malloc(8)"), "{stderr}");
}

#[test]
fn a_loop_is_stopped_and_leaves_nothing_behind() {
    let bench = Bench::empty();
    let source =
        "int main(void) { signal(SIGTERM, SIG_IGN); os_malloc(8); if (fork() == 0) setsid(); for (;;) sleep(1); }";
    let program = bench.program("loop", source);
    let (code, stdout, stderr) = trace(&program, &["--timeout", "2.5"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.starts_with("os_malloc(8) = HEAP+0x20\n") && stdout.ends_with("killed by SIGKILL\n"), "{stdout}");
    assert!(stderr.contains("it did not end within 2.") && stderr.contains("after os_malloc(8)"), "{stderr}");
    assert_eq!(processes_about(&bench.path("loop")), Vec::<String>::new());
}

#[test]
fn a_flood_is_stopped() {
    let bench = Bench::empty();
    let source = "int main(void) { os_malloc(8); static char page[65536]; for (;;) write(1, page, sizeof page); }";
    let (code, _, stderr) = trace(&bench.program("flood", source), &[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("it wrote too much output"), "{stderr}");
    assert!(stderr.len() < 100_000, "{}", stderr.len());
}

#[test]
fn a_program_without_descriptors_is_traced_all_the_same() {
    let bench = Bench::empty();
    let source =
        "int main(void) { os_malloc(8); for (int i = 0; i < 1024; i++) close(i); os_free(os_malloc(8)); return 0; }";
    let (code, stdout, stderr) = trace(&bench.program("closer", source), &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.ends_with("os_malloc(8) = HEAP+0x48\nos_free(HEAP+0x48)\nexit 0\n"), "{stdout}");
}

#[test]
fn a_library_s_misdeeds_are_told_apart() {
    let mut bench = Bench::tiny();
    bench.add("sleeper", "robust", 1, TINY, Some("exit 0\n"));
    let flood = "static char page[65536]; for (;;) write(2, page, sizeof page);";
    let calls = "static char page[200]; memset(page, 1, sizeof page); for (;;) write(-1, page, sizeof page);";
    let forge = "const char mark[] = \"0123456789abcdef end return 0\"; write(-1, mark, sizeof mark - 1); return NULL;";
    let cases = [
        ("*(volatile int *)8 = 1; return NULL;", "crash", "SIGSEGV: os_malloc(100) never returned"),
        ("abort();", "crash", "SIGABRT: os_malloc(100) never returned"),
        ("for (;;);", "timeout", "os_malloc(100) never returned"),
        ("raise(SIGSTOP); return NULL;", "timeout", "os_malloc(100) never returned"),
        (flood, "limit", "it wrote too much output: os_malloc(100) never returned"),
        (calls, "limit", "it made too many system calls to log: os_malloc(100) never returned"),
        ("exit(0);", "fail", "the program ended, with status 0, before its main did: os_malloc(100) never returned"),
        ("_exit(0);", "fail", "the program ended, with status 0, before its main did: os_malloc(100) never returned"),
        (forge, "fail", "something other than the probe wrote a mark"),
        ("return NULL;", "fail", "os_malloc(100) breaks R4: it made no system call where one is needed"),
    ];
    for (body, outcome, reason) in cases {
        let library = bench.library("lib.so", &malloc_body(body));
        let mut check = bench.check_library(&library);
        // Only what loops shall run into the limit of time, whatever else the machine does.
        let timeout = if outcome == "timeout" { "3" } else { "120" };
        check.args(["--timeout", timeout, "--header", "32"]);
        let (code, stdout, stderr) = output(&mut check);
        assert_eq!(code, Some(1), "{body}: {stdout}{stderr}");
        assert!(stdout.contains(&format!("{outcome}: tiny (core)\n")), "{body}: {stdout}");
        let words = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(reason), "{body}: {stdout}");
    }
    let early =
        format!("{}__attribute__((constructor)) static void begin(void) {{ _exit(0); }}", malloc_body("return NULL;"));
    let (code, stdout, stderr) = output(&mut bench.check_library(&bench.library("early.so", &early)));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("before its main did: before the first os_* call"), "{stdout}");
}
