//! The command `osmem` on this project's own allocator, `osmem-own`. Its own tests are run on it by `make own`; here it must say
//! what the command says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use object::{Object, ObjectSymbol};
use regex::Regex;

use crate::run::{On, run};
use crate::support::built;

/// The program, built beside what it looks for: only the package of the command is compiled once more.
fn own() -> PathBuf {
    static STATUS: OnceLock<bool> = OnceLock::new();
    let target = built().dir.parent().unwrap();
    let success = STATUS.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&built().root).args(["build", "--quiet", "--release", "--workspace", "--bin", "osmem-own"]);
        cargo.args(["--features", "osmem-cli/own-allocator"]).env("CARGO_TARGET_DIR", target);
        cargo.status().unwrap().success()
    });
    assert!(success, "osmem-own does not build");
    built().dir.join("osmem-own")
}

/// The exit code and the output of either command, without what a clock says.
fn both(arguments: &[&str]) -> [(Option<i32>, String); 2] {
    let seconds = Regex::new(r" *\d+\.\d+ m?s\b|\d+ calls per second").unwrap();
    [built().osmem.clone(), own()].map(|command| {
        let ran = run(On::Plain, Command::new(command).args(arguments).current_dir(&built().root));
        (ran.status.code(), seconds.replace_all(&ran.text(), "").into_owned())
    })
}

#[test]
fn the_command_on_its_own_allocator_says_the_same() {
    for arguments in [
        &["check", "--list"][..],
        &["check", "--profile", "all"],
        &["fuzz", "--seed", "3", "--runs", "300"],
        &["check", "none"],
    ] {
        let [plain, own] = both(arguments);
        assert_eq!(plain, own, "{arguments:?}");
        assert_eq!(plain.0, Some(if arguments.ends_with(&["none"]) { 4 } else { 0 }), "{}", plain.1);
    }
}

/// How many functions of the allocator's package a program holds.
fn functions_of_the_allocator(program: &Path) -> usize {
    let bytes = fs::read(program).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    // Rust's names count their parts: the package `osmem`, not one that begins so.
    let name = Regex::new(r"(^_ZN|[^\d])5osmem\d").unwrap();
    let names = file.symbols().filter_map(|symbol| symbol.name().ok());
    // The command is called so too.
    names.filter(|symbol| name.is_match(symbol) && !symbol.contains("5osmem4main")).count()
}

#[test]
fn only_that_command_holds_the_allocator() {
    assert_eq!(functions_of_the_allocator(&built().osmem), 0);
    assert!(functions_of_the_allocator(&own()) > 0);
}
