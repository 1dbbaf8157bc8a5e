//! A battery that is broken itself: exit code 5, and the file, line and test at fault.

use std::fs;

use crate::bench::{Bench, TINY, TINY_TRACE, output};

/// What `osmem check` says of a battery it must refuse.
fn refusal(bench: &Bench) -> String {
    let (code, stdout, stderr) = output(&mut bench.check(&[]));
    assert_eq!(code, Some(5), "{stdout}{stderr}");
    assert_eq!(stdout, "");
    assert!(stderr.starts_with("error: "), "{stderr}");
    stderr
}

#[test]
fn mistakes_in_the_suite_are_named_with_line_test_and_key() {
    let cases = [
        ("points = 100", "point = 100", "suite.toml:4: test \"tiny\": unknown field `point`"),
        (
            "points = 100",
            "points = 99",
            "suite.toml: the points of the core tests add up to 99, and must add up to 100",
        ),
        ("points = 100", "points = 0", "suite.toml:1: test \"tiny\": points must be at least 0.5"),
        ("points = 100", "points = \"many\"", "suite.toml:4: test \"tiny\": invalid type: string \"many\""),
        ("profile = \"core\"", "profile = \"cores\"", "suite.toml:5: test \"tiny\": unknown variant `cores`"),
        ("\"R4\"", "\"R40\"", "suite.toml:6: test \"tiny\": unknown rule \"R40\""),
        ("program = \"tiny\"", "program = \"gone\"", "test \"tiny\": its program"),
        ("[[test]]", "[[test]", "suite.toml:1: "),
    ];
    for (old, new, expected) in cases {
        let bench = Bench::tiny();
        bench.edit_suite(old, new);
        let message = refusal(&bench);
        assert!(message.contains(expected), "{new}: {message}");
    }
}

#[test]
fn a_doubled_name_is_refused() {
    let mut bench = Bench::tiny();
    bench.add("tiny", "strict", 1, TINY, None);
    let message = refusal(&bench);
    assert!(message.contains("suite.toml:10: test \"tiny\": the name is taken by an earlier test"), "{message}");
}

#[test]
fn a_missing_suite_is_said_to_be_missing() {
    let bench = Bench::tiny();
    fs::remove_file(bench.path("fixtures/suite.toml")).unwrap();
    let message = refusal(&bench);
    assert!(message.contains("holds no suite.toml") && message.contains("--fixtures"), "{message}");
}

#[test]
fn a_bad_golden_trace_is_named_with_its_line_or_its_remedy() {
    let cases = [
        ("", "tiny.trace", ""),
        ("# only a comment\n", "tiny.trace", ""),
        (&TINY_TRACE.replace("exit 0", "exit soon"), "tiny.trace", "line 4"),
        (&TINY_TRACE.replace("  brk(HEAP+0x20000)", "  brk(HEAP+20000)"), "tiny.trace", "line 2"),
        (&TINY_TRACE.replace("os_free(HEAP+0x20)", "os_free(HEAP+0x20) = 0"), "tiny.trace", "line 3"),
        (&format!("# a comment\nhello\n{TINY_TRACE}"), "tiny.trace", "line 2"),
    ];
    for (text, file, line) in cases {
        let bench = Bench::tiny();
        bench.write("fixtures/traces/tiny.trace", text);
        let message = refusal(&bench);
        assert!(message.contains(file) && message.contains(line), "{text}: {message}");
    }
    let bench = Bench::tiny();
    fs::remove_file(bench.path("fixtures/traces/tiny.trace")).unwrap();
    let message = refusal(&bench);
    assert!(message.contains("tiny.trace does not exist") && message.contains("osmem bless"), "{message}");
}

#[test]
fn an_orphaned_golden_trace_is_refused() {
    let bench = Bench::tiny();
    bench.write("fixtures/traces/orphan.trace", TINY_TRACE);
    let message = refusal(&bench);
    assert!(message.contains("orphan.trace belongs to no test") && message.contains("--prune"), "{message}");
}
