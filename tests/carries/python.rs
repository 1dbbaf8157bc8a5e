//! Python's own tests of its containers, parsers and memory, with every object a block of the library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::run::{On, Place, Ran, run, succeed};

/// What allocates much and needs no network, no screen and no luck.
const CONTAINERS: [&str; 8] =
    ["test_list", "test_dict", "test_set", "test_collections", "test_deque", "test_heapq", "test_sort", "test_array"];
const TEXTS: [&str; 8] =
    ["test_json", "test_re", "test_bytes", "test_csv", "test_xml_etree", "test_ast", "test_zlib", "test_struct"];

#[test]
fn python_passes_its_tests_of_containers() {
    passes(&CONTAINERS);
}

#[test]
fn python_passes_its_tests_of_texts() {
    passes(&TEXTS);
}

#[test]
fn python_has_the_library_mapped() {
    let python = interpreter();
    let program =
        "print(sum(len(str(n)) for n in range(300000)), '/libosmem_malloc.so' in open('/proc/self/maps').read())";
    let [plain, preloaded] = [On::Plain, On::Preloaded]
        .map(|on| succeed(on, Command::new(&python).env("PYTHONMALLOC", "malloc").args(["-c", program])).text());
    assert_eq!([plain.as_str(), preloaded.as_str()], ["1688890 False\n", "1688890 True\n"]);
}

/// The tests of these modules come to the same results, each of them.
fn passes(modules: &[&str]) {
    let python = interpreter();
    let place = Place::new();
    let [(plain, _), (preloaded, _)] = place.twice(|on, here| run(on, &mut tests_of(modules, &python, here)));
    let (one, other) = (results(&plain), results(&preloaded));
    let differ: Vec<_> = one.symmetric_difference(&other).collect();
    assert!(differ.is_empty(), "these results differ: {differ:#?}\n{}\n{}", preloaded.text(), preloaded.stderr);
    // A test that fails on this machine with either allocator says nothing of the library.
    assert_eq!(plain.status, preloaded.status, "{}", preloaded.stderr);
    let passed = one.iter().filter(|line| line.ends_with("ok")).count();
    assert!(passed > 500, "only {passed} tests passed: {}", plain.text());
}

fn tests_of(modules: &[&str], python: &Path, here: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "test", "--verbose"]).args(modules).current_dir(here).env("TMPDIR", here);
    command.env("PYTHONMALLOC", "malloc").env("PYTHONHASHSEED", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    // Some of the tests read the standard error of the processes that they start.
    command.env("OSMEM_STATS", "0");
    command
}

/// The outcome of each test and of each module; the lines without times and without what depends on them.
fn results(ran: &Ran) -> BTreeSet<String> {
    let result = Regex::new(r"^(test\w* \(.*\)|.*) \.\.\. (ok|FAIL|ERROR|skipped|expected failure)\b").unwrap();
    let text = format!("{}\n{}", ran.text(), ran.stderr);
    let lines = text.lines().filter_map(|line| result.captures(line));
    let mut results: BTreeSet<_> = lines.map(|found| found[0].to_owned()).collect();
    let total = ["Result: ", "All ", "Total tests: ", "== Tests result: "];
    results.extend(text.lines().filter(|line| total.iter().any(|start| line.starts_with(start))).map(str::to_owned));
    results
}

/// A Python that has its own tests with it; distributions keep them in a package of their own.
fn interpreter() -> PathBuf {
    let has_tests = "import sys, test.test_list, test.test_xml_etree; print(sys.executable)";
    for name in ["python3", "/usr/bin/python3"] {
        let Ok(answer) = Command::new(name).args(["-c", has_tests]).output() else { continue };
        if answer.status.success() {
            // Not the name in the search path, which may be a script that looks for the program.
            return String::from_utf8(answer.stdout).unwrap().trim_end().into();
        }
    }
    panic!("no python3 with the package `test` is here: run `make deps-full`, which installs it");
}
