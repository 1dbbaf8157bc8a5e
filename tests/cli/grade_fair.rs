//! `osmem grade` is fair: the same mark on a busy machine, for what was built from the sources, and for the tests that are worth points.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::bench::FIRST_FIT;
use crate::grade::{Class, QUICK, WRONG, changed, right, stuck};
use crate::support::built;

/// Processes that do nothing but use a processor, and end with this.
struct Load(Vec<Child>);

impl Load {
    fn begin(count: usize) -> Self {
        let spin = || Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
        Self((0..count).map(|_| spin()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
#[ignore = "needs some minutes: a class under a load of 20 processes"]
fn a_class_gets_the_same_bytes_on_a_busy_machine() {
    let class = Class::new();
    let course =
        QUICK.replace("tests = [", "tests = [\"best-fit-many\", ").replace("programs = 0", "programs = 5\nsteps = 60");
    class.write("osmem.toml", format!("{course}[limits]\ntest_seconds = 1\n"));
    class.write("class/endless.c", stuck());
    class.write("class/first-fit.c", changed(FIRST_FIT));
    class.write("class/right.c", right());
    let asleep = (
        "    struct block_meta *b = allocate(size, MMAP_THRESHOLD);\n",
        "    pause();\n    struct block_meta *b = allocate(size, MMAP_THRESHOLD);\n",
    );
    class.write("class/sleeps.c", changed(asleep));
    class.graded(1, &["--batch", "class", "--out", "idle", "-j", "2"]);
    let load = Load::begin(20);
    class.graded(1, &["--batch", "class", "--out", "busy", "-j", "2"]);
    drop(load);
    class.same("idle", "busy");
    for (name, outcome) in [("endless", "timeout"), ("first-fit", "wrong"), ("right", "pass"), ("sleeps", "timeout")] {
        assert_eq!(class.record(&format!("idle/{name}"))["outcome"], outcome, "{name}");
    }
}

#[test]
fn a_library_beside_the_sources_is_not_what_is_graded() {
    let class = Class::new();
    class.write("class/ann/osmem.c", changed(WRONG));
    class.write(
        "class/ann/Makefile",
        "libosmem.so: osmem.o\n\tcc -shared -o $@ osmem.o\nosmem.o: osmem.c\n\tcc -fPIC -c osmem.c\n",
    );
    for stale in ["libosmem.so", "osmem.o"] {
        let path = class.path(format!("class/ann/{stale}"));
        fs::copy(&built().library, &path).unwrap();
        let later = SystemTime::now() + Duration::from_secs(3600);
        fs::File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
    }
    class.graded(1, &["class/ann", "--out", "out"]);
    let record = class.record("out/ann");
    assert_eq!(record["outcome"], "wrong", "{record:#}");
    let notes = record["notes"].to_string();
    assert!(notes.contains("libosmem.so") && notes.contains("osmem.o"), "{notes}");
}

#[test]
fn what_is_worth_nothing_decides_nothing_and_is_told() {
    let class = Class::new();
    class.write("osmem.toml", QUICK.replace("programs = 0", "programs = 60\nprofile = \"core\""));
    class.write("class/ann.c", changed(FIRST_FIT));
    class.write("class/bob.c", right());
    class.graded(0, &["--batch", "class", "--out", "out"]);
    let [ann, bob] = ["ann", "bob"].map(|name| class.record(&format!("out/{name}")));
    assert_eq!((&ann["outcome"], &ann["search"]), (&json!("pass"), &json!("bug-found")), "{ann:#}");
    assert!(ann["counterexample"]["script"].is_string(), "{ann:#}");
    assert_eq!((&bob["outcome"], &bob["search"]), (&json!("pass"), &json!("clean")), "{bob:#}");
    let summary = fs::read_to_string(class.path("out/summary.csv")).unwrap();
    assert!(summary.lines().any(|line| line.starts_with("ann,pass,") && line.ends_with(",bug found,")), "{summary}");
}

#[test]
fn what_is_no_source_in_a_folder_is_left_out_with_a_note() {
    let class = Class::new();
    class.write("class/ann/osmem.c", right());
    class.write("class/ann/core.1234", "what a crash left");
    class.write("class/ann/.git/objects/x", "history");
    class.write("class/ann/tests/a.o", "an object");
    symlink("/etc/passwd", class.path("class/ann/tests/link")).unwrap();
    assert!(Command::new("mkfifo").arg(class.path("class/ann/pipe")).status().unwrap().success());
    for number in 0..300 {
        class.write(format!("class/ann/build/{number}.o"), "an object");
    }
    class.graded(0, &["class/ann", "--out", "out"]);
    let notes = class.record("out/ann")["notes"].to_string();
    for expected in
        ["symbolic links: tests/link", "named pipes: pipe", "core files: core.1234", ".git", "earlier builds"]
    {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }

    fs::create_dir(class.path("class/links")).unwrap();
    symlink("/etc/passwd", class.path("class/links/osmem.c")).unwrap();
    let stdout = class.graded(1, &["class/links", "--out", "of-links"]);
    assert!(stdout.contains("1 unsupported"), "{stdout}");
}

#[test]
fn a_line_that_is_printed_costs_nothing() {
    let class = Class::new();
    let prints = (
        "    if (size == 0)\n        return NULL;\n    struct",
        "    (void)!write(2, \"os_malloc\\n\", 10);\n    if (size == 0)\n        return NULL;\n    struct",
    );
    class.write("class/ann.c", changed(prints));
    class.graded(0, &["class/ann.c", "--out", "out"]);
    assert_eq!(class.record("out/ann")["outcome"], "pass");
}

#[test]
fn a_missing_header_of_the_course_is_named() {
    let class = Class::new();
    class.write("class/ann.c", format!("#include \"course.h\"\n{}", right()));
    class.graded(3, &["class/ann.c", "--out", "out"]);
    let reason = class.record("out/ann")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("course.h is missing") && reason.contains("[overlay]"), "{reason}");
}
