//! Libraries without an allocator earn nothing, under each tracer, in each box, and with any claim about themselves.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::grade::{Class, right};

/// The ways of `feigned.c`, in order.
const WAYS: [&str; 12] = [
    "nothing",
    "code",
    "code-by-key",
    "code-mapped",
    "proc-mem",
    "part",
    "other-sizes",
    "other-pointer",
    "too-many",
    "table",
    "marks",
    "notes",
];

/// One known program, and random ones.
const COURSE: &str = "\
[battery]
tests = [\"malloc-prealloc-once\"]
[random]
programs = 4
points = 5
";

/// A library that does this instead of allocating.
fn feigned(way: usize) -> String {
    let source = include_str!("feigned.c");
    let ways = "enum { NOTHING,";
    let numbers: String = WAYS
        .iter()
        .enumerate()
        .map(|(number, name)| format!("#define {} {number}\n", name.to_uppercase().replace('-', "_")))
        .collect();
    // The preprocessor knows no enum.
    let start = source.find(ways).unwrap();
    let end = start + source[start..].find("};").unwrap() + 2;
    format!("{numbers}#define WAY {way}\n{}{}", &source[..start], &source[end..])
}

/// Grades all ways at once.
fn graded(options: &[&str]) -> BTreeMap<&'static str, Value> {
    let class = Class::new();
    class.write("osmem.toml", COURSE);
    for (way, name) in WAYS.iter().enumerate() {
        class.write(format!("class/{name}.c"), feigned(way));
    }
    class.write("class/right.c", right());
    class.graded(1, &[&["--batch", "class", "--out", "out"], options].concat());
    assert_eq!(class.record("out/right")["outcome"], "pass");
    assert_eq!(class.record("out/right").get("suspicious"), None);
    WAYS.iter().map(|name| (*name, class.record(&format!("out/{name}")))).collect()
}

/// No points, and a mark for the instructor.
fn nothing_is_earned(options: &[&str]) {
    let records = graded(options);
    for (way, record) in &records {
        let told = format!("{options:?}: {way}: {record:#}");
        assert_ne!(record["outcome"], "pass", "{told}");
        assert_ne!(record["outcome"], "infra-error", "{told}");
        assert_eq!(record["score"]["earned"], 0.0, "{told}");
    }
    let honest_but_wrong = ["proc-mem"];
    for (way, record) in records.iter().filter(|(way, _)| !honest_but_wrong.contains(way)) {
        let marked = record["outcome"] == "forbidden" || record.get("suspicious").is_some();
        assert!(marked, "{options:?}: {way}: {record:#}");
    }
}

#[test]
fn no_pass_without_an_allocator_in_namespaces() {
    nothing_is_earned(&["--box", "namespaces", "--tracer", "builtin"]);
}

#[test]
fn no_pass_without_an_allocator_with_landlock() {
    nothing_is_earned(&["--box", "landlock", "--tracer", "builtin"]);
}

#[test]
#[ignore = "needs strace"]
fn no_pass_without_an_allocator_under_strace() {
    for tier in ["namespaces", "landlock"] {
        nothing_is_earned(&["--box", tier, "--tracer", "strace"]);
    }
}

#[test]
fn what_is_seen_from_outside_is_forbidden() {
    let records = graded(&["--tracer", "builtin"]);
    for (way, what) in [
        ("code", "mprotect of the program's own code"),
        ("code-by-key", "mprotect of the program's own code"),
        ("code-mapped", "mmap over the program's own code"),
        ("table", "a call that the program does not make"),
        ("notes", "a call that the program does not make"),
        ("marks", "a mark of a call where notes are read"),
    ] {
        let record = &records[way];
        assert_eq!(record["outcome"], "forbidden", "{way}: {record:#}");
        assert!(record["reason"].as_str().unwrap().contains(what), "{way}: {record:#}");
    }
}

/// A binary has no source here: it is left out under any name and at any place.
#[test]
fn a_library_in_disguise_is_left_out() {
    let class = Class::new();
    let source = class.write("tmp-source.c", right());
    let built = |name: &str, options: &[&str]| {
        let to = class.path(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let mut cc = Command::new("cc");
        assert!(cc.args(["-std=gnu11", "-fPIC", "-o"]).arg(&to).arg(&source).args(options).status().unwrap().success());
    };
    built("class/renamed/prebuilt.bin", &["-shared"]);
    class.write("class/renamed/Makefile", "libosmem.so:\n\tcp prebuilt.bin libosmem.so\n");
    built("class/object/data.dat", &["-c"]);
    class.write("class/object/Makefile", "libosmem.so:\n\tcc -shared -o libosmem.so -x none data.dat\n");
    built("class/archive/inner.tmp", &["-c"]);
    let archive = class.path("class/archive/notes.txt");
    let inner = class.path("class/archive/inner.tmp");
    assert!(Command::new("ar").arg("rc").arg(&archive).arg(&inner).status().unwrap().success());
    class.write(
        "class/archive/Makefile",
        "libosmem.so:\n\tcc -shared -o libosmem.so -Wl,--whole-archive notes.txt -Wl,--no-whole-archive\n",
    );
    class.graded(1, &["--batch", "class", "--out", "out"]);
    for (name, file) in [("renamed", "prebuilt.bin"), ("object", "data.dat"), ("archive", "notes.txt")] {
        let record = class.record(&format!("out/{name}"));
        assert_eq!(record["outcome"], "no-build", "{name}: {record:#}");
        let notes = record["notes"].to_string();
        assert!(notes.contains("compiled files") && notes.contains(file), "{name}: {notes}");
    }
}

/// A failing test must not show what others there are.
#[test]
fn programs_bear_no_names() {
    let class = Class::new();
    let looks = r#"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void early(void)
{
    char path[4096] = "";
    extern char *program_invocation_name;
    strncpy(path, program_invocation_name, sizeof path - 1);
    fprintf(stderr, "called %s\n", strrchr(path, '/') + 1);
    for (int up = 0; up < 2; up++) {
        *strrchr(path, '/') = 0;
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder && (entry = readdir(folder));)
            fprintf(stderr, "beside it %s\n", entry->d_name);
    }
}
"#;
    class.write("bad.c", right().replace("if (rest < HEADER + ALIGNMENT)", "if (rest < PREALLOCATION)") + looks);
    for tier in ["namespaces", "landlock"] {
        class.graded(1, &["bad.c", "--out", tier, "--box", tier]);
        let record = class.record(&format!("{tier}/bad"));
        let output: Vec<&str> =
            record["tests"].as_array().unwrap().iter().filter_map(|it| it["output"].as_str()).collect();
        assert!(output.iter().any(|text| text.contains("called program")), "{tier}: {record:#}");
        assert!(!output.iter().any(|text| text.contains("malloc")), "{tier}: {output:?}");
    }
}

/// A copy of the answers for one submission does not fit another.
#[test]
fn a_secret_draws_other_questions_for_each_submission() {
    let class = Class::new();
    class.write("osmem.toml", format!("secret = \"s\"\n{COURSE}"));
    class.write("class/ann.c", right());
    class.write("class/bob.c", right() + "\n");
    let seed = |record: &Value| {
        let notes = record["notes"].as_array().unwrap().iter().filter_map(Value::as_str);
        notes.filter_map(|note| note.split_once("drawn by the seed ")).map(|(_, seed)| seed.to_owned()).next().unwrap()
    };
    let seeds = ["one", "other"].map(|out| {
        class.graded(0, &["--batch", "class", "--out", out]);
        ["ann", "bob"].map(|name| seed(&class.record(&format!("{out}/{name}"))))
    });
    assert_eq!(seeds[0], seeds[1]);
    assert_ne!(seeds[0][0], seeds[0][1]);
    for file in ["report.md", "gradescope.json"] {
        let shown = std::fs::read_to_string(class.path(format!("one/ann/{file}"))).unwrap();
        assert!(!shown.contains(&seeds[0][0]), "{file}");
    }
}
