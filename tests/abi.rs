//! The C face from outside: what the library exports, what the header says, and that C and C++ programs build with
//! both.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[expect(dead_code, reason = "these tests need only the library")]
mod support;

use object::elf::DT_SONAME;
use object::read::elf::{Dyn, ElfFile64};
use object::{Endianness, Object, ObjectSymbol};
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use support::built;

fn header() -> String {
    fs::read_to_string(built().root.join("include/osmem.h")).unwrap()
}

/// The functions that the header declares, comments left out.
fn declared() -> BTreeSet<String> {
    let text = Regex::new(r"(?s)/\*.*?\*/").unwrap().replace_all(&header(), "").into_owned();
    let declaration = Regex::new(r"(?m)^\w[\w ]*[ *](\w+)\([^)]*\);").unwrap();
    declaration.captures_iter(&text).map(|captures| captures[1].to_string()).collect()
}

#[test]
fn the_library_exports_exactly_the_functions_of_the_header() {
    let bytes = fs::read(&built().library).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    let exported: BTreeSet<String> = library
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .map(|symbol| symbol.name().unwrap().to_string())
        .collect();
    assert_eq!(declared().len(), 4, "the header declares four functions: {:?}", declared());
    assert_eq!(exported, declared());
}

#[test]
fn the_library_is_known_to_the_loader_by_its_name() {
    let bytes = fs::read(&built().library).unwrap();
    let library = ElfFile64::<Endianness>::parse(&*bytes).unwrap();
    let (endian, sections) = (library.endian(), library.elf_section_table());
    let (entries, strings) = sections.dynamic(endian, &*bytes).unwrap().unwrap();
    let strings = sections.strings(endian, &*bytes, strings).unwrap();
    let names = entries.iter().filter(|entry| entry.d_tag(endian) == DT_SONAME);
    let names: Vec<_> = names.map(|entry| entry.string(endian, strings).unwrap()).collect();
    assert_eq!(names, [b"libosmem.so"]);
}

#[test]
fn the_header_names_the_version_of_the_package() {
    let part = |text: &str| text.parse::<u32>().unwrap();
    let (major, minor, patch) = (
        part(env!("CARGO_PKG_VERSION_MAJOR")),
        part(env!("CARGO_PKG_VERSION_MINOR")),
        part(env!("CARGO_PKG_VERSION_PATCH")),
    );
    let number = major * 10_000 + minor * 100 + patch;
    assert!(header().contains(&format!("#define OSMEM_VERSION \"{}\"\n", env!("CARGO_PKG_VERSION"))));
    assert!(header().contains(&format!("#define OSMEM_VERSION_NUMBER {number}\n")));
}

const C: [&str; 3] = ["cc", "-std=c99", "-pthread"];
const CPP: [&str; 4] = ["c++", "-std=c++11", "-x", "c++"];

#[test]
fn a_c_program_uses_either_library() {
    builds_and_runs(&C, "uses.c");
}

#[test]
fn a_cpp_program_uses_either_library() {
    builds_and_runs(&CPP, "uses.c");
}

#[test]
fn a_threaded_c_program_forks_with_either_library() {
    builds_and_runs(&C, "forks.c");
}

/// Builds a program of `tests/abi` with every warning an error; links it with the shared and with the static library;
/// runs both.
fn builds_and_runs(compiler: &[&str], source: &str) {
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("program.o");
    run(Command::new(compiler[0])
        .args(&compiler[1..])
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-I"])
        .arg(built().root.join("include"))
        .arg(built().root.join("tests/abi").join(source))
        .arg("-o")
        .arg(&object));
    for library in [&built().library, &built().dir.join("libosmem.a")] {
        let program = folder.path().join("program");
        run(Command::new(compiler[0]).arg("-pthread").arg(&object).arg(library).arg("-o").arg(&program));
        run(Command::new(&program).env("LD_LIBRARY_PATH", &built().dir));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (try `make deps`)"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
}
