//! `osmem check --inject`, and the tests whose programs bear every refusal.

use serde_json::{Value, json};

use crate::bench::{Bench, TINY, TINY_TRACE, osmem, output};
use crate::grade::{Class, changed, right};

/// A program that takes NULL for an answer, and its trace: two moves of the break, one mapping.
const BEARS: &str = "int main(void) {
    char *first = os_malloc(100000), *second = os_malloc(100000), *mapped = os_malloc(200000);
    os_free(second); os_free(os_malloc(90000)); os_free(mapped); os_free(first); return 0; }";
const BEARS_TRACE: &str = "\
os_malloc(100000) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(100000) = HEAP+0x186e0
  brk(HEAP+0x30d80) = HEAP+0x30d80
os_malloc(200000) = MAP1+0x20
  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_free(HEAP+0x186e0)
os_malloc(90000) = HEAP+0x186e0
os_free(HEAP+0x186e0)
os_free(MAP1+0x20)
  munmap(MAP1, 200032) = 0
os_free(HEAP+0x20)
exit 0
";

/// Changes of the right allocator: the free last block is taken before the break moves; a refused break is taken for granted.
const TAKES: (&str, &str) = (
    "if (last->status == FREE && at_break(last))\n",
    "if (last->status == FREE && at_break(last) && (last->status = ALLOC))\n",
);
const UNCHECKED: (&str, &str) = ("if (sbrk((intptr_t)bytes) != (void *)-1)", "if (sbrk((intptr_t)bytes) || bytes)");

/// A change of the right allocator: what it does when a move of the break is refused.
fn refused(statement: &str) -> (&'static str, String) {
    ("    errno = ENOMEM;\n    return false;\n", format!("    {statement}\n    errno = ENOMEM;\n    return false;\n"))
}

/// The outcome and the reason of the only test.
fn verdict(record: &Value) -> (&str, &str) {
    let test = &record["tests"][0];
    (test["outcome"].as_str().unwrap(), test["reason"].as_str().unwrap_or_default())
}

/// A battery of one program.
fn one(source: &str) -> Bench {
    let mut bench = Bench::empty();
    bench.add("one", "core", 100, source, Some(TINY_TRACE));
    bench
}

#[test]
fn our_own_library_bears_it_and_the_report_says_where() {
    let mut bench = Bench::empty();
    bench.add("bears", "core", 60, BEARS, Some(BEARS_TRACE));
    bench.add("tiny", "core", 40, TINY, Some(TINY_TRACE));
    for (inject, first, bears, tiny) in [
        (
            "brk:ENOMEM:1",
            "the 1st brk",
            "in os_malloc(100000), where the break was only asked for",
            "in os_malloc(100), where the break was only asked for",
        ),
        ("brk:ENOMEM:2", "the 2nd brk", "in os_malloc(100000)", "in os_malloc(100)"),
        ("brk:ENOMEM:1+", "the 1st brk and all later ones", "in os_malloc(100000)", "in os_malloc(100)"),
        ("brk:ENOMEM:3", "the 3rd brk", "in os_malloc(100000)", ""),
        ("mmap:ENOMEM:1", "the 1st mmap", "in os_malloc(200000)", ""),
        ("mmap:ENOMEM:2+", "the 2nd mmap and all later ones", "", ""),
        ("brk:ENOMEM:4000000000", "the 4000000000th brk", "", ""),
    ] {
        let (code, stdout, stderr) = output(&mut bench.check(&["--inject", inject]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{inject}: {stdout}");
        let told = format!(", {inject} injected ({first} refused)");
        assert!(stdout.lines().next().unwrap().ends_with(&told), "{stdout}");
        for (name, place) in [("bears", bears), ("tiny ", tiny)] {
            let end = if place.is_empty() { "ms   not reached".to_owned() } else { format!("ms   refused {place}") };
            let line = stdout.lines().find(|line| line.starts_with(&format!("pass        {name} "))).unwrap();
            assert!(line.ends_with(&end), "{inject}: {line}");
        }
        let unreached = [bears, tiny].iter().filter(|place| place.is_empty()).count();
        let count =
            if unreached > 0 { format!("2 passed ({unreached} not reached) in ") } else { "2 passed in ".to_owned() };
        assert!(stdout.contains(&count) && !stdout.contains("points"), "{stdout}");
        let (code, record) = bench.check_json(&["--inject", inject]);
        assert_eq!((code, &record["inject"]), (Some(0), &inject.into()));
        let seen = &record["tests"][0];
        assert_eq!((&seen["judged_by"], &seen["injected"]["pardoned"]), (&"oracle".into(), &Value::Null), "{inject}");
        assert_eq!(seen["injected"]["refused"], if bears.is_empty() { Value::Null } else { bears.into() });
    }
    let (_, record) = bench.check_json(&[]);
    assert_eq!((&record["inject"], &record["tests"][0]["injected"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_program_that_does_not_expect_null_is_no_fault_of_the_library() {
    for (source, told) in [
        (
            "int main(void) { *(volatile char *)os_malloc(100) = 1; return 0; }",
            "SIGSEGV: outside the library, after os_malloc(100)",
        ),
        ("int main(void) { return os_malloc(100) ? 0 : 9; }", "the program ended with status 9"),
        (
            "__attribute__((constructor)) static void early(void) { if (!os_malloc(100)) exit(3); } int main(void) { return 0; }",
            "the program ended, with status 3, before its main did: outside the library, after os_malloc(100)",
        ),
    ] {
        let bench = one(source);
        let (code, record) = bench.check_json(&["--inject", "brk:ENOMEM:2"]);
        assert_eq!((code, verdict(&record)), (Some(0), ("pass", "")), "{record}");
        let pardoned = json!({ "by": "program", "sentence": format!("NULL was not expected: {told}") });
        assert_eq!(record["tests"][0]["injected"]["pardoned"], pardoned);
        assert_eq!((&record["causes"], &record["summary"]["failed"]), (&json!([]), &0.into()));
        let (_, stdout, _) = output(&mut bench.check(&["--inject", "brk:ENOMEM:2"]));
        assert!(stdout.contains("refused in os_malloc(100), which the program did not expect\n"), "{stdout}");
        // Without a refusal that has an effect, nobody is excused.
        let library = bench.library("null.so", &crate::bench::malloc_body("return NULL;"));
        let (code, stdout, _) = output(bench.check_library(&library).args(["--inject", "brk:ENOMEM:2"]));
        assert!(code == Some(1) && stdout.contains("ms   not reached\n"), "{stdout}");
    }
    // What it finds wrong with its memory is.
    let (code, record) =
        one("int main(void) { return os_malloc(100) ? 0 : 64; }").check_json(&["--inject", "brk:ENOMEM:2"]);
    assert_eq!((code, verdict(&record)), (Some(1), ("fail", "the program ended with status 64")));
}

#[test]
fn a_library_that_does_not_bear_it_fails_with_the_right_sentence() {
    let bench = one(BEARS);
    let hangs = refused("for (;;) { }");
    let prints = refused("(void)!write(9, \"no\\n\", 3);");
    let forges = refused("(void)!write(-1, \"0123456789abcdef done 0x0\", 25);");
    let leaves = refused("exit(1);");
    for (what, (old, new), inject, outcome, reason) in [
        (
            "unchecked",
            (UNCHECKED.0, UNCHECKED.1.to_owned()),
            "brk:ENOMEM:2",
            "crash",
            "SIGSEGV: os_malloc(100000) never returned",
        ),
        (
            "unchecked",
            (UNCHECKED.0, UNCHECKED.1.to_owned()),
            "brk:ENOMEM:3",
            "crash",
            "os_malloc(100000) breaks R15: it gave a block instead of NULL; then SIGSEGV: os_malloc(90000) never",
        ),
        ("takes", (TAKES.0, TAKES.1.to_owned()), "brk:ENOMEM:3", "fail", "os_malloc(90000) breaks R7: "),
        ("hangs", hangs, "brk:ENOMEM:2", "timeout", "it did not end within 1 s of its own"),
        (
            "prints",
            prints,
            "brk:ENOMEM:2",
            "fail",
            "os_malloc(100000) breaks R15: it did something beyond brk, mmap and munmap",
        ),
        ("forges", forges, "brk:ENOMEM:2", "fail", "something other than the probe wrote a mark of the probe's"),
        (
            "leaves",
            leaves,
            "brk:ENOMEM:2",
            "fail",
            "the program ended, with status 1, before its main did: os_malloc(100000) never returned",
        ),
        (
            "mapping",
            ("if (b == MAP_FAILED) {", "if (b == NULL) {".to_owned()),
            "mmap:ENOMEM:1",
            "crash",
            "SIGSEGV: os_malloc(200000) never returned",
        ),
    ] {
        let library = bench.reference(&format!("{what}.so"), old, &new);
        let library = library.to_str().unwrap();
        let (code, record) = bench.check_json(&["--lib", library, "--inject", inject, "--timeout", "1"]);
        let (seen, why) = verdict(&record);
        assert_eq!((code, seen), (Some(1), outcome), "{what}: {record}");
        assert!(why.starts_with(reason), "{what}: {why}");
    }
    let library = bench.reference("takes.so", TAKES.0, TAKES.1);
    let (_, stdout, _) = output(bench.check_library(&library).args(["--inject", "brk:ENOMEM:3"]));
    assert!(stdout.contains("  cause   refusal-changes-the-heap (R15)") && !stdout.contains("osmem bless"), "{stdout}");
}

#[test]
fn a_message_and_an_exit_are_one_reading_of_a_refusal() {
    let mut bench = one(BEARS);
    let (old, new) = refused("(void)!write(2, \"out of memory\\n\", 14); exit(1);");
    let library = bench.reference("ends.so", old, &new);
    let library = library.to_str().unwrap().to_owned();
    let arguments = ["--lib", &library, "--inject", "brk:ENOMEM:3"];
    let (code, record) = bench.check_json(&arguments);
    assert_eq!((code, verdict(&record)), (Some(0), ("pass", "")), "{record}");
    let sentence = "it ended the program with status 1 and a message, as some hand-outs demand (O7)";
    assert_eq!(record["tests"][0]["injected"]["pardoned"], json!({ "by": "library", "sentence": sentence }));
    let (_, stdout, _) = output(&mut bench.check(&arguments));
    assert!(stdout.contains("refused in os_malloc(100000), where the library ended the program\n"), "{stdout}");
    // Where the contract is adopted whole, it is not.
    bench.add("strict-one", "strict", 1, BEARS, Some(BEARS_TRACE));
    let (code, record) = bench.check_json(&[&arguments[..], &["--profile", "strict"]].concat());
    let reason = "the program ended, with status 1, before its main did: os_malloc(100000) never returned";
    assert_eq!((code, verdict(&record)), (Some(1), ("fail", reason)));
}

#[test]
fn what_cannot_be_injected_is_refused_with_the_right_form() {
    let (_, help, _) = output(&mut osmem(&["check", "--help"]));
    assert!(help.contains("--inject <brk|mmap:ENOMEM:N[+]>"), "{help}");
    for (inject, complaint) in [
        ("brk", "write brk:ENOMEM:N or mmap:ENOMEM:N, with a + behind N for all later calls, too"),
        ("munmap:ENOMEM:1", "\"munmap\" cannot be refused, only brk and mmap"),
        ("brk:EAGAIN:1", "brk cannot be refused with \"EAGAIN\", only with ENOMEM"),
        ("brk:ENOMEM:0", "\"0\" is no number of a call, which begin with 1"),
        ("brk:ENOMEM:-1", "\"-1\" is no number of a call"),
        ("", "write brk:ENOMEM:N"),
    ] {
        let (code, stdout, stderr) = output(&mut osmem(&["check", "--inject", inject]));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{inject}: {stderr}");
        assert!(stderr.contains("--inject") && stderr.contains(complaint), "{inject}: {stderr}");
    }
}

/// A battery of one test whose program bears every refusal.
fn bearing(source: &str) -> Bench {
    let mut bench = Bench::empty();
    bench.add("one", "core", 100, source, Some(BEARS_TRACE));
    bench.edit_suite("hint = \"Hint for one\"\n", "hint = \"Hint for one\"\nrefusals = true\n");
    bench
}

#[test]
fn a_test_with_refusals_is_run_with_each_of_them() {
    let bench = bearing(BEARS);
    let (code, stdout, stderr) = output(&mut bench.check(&[]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("pass        one 100/100 points"), "{stdout}");
    let right = bench.reference("right.so", "/* R9. NULL,", "/* R9: NULL,");
    bench.check_library(&right).assert().code(0);
    for (what, (old, new), outcome, reason) in [
        ("takes", TAKES, "fail", "with the 3rd brk refused: os_malloc(90000) breaks R7: "),
        ("unchecked", UNCHECKED, "crash", "with the 2nd brk refused: SIGSEGV: os_malloc(100000) never returned"),
        (
            "mapping",
            ("if (b == MAP_FAILED) {", "if (b == NULL) {"),
            "crash",
            "with the 1st mmap refused: SIGSEGV: os_malloc(200000) never returned",
        ),
    ] {
        let library = bench.reference(&format!("{what}.so"), old, new);
        let (code, record) = bench.check_json(&["--lib", library.to_str().unwrap()]);
        let (seen, why) = verdict(&record);
        assert_eq!((code, seen), (Some(1), outcome), "{what}: {record}");
        assert!(why.starts_with(reason), "{what}: {why}");
        let test = &record["tests"][0];
        assert_eq!((&test["earned"], &test["judged_by"]), (&0.into(), &"oracle".into()));
        let cause = test["causes"][0]["id"].as_str().unwrap();
        assert!(cause.starts_with("refusal-"), "{what}: {cause}");
        let trace = std::fs::read_to_string(bench.path("seen/one.trace")).unwrap();
        assert!(
            trace.contains(" = -ENOMEM")
                || trace.contains("brk(HEAP+0x30d80) = HEAP+0x20000")
                || trace.contains("brk(HEAP+0x20000) = HEAP\n"),
            "{trace}"
        );
    }
    // One injection is one run.
    let library = bench.reference("takes.so", TAKES.0, TAKES.1);
    bench.check_library(&library).args(["--inject", "mmap:ENOMEM:1"]).assert().code(0);
}

#[test]
fn a_program_that_bears_refusals_has_to_bear_them() {
    let careless = BEARS.replace("os_free(second);", "*(volatile char *)second = 1; os_free(second);");
    let (code, record) = bearing(&careless).check_json(&[]);
    let reason = "with the 2nd brk and all later ones refused: SIGSEGV: outside the library, after os_malloc(200000)";
    assert_eq!((code, verdict(&record)), (Some(1), ("crash", reason)), "{record}");
}

/// The tests that bear refusals, one of them in a box.
const COURSE: &str = "[battery]\nprofile = \"robust\"\ntests = [\"refused-each-resize\"]\n[random]\nprograms = 0\n";

#[test]
fn a_graded_submission_has_to_bear_every_refusal_too() {
    let class = Class::new();
    class.write("osmem.toml", COURSE);
    class.write("ann.c", right());
    class.graded(0, &["ann.c", "--out", "ann"]);
    class.write("bob.c", changed(TAKES));
    class.graded(1, &["bob.c", "--out", "bob"]);
    let test = &class.record("bob/bob")["tests"][0];
    let reason = test["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("with the 2nd brk refused: os_malloc") || reason.starts_with("with the 3rd brk refused: "),
        "{reason}"
    );
    assert_eq!(
        (&test["outcome"], &test["causes"][0]["id"]),
        (&"wrong".into(), &"refusal-changes-the-heap".into()),
        "{test}"
    );
}
