//! Ctrl-C: children end, nothing is left half-written, what was done is reported.

use std::process::{Child, Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::{Bench, TINY, TINY_TRACE, malloc_body, processes_about};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(command: &assert_cmd::Command) -> Child {
    let mut process = Process::new(command.get_program());
    process.args(command.get_args()).env_remove("CI").stdout(Stdio::piped()).stderr(Stdio::piped());
    process.spawn().unwrap()
}

/// Waits until a process about `word` runs under `child`, in a call that never returns.
fn wait_for_process(bench: &Bench, word: &str) {
    let path = bench.path(word);
    let begin = Instant::now();
    while processes_about(&path).iter().all(|command| command.contains("strace")) {
        assert!(begin.elapsed() < PATIENCE, "{word} never ran");
        thread::sleep(Duration::from_millis(10));
    }
    // The program has begun; a moment later it is in its loop.
    thread::sleep(Duration::from_millis(300));
}

fn signal(child: &Child, name: &str) {
    let status = Process::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
}

#[test]
fn an_interrupted_check_reports_what_was_done() {
    for name in ["INT", "TERM"] {
        let mut bench = Bench::empty();
        bench.add("quick", "core", 100, "int main(void) { os_free(NULL); return 0; }", Some("os_free(NULL)\nexit 0\n"));
        bench.add("endless", "strict", 1, TINY, Some(TINY_TRACE));
        let library = bench.library("loop.so", &malloc_body("for (;;);"));
        let mut check = bench.check_library(&library);
        check.args(["--profile", "all", "--header", "32", "--jobs", "1", "--timeout", "600"]);
        let child = start(&check);
        wait_for_process(&bench, "programs/endless");
        signal(&child, name);
        let result = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&result.stdout);
        assert_eq!(result.status.code(), Some(130), "{stdout}{}", String::from_utf8_lossy(&result.stderr));
        assert!(stdout.contains("pass        quick") && stdout.contains("interrupted: 1 passed"), "{stdout}");
        assert!(!stdout.contains("endless "), "{stdout}");
        assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
        assert_eq!(bench.names("seen"), Vec::<String>::new());
    }
}

#[test]
fn an_interrupted_bless_writes_nothing_half() {
    let mut bench = Bench::tiny();
    bench.add("endless", "strict", 1, "int main(void) { os_malloc(8); for (;;); }", None);
    let child = start(&bench.run("bless", &["endless", "--timeout", "600"]));
    wait_for_process(&bench, "programs/endless");
    signal(&child, "INT");
    let result = child.wait_with_output().unwrap();
    assert_eq!(result.status.code(), Some(130), "{}", String::from_utf8_lossy(&result.stderr));
    assert_eq!(bench.names("fixtures/traces"), ["tiny.trace"]);
    assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
}

#[test]
fn an_interrupted_trace_shows_how_far_it_got() {
    let bench = Bench::empty();
    let program = bench.program("endless", "int main(void) { os_malloc(8); for (;;); }");
    let mut trace = crate::bench::osmem(&["trace", "--timeout", "600", "--"]);
    trace.arg(&program);
    let child = start(&trace);
    wait_for_process(&bench, "endless");
    signal(&child, "INT");
    let result = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&result.stdout);
    assert_eq!(result.status.code(), Some(130), "{stdout}");
    assert!(stdout.starts_with("os_malloc(8) = HEAP+0x20\n"), "{stdout}");
    assert_eq!(processes_about(&program), Vec::<String>::new());
}
