//! `osmem grade` and time: what a busy machine and a hanging library change, which is nothing that counts.

use std::process::{Child, Command as Process};

use crate::bench::FIRST_FIT;
use crate::grade::{Class, WRONG, changed, right};

/// Processes that do nothing but keep processors busy, for as long as this lives.
struct Load(Vec<Child>);

impl Load {
    fn of(processes: usize) -> Self {
        let busy = || Process::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..processes).map(|_| busy()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// The right allocator, which does this at its second request and later.
fn later(statement: &str) -> String {
    let begin = "void *os_malloc(size_t size)\n{\n";
    changed((begin, &format!("{begin}    static int calls;\n    if (++calls > 1) {{ {statement} }}\n")))
}

#[test]
#[ignore = "needs several minutes and all processors"]
fn a_busy_machine_gives_the_same_bytes() {
    let class = Class::new();
    class.write(
        "osmem.toml",
        "[battery]\ntests = [\"malloc-zero\", \"malloc-prealloc-once\", \"best-fit-many\", \"split\"]\n\
         [limits]\ntest_seconds = 1\n[random]\nprograms = 20\n",
    );
    class.write("class/right.c", right());
    class.write("class/no-split.c", changed(WRONG));
    class.write("class/no-split-either.c", changed(WRONG));
    class.write("class/first-fit.c", changed(FIRST_FIT));
    class.write("class/loops.c", later("for (;;);"));
    class.write("class/sleeps.c", later("sleep(1000);"));
    class.write("class/slow.c", later("for (volatile long i = 0; i < 2000000; i++);"));
    class.graded(1, &["--batch", "class", "--out", "idle"]);
    {
        let _load = Load::of(20);
        class.graded(1, &["--batch", "class", "--out", "busy"]);
    }
    class.same("idle", "busy");
    assert_eq!(class.record("idle/slow")["outcome"], "pass");
    for name in ["loops", "sleeps"] {
        assert_eq!(class.record(&format!("idle/{name}"))["outcome"], "timeout", "{name}");
    }
    let [mut one, mut other] = ["no-split", "no-split-either"].map(|name| class.record(&format!("idle/{name}")));
    for record in [&mut one, &mut other] {
        for field in ["name", "key", "digest", "build"] {
            assert!(record.as_object_mut().unwrap().remove(field).is_some());
        }
    }
    assert_eq!(one, other);
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
    for (number, reason) in timeouts.iter().enumerate() {
        // One of the three is the run that shows the size of the header.
        let seconds = if number < 2 { "2 s" } else { "0.5 s" };
        let told = format!("it did not end within {seconds} of its own: os_malloc(");
        assert!(reason.starts_with(&told) && reason.ends_with(") never returned"), "{number}: {reason}");
    }
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
        later("struct timespec t = { 0, 90000000 }; nanosleep(&t, NULL);").replacen(
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
