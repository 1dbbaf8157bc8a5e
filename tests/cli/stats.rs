//! `osmem stats` and `osmem compare`: figures of traces, scripts and programs; leaks with their source lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::bench::{Bench, FIRST_FIT, osmem, output};
use crate::support::built;

const TRACE: &str = "\
os_malloc(100) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(200) = HEAP+0xa8
os_free(HEAP+0x20)
os_free(HEAP+0x20)
exit 0
";

const REP: &str = "4096\n3\n6\n1\na 0 100\na 1 5000\nr 0 300\na 2 200000\nf 1\nf 0\n";

/// It loses two blocks, frees one twice and frees what is none.
const LEAKS: &str = "
#include <stddef.h>
void *os_malloc(size_t); void *os_calloc(size_t, size_t); void os_free(void *);
static void *make(size_t size) {
    return os_malloc(size); /* line 4 */
}
int main(void) {
    char *kept = make(100);
    void *freed = os_calloc(3, 5);
    os_malloc(200000); /* line 9 */
    os_free(freed);
    os_free(freed); /* line 11 */
    os_free(kept + 8);
    return 0;
}
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run.trace"), TRACE).unwrap();
    fs::write(folder.path().join("short.rep"), REP).unwrap();
    folder
}

/// Compiles a program against our own library, with debug information or without.
fn program(folder: &Path, source: &str, options: &[&str]) -> PathBuf {
    let (file, program) = (folder.join("leaks.c"), folder.join("leaks"));
    fs::write(&file, source.trim_start_matches('\n')).unwrap();
    let mut cc = Command::new("cc");
    cc.current_dir(folder).args(options).args(["-O0", "-w", "-o", "leaks", "leaks.c"]);
    let made = cc.arg("-L").arg(&built().dir).arg("-losmem").status().unwrap();
    assert!(made.success());
    program
}

fn json(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

#[test]
fn a_trace_is_told_in_figures() {
    let folder = folder();
    let (code, stdout, stderr) = output(osmem(&["stats", "run.trace"]).env("LC_ALL", "C").current_dir(folder.path()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    for expected in [
        "run.trace: 4 calls, headers of 32 bytes\n",
        "2 malloc, 0 calloc, 0 realloc, 2 free",
        "1: 1 brk, 0 mmap",
        "at most 300 bytes at a time",
        "at most 131 072 bytes",
        "0.2 % utilisation",
        "1 block of 200 bytes alive at the end",
        "call 2: os_malloc(200), 200 bytes",
        "call 4: os_free(HEAP+0x20): the block is freed already (double free)",
        "name it with --lib",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
    assert!(stdout.is_ascii(), "a locale without UTF-8: {stdout}");
    let piped = osmem(&["stats", "-", "--format", "json"]).write_stdin(TRACE).output().unwrap();
    let told = json(&String::from_utf8(piped.stdout).unwrap());
    assert_eq!((&told["name"], &told["peak_payload"]), (&"standard input".into(), &300.into()));
    assert_eq!(told["leaks"][0]["call"], 2);
    assert_eq!(told["misuse"][0]["kind"], "double-free");
    assert_eq!(told["curve"].as_array().unwrap().len(), 4);
}

#[test]
fn a_malloc_lab_trace_is_run_and_timed() {
    let folder = folder();
    let (code, stdout, stderr) = output(osmem(&["stats", "short.rep", "--format", "json"]).current_dir(folder.path()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let told = json(&stdout);
    assert_eq!((&told["calls"]["total"], &told["calls"]["realloc"]), (&6.into(), &1.into()));
    assert_eq!((&told["peak_payload"], &told["system"]["mmap"]), (&205_300.into(), &1.into()));
    let speed = &told["speed"];
    for key in ["calls_per_second", "c_calls_per_second", "ratio"] {
        assert!(speed[key].as_f64().unwrap() > 0.0, "{speed}");
    }
    let (code, stdout, _) = output(osmem(&["stats", "short.rep", "--format", "svg"]).current_dir(folder.path()));
    assert_eq!((code, stdout.as_str()), (Some(0), "drawn: osmem-out/short-stats.svg\n"));
    let drawing = fs::read_to_string(folder.path().join("osmem-out/short-stats.svg")).unwrap();
    assert!(drawing.starts_with("<svg ") && drawing.contains("external") && !drawing.contains("NaN"), "{drawing}");
}

#[test]
fn leaks_of_a_program_are_told_with_their_lines() {
    let folder = folder();
    let program = program(folder.path(), LEAKS, &["-g"]);
    let mut stats = osmem(&["stats", "--format", "json", "--"]);
    let (code, stdout, stderr) = output(stats.arg(&program).current_dir(folder.path()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let told = json(&stdout);
    let leaks: Vec<_> = told["leaks"].as_array().unwrap().iter().map(|leak| (&leak["size"], &leak["line"])).collect();
    assert_eq!(leaks, [(&100.into(), &"leaks.c:4 in make".into()), (&200_000.into(), &"leaks.c:9 in main".into())]);
    let misuse: Vec<_> = told["misuse"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["line"])).collect();
    assert_eq!(
        misuse,
        [(&"double-free".into(), &"leaks.c:11 in main".into()), (&"invalid-free".into(), &"leaks.c:12 in main".into())]
    );
    let (_, stdout, _) = output(osmem(&["stats", "--", "./leaks"]).current_dir(folder.path()));
    assert!(stdout.contains("call 1: os_malloc(100), 100 bytes, leaks.c:4 in make"), "{stdout}");
}

#[test]
fn without_debug_information_the_function_is_told() {
    let folder = folder();
    let program = program(folder.path(), LEAKS, &[]);
    let (_, stdout, _) = output(osmem(&["stats", "--format", "json", "--"]).arg(&program));
    assert_eq!(json(&stdout)["leaks"][0]["line"], "in make");
    // Static programs are told apart by the tracer already; stripped ones have no names.
    assert!(Command::new("strip").arg(&program).status().unwrap().success());
    let (code, stdout, _) = output(osmem(&["stats", "--format", "json", "--"]).arg(&program));
    assert_eq!((code, json(&stdout)["leaks"][0].get("line")), (Some(0), None), "{stdout}");
}

#[test]
fn what_has_no_figures_is_named_with_a_remedy() {
    let folder = folder();
    fs::write(folder.path().join("empty.trace"), "exit 0\n").unwrap();
    fs::write(folder.path().join("bad.trace"), "os_malloc(8) = HEAP+0x20\nnonsense\n").unwrap();
    fs::write(folder.path().join("bad.rep"), "1\n2\n3\n").unwrap();
    fs::write(folder.path().join("lib.so"), "no library").unwrap();
    for (arguments, expected) in [
        (&["missing.trace"][..], "missing.trace"),
        (&["empty.trace"], "empty.trace: no os_* call is in it"),
        (&["bad.trace"], "bad.trace: line 2: "),
        (&["bad.rep"], "bad.rep:3: the trace ends before its weight"),
        (&["short.rep", "--lib", "lib.so"], "lib.so"),
        (&["run.trace", "--lib", "nowhere"], "cannot read the library nowhere"),
        (&["--", "/bin/true"], "/bin/true: the program never calls os_*"),
        (&["--", "./no-such-program"], "no-such-program"),
        (&[], "required"),
        (&["run.trace", "--format", "pdf"], "invalid value 'pdf'"),
    ] {
        let (code, stdout, stderr) = output(osmem(&["stats"]).args(arguments).current_dir(folder.path()));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {expected}\n-- not in --\n{stderr}");
    }
    let mut stats = osmem(&["stats", "run.trace", "--format", "svg", "--out", "/proc/x.svg"]);
    let (code, _, stderr) = output(stats.current_dir(folder.path()));
    assert_eq!(code, Some(5));
    assert!(stderr.contains("cannot write the drawing /proc/x.svg"), "{stderr}");
}

#[test]
fn a_long_trace_is_read_up_to_its_bound_and_foreign_addresses_are_told() {
    let folder = folder();
    let mut text = String::from("os_malloc(8) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\n");
    text.push_str(&"os_free(HEAP+0x20)\nos_malloc(8) = HEAP+0x20\n".repeat(500_010));
    fs::write(folder.path().join("long.trace"), text + "exit 0\n").unwrap();
    fs::write(folder.path().join("foreign.trace"), "os_malloc(8) = FOREIGN\nos_free(FOREIGN)\nexit 0\n").unwrap();
    for (trace, expected) in [
        ("long.trace", "the trace goes on for 21 more calls, which are left out"),
        ("foreign.trace", "1 calls gave an address outside the heap and all mappings (FOREIGN)"),
    ] {
        let (code, stdout, stderr) = output(osmem(&["stats", trace]).current_dir(folder.path()));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
}

#[test]
fn a_library_that_breaks_gives_figures_up_to_there() {
    let bench = Bench::empty();
    let breaks = bench.third_malloc("breaks", "abort();");
    let folder = folder();
    let mut stats = osmem(&["stats", "short.rep", "--format", "json", "--lib"]);
    let (code, stdout, stderr) = output(stats.arg(&breaks).current_dir(folder.path()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let told = json(&stdout);
    assert_eq!((&told["calls"]["total"], &told["speed"]), (&4.into(), &Value::Null));
    let notes = told["notes"].to_string();
    assert!(notes.contains("SIGABRT") && notes.contains("came to no end untraced"), "{notes}");
}

#[test]
fn two_libraries_stand_side_by_side() {
    let bench = Bench::empty();
    let (best, first) = (&built().library, bench.reference("first", FIRST_FIT.0, FIRST_FIT.1));
    let folder = folder();
    let compare = |more: &[&str]| {
        let mut compare = osmem(&["compare"]);
        let (code, stdout, stderr) = output(compare.arg(best).arg(&first).args(more).current_dir(folder.path()));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        stdout
    };
    let stdout = compare(&[]);
    for expected in
        ["our workload", "peak heap, bytes", "calls differ; from the first one on", "calls a second", "  ~ os_"]
    {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
    assert!(stdout.lines().count() < 60, "{stdout}");
    let told = json(&compare(&["short.rep", "--format", "json"]));
    assert_eq!((&told["name"], &told["sides"][1]["calls"]["total"]), (&"short.rep".into(), &6.into()));
    assert!(told["sides"][0]["speed"]["ratio"].as_f64().unwrap() > 0.0);
    assert_eq!(told["calls"][0]["a"], "os_malloc(100) = HEAP+0x20");
    let program = program(folder.path(), LEAKS, &[]);
    let told = json(&compare(&["--format", "json", "--", program.to_str().unwrap()]));
    assert_eq!(told["sides"][0]["leaks"].as_array().unwrap().len(), 2);
    let (code, _, stderr) = output(osmem(&["compare"]).arg(best).arg("nowhere.so"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("cannot read the library nowhere.so"), "{stderr}");
}
