//! The battery and the oracle with the other layout of headers: nothing that they expect depends on how a header looks, save
//! on its size.

use crate::support::{Built, built};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// Builds the library with compact headers, in a folder of its own.
fn compact(built: &Built) -> PathBuf {
    let folder = built.dir.with_file_name("compact");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&built.root).args(["build", "--quiet", "--release", "--package", "osmem", "--lib"]);
    cargo.args(["--features", "compact"]).env("CARGO_TARGET_DIR", &folder);
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "{cargo:?}: {status}");
    folder.join("release/libosmem.so")
}

#[test]
fn the_battery_passes_with_headers_of_16_bytes() {
    let library = compact(built());
    let mut check = Command::new(&built().osmem);
    check.args(["check", "--profile", "all", "--header", "16", "--format", "json", "--lib"]).arg(&library);
    let output = check.output().expect("the command starts");
    let record: Value = serde_json::from_slice(&output.stdout).expect("a record");
    let tests = record["tests"].as_array().expect("a list of tests");
    let failed: BTreeSet<&str> =
        tests.iter().filter(|test| test["outcome"] != "pass").filter_map(|test| test["name"].as_str()).collect();
    assert!(tests.len() > 100);
    assert_eq!(failed, BTreeSet::new(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_oracle_agrees_with_headers_of_16_bytes() {
    let library = compact(built());
    let mut fuzz = Command::new(&built().osmem);
    fuzz.args(["fuzz", "--profile", "strict", "--seed", "3", "--runs", "400", "--lib"]).arg(&library);
    let output = fuzz.output().expect("the command starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{fuzz:?}: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("no program failed"), "{said}");
}
