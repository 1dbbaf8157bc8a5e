//! `osmem grade` and time: libraries that hang or are slow.

use crate::grade::{Class, changed};

/// The right allocator, which does this at its second request and later.
fn later(statement: &str) -> String {
    let begin = "void *os_malloc(size_t size)\n{\n";
    changed((begin, &format!("{begin}    static int calls;\n    if (++calls > 1) {{ {statement} }}\n")))
}

#[test]
fn tests_after_timeouts_are_run_with_less_time_and_a_note() {
    let class = Class::new();
    class.write(
        "osmem.toml",
        "[battery]\ntests = [\"best-fit\", \"malloc-zero\"]\n[limits]\ntest_seconds = 2\n[random]\nprograms = 0\n",
    );
    class.write("ann.c", later("for (;;);"));
    class.graded(1, &["ann.c", "--out", "out"]);
    let record = class.record("out/ann");
    let tests = record["tests"].as_array().unwrap();
    let timeouts: Vec<&str> =
        tests.iter().filter(|test| test["outcome"] == "timeout").map(|test| test["reason"].as_str().unwrap()).collect();
    assert!(timeouts.len() > 5, "{record:#}");
    let within = |seconds: &str| {
        let told = format!("it did not end within {seconds} of its own: os_malloc(");
        timeouts.iter().filter(|reason| reason.starts_with(&told) && reason.ends_with(") never returned")).count()
    };
    // The tests run in an order that is drawn. One of the three is the run that shows the size of the header.
    assert_eq!([within("2 s"), within("0.5 s")], [2, timeouts.len() - 2], "{timeouts:#?}");
    let note = "3 runs did not end in time, in os_malloc: those after them had 0.5 s instead of 2 s";
    assert!(record["notes"].as_array().unwrap().iter().any(|told| told == note), "{record:#}");
}

#[test]
fn slow_calls_are_told_without_a_place() {
    let class = Class::new();
    class.write(
        "osmem.toml",
        "[battery]\ntests = [\"best-fit-many\"]\n[limits]\ntest_seconds = 1\n[random]\nprograms = 0\n",
    );
    // How long a call takes differs from machine to machine; that there are many does not.
    class.write(
        "ann.c",
        later("struct timespec t = { 0, 190000000 }; nanosleep(&t, NULL);").replacen(
            "#include",
            "#include <time.h>\n#include",
            1,
        ),
    );
    class.graded(1, &["ann.c", "--out", "out"]);
    let record = class.record("out/ann");
    let test = &record["tests"][0];
    assert_eq!(
        test["reason"], "it did not end within 1 s of its own: it was still going from call to call",
        "{record:#}"
    );
    assert!(test["difference"].is_null() && test["causes"] == serde_json::json!([]), "{record:#}");
}
