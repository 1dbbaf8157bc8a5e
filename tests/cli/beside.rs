//! Commands that run side by side: each tells where it wrote, and none writes over what another has left.

use std::fs;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

use serde_json::Value;

use crate::bench::{Bench, FIRST_FIT, MAPS_ALL, TINY, osmem, output};
use crate::support::built;

/// Runs commands of the binary all at once; the records that they print, in order. Each must end with exit code 1.
fn at_once(commands: Vec<Vec<String>>) -> Vec<Value> {
    let start = |arguments: Vec<String>| {
        let mut process = Process::new(&built().osmem);
        process.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = commands.into_iter().map(start).collect();
    let ended = running.into_iter().map(|child| {
        let result = child.wait_with_output().unwrap();
        assert_eq!(result.status.code(), Some(1), "{}", String::from_utf8_lossy(&result.stderr));
        serde_json::from_slice(&result.stdout).unwrap()
    });
    ended.collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn traces_of_two_checks_stay_apart() {
    // The first test takes so long that both run at the same time.
    let mut bench = Bench::empty();
    let slow = format!("{TINY}\n__attribute__((constructor)) static void late(void) {{ usleep(700000); }}");
    bench.add("slow", "core", 50, &slow, Some("exit 0\n"));
    bench.add("tiny", "core", 50, TINY, Some("exit 0\n"));
    let libraries = ["one", "two"].map(|name| {
        let library = bench.library(&format!("lib{name}.so"), MAPS_ALL);
        library.to_str().unwrap().to_owned()
    });
    let path = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    let check = |library: &String| {
        let [fixtures, programs, seen] = ["fixtures", "programs", "seen"].map(path);
        let options = ["--fixtures", &fixtures, "--programs", &programs, "--traces", &seen, "--format", "json"];
        words(&[&["check", "--lib", library][..], &options[..]].concat())
    };
    let records = at_once(libraries.iter().map(check).collect());
    let mut files: Vec<PathBuf> = Vec::new();
    for (record, library) in records.iter().zip(&libraries) {
        for test in record["tests"].as_array().unwrap() {
            let file = PathBuf::from(test["trace_file"].as_str().unwrap());
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(library.as_str()), "{}: {text}", file.display());
            files.push(file);
        }
    }
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 4, "{files:?}");
}

#[test]
fn counterexamples_of_two_searches_stay_apart() {
    let bench = Bench::empty();
    let libraries = [
        bench.reference("libone.so", FIRST_FIT.0, FIRST_FIT.1),
        bench.reference("libtwo.so", "if (rest < HEADER + ALIGNMENT)", "if (rest < PREALLOCATION)"),
    ];
    let out = bench.path("found");
    let search = |library: &PathBuf| {
        let [library, out] = [library, &out].map(|path| path.to_str().unwrap());
        words(&["fuzz", "--lib", library, "--seed", "1", "--runs", "100", "--format", "json", "--out", out])
    };
    let records = at_once(libraries.iter().chain(&libraries).map(search).collect());
    for record in &records {
        let files: Vec<&str> = record["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
        let text = fs::read_to_string(files[0]).unwrap();
        let sentence = record["finding"]["sentence"].as_str().unwrap();
        assert!(text.starts_with(&format!("# {sentence}\n")), "{}: {text}", files[0]);
        assert!(text.ends_with(record["finding"]["script"].as_str().unwrap()), "{}: {text}", files[0]);
    }
}

#[test]
fn tests_that_are_added_at_once_are_all_added() {
    let mut bench = Bench::empty();
    bench.add("tiny", "core", 100, TINY, Some("exit 0\n"));
    fs::create_dir_all(bench.path("test-programs/src/bin")).unwrap();
    let script = bench.write("script.osmem", "b1 = malloc 8\nfree b1\n");
    let names: Vec<String> = (0..8).map(|number| format!("added-{number}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let (bench, script) = (&bench, &script);
            scope.spawn(move || {
                let mut replay = osmem(&["replay"]);
                replay.arg(script).args(["--add", name, "--fixtures"]).arg(bench.path("fixtures"));
                let (code, stdout, stderr) = output(&mut replay);
                assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
            });
        }
    });
    let suite = fs::read_to_string(bench.path("fixtures/suite.toml")).unwrap();
    for name in &names {
        assert_eq!(suite.matches(&format!("name = \"{name}\"")).count(), 1, "{name}: {suite}");
    }
}
