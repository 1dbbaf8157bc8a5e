//! `osmem check`: selection, outcomes, both formats.

use std::fs::{self, File};
use std::io::Read;
use std::process::Command as Process;

use nix::pty::openpty;
use serde_json::Value;

use crate::bench::{Bench, MAPS_ALL, TINY, TINY_TRACE, osmem, output};
use crate::support::built;

/// A battery with one test that our library fails on purpose, one that it passes, one in each other profile.
fn mixed() -> Bench {
    let mut bench = Bench::empty();
    bench.add("good", "core", 60, TINY, Some(TINY_TRACE));
    bench.add("wrong", "core", 40, TINY, Some(&TINY_TRACE.replace("0x20000", "0x40000")));
    bench.add("strict-one", "strict", 1, TINY, Some(TINY_TRACE));
    bench.add(
        "robust-one",
        "robust",
        2,
        "int main(void) { os_free(NULL); return 0; }",
        Some("os_free(NULL)\nexit 0\n"),
    );
    bench
}

#[test]
fn a_failure_is_shown_with_all_that_helps() {
    let bench = mixed();
    let (code, stdout, stderr) = output(&mut bench.check(&[]));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    for expected in [
        "pass        good         60/60 points",
        "fail        wrong         0/40 points",
        "fail: wrong (core)\n  test    About wrong\n  why     the trace differs from the expected one\n",
        "  ~   brk(HEAP+0x40000) = HEAP+0x40000 │   brk(HEAP+0x20000) = HEAP+0x20000\n",
        "    os_free(HEAP+0x20)                 │ os_free(HEAP+0x20)\n",
        "  rules   R4 preallocation. The first heap request",
        "          R8 free. Freeing a heap block makes no system call",
        "  hint    Hint for wrong\n",
        "  accept  osmem bless wrong",
        "core      60 of  100 points,   1 of   2 tests",
        "robust     2 of    2 points,   1 of   1 tests",
        "R4    3/4   R8    3/4",
        "3 passed, 1 failed in ",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "colours where no terminal is: {stdout}");
    assert_eq!(bench.names("seen"), ["wrong.trace"]);
    let seen = fs::read_to_string(bench.path("seen/wrong.trace")).unwrap();
    assert!(seen.starts_with("# wrong: seen with ") && seen.ends_with(TINY_TRACE), "{seen}");
}

/// What `osmem check` writes to a terminal, both streams.
fn on_a_terminal(bench: &Bench, arguments: &[&str], variable: (&str, &str)) -> String {
    let terminal = openpty(None, None).unwrap();
    let end = || terminal.slave.try_clone().unwrap();
    let check = bench.check(arguments);
    let mut process = Process::new(check.get_program());
    process.args(check.get_args()).stdout(end()).stderr(end()).env("TERM", "xterm").env(variable.0, variable.1);
    let mut child = process.env_remove("CI").spawn().unwrap();
    // Every end that could write has to be closed for the reading to end.
    drop((process, terminal.slave));
    let mut bytes = Vec::new();
    // Linux reports the end of a terminal as an error.
    drop(File::from(terminal.master).read_to_end(&mut bytes));
    child.wait().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn colours_are_only_there_where_they_are_wanted() {
    let bench = mixed();
    let coloured = on_a_terminal(&bench, &[], ("ANY", "thing"));
    assert!(coloured.contains("\u{1b}[32mpass") && coloured.contains("\u{1b}[31mfail"), "{coloured}");
    let plain = on_a_terminal(&bench, &[], ("NO_COLOR", "1"));
    let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert!(plain.contains("pass        good") && !colours.is_match(&plain), "{plain}");
}

#[test]
fn the_progress_bar_is_for_terminals_only() {
    let bench = mixed();
    let shown = on_a_terminal(&bench, &["--format", "json"], ("ANY", "thing"));
    assert!(shown.contains("4/4") || shown.contains("0/4"), "{shown}");
    let (_, stdout, stderr) = output(&mut bench.check(&["--format", "json"]));
    assert!(stdout.starts_with("{\n") && stderr.is_empty(), "{stdout}{stderr}");
}

#[test]
fn the_trace_of_a_failure_goes_when_the_test_passes() {
    let bench = mixed();
    bench.check(&["wrong"]).assert().code(1);
    assert_eq!(bench.names("seen"), ["wrong.trace"]);
    bench.write("fixtures/traces/wrong.trace", TINY_TRACE);
    bench.check(&["wrong"]).assert().code(0);
    assert_eq!(bench.names("seen"), Vec::<String>::new());
}

#[test]
fn json_says_what_the_text_says() {
    let bench = mixed();
    let (code, record) = bench.check_json(&["--tracer", "builtin"]);
    assert_eq!(code, Some(1));
    assert_eq!((&record["version"], &record["tracer"]), (&3.into(), &"built-in tracer".into()));
    assert_eq!(record["own"], true);
    assert_eq!(record["profile"], "all");
    assert_eq!(record["interrupted"], false);
    assert_eq!(record["library"], fs::canonicalize(&built().library).unwrap().to_str().unwrap());
    let names: Vec<_> = record["tests"].as_array().unwrap().iter().map(|test| test["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["good", "wrong", "strict-one", "robust-one"]);

    let good = &record["tests"][0];
    assert_eq!((&good["outcome"], &good["earned"], &good["header"]), (&"pass".into(), &60.into(), &32.into()));
    for field in ["reason", "difference", "output", "trace_file"] {
        assert_eq!(good[field], Value::Null, "{field}");
    }
    assert_eq!((&good["judged_by"], &good["causes"]), (&"fixture".into(), &serde_json::json!([])));
    let wrong = &record["tests"][1];
    assert_eq!((&wrong["outcome"], &wrong["earned"], &wrong["points"]), (&"fail".into(), &0.into(), &40.into()));
    assert_eq!(wrong["rules"], serde_json::json!(["R4", "R8"]));
    assert_eq!(wrong["hint"], "Hint for wrong");
    assert_eq!(wrong["difference"]["rule"], "R4");
    assert_eq!(wrong["trace_file"], bench.path("seen/wrong.trace").to_str().unwrap());
    let changed = wrong["difference"]["context"].as_array().unwrap().iter().find(|row| row["mark"] == "~").unwrap();
    assert_eq!(changed["expected"], "  brk(HEAP+0x40000) = HEAP+0x40000");
    assert_eq!(changed["actual"], "  brk(HEAP+0x20000) = HEAP+0x20000");

    let summary = &record["summary"];
    assert_eq!((&summary["tests"], &summary["passed"], &summary["failed"]), (&4.into(), &3.into(), &1.into()));
    assert_eq!(summary["profiles"]["core"], serde_json::json!({"earned": 60, "points": 100, "passed": 1, "tests": 2}));
    assert_eq!(summary["rules"]["R8"], serde_json::json!({"passed": 3, "tests": 4}));
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn filters_and_profiles_select() {
    let bench = mixed();
    let selected = |arguments: &[&str]| {
        let mut list = bench.check(&["--list", "--format", "json"]);
        let (code, stdout, stderr) = output(list.args(arguments));
        let names = serde_json::from_str::<Value>(&stdout).ok().map(|list| {
            list.as_array()
                .unwrap()
                .iter()
                .map(|test| test["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        });
        (code, names.unwrap_or(stderr))
    };
    let some = |names: &str| (Some(0), names.to_owned());
    assert_eq!(selected(&[]), some("good wrong strict-one robust-one"));
    assert_eq!(selected(&["--profile", "core"]), some("good wrong"));
    assert_eq!(selected(&["--profile", "strict"]), some("strict-one"));
    assert_eq!(selected(&["oo"]), some("good"));
    assert_eq!(selected(&["good", "one"]), some("good strict-one robust-one"));
    assert_eq!(selected(&["R8"]), some("good wrong strict-one robust-one"));
    // With --lib only core tests are run, unless asked for.
    let library = built().library.to_str().unwrap();
    assert_eq!(selected(&["--lib", library]), some("good wrong"));
    assert_eq!(selected(&["--lib", library, "--profile", "robust"]), some("robust-one"));

    for (arguments, expected) in [
        (&["nothing-like-it"][..], "no test fits nothing-like-it;"),
        (&["R17"], "no test fits R17;"),
        (&["--profile", "core", "strict-one"], "no test of the profile core fits strict-one; "),
        (&["--profile", "core", "one"], ", 2 of other profiles fit"),
    ] {
        let (code, message) = selected(arguments);
        assert_eq!(code, Some(4), "{message}");
        assert!(message.starts_with("error: ") && message.contains(expected), "{message}");
    }
}

#[test]
fn the_list_is_for_people_too() {
    let (code, stdout, _) = output(&mut mixed().check(&["--list", "one"]));
    assert_eq!(code, Some(0));
    assert_eq!(stdout, "strict-one   1 strict About strict-one\nrobust-one   2 robust About robust-one\n");
}

#[test]
fn another_library_is_judged_and_nothing_of_ours_is_offered() {
    let bench = mixed();
    let library = bench.library("libosmem.so", MAPS_ALL);
    for given in [library.to_str().unwrap(), bench.path("").to_str().unwrap()] {
        let (code, stdout, stderr) = output(&mut bench.check(&["--lib", given]));
        assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
        assert!(stdout.contains("core       0 of  100 points,   0 of   2 tests"), "{stdout}");
        assert!(stdout.contains("profile core") && !stdout.contains("osmem bless"), "{stdout}");
        assert!(stdout.contains("│   mmap(NULL, 132, PROT_READ|PROT_WRITE,…MOUS, -1, 0) = MAP1\n"), "{stdout}");
    }
}

#[test]
fn our_own_library_given_by_name_is_a_library_like_any_other() {
    let bench = mixed();
    let (code, record) = bench.check_json(&["--lib", built().library.to_str().unwrap(), "good"]);
    assert_eq!(code, Some(0));
    assert_eq!((&record["own"], &record["profile"]), (&false.into(), &"core".into()));
    assert_eq!(record["tests"][0]["header"], 32);
}

/// A library that is right about one small block, and has headers of 40 bytes.
const HEADER_40: &str = "void *os_malloc(size_t n) { return (char *)sbrk(131072) + 40; }
    void *os_calloc(size_t n, size_t s) { return NULL; }
    void *os_realloc(void *p, size_t n) { return NULL; }
    void os_free(void *p) { }";

#[test]
fn the_header_of_another_library_is_measured() {
    let mut bench = Bench::tiny();
    let edge = "os_malloc(131032) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nexit 0\n";
    bench.add("edge", "robust", 1, "int main(void) { os_malloc(131032); return 0; }", Some(edge));
    let library = bench.library("lib.so", HEADER_40);
    let library = library.to_str().unwrap();

    let (code, record) = bench.check_json(&["--lib", library, "--profile", "all"]);
    assert_eq!(code, Some(0), "{record}");
    assert_eq!((&record["tests"][0]["outcome"], &record["tests"][0]["header"]), (&"pass".into(), &40.into()));
    // With 40 bytes in front, 131032 are at the edge, of which the golden trace says nothing.
    let edge = &record["tests"][1];
    assert_eq!((&record["tests"][0]["judged_by"], &edge["judged_by"]), (&"oracle".into(), &"oracle".into()));
    assert_eq!((&edge["outcome"], &edge["header"], &edge["earned"]), (&"pass".into(), &40.into(), &1.into()));
    let (code, stdout, _) = output(&mut bench.check(&["--lib", library, "--profile", "all"]));
    assert_eq!(code, Some(0));
    let told = "\n  oracle  all judged by the contract as a model instead of a golden trace\n";
    assert!(stdout.contains("headers of 40 bytes") && stdout.contains(told), "{stdout}");

    let (code, record) = bench.check_json(&["--lib", library, "--header", "32"]);
    assert_eq!((code, &record["tests"][0]["outcome"]), (Some(1), &"fail".into()));
    let (code, record) = bench.check_json(&["--lib", library, "--header", "40"]);
    assert_eq!((code, &record["tests"][0]["outcome"]), (Some(0), &"pass".into()));
}

#[test]
fn a_failed_check_of_the_program_is_told_in_its_words() {
    let mut bench = Bench::tiny();
    let source =
        "int main(void) { os_malloc(8); fputs(\"first\\n\\033[31mpayload byte 3 is lost\\n\", stderr); return 7; }";
    bench.add("checked", "strict", 1, source, Some("os_malloc(8) = NULL\nexit 0\n"));
    let (code, record) = bench.check_json(&["checked"]);
    assert_eq!(code, Some(1));
    let test = &record["tests"][0];
    assert_eq!(test["reason"], "the program ended with status 7: \u{fffd}[31mpayload byte 3 is lost");
    assert_eq!(test["output"], "first\n\u{fffd}[31mpayload byte 3 is lost");
}

#[test]
fn jobs_change_nothing_but_the_time() {
    let bench = mixed();
    let timeless = |jobs: &str| {
        let (_, mut record) = bench.check_json(&["--jobs", jobs]);
        record["summary"]["seconds"] = Value::Null;
        for test in record["tests"].as_array_mut().unwrap() {
            test["milliseconds"] = Value::Null;
        }
        record
    };
    let one = timeless("1");
    assert_eq!(one, timeless("8"));
    assert_eq!(one, timeless("256"));
}

#[test]
fn help_names_every_option_and_gives_examples() {
    for (command, expected) in [
        (
            "check",
            &[
                "--lib",
                "--profile",
                "--jobs",
                "--timeout",
                "--format",
                "--list",
                "--header",
                "--against",
                "--traces",
                "Examples:",
            ][..],
        ),
        ("trace", &["--lib", "--raw", "--timeout", "Examples:", "Exit codes:"]),
        ("bless", &["--dry-run", "--prune", "--fixtures", "--programs", "Examples:"]),
        ("judge", &["<TRACE>", "--profile", "--header", "--page", "--infer", "--format", "Examples:", "Exit codes:"]),
        (
            "fuzz",
            &["--lib", "--seconds", "--runs", "--seed", "--ops", "--profile", "--out", "Examples:", "Exit codes:"],
        ),
        ("replay", &["--lib", "--profile", "--timeout", "--print", "--add", "--fixtures", "Examples:", "Exit codes:"]),
    ] {
        let (code, stdout, _) = output(&mut osmem(&[command, "--help"]));
        assert_eq!(code, Some(0));
        for word in expected {
            assert!(stdout.contains(word), "{command}: {word}");
        }
    }
    let (_, stdout, _) = output(&mut osmem(&["--help"]));
    assert!(stdout.contains("Exit codes:\n  0    all passed"), "{stdout}");
    for command in ["check", "trace", "bless", "judge", "fuzz", "replay"] {
        assert!(stdout.contains(&format!("\n  {command} ")), "{command}: {stdout}");
    }
}
