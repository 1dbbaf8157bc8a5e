//! The test programs themselves: the battery lists each of them, our library passes them, and their checks bite.

#![expect(clippy::expect_used, reason = "a panic here is the report")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use osmem_replay::check;
use regex::Regex;
use serde_json::Value;
use support::built;

#[expect(dead_code, reason = "these tests need only some of the artefacts")]
mod support;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test-programs/src/bin")
}

/// The names of all test programs.
fn programs() -> Vec<String> {
    let entries = fs::read_dir(sources()).expect("the folder of the programs");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<_> =
        paths.map(|path| path.file_stem().expect("a name").to_str().expect("UTF-8").into()).collect();
    names.sort();
    names
}

/// The entries of the battery.
fn suite() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/suite.toml");
    let suite: Value = toml::from_str(&fs::read_to_string(path).expect("fixtures/suite.toml")).expect("valid TOML");
    suite["test"].as_array().expect("entries").clone()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("{entry} has no text `{key}`"))
}

/// Runs a program as a person does, with no variable set, or with another library put in front of ours.
fn run(program: &Path, library: Option<&Path>) -> Output {
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(folder) = library {
        command.env("LD_LIBRARY_PATH", folder);
    }
    command.output().unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()))
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_battery_lists_every_program_exactly_once() {
    let mut listed: Vec<_> = suite().iter().map(|entry| text(entry, "program").to_string()).collect();
    listed.sort();
    assert_eq!(listed, programs());
    assert!(listed.len() >= 66, "only {} programs", listed.len());
}

#[test]
fn the_points_of_a_profile_are_a_grade_in_per_cent() {
    for profile in ["basic", "core"] {
        let tests = suite().into_iter().filter(|entry| text(entry, "profile") == profile);
        let halves: f64 = tests.map(|entry| 2.0 * entry["points"].as_f64().expect("points")).sum();
        assert!((halves - 200.0).abs() < f64::EPSILON, "{profile}: {} points", halves / 2.0);
    }
}

#[test]
fn basic_and_core_tests_stand_first_and_carry_no_rule_of_the_other_profiles() {
    let profiles: Vec<_> = suite().iter().map(|entry| text(entry, "profile").to_string()).collect();
    let order = ["basic", "core", "strict", "robust"];
    assert!(profiles.is_sorted_by_key(|profile| order.iter().position(|name| name == profile).expect("a profile")));
    for entry in suite().iter().filter(|entry| text(entry, "profile") == "core") {
        for rule in ["R2", "R14", "R15", "R16"] {
            // `os_free(NULL)` is the one part of R14 that belongs to core.
            let allowed = rule == "R14" && text(entry, "name") == "free-null";
            let named = entry["rules"].as_array().expect("rules").iter().any(|name| name == rule);
            assert!(!named || allowed, "{entry}");
        }
    }
}

#[test]
fn each_program_is_one_short_scenario_that_says_which_rules_it_proves() {
    let rule = Regex::new(r"\bR\d+\b").expect("a valid pattern");
    for entry in suite() {
        let program = text(&entry, "program");
        let source = fs::read_to_string(sources().join(program).with_extension("rs")).expect("the program's source");
        let lines = source.lines().count();
        assert!((10..=40).contains(&lines), "{program} has {lines} lines");
        assert_eq!(source.matches("scenario!(").count(), 1, "{program}");
        let documentation: String = source.lines().take_while(|line| line.starts_with("//! ")).collect();
        let cited: BTreeSet<_> = rule.find_iter(&documentation).map(|found| found.as_str()).collect();
        let listed: BTreeSet<_> = entry["rules"].as_array().expect("rules").iter().filter_map(Value::as_str).collect();
        assert!(!cited.is_empty(), "{program} cites no rule");
        assert!(cited.is_subset(&listed), "{program} cites {cited:?}, fixtures/suite.toml lists {listed:?}");
    }
}

#[test]
fn every_program_passes_by_hand_on_our_own_library() {
    for name in programs() {
        let output = run(&built().dir.join(&name), None);
        assert!(output.status.success(), "{name}: {}, {}", output.status, message(&output));
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{name} printed {output:?}");
    }
}

#[test]
fn installed_programs_find_the_installed_library() {
    let prefix = tempfile::tempdir().expect("a temporary folder");
    let folder = prefix.path().join("lib/osmem/test-programs");
    fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("malloc-mixed");
    // By a process of its own: a file that this one holds open for writing, even in a child about to exec, cannot be run.
    let copied = Command::new("cp").arg(built().dir.join("malloc-mixed")).arg(&program).status().expect("cp starts");
    assert!(copied.success(), "cp: {copied}");
    let output = run(&program, None);
    assert_eq!(output.status.code(), Some(127), "there is no library yet: {output:?}");
    fs::copy(&built().library, prefix.path().join("lib/libosmem.so")).expect("a copy of the library");
    let output = run(&program, None);
    assert!(output.status.success(), "{output:?}");
}

/// Builds `tests/programs/broken.c` with a mistake and gives the folder it lies in.
fn broken(fault: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs"));
    command.args(["-shared", "-fPIC", "-fno-builtin", "-O1", "broken.c", &format!("-DFAULT={fault}"), "-o"]);
    let status = command.arg(folder.path().join("libosmem.so")).status().expect("a C compiler (make deps)");
    assert!(status.success(), "{command:?}: {status}");
    folder
}

/// Runs a program on a library with a mistake: it must end with this status and one line that says what is wrong.
fn assert_noticed(fault: &str, program: &str, status: i32, complaint: &str) {
    let folder = broken(fault);
    let output = run(&built().dir.join(program), Some(folder.path()));
    let message = message(&output);
    assert_eq!(output.status.code(), Some(status), "{fault}, {program}: {message}");
    assert!(message.starts_with("check failed: ") && message.ends_with('\n'), "{fault}, {program}: {message}");
    assert!(message.contains(complaint) && message.lines().count() == 1, "{fault}, {program}: {message}");
}

/// Programs that check contents, but no places: what does not know the contract but keeps contents passes them.
const CONTENTS: [&str; 9] = [
    "malloc-zero",
    "calloc-arrays",
    "malloc-mixed",
    "many-calls",
    "realloc-map-of-calloc",
    "realloc-map-resize",
    "realloc-null-arrays",
    "realloc-null-zero",
    "overflow-malloc",
];

#[test]
fn without_a_mistake_the_contents_pass() {
    let folder = broken("NONE");
    for program in CONTENTS {
        let output = run(&built().dir.join(program), Some(folder.path()));
        assert!(output.status.success(), "{program}: {}", message(&output));
    }
}

#[test]
fn wrong_contents_are_noticed() {
    assert_noticed(
        "NO_ZERO",
        "calloc-arrays",
        check::NOT_ZEROED,
        "byte 0 of os_calloc's payload is 0xa5 instead of zero",
    );
    assert_noticed(
        "ALMOST_ZERO",
        "calloc-arrays",
        check::NOT_ZEROED,
        "byte 15 of os_calloc's payload is 0xa5 instead of zero",
    );
    assert_noticed(
        "NO_COPY",
        "realloc-map-resize",
        check::CONTENTS_LOST,
        "os_realloc to 300000 bytes lost contents: byte 0 was",
    );
    assert_noticed(
        "SHORT_COPY",
        "realloc-map-resize",
        check::CONTENTS_LOST,
        "os_realloc to 300000 bytes lost contents: byte 199999 was",
    );
    assert_noticed(
        "OVERLAP",
        "malloc-mixed",
        check::WRITTEN_INTO,
        "a live block of 60000 bytes was written into by somebody else: its byte 59984 is",
    );
    assert_noticed("OVERLAP", "many-calls", check::WRITTEN_INTO, "was written into by somebody else");
    assert_noticed("SCRIBBLE_ON_FREE", "many-calls", check::WRITTEN_INTO, "a live block of 913 bytes was written into");
    assert_noticed(
        "SCRIBBLE_ON_REALLOC",
        "errno-kept",
        check::WRITTEN_INTO,
        "a live block of 100000 bytes was written into by somebody else",
    );
}

#[test]
fn wrong_results_are_noticed() {
    assert_noticed("MISALIGNED", "malloc-prealloc-once", check::MISALIGNED, "which is not a multiple of 8");
    assert_noticed("MISALIGNED", "calloc-zero", check::MISALIGNED, "os_calloc gave 0x");
    assert_noticed("GIVES_NULL", "realloc-null-zero", 1, "os_realloc gave NULL for 96 bytes");
    assert_noticed("NOTHING_IS_SOMETHING", "calloc-zero", 1, "os_calloc gave 0x");
    assert_noticed("ZERO_IS_RESIZED", "realloc-zero-frees", 1, "os_realloc to 0 bytes gave 0x");
    assert_noticed("NONE", "realloc-zero-frees", check::MISPLACED, "the block lies at 0x");
    assert_noticed("FORGETS_ERRNO", "overflow-malloc", check::ERRNO, "errno is 0, it must be 12");
    assert_noticed("CHANGES_ERRNO", "errno-kept", check::ERRNO, "errno is 12, it must be 18");
}
