//! `cargo build` of a small package: cargo, rustc with its threads, the linker, and what they start.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Place, assert_same_file, succeed};

const MANIFEST: &str = "\
[package]
name = \"small\"
version = \"0.1.0\"
edition = \"2021\"

[workspace]
";

const SOURCE: &str = "\
use std::collections::BTreeMap;

fn main() {
    let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for number in 0..1000usize {
        words.entry(format!(\"{}\", number * number % 97)).or_default().push(number);
    }
    println!(\"{words:?}\");
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Derived {
    pub name: String,
    pub numbers: Vec<Option<Box<Derived>>>,
}
";

#[test]
fn cargo_builds_a_package_offline() {
    let place = Place::new();
    let [(plain, one), (preloaded, other)] = place.twice(|on, here| {
        fs::create_dir(here.join("src")).unwrap();
        fs::write(here.join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(here.join("src/main.rs"), SOURCE).unwrap();
        fs::create_dir(here.join("home")).unwrap();
        succeed(on, &mut build(here));
        succeed(on, &mut Command::new(here.join("target/debug/small"))).text()
    });
    assert_eq!(plain, preloaded);
    assert!(plain.starts_with("{\"0\": [0, 97,"), "{plain}");
    assert_same_file("Cargo.lock", &one, &other);
    assert_same_file("target/debug/small", &one, &other);
}

/// A build that nothing of this one's surroundings changes: not its settings, its folders or its job server.
fn build(here: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO") || name.starts_with("RUSTFLAGS") || name == "MAKEFLAGS" {
            cargo.env_remove(&*name);
        }
    }
    cargo.current_dir(here).args(["build", "--offline"]);
    // Incremental output differs from build to build.
    cargo.env("CARGO_HOME", here.join("home")).env("CARGO_INCREMENTAL", "0");
    cargo
}
