//! `libosmem_malloc.so` under programs of our own: what it exports, each function at its edges, exhaustion, misuse,
//! settings, threads, forks, odd moments, and programs that it cannot or must not serve.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[expect(dead_code, reason = "these tests need only the library")]
mod support;

use nix::unistd::Uid;
use object::read::elf::{Dyn, ElfFile64};
use object::{Endianness, Object, ObjectSymbol, elf};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::built;
use tempfile::TempDir;

const OPTIONS: [&str; 12] = [
    "-std=gnu11",
    "-O1",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Werror",
    // The programs call what they call, and do wrong on purpose.
    "-fno-builtin",
    "-Wno-deprecated-declarations",
    "-Wno-alloc-size-larger-than",
    "-Wno-free-nonheap-object",
    "-Wno-use-after-free",
    "-Wno-unknown-warning-option",
];

/// A folder with programs of `tests/preload_api` in it.
struct Programs {
    folder: TempDir,
}

impl Programs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How to compile `source` as `name`.
    fn compiler(&self, source: &str, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new("cc");
        command.args(OPTIONS).arg(built().root.join("tests/preload_api").join(source));
        command.arg("-o").arg(self.path(name)).args(more);
        command
    }

    fn compile(&self, source: &str, name: &str, more: &[&str]) -> PathBuf {
        let mut command = self.compiler(source, name, more);
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (try `make deps`)"));
        assert!(
            output.status.success(),
            "{command:?} (try `make deps-full`)\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.path(name)
    }
}

/// One program of `tests/preload_api` by itself.
fn program(name: &str) -> (Programs, PathBuf) {
    let programs = Programs::new();
    let path = programs.compile(&format!("{name}.c"), name, &["-ldl"]);
    (programs, path)
}

/// `program` with nothing of our settings in its environment but `settings`.
fn bare(program: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OSMEM_") {
            command.env_remove(name);
        }
    }
    command.envs(settings.iter().copied());
    command
}

fn preloaded(program: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = bare(program, settings);
    command.env("LD_PRELOAD", &built().malloc_library);
    command
}

/// Standard output and standard error of a command.
fn texts(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a program that finds nothing to object to, and returns what it has on standard error.
fn fine(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, errors) = texts(&output);
    assert!(output.status.success() && out == "fine\n", "{command:?}: {}\n{out}{errors}", output.status);
    errors
}

/// Settings under which every program must do the same.
const SETTINGS: [&[(&str, &str)]; 7] = [
    &[],
    &[("OSMEM_THREAD_CACHE", "0")],
    &[("OSMEM_TOP_PAD", "0"), ("OSMEM_MMAP_THRESHOLD", "128K")],
    &[("OSMEM_TOP_PAD", "3M"), ("OSMEM_THREAD_CACHE", "0")],
    &[("OSMEM_MMAP_THRESHOLD", "0")],
    &[("OSMEM_MMAP_THRESHOLD", "9223372036854775807"), ("OSMEM_TOP_PAD", "9223372036854775807")],
    &[("OSMEM_ON_MISUSE", "report"), ("OSMEM_TOP_PAD", "1"), ("OSMEM_MMAP_THRESHOLD", "1")],
];

fn fine_under_every_setting(program: &Path, arguments: &[&str]) {
    for settings in SETTINGS {
        let errors = fine(preloaded(program, settings).args(arguments));
        assert_eq!(errors, "", "{settings:?}");
    }
}

#[test]
fn exactly_the_functions_of_malloc_are_exported() {
    let bytes = fs::read(&built().malloc_library).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    let defined = library.dynamic_symbols().filter(|symbol| symbol.is_definition());
    let exported: BTreeSet<_> = defined.map(|symbol| symbol.name().unwrap().to_string()).collect();
    let expected = "aligned_alloc calloc free free_aligned_sized free_sized mallinfo mallinfo2 malloc malloc_stats \
                    malloc_trim malloc_usable_size mallopt memalign posix_memalign pvalloc realloc reallocarray valloc";
    assert_eq!(exported, expected.split_whitespace().map(str::to_string).collect());
}

/// libgcc_s would cost every program that is started more than the library itself.
#[test]
fn the_loader_knows_its_name_and_loads_nothing_but_the_c_library_for_it() {
    let bytes = fs::read(&built().malloc_library).unwrap();
    let library = ElfFile64::<Endianness>::parse(&*bytes).unwrap();
    let (endian, sections) = (library.endian(), library.elf_section_table());
    let (entries, strings) = sections.dynamic(endian, &*bytes).unwrap().unwrap();
    let strings = sections.strings(endian, &*bytes, strings).unwrap();
    let texts = |tag| {
        let entries = entries.iter().filter(move |entry| entry.d_tag(endian) == tag);
        entries.map(|entry| String::from_utf8(entry.string(endian, strings).unwrap().to_vec()).unwrap())
    };
    assert_eq!(texts(elf::DT_SONAME).collect::<Vec<_>>(), ["libosmem_malloc.so"]);
    for needed in texts(elf::DT_NEEDED) {
        assert!(needed.starts_with("libc.") || needed.starts_with("ld-"), "{needed}");
    }
}

#[test]
fn each_function_keeps_its_contract_at_every_edge() {
    let (_folder, program) = program("contract");
    fine_under_every_setting(&program, &[]);
}

#[test]
fn exhaustion_is_null_and_the_old_block_intact() {
    let (_folder, program) = program("exhaustion");
    fine_under_every_setting(&program, &["as"]);
    fine_under_every_setting(&program, &["data"]);
}

#[test]
fn threads_come_and_go_and_fork() {
    let (_folder, program) = program("threads");
    fine_under_every_setting(&program, &[]);
}

#[test]
fn a_program_may_move_the_break_itself() {
    let (_folder, program) = program("breaks");
    fine_under_every_setting(&program, &[]);
}

#[test]
fn a_call_may_come_at_any_moment() {
    let programs = Programs::new();
    let hooks = programs.compile("hooks.c", "libhooks.so", &["-shared", "-fPIC"]);
    let plugin = programs.path("plugin.so");
    fs::copy(&hooks, &plugin).unwrap();
    let program = programs.compile("odd.c", "odd", &[hooks.to_str().unwrap(), "-ldl"]);
    fine_under_every_setting(&program, &[plugin.to_str().unwrap()]);
}

#[test]
fn it_works_beside_the_c_librarys_own_malloc() {
    let (_folder, program) = program("opened");
    for settings in SETTINGS {
        assert_eq!(fine(bare(&program, settings).arg(&built().malloc_library)), "");
    }
}

#[test]
fn a_program_may_be_linked_with_it() {
    let programs = Programs::new();
    let program = programs.compile("contract.c", "linked", &[built().malloc_library.to_str().unwrap(), "-ldl"]);
    let errors = fine(bare(&program, &[("OSMEM_STATS", "1")]).env("LD_LIBRARY_PATH", &built().dir));
    assert!(errors.starts_with("osmem: process "), "{errors}");
}

/// What `misuse KIND` is about to do wrong: the pointer, the size (0: not known), and the whole outcome.
fn misuse(program: &Path, kind: &str, settings: &[(&str, &str)]) -> (String, String, Output) {
    let output = preloaded(program, settings).arg(kind).output().unwrap();
    let (out, _) = texts(&output);
    let (pointer, size) =
        out.lines().next().and_then(|line| line.split_once(' ')).unwrap_or_else(|| panic!("{output:?}"));
    (pointer.to_string(), size.to_string(), output)
}

const FREED: &str = "it is free already";
const INTERIOR: &str = "it lies inside a block";
const FOREIGN: &str = "it is no block of this allocator";
const DAMAGED: &str = "its header was written over";

/// Each kind of misuse, the function that it is committed with, and what is said about the pointer.
const MISUSES: [(&str, &str, &str); 13] = [
    ("double", "free", FREED),
    ("double-later", "free", FREED),
    ("double-mapped", "free", FOREIGN), // the mapping is gone
    ("resize-freed", "realloc", FREED),
    ("interior", "free", INTERIOR),
    ("unaligned", "free", INTERIOR),
    ("interior-mapped", "free", FOREIGN), // the heap is not all around it
    ("stack", "free", FOREIGN),
    ("static", "free", FOREIGN),
    ("nowhere", "free", FOREIGN),
    ("mapping", "free", FOREIGN),
    ("resize-foreign", "realloc", FOREIGN),
    ("smashed", "free", DAMAGED),
];

/// The line about a misuse. The size is that of the block in question, where there is one to speak of.
fn line(call: &str, pointer: &str, words: &str, size: &str) -> String {
    let size = if size == "0" { String::new() } else { format!(" (a block of {size} bytes)") };
    format!("osmem: {call}({pointer}): {words}{size}\n")
}

#[test]
fn misuse_ends_the_process_with_one_line_that_names_it() {
    let (_folder, program) = program("misuse");
    let aborts: [&[(&str, &str)]; 4] = [
        &[],
        &[("OSMEM_ON_MISUSE", "abort")],
        &[("OSMEM_ON_MISUSE", "nonsense")],
        &[("OSMEM_THREAD_CACHE", "0"), ("OSMEM_STATS", "1")], // an abort is no exit
    ];
    for settings in aborts {
        for (kind, call, words) in MISUSES {
            let (pointer, size, output) = misuse(&program, kind, settings);
            let (out, errors) = texts(&output);
            assert_eq!(output.status.signal(), Some(6), "{kind} {settings:?}: {output:?}");
            assert!(!out.ends_with("on\n"), "{kind}: {out}");
            assert_eq!(errors, line(call, &pointer, words, &size), "{kind} {settings:?}");
        }
    }
}

#[test]
fn misuse_is_reported_or_ignored_where_that_is_set() {
    let (_folder, program) = program("misuse");
    for (kind, call, words) in MISUSES {
        for (setting, speaks) in [("report", true), ("ignore", false)] {
            for cache in ["0", "1"] {
                let settings = [("OSMEM_ON_MISUSE", setting), ("OSMEM_THREAD_CACHE", cache)];
                let (pointer, size, output) = misuse(&program, kind, &settings);
                let (out, errors) = texts(&output);
                assert!(output.status.success() && out.ends_with("on\n"), "{kind} {settings:?}: {output:?}");
                let expected = if speaks { line(call, &pointer, words, &size) } else { String::new() };
                assert_eq!(errors, expected, "{kind} {settings:?}");
            }
        }
    }
}

const VARIABLES: [&str; 5] =
    ["OSMEM_TOP_PAD", "OSMEM_MMAP_THRESHOLD", "OSMEM_ON_MISUSE", "OSMEM_STATS", "OSMEM_THREAD_CACHE"];

#[test]
fn nonsense_in_the_environment_is_the_default() {
    let (_folder, program) = program("plain");
    let long = "9".repeat(100_000);
    for value in ["", " ", "nonsense", "-1", "0x10", "1T", "99999999999999999999", "%s%n", "\u{1b}[31m\n\n", "é", &long]
    {
        let nonsense = VARIABLES.map(|name| (name, value));
        assert_eq!(fine(&mut preloaded(&program, &nonsense)), "", "{value:?}");

        let mut reported = nonsense;
        reported[2].1 = "report";
        let errors = fine(&mut preloaded(&program, &reported));
        let expected = if value.is_empty() { 0 } else { 4 };
        assert_eq!(errors.lines().count(), expected, "{value:?}: {errors}");
        for (line, name) in errors.lines().zip(VARIABLES.into_iter().filter(|name| *name != "OSMEM_ON_MISUSE")) {
            assert!(line.starts_with(&format!("osmem: {name}=")) && line.len() < 200, "{line}");
            assert!(line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{line:?}");
        }
    }
}

#[test]
fn figures_are_one_line_at_exit_where_they_are_wanted() {
    let (_folder, program) = program("plain");
    assert_eq!(fine(&mut preloaded(&program, &[("OSMEM_STATS", "0")])), "");
    let errors = fine(&mut preloaded(&program, &[("OSMEM_STATS", "1")]));
    let form = r"^osmem: process \d+: heap of \d+ bytes, \d+ in \d+ blocks in use, \d+ in \d+ blocks free, \d+ of them at the top; \d+ bytes in \d+ mappings\n$";
    assert!(regex::Regex::new(form).unwrap().is_match(&errors), "{errors}");
}

#[test]
fn a_static_program_does_not_notice() {
    let programs = Programs::new();
    let program = programs.compile("plain.c", "static", &["-static"]);
    assert_eq!(fine(&mut preloaded(&program, &[("OSMEM_STATS", "1")])), "");
}

#[test]
#[cfg(target_arch = "x86_64")]
#[ignore = "needs a C library for 32-bit programs"]
fn a_32_bit_program_goes_on_without_it() {
    let programs = Programs::new();
    let program = programs.compile("plain.c", "narrow", &["-m32"]);
    // The loader may say that it does not fit.
    let errors = fine(&mut preloaded(&program, &[("OSMEM_STATS", "1")]));
    assert!(!errors.contains("osmem: "), "{errors}");
}

/// Who starts a program that has more rights than he has decides nothing in it: neither by preloading, nor, where such a
/// program was linked with the library, by settings.
#[test]
#[ignore = "needs root"]
fn as_root_a_setuid_program_takes_no_settings() {
    const NOBODY: u32 = 65534;
    assert!(
        Uid::effective().is_root(),
        "only root can make a program that is run with root's rights: run this as root"
    );
    let programs = Programs::new();
    let library = programs.path("libosmem_malloc.so");
    fs::copy(&built().malloc_library, &library).unwrap();
    let links = ["-Wl,-rpath", &format!("-Wl,{}", programs.folder.path().display()), library.to_str().unwrap()];
    let plain = programs.compile("plain.c", "plain", &[]);
    let linked = programs.compile("plain.c", "linked", &links);
    let settings = [("OSMEM_STATS", "1"), ("OSMEM_ON_MISUSE", "report"), ("OSMEM_TOP_PAD", "nonsense")];
    for program in [plain, linked] {
        fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
        let mut command = bare(&program, &settings);
        let output = command.env("LD_PRELOAD", &library).uid(NOBODY).current_dir("/").output().unwrap();
        let (out, errors) = texts(&output);
        assert_ne!(out, "fine\n", "the temporary folder gives no program more rights (nosuid): set TMPDIR to another");
        assert!(output.status.success() && out == "secure\n", "{output:?}");
        assert!(!errors.contains("osmem: "), "{errors}");
    }
}
