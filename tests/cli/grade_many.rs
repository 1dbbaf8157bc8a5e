//! `osmem grade` on a class: the same bytes whatever the order, the box, the parts and the interruptions.

use std::fs;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::bench::{FIRST_FIT, osmem, output, processes_about};
use crate::grade::{CRASH, Class, QUICK, WRONG, changed, right, stuck};
use crate::interrupt::signal;

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A class of seven.
fn seven() -> Class {
    let class = Class::new();
    class.write("osmem.toml", format!("{QUICK}# 5 of them\n").replace("programs = 0", "programs = 5\nsteps = 60"));
    class.write("class/ann.c", right());
    class.write("class/bob/osmem.c", changed(WRONG));
    class.write("class/cid.c", changed(CRASH));
    class.write("class/dan/src/osmem.c", changed(FIRST_FIT));
    class.write("class/eve.c", "int main(void) { return 0 }\n");
    class.write("class/fay/readme.md", "nothing");
    class.write("class/gil.c", right());
    class
}

#[test]
fn the_same_class_gives_the_same_bytes() {
    let class = seven();
    let stdout = class.graded(1, &["--batch", "class", "--out", "one", "-j", "1"]);
    assert!(stdout.contains("7 submissions: 3 pass") && stdout.contains("1 unsupported"), "{stdout}");
    let names =
        ["ann", "bob", "cid", "ctrf.json", "dan", "eve", "fay", "gil", "junit.xml", "results.jsonl", "summary.csv"];
    assert_eq!(class.names("one"), names);
    class.graded(1, &["--batch", "class", "--out", "two", "-j", "4"]);
    class.same("one", "two");

    for way in ["slice", "hash"] {
        let parts = [1, 2, 3].map(|part| format!("{way}-{part}"));
        let mut graded = 0;
        for (part, out) in (1..).zip(&parts) {
            let partition = format!("{way}:{part}/3");
            let (code, stdout, stderr) =
                output(&mut class.grade(&["--batch", "class", "--out", out, "--partition", &partition]));
            assert!(code.is_some_and(|code| code < 2) && stderr.is_empty(), "{code:?}: {stdout}{stderr}");
            graded += fs::read_to_string(class.path(out).join("results.jsonl")).unwrap().lines().count();
        }
        assert_eq!(graded, 7);
        let merged = format!("{way}-merged");
        let folders: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (code, stdout, stderr) = merge(&class, &[&folders[..], &["--out", &merged]].concat());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert!(stdout.contains("7 submissions: 3 pass"), "{stdout}");
        class.same("one", &merged);
    }
    // What lies in two of them and is the same is no contradiction.
    assert_eq!(merge(&class, &["one", "slice-1", "--out", "again"]).0, Some(0));
    class.same("one", "again");
}

fn merge(class: &Class, arguments: &[&str]) -> (Option<i32>, String, String) {
    output(osmem(&["merge"]).current_dir(class.path("")).args(arguments))
}

#[test]
fn what_cannot_be_merged_is_named() {
    let class = Class::new();
    class.write("ann.c", right());
    class.graded(0, &["ann.c", "--out", "one"]);
    class.write("ann.c", changed(WRONG));
    class.graded(1, &["ann.c", "--out", "two"]);
    class.write("none/file", "");
    for (arguments, expected) in [
        (["one", "two", "--out", "merged"], "ann has different results in one and in two"),
        (["one", "none", "--out", "merged"], "none holds no results of `osmem grade`"),
        (["one", "absent", "--out", "merged"], "absent holds no results of `osmem grade`"),
        (["one", "osmem.toml", "--out", "merged"], "osmem.toml holds no results of `osmem grade`"),
        (["one", "one", "--out", "two"], "two is not empty: "),
    ] {
        let (code, stdout, stderr) = merge(&class, &arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(expected), "{expected}\n-- not in --\n{stderr}");
    }
    assert!(!class.path("merged").exists() && !class.path("absent").exists());
}

#[test]
fn both_boxes_give_the_same_but_for_their_names() {
    let class = Class::new();
    class.write("osmem.toml", QUICK.replace("programs = 0", "programs = 5\nhidden = false"));
    for (name, change) in [("ann", None), ("bob", Some(WRONG)), ("cid", Some(CRASH)), ("dan", Some(FIRST_FIT))] {
        class.write(format!("class/{name}.c"), change.map_or_else(right, changed));
    }
    let mut records = Vec::new();
    for tier in ["namespaces", "landlock"] {
        class.graded(1, &["--batch", "class", "--out", tier, "--box", tier]);
        for name in ["ann", "bob", "cid", "dan"] {
            let mut record = class.record(&format!("{tier}/{name}"));
            let fields = record.as_object_mut().unwrap();
            assert_eq!(fields.remove("containment").unwrap()["tier"], tier);
            assert!(fields.remove("key").is_some());
            records.push(record);
        }
    }
    let (namespaces, landlock) = records.split_at(4);
    assert_eq!(namespaces, landlock);
}

#[test]
fn the_reports_name_the_tracer() {
    let class = Class::new();
    class.write("ann.c", changed(WRONG));
    let stdout = class.graded(1, &["ann.c", "--out", "out", "--tracer", "builtin"]);
    let record = class.record("out/ann");
    let tracer = record["tracer"].as_str().unwrap();
    assert_eq!(tracer, "built-in tracer");
    assert!(stdout.lines().next().unwrap().ends_with(&format!("; watched by {tracer}")), "{stdout}");
    let is_drawing = |path: &Path| path.extension().is_some_and(|ending| ending == "svg");
    for (path, bytes) in class.files("out").into_iter().filter(|(path, _)| !is_drawing(path)) {
        assert!(String::from_utf8(bytes).unwrap().contains(tracer), "{}", path.display());
    }
}

#[test]
#[ignore = "needs strace"]
fn all_tracers_give_the_same_results_but_for_their_names() {
    let class = Class::new();
    class.write("osmem.toml", QUICK.replace("programs = 0", "programs = 5\nhidden = false"));
    for (name, change) in [("ann", None), ("bob", Some(WRONG)), ("cid", Some(CRASH)), ("dan", Some(FIRST_FIT))] {
        class.write(format!("class/{name}.c"), change.map_or_else(right, changed));
    }
    let mut all = Vec::new();
    for tracer in ["strace", "builtin", "both"] {
        class.graded(1, &["--batch", "class", "--out", tracer, "--tracer", tracer]);
        let mut records = ["ann", "bob", "cid", "dan"].map(|name| class.record(&format!("{tracer}/{name}")));
        for record in &mut records {
            assert!(record.as_object_mut().unwrap().remove("tracer").is_some());
        }
        all.push(records);
    }
    // Their keys too.
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    let (code, _, stderr) = merge(&class, &["strace", "builtin", "both", "--out", "merged"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    // What one has watched need not be watched by the other.
    class.graded(1, &["--batch", "class", "--out", "strace", "--tracer", "builtin", "--resume"]);
    assert!(class.record("strace/ann")["tracer"].as_str().unwrap().starts_with("strace "));
}

/// Three submissions of which the second waits for the time of a test; and what an undisturbed run makes of them, in `whole`.
fn waiting() -> Class {
    let class = Class::new();
    class.write("osmem.toml", format!("{QUICK}[limits]\ntest_seconds = 4\n"));
    class.write("class/ann.c", right());
    class.write("class/bob.c", stuck());
    class.write("class/cid.c", changed(WRONG));
    let stdout = class.graded(1, &["--batch", "class", "--out", "whole"]);
    assert!(stdout.contains("3 submissions: 1 pass, 1 wrong, 1 timeout"), "{stdout}");
    class
}

/// Starts grading, and comes back when the second submission waits.
fn started(class: &Class, arguments: &[&str]) -> Child {
    let grade = class.grade(arguments);
    let mut process = Process::new(grade.get_program());
    process.args(grade.get_args()).current_dir(class.path("")).env("TMPDIR", class.path("tmp")).env_remove("CI");
    let child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    let stuck =
        |command: &String| command.contains("/kit/") && command.contains("/program") && !command.contains("strace");
    while !class.path("out/bob").exists() || !processes_about(&class.path("tmp")).iter().any(stuck) {
        assert!(begin.elapsed() < PATIENCE, "nothing was stuck");
        thread::sleep(Duration::from_millis(10));
    }
    child
}

fn written(class: &Class, name: &str) -> SystemTime {
    fs::metadata(class.path("out").join(name).join("record.json")).unwrap().modified().unwrap()
}

const BATCH: [&str; 6] = ["--batch", "class", "--out", "out", "-j", "1"];

#[test]
fn a_killed_grader_leaves_nothing_that_the_next_does_not_mend() {
    let class = waiting();
    let mut child = started(&class, &BATCH);
    signal(&child, "KILL");
    child.wait().unwrap();
    let begin = Instant::now();
    while !processes_about(&class.path("tmp")).is_empty() {
        assert!(begin.elapsed() < PATIENCE, "{:?}", processes_about(&class.path("tmp")));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!class.path("out/bob/record.json").exists() && !class.path("out/results.jsonl").exists());
    let left = class.names("tmp");
    assert!(left.iter().any(|name| name.starts_with("osmem-grade-")), "{left:?}");
    // As if it had been killed while it wrote.
    class.write("out/bob/.draft-abc", "half");
    class.write("out/.draft-abc", "half");
    let ann = written(&class, "ann");
    class.graded(1, &[&BATCH[..], &["--resume"]].concat());
    class.same("whole", "out");
    assert_eq!(written(&class, "ann"), ann, "it was graded again");

    // All is done: nothing is graded again.
    let before = ["ann", "bob", "cid"].map(|name| written(&class, name));
    class.graded(1, &[&BATCH[..], &["--resume"]].concat());
    assert_eq!(["ann", "bob", "cid"].map(|name| written(&class, name)), before);
    class.same("whole", "out");

    // A run that replaces results and is killed has not kept the old record beside new files.
    let mut child = started(&class, &[&BATCH[..], &["--force"]].concat());
    while !fs::read_to_string(class.path("out/bob/gradescope.json")).unwrap().contains("\"finished\": false") {
        thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "KILL");
    child.wait().unwrap();
    class.graded(1, &[&BATCH[..], &["--resume"]].concat());
    class.same("whole", "out");
}

#[test]
fn an_interrupted_class_goes_on() {
    let class = waiting();
    for name in ["INT", "TERM"] {
        let child = started(&class, &BATCH);
        signal(&child, name);
        let result = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&result.stdout);
        assert_eq!(result.status.code(), Some(130), "{stdout}{}", String::from_utf8_lossy(&result.stderr));
        assert!(stdout.ends_with("interrupted: 1 of 3 are done; --resume goes on\n"), "{stdout}");
        class.idle();
        let ann = written(&class, "ann");
        assert!(!class.path("out/bob/record.json").exists(), "{stdout}");
        class.graded(1, &[&BATCH[..], &["--resume"]].concat());
        class.same("whole", "out");
        assert_eq!(written(&class, "ann"), ann);
        fs::remove_dir_all(class.path("out")).unwrap();
    }
}

#[test]
fn what_has_changed_is_graded_anew() {
    let class = Class::new();
    for name in ["ann", "bob"] {
        class.write(format!("class/{name}.c"), right());
    }
    class.graded(0, &BATCH);
    let refusal = "out is not empty: --resume keeps what is done there, --force replaces it";
    class.refused(2, &BATCH, refusal);
    let resume = [&BATCH[..], &["--resume"]].concat();
    let times = || ["ann", "bob"].map(|name| written(&class, name));

    let before = times();
    class.write("class/bob.c", changed(WRONG));
    class.graded(1, &resume);
    assert_eq!(class.record("out/bob")["outcome"], "wrong");
    assert!(times()[0] == before[0] && times()[1] > before[1]);

    let before = times();
    class.write("osmem.toml", format!("name = \"Other\"\n{QUICK}"));
    class.graded(1, &resume);
    assert!(times()[0] > before[0] && times()[1] > before[1]);
    assert_eq!(class.record("out/ann")["course"], "Other");

    let before = times();
    class.write("late.csv", "bob,1\n");
    class.graded(1, &[&resume[..], &["--late", "late.csv"]].concat());
    assert!(times()[0] == before[0] && times()[1] > before[1]);

    // A record that cannot be read, or is another's, counts for nothing.
    class.write("out/ann/record.json", "{");
    fs::copy(class.path("out/ann/report.md"), class.path("out/bob/record.json")).unwrap();
    class.graded(1, &[&resume[..], &["--late", "late.csv"]].concat());
    assert_eq!(
        (&class.record("out/ann")["outcome"], &class.record("out/bob")["outcome"]),
        (&"pass".into(), &"wrong".into())
    );

    let before = times();
    class.graded(1, &[&BATCH[..], &["--force"]].concat());
    assert!(times()[0] > before[0] && times()[1] > before[1]);
    class.refused(2, &[&resume[..], &["--force"]].concat(), "cannot be used with");
}
