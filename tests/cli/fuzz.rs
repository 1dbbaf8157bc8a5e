//! `osmem fuzz`: what it finds, how it says so, and that a seed tells all.

use std::fs;
use std::path::Path;
use std::process::Command as Process;

use serde_json::Value;

use crate::bench::{Bench, FIRST_FIT, malloc_body, osmem, output};

/// `osmem fuzz` on a library; what is found goes to `found`, what it needs for a while to `seen`, which every process then names.
pub fn fuzz(bench: &Bench, library: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut fuzz = osmem(&["fuzz", "--lib"]);
    fuzz.arg(library).arg("--out").arg(bench.path("found")).args(arguments).env("TMPDIR", bench.path("seen"));
    fuzz
}

/// The record that it prints.
pub fn record(command: &mut assert_cmd::Command) -> (Option<i32>, Value) {
    let (code, stdout, stderr) = output(command.args(["--format", "json"]));
    assert_eq!(stderr, "", "{stdout}");
    (code, serde_json::from_str(&stdout).unwrap())
}

fn first_fit(bench: &Bench) -> std::path::PathBuf {
    bench.reference("libosmem.so", FIRST_FIT.0, FIRST_FIT.1)
}

#[test]
fn our_own_library_keeps_the_contract() {
    let (code, stdout, stderr) = output(&mut osmem(&["fuzz", "--runs", "150", "--seed", "1", "--timeout", "20"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains(": 150 programs (seed 1, profile strict), "), "{stdout}");
    let (code, record) = record(&mut osmem(&["fuzz", "--runs", "60", "--seed", "2", "--ops", "40", "--timeout", "20"]));
    assert_eq!((code, &record["finding"], &record["behaves"]), (Some(0), &Value::Null, &serde_json::json!([])));
    assert_eq!((&record["programs"], &record["seed"], &record["ops"]), (&60.into(), &2.into(), &40.into()));
    assert_eq!((&record["profile"], &record["interrupted"]), (&"strict".into(), &false.into()));
    // Some steps are no calls, and every program makes some.
    let calls = record["calls"].as_u64().unwrap();
    assert!((60..=60 * 40).contains(&calls), "{calls}");
}

#[test]
fn a_search_ends_when_its_time_is_over() {
    let (code, record) = record(&mut osmem(&["fuzz", "--seconds", "0.3", "--timeout", "20"]));
    assert_eq!(code, Some(0), "{record}");
    assert!(record["programs"].as_u64().unwrap() > 0 && record["seconds"].as_f64().unwrap() >= 0.3, "{record}");
    assert!(record["calls_per_second"].as_u64().unwrap() > 0, "{record}");
}

/// Setting up alone takes longer.
#[test]
fn a_search_without_time_judges_some_programs() {
    let (code, record) = record(&mut osmem(&["fuzz", "--seconds", "0.1", "--timeout", "20"]));
    assert_eq!(code, Some(0), "{record}");
    assert!(record["programs"].as_u64().unwrap() >= 2, "{record}");
}

#[test]
fn the_same_seed_finds_the_same_program() {
    let bench = Bench::empty();
    let library = first_fit(&bench);
    let search = |seed: &str, jobs: &str| {
        let (code, record) = record(&mut fuzz(&bench, &library, &["--seed", seed, "--jobs", jobs, "--timeout", "20"]));
        assert_eq!(code, Some(1), "{record}");
        record["finding"].clone()
    };
    let (one, two) = (search("11", "1"), search("11", "2"));
    assert_eq!(one, two);
    assert!(one["calls"].as_u64().unwrap() <= 8, "{one}");
    assert_ne!((&one["program"], &one["script"]), (&search("12", "1")["program"], &search("13", "1")["script"]));
}

#[test]
fn a_finding_is_shown_in_every_form_and_can_be_run_again() {
    let bench = Bench::empty();
    let library = first_fit(&bench);
    let (code, stdout, stderr) =
        output(&mut fuzz(&bench, &library, &["--seed", "3", "--runs", "400", "--timeout", "20"]));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    for expected in [
        " calls are enough: os_",
        "breaks R5: ",
        "    expected  ",
        "  rule    R5 best fit. ",
        "  cause   first-fit (R5, shown by ",
        "\nas a script\n    b1 = ",
        "\nas a C program\n",
        "    int main(void)\n",
        "\nas a Rust test program\n",
        "    scenario!(|| {\n",
        "  again   osmem replay ",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }

    let names = bench.names("found");
    assert_eq!(names.len(), 3, "{names:?}");
    let file = |ending: &str| bench.path("found").join(names.iter().find(|name| name.ends_with(ending)).unwrap());
    for (ending, title) in [(".osmem", "as a script"), (".c", "as a C program"), (".rs", "as a Rust test program")] {
        let text = fs::read_to_string(file(ending)).unwrap();
        let last = text.lines().rfind(|line| !line.is_empty()).unwrap();
        assert!(stdout.contains(title) && stdout.contains(&format!("    {last}\n")), "{ending}: {text}\n{stdout}");
    }

    let script = file(".osmem");
    let again = |library: &Path| osmem(&["replay"]).arg(&script).arg("--lib").arg(library).output().unwrap();
    let (wrong, right) = (again(&library), again(&crate::support::built().library));
    assert_eq!((wrong.status.code(), right.status.code()), (Some(1), Some(0)));
    assert!(String::from_utf8(wrong.stdout).unwrap().contains("breaks R5"));

    let program = bench.path("counterexample");
    let mut cc = Process::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-o"]).arg(&program).arg(file(".c")).arg(&library);
    assert!(cc.status().unwrap().success());
    let mut trace = osmem(&["trace", "--lib"]);
    let (code, trace, stderr) = output(trace.arg(&library).arg("--").arg(program));
    assert_eq!(code, Some(0), "{stderr}");
    osmem(&["judge", "-"]).write_stdin(trace).assert().code(1);
}

#[test]
fn nothing_is_refused_unless_that_is_asked_for() {
    let bench = Bench::empty();
    let library =
        bench.reference("libosmem.so", "if (sbrk((intptr_t)bytes) != (void *)-1)", "if (sbrk((intptr_t)bytes))");
    let search = |profile: &[&str]| {
        record(&mut fuzz(&bench, &library, &[&["--seed", "1", "--runs", "100", "--timeout", "20"], profile].concat()))
    };
    let (code, of_core) = search(&[]);
    assert_eq!((code, &of_core["profile"]), (Some(0), &"core".into()), "{of_core}");
    let (code, of_robust) = search(&["--profile", "robust"]);
    assert_eq!((code, &of_robust["profile"]), (Some(1), &"robust".into()), "{of_robust}");
    assert!(of_robust["finding"]["script"].as_str().unwrap().contains("refuse break\n"), "{of_robust}");
}

#[test]
fn what_was_found_is_told_even_if_it_cannot_be_kept() {
    let bench = Bench::empty();
    let library = bench.library("libosmem.so", &malloc_body("return NULL;"));
    let file = bench.write("file", "");
    let mut fuzz = osmem(&["fuzz", "--seed", "1", "--lib"]);
    let (code, stdout, stderr) = output(fuzz.arg(library).arg("--out").arg(&file));
    assert_eq!(code, Some(5), "{stdout}{stderr}");
    assert!(stdout.contains("  cause   wrong-null (R4, shown by "), "{stdout}");
    assert!(stderr.contains(file.to_str().unwrap()) && stderr.contains("--out"), "{stderr}");
}

#[test]
fn another_header_is_no_mistake_with_lib() {
    let bench = Bench::empty();
    let text = "struct block_meta *prev, *next;\n};";
    let library = bench.reference("libosmem.so", text, &text.replace("};", "size_t spare;\n};"));
    let (code, record) = record(&mut fuzz(&bench, &library, &["--seed", "1", "--runs", "40", "--timeout", "20"]));
    assert_eq!(code, Some(0), "{record}");
    assert_eq!(record["behaves"][0], "behaves as if HEADER were 40 (the contract: 32)");
    let (code, stdout, _) = output(&mut fuzz(&bench, &library, &["--seed", "1", "--runs", "40", "--timeout", "20"]));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("HEADER were 40"), "{stdout}");
}
