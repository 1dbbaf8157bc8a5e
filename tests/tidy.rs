//! The house rules of docs/design.md that a compiler does not check: layers, file length, where unsafe code may stand.
#![expect(clippy::expect_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

use osmem_oracle::causes::CAUSES;
use regex::Regex;

/// `src/`, bottom layer first (docs/design.md): a module may import only those before it.
const LAYERS: [&str; 17] = [
    "size", "policy", "sys", "line", "settings", "block", "list", "index", "heap", "mapped", "alloc", "check",
    "report", "process", "global", "ffi", "start",
];

/// The files, or the first part of their paths, that may open unsafe code.
const UNSAFE_MAY_STAND_IN: [&str; 24] = [
    "src/sys/",
    "src/block/",
    "src/heap/release.rs",
    "src/list.rs",
    "src/index/",
    "src/mapped.rs",
    "src/process.rs",
    "src/process/",
    "src/global.rs",
    "src/ffi.rs",
    "src/ffi/",
    "src/start.rs",
    "crates/bench/src/",
    "crates/callers/src/",
    "crates/interpose/src/",
    "crates/preload/src/",
    "crates/probe/src/",
    "crates/replay/src/replayer/",
    "crates/sandbox/src/sys",
    "crates/trace/src/builtin/arch.rs",
    "crates/trace/src/builtin/kernel.rs",
    "crates/trace/src/builtin/spawn.rs",
    "test-programs/src/",
    "tests/",
];

const LONGEST_FILE: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the project, as a path from its top folder, with its text.
fn sources() -> Vec<(String, String)> {
    fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("the folder can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for top in ["src", "crates", "examples", "test-programs", "tests", "fixtures"] {
        collect(&root().join(top), &mut files);
    }
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("Rust files are UTF-8");
            let name = path.strip_prefix(root()).expect("below the root").display().to_string();
            (name, text)
        })
        .collect()
}

/// `text` without what may look upwards: comments, which link to what they explain, and a module's unit tests.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The imports of `text`, a file of layer `own`, that go against `order`.
fn upward_imports(own: &str, text: &str, order: &[&str]) -> Vec<String> {
    let import = Regex::new(r"\bcrate::(?:\{([^}]*)\}|(\w+))").expect("a valid pattern");
    let rank = |name: &str| order.iter().position(|layer| *layer == name);
    let mut wrong = Vec::new();
    for found in import.captures_iter(text) {
        let names = found.get(1).or(found.get(2)).expect("one of the two").as_str();
        for item in names.split(',') {
            let name = item.trim().split("::").next().unwrap_or_default();
            if rank(name).is_some_and(|used| Some(used) > rank(own)) {
                wrong.push(format!("{own} imports {name}"));
            }
        }
    }
    wrong
}

/// `src/heap.rs` and `src/heap/grow.rs` both belong to the layer `heap`.
fn layer(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("src/")?;
    rest.split(['/', '.']).next()
}

#[test]
fn layers_import_downwards_only() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(own) = layer(&file).filter(|own| *own != "lib") else { continue };
        assert!(LAYERS.contains(&own), "{file} belongs to no layer: add `{own}` to docs/design.md and to this test");
        wrong.extend(upward_imports(own, &code(&text), &LAYERS));
    }
    assert!(wrong.is_empty(), "imports against the order of docs/design.md: {wrong:?}");
}

#[test]
fn an_upward_import_would_be_seen() {
    assert_eq!(upward_imports("list", "use crate::heap::Heap;", &LAYERS), ["list imports heap"]);
    assert_eq!(upward_imports("size", "use crate::{size, ffi::x};", &LAYERS), ["size imports ffi"]);
    assert!(upward_imports("heap", "use crate::{size::*, list::List};", &LAYERS).is_empty());
}

#[test]
fn the_allocator_imports_no_sibling_and_only_libc() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Table = manifest.parse().expect("valid TOML");
    let names: Vec<_> = manifest["dependencies"].as_table().expect("a table").keys().collect();
    assert_eq!(names, ["libc"]);
}

/// It would judge the allocator by the allocator's own code.
#[test]
fn the_oracle_imports_no_sibling() {
    let manifest = fs::read_to_string(root().join("crates/oracle/Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Table = manifest.parse().expect("valid TOML");
    let names: Vec<_> = manifest["dependencies"].as_table().expect("a table").keys().collect();
    assert_eq!(names, ["rand", "rand_pcg"]);
}

/// docs/causes.md is what students read; the sentences are those that the command prints.
#[test]
fn the_causes_are_documented_word_for_word() {
    let page = fs::read_to_string(root().join("docs/causes.md")).expect("docs/causes.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for cause in CAUSES {
        let rules: Vec<_> = cause.rules.iter().map(|number| format!("R{number}")).collect();
        let row = format!("| `{}` | {} | {} |", cause.id, rules.join(", "), cause.sentence);
        assert!(rows.contains(&row.as_str()), "docs/causes.md lacks the row\n{row}");
    }
    assert_eq!(rows.len(), CAUSES.len(), "docs/causes.md has rows of causes that do not exist");
}

#[test]
fn design_lists_the_layers_of_this_test() {
    let design = fs::read_to_string(root().join("docs/design.md")).expect("docs/design.md");
    let at: Vec<_> = LAYERS
        .iter()
        .map(|layer| {
            design.find(&format!("\n{layer:<9}")).unwrap_or_else(|| panic!("docs/design.md lacks the layer {layer}"))
        })
        .collect();
    assert!(at.is_sorted(), "docs/design.md lists the layers in another order");
}

#[test]
fn files_stay_short() {
    let long: Vec<_> = sources()
        .iter()
        .map(|(file, text)| (file.clone(), text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .collect();
    assert!(long.is_empty(), "files over {LONGEST_FILE} lines: {long:?}");
}

#[test]
fn unsafe_code_stands_only_where_it_may() {
    let opens = Regex::new(r"(?:expect|allow)\(\s*unsafe_code").expect("a valid pattern");
    let wrong: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| opens.is_match(text) && !UNSAFE_MAY_STAND_IN.iter().any(|place| file.starts_with(place)))
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "unsafe code is opened in {wrong:?}");
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    let allow = Regex::new(r"#!?\[allow\(").expect("a valid pattern");
    let wrong: Vec<_> = sources().into_iter().filter(|(_, text)| allow.is_match(text)).map(|(file, _)| file).collect();
    assert!(wrong.is_empty(), "use #[expect(.., reason = \"…\")] in {wrong:?}");
}

#[test]
fn every_rule_of_the_contract_is_proven_by_a_test_of_the_battery() {
    let contract = fs::read_to_string(root().join("docs/contract.md")).expect("docs/contract.md");
    let suite = fs::read_to_string(root().join("fixtures/suite.toml")).expect("fixtures/suite.toml");
    let rule = Regex::new(r"\*\*(R\d+) ").expect("a valid pattern");
    let rules: Vec<_> = rule.captures_iter(&contract).map(|found| found[1].to_string()).collect();
    assert_eq!(rules.len(), 17);
    for rule in rules {
        assert!(suite.contains(&format!("\"{rule}\"")), "no entry of fixtures/suite.toml proves {rule}");
    }
}
