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
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::rc::Rc;
use support::built;
use tempfile::TempDir;

fn header() -> String {
    fs::read_to_string(built().root.join("include/osmem.h")).unwrap()
}

/// The functions that the header declares, comments left out.
fn declared() -> BTreeSet<String> {
    let text = Regex::new(r"(?s)/\*.*?\*/").unwrap().replace_all(&header(), "").into_owned();
    let declaration = Regex::new(r"(?m)^\w[\w ]*[ *](\w+)\([^)]*\);").unwrap();
    let declarations = declaration.captures_iter(&text).filter(|captures| !captures[0].starts_with("typedef "));
    declarations.map(|captures| captures[1].to_string()).collect()
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
    let functions = "os_aligned_alloc os_calloc os_free os_heap_check os_heap_walk os_malloc os_malloc_usable_size \
                     os_realloc os_stats";
    assert_eq!(declared(), functions.split(' ').map(str::to_string).collect());
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
#[ignore = "needs c++"]
fn a_cpp_program_uses_either_library() {
    builds_and_runs(&CPP, "uses.c");
}

#[test]
fn a_threaded_c_program_forks_with_either_library() {
    builds_and_runs(&C, "forks.c");
}

#[test]
fn aligned_blocks_are_aligned_and_usable_sizes_are_usable() {
    builds_and_runs(&C, "aligned.c");
}

#[test]
fn a_checker_may_compare_a_block_with_its_old_place() {
    builds_and_runs(&C, "compares.c");
}

#[test]
fn a_walk_shows_every_block_and_refuses_calls_meanwhile() {
    builds_and_runs(&C, "walk.c");
}

#[test]
fn a_check_names_the_broken_invariant() {
    for program in Program::with_either_library(&C, "damage.c") {
        for number in [0, 2, 3, 4, 6] {
            for (setting, speaks) in [("", false), ("ignore", false), ("report", true), ("abort", true)] {
                let output = program.run(&[&number.to_string()], &[("OSMEM_ON_MISUSE", setting)]);
                assert_eq!(output.status.code(), Some(number), "{setting}: {output:?}");
                let line = format!(
                    r"^osmem: os_heap_check\(\): H{number} is broken at the block at 0x[0-9a-f]+: it [a-z, ]+\n$"
                );
                let line = if speaks && number > 0 { line } else { "^$".to_string() };
                assert!(Regex::new(&line).unwrap().is_match(&errors(&output)), "{setting} {number}: {output:?}");
            }
        }
    }
}

/// Each kind of misuse, the function that it is committed with, and what is said about the pointer.
const MISUSES: [(&str, &str, &str); 9] = [
    ("double", "os_free", "it is free already"),
    ("double-mapped", "os_free", "it is no block of this allocator"), // the mapping is gone
    ("interior", "os_free", "it lies inside a block"),
    ("unaligned", "os_free", "it lies inside a block"),
    ("foreign", "os_free", "it is no block of this allocator"),
    ("resize-freed", "os_realloc", "it is free already"),
    ("resize-freed-to-nothing", "os_realloc", "it is free already"),
    ("resize-foreign", "os_realloc", "it is no block of this allocator"),
    ("smashed", "os_free", "its header was written over"),
];

#[test]
fn misuse_is_ignored_unless_something_else_is_set() {
    for program in Program::with_either_library(&C, "misuse.c") {
        for (kind, call, words) in MISUSES {
            for setting in ["", "ignore", "nonsense", "report", "abort"] {
                let output = program.run(&[kind], &[("OSMEM_ON_MISUSE", setting)]);
                let out = String::from_utf8_lossy(&output.stdout);
                let (pointer, size) = out.lines().next().and_then(|line| line.split_once(' ')).unwrap();
                let size = if size == "0" { String::new() } else { format!(" (a block of {size} bytes)") };
                let line = format!("osmem: {call}({pointer}): {words}{size}\n");
                let speaks = matches!(setting, "report" | "abort");
                assert_eq!(errors(&output), if speaks { line } else { String::new() }, "{kind} {setting}");
                if setting == "abort" {
                    assert_eq!(output.status.signal(), Some(6), "{kind}: {output:?}");
                } else {
                    assert!(output.status.success() && out.ends_with("on\n"), "{kind} {setting}: {output:?}");
                }
            }
        }
        let output = program.run(&["none"], &[("OSMEM_ON_MISUSE", "abort")]);
        assert!(output.status.success() && errors(&output).is_empty(), "null is no misuse: {output:?}");
    }
}

#[test]
fn figures_are_one_line_at_exit_where_they_are_wanted() {
    for program in Program::with_either_library(&C, "misuse.c") {
        assert_eq!(errors(&program.run(&["none"], &[("OSMEM_STATS", "0")])), "");
        let line = r"^osmem: process \d+: os_malloc's heap of 131072 bytes, 600 in 3 blocks in use, \d+ in 1 blocks free, \d+ of them at the top; 200032 bytes in 1 mappings\n$";
        let output = program.run(&["none"], &[("OSMEM_STATS", "1")]);
        assert!(Regex::new(line).unwrap().is_match(&errors(&output)), "{output:?}");
    }
}

/// The contract knows nothing of these; a setting that is nonsense is spoken of where reports are wanted.
#[test]
fn no_setting_changes_what_the_contract_says() {
    let settings = [("OSMEM_TOP_PAD", "1M"), ("OSMEM_MMAP_THRESHOLD", "1"), ("OSMEM_THREAD_CACHE", "0")];
    for program in Program::with_either_library(&C, "walk.c") {
        let output = program.run(&[], &settings);
        assert!(output.status.success() && errors(&output).is_empty(), "{output:?}");
        let output = program.run(&[], &[("OSMEM_TOP_PAD", "much"), ("OSMEM_ON_MISUSE", "report")]);
        let line = "osmem: OSMEM_TOP_PAD=much is ignored: set it to a number of bytes\n";
        assert!(output.status.success() && errors(&output) == line, "{output:?}");
    }
}

/// A program of `tests/abi`, linked.
struct Program {
    path: PathBuf,
    _folder: Rc<TempDir>,
}

impl Program {
    /// Builds it with every warning an error, and links it with the shared and with the static library.
    fn with_either_library(compiler: &[&str], source: &str) -> [Self; 2] {
        let folder = Rc::new(tempfile::tempdir().unwrap());
        let object = folder.path().join("program.o");
        run(Command::new(compiler[0])
            .args(&compiler[1..])
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-I"])
            .arg(built().root.join("include"))
            .arg(built().root.join("tests/abi").join(source))
            .arg("-o")
            .arg(&object));
        [("shared", &built().library), ("static", &built().dir.join("libosmem.a"))].map(|(name, library)| {
            let path = folder.path().join(name);
            run(Command::new(compiler[0]).arg("-pthread").arg(&object).arg(library).arg("-o").arg(&path));
            Self { path, _folder: Rc::clone(&folder) }
        })
    }

    /// Runs it with nothing of our settings in its environment but `settings`.
    fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OSMEM_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(settings.iter().copied()).env("LD_LIBRARY_PATH", &built().dir);
        command.output().unwrap()
    }
}

fn builds_and_runs(compiler: &[&str], source: &str) {
    for program in Program::with_either_library(compiler, source) {
        let output = program.run(&[], &[]);
        assert!(output.status.success() && errors(&output).is_empty(), "{}: {output:?}", program.path.display());
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (try `make deps`)"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, errors(&output));
}
