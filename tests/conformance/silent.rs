//! Every system call in a golden trace is the library's: with a library that makes none, none is seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use tempfile::TempDir;

use crate::support::built;

/// The golden traces, by the names of their tests.
fn fixtures() -> Vec<(String, String)> {
    let folder = built().root.join("fixtures/traces");
    let files = fs::read_dir(folder).expect("the golden traces").map(|entry| entry.expect("an entry").path());
    let traces = files.filter(|path| path.extension().is_some_and(|extension| extension == "trace"));
    let traces: Vec<_> = traces.map(|path| (name(&path), fs::read_to_string(&path).expect("a text"))).collect();
    assert!(traces.len() >= 66, "only {} golden traces", traces.len());
    traces
}

fn name(path: &Path) -> String {
    path.file_stem().expect("a name").to_str().expect("UTF-8").into()
}

/// The program of each test, by the test's name.
fn program(test: &str) -> PathBuf {
    let suite = fs::read_to_string(built().root.join("fixtures/suite.toml")).expect("suite.toml");
    let suite: toml::Table = suite.parse().expect("valid TOML");
    let entries = suite["test"].as_array().expect("tests").iter();
    let entry = entries.into_iter().find(|entry| entry["name"].as_str() == Some(test)).expect("a test of this name");
    built().dir.join(entry["program"].as_str().expect("a name"))
}

/// The lines that announce calls, and those of what happened inside them.
fn split(trace: &str) -> (Vec<&str>, Vec<&str>) {
    let calls = trace.lines().filter(|line| line.starts_with("os_")).collect();
    (calls, trace.lines().filter(|line| line.starts_with("  ")).collect())
}

fn compile(folder: &TempDir) -> PathBuf {
    let library = folder.path().join("libosmem.so");
    let reference = built().root.join("fixtures/submissions/reference/osmem.c");
    let output = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-O1", "-fPIC", "-shared", "-o"])
        .arg(&library)
        .arg(format!("-DREFERENCE=\"{}\"", reference.display()))
        .arg(built().root.join("tests/conformance/silent.c"))
        .output()
        .expect("a C compiler `cc`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

#[test]
fn a_silent_library_has_silent_traces() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = compile(&folder);
    let work = Mutex::new(fixtures());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((test, golden)) = next(&work) {
                    // It ends where it is refused what the silent library has not.
                    if test == "map-4gib" {
                        continue;
                    }
                    silent(&library, &test, &golden);
                }
            });
        }
    });
}

fn next(work: &Mutex<Vec<(String, String)>>) -> Option<(String, String)> {
    work.lock().expect("no test panicked").pop()
}

/// The program makes the same calls and comes to the same end, and the system is asked for nothing.
fn silent(library: &Path, test: &str, golden: &str) {
    let mut command = Command::new(&built().osmem);
    let output = command.args(["trace", "--lib"]).arg(library).arg("--").arg(program(test)).output().expect("osmem");
    assert!(output.status.success(), "{test}: {}", String::from_utf8_lossy(&output.stderr));
    let trace = String::from_utf8(output.stdout).expect("UTF-8");
    let (calls, inside) = split(&trace);
    assert!(inside.is_empty(), "{test}: the library asked for nothing, but the trace shows {inside:?}");
    assert_eq!(calls.len(), split(golden).0.len(), "{test}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(trace.lines().last(), golden.lines().last(), "{test}");
}

#[test]
fn golden_traces_show_no_other_system_call() {
    for (test, golden) in fixtures() {
        for line in split(&golden).1 {
            let known = ["  brk(", "  mmap(", "  munmap("].iter().any(|start| line.starts_with(start));
            assert!(known, "{test}: {line}");
        }
    }
}
