//! `osmem bless`: golden traces change on purpose only.

use std::fs;

use crate::bench::{Bench, TINY, TINY_TRACE, output};

#[test]
fn a_new_trace_is_written_and_then_passes() {
    let mut bench = Bench::empty();
    bench.add("tiny", "core", 100, TINY, None);
    let (code, stdout, stderr) = output(&mut bench.run("bless", &[]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("--- /dev/null\n") && stdout.contains("+os_malloc(100) = HEAP+0x20\n"), "{stdout}");
    assert!(stdout.ends_with("1 changed, 0 unchanged, 0 refused\n"), "{stdout}");
    let text = fs::read_to_string(bench.path("fixtures/traces/tiny.trace")).unwrap();
    assert_eq!(text, format!("# tiny: About tiny\n{TINY_TRACE}"));

    bench.check(&[]).assert().code(0);
    let (code, stdout, _) = output(&mut bench.run("bless", &["tiny"]));
    assert_eq!((code, stdout.as_str()), (Some(0), "0 changed, 1 unchanged, 0 refused\n"));
}

#[test]
fn a_change_is_shown_as_a_diff() {
    let bench = Bench::tiny();
    let old = format!("# tiny: About tiny\n{}", TINY_TRACE.replace("0x20000", "0x40000"));
    bench.write("fixtures/traces/tiny.trace", &old);
    let (code, stdout, _) = output(&mut bench.run("bless", &["--dry-run"]));
    assert_eq!(code, Some(0));
    let expected = "-  brk(HEAP+0x40000) = HEAP+0x40000\n+  brk(HEAP+0x20000) = HEAP+0x20000\n os_free(HEAP+0x20)\n";
    assert!(stdout.contains(expected), "{stdout}");
    assert!(stdout.ends_with("1 would change, 0 unchanged, 0 refused\n"), "{stdout}");
    let read = || fs::read_to_string(bench.path("fixtures/traces/tiny.trace")).unwrap();
    assert_eq!(read(), old);
    bench.run("bless", &[]).assert().code(0);
    assert_eq!(read(), old.replace("0x40000", "0x20000"));
    assert_eq!(bench.names("fixtures/traces"), ["tiny.trace"]);
}

#[test]
fn in_ci_nothing_is_blessed() {
    let bench = Bench::tiny();
    bench.write("fixtures/traces/tiny.trace", "exit 0\n");
    let (code, stdout, stderr) = output(bench.run("bless", &[]).env("CI", "true"));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("CI"), "{stderr}");
    assert_eq!(fs::read_to_string(bench.path("fixtures/traces/tiny.trace")).unwrap(), "exit 0\n");
}

#[test]
fn what_does_not_hold_is_refused_and_the_rest_is_written() {
    let mut bench = Bench::empty();
    let cases = [
        (
            "fails",
            "int main(void) { os_malloc(8); fputs(\"lost a byte\\n\", stderr); return 1; }",
            "fail, the program ended with status 1: lost a byte",
        ),
        (
            "crashes",
            "int main(void) { os_malloc(8); raise(SIGSEGV); }",
            "crash, SIGSEGV: outside the library, after os_malloc(8)",
        ),
        (
            "differs",
            "int main(void) { os_malloc(8 + ((size_t)main >> 12) % 4096); return 0; }",
            "two runs with different address layouts differ: os_malloc(",
        ),
        ("loops", "int main(void) { os_malloc(8); for (;;); }", "timeout, it did not end within"),
    ];
    for (name, source, _) in cases {
        bench.add(name, "strict", 1, source, None);
    }
    bench.add("tiny", "core", 100, TINY, None);
    let (code, stdout, stderr) = output(&mut bench.run("bless", &["--timeout", "4"]));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    for (name, _, reason) in cases {
        assert!(stdout.contains(&format!("refused {name}: {reason}")), "{name}: {stdout}");
    }
    assert!(stdout.ends_with("1 changed, 0 unchanged, 4 refused\n"), "{stdout}");
    assert_eq!(bench.names("fixtures/traces"), ["tiny.trace"]);
}

#[test]
fn orphans_go_only_when_asked_to() {
    let bench = Bench::tiny();
    bench.write("fixtures/traces/orphan.trace", TINY_TRACE);
    bench.run("bless", &["--prune", "--dry-run"]).assert().code(0);
    let (code, stdout, _) = output(&mut bench.run("bless", &[]));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("orphan.trace belongs to no test; --prune removes it"), "{stdout}");
    assert_eq!(bench.names("fixtures/traces"), ["orphan.trace", "tiny.trace"]);
    bench.run("bless", &["--prune"]).assert().code(0);
    assert_eq!(bench.names("fixtures/traces"), ["tiny.trace"]);
}

#[test]
fn an_unknown_name_is_a_usage_error() {
    let (code, stdout, stderr) = output(&mut Bench::tiny().run("bless", &["tin"]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("no test is named \"tin\""), "{stderr}");
}

#[test]
fn an_unwritable_folder_is_an_error() {
    let mut bench = Bench::empty();
    bench.add("tiny", "core", 100, TINY, None);
    fs::remove_dir(bench.path("fixtures/traces")).unwrap();
    bench.write("fixtures/traces", "a file where the folder ought to be");
    let (code, _, stderr) = output(&mut bench.run("bless", &[]));
    assert_eq!(code, Some(5), "{stderr}");
    assert!(stderr.contains("fixtures/traces"), "{stderr}");
}
