//! A small battery of the tests' own: C programs and libraries compiled on the spot, in a folder that goes away.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::built;

/// What every C program here starts with.
const PRELUDE: &str = "
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
void *os_malloc(size_t); void *os_calloc(size_t, size_t); void *os_realloc(void *, size_t); void os_free(void *);
";

/// A program that keeps the contract with one heap block, and its golden trace.
pub const TINY: &str = "int main(void) { os_free(os_malloc(100)); return 0; }";
/// The trace of [`TINY`] by R4, R6 and R8.
pub const TINY_TRACE: &str = "\
os_malloc(100) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_free(HEAP+0x20)
exit 0
";

/// A library that maps everything: it works, and keeps hardly any rule.
pub const MAPS_ALL: &str = "
void *os_malloc(size_t n) { return mmap(NULL, n + 32, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) + 32; }
void *os_calloc(size_t n, size_t s) { return os_malloc(n * s); }
void *os_realloc(void *p, size_t n) { (void)p; return os_malloc(n); }
void os_free(void *p) { (void)p; }
";

/// A change of the right allocator for [`Bench::reference`]: it takes the first block that is large enough.
pub const FIRST_FIT: (&str, &str) = ("if (!best || b->size < best->size)", "if (!best)");

/// What the surroundings of the tests might say to the command; cargo sets the last one.
pub const SURROUNDINGS: [&str; 4] = ["CI", "NO_COLOR", "CLICOLOR_FORCE", "LD_LIBRARY_PATH"];

/// The command, without [`SURROUNDINGS`].
pub fn osmem(arguments: &[&str]) -> Command {
    let mut command = Command::new(&built().osmem);
    command.args(arguments);
    for variable in SURROUNDINGS {
        command.env_remove(variable);
    }
    command
}

/// Its standard output, and with which exit code it ended.
pub fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What the command says of a line without end on its standard input, which it must refuse with exit code 2, and early.
pub fn refusal_of_an_endless_line(arguments: &[&str]) -> String {
    let mut process = Process::new(&built().osmem);
    process.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = process.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let piece = vec![b'x'; 1 << 20];
    // The reader has gone long before all of it is written.
    let written = (0..100).take_while(|_| input.write_all(&piece).is_ok()).count();
    drop(input);
    let result = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&result.stderr).into_owned();
    assert_eq!(result.status.code(), Some(2), "{stderr}");
    assert!(written < 10, "{written} MiB were read");
    stderr
}

/// A library whose `os_malloc` has this body; the other functions are harmless.
pub fn malloc_body(body: &str) -> String {
    format!(
        "void *os_malloc(size_t n) {{ (void)n; {body} }}
         void *os_calloc(size_t n, size_t s) {{ (void)n; (void)s; return NULL; }}
         void *os_realloc(void *p, size_t n) {{ (void)p; (void)n; return NULL; }}
         void os_free(void *p) {{ (void)p; }}"
    )
}

/// A suite, its programs and its golden traces, in a folder of their own.
pub struct Bench {
    folder: TempDir,
    suite: String,
}

impl Bench {
    /// Nothing yet.
    pub fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["fixtures/traces", "programs", "seen"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self { folder, suite: String::new() }
    }

    /// One core test of 100 points, `tiny`.
    pub fn tiny() -> Self {
        let mut bench = Self::empty();
        bench.add("tiny", "core", 100, TINY, Some(TINY_TRACE));
        bench
    }

    /// Adds a test with a program of its own.
    pub fn add(&mut self, name: &str, profile: &str, points: u32, source: &str, golden: Option<&str>) {
        self.program(&format!("programs/{name}"), source);
        self.suite.push_str(&format!(
            "[[test]]\nname = \"{name}\"\nprogram = \"{name}\"\npoints = {points}\nprofile = \"{profile}\"\n\
             rules = [\"R4\", \"R8\"]\ndescription = \"About {name}\"\nhint = \"Hint for {name}\"\n\n"
        ));
        self.write("fixtures/suite.toml", &self.suite.clone());
        if let Some(golden) = golden {
            self.write(&format!("fixtures/traces/{name}.trace"), golden);
        }
    }

    /// The path of something in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Replaces a part of the suite that must be there.
    pub fn edit_suite(&self, old: &str, new: &str) {
        let path = self.path("fixtures/suite.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{old}");
        fs::write(path, text.replacen(old, new, 1)).unwrap();
    }

    /// The names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Compiles a program that calls `os_*`; it finds the library by the search path only.
    pub fn program(&self, name: &str, source: &str) -> PathBuf {
        let search = format!("-L{}", built().dir.display());
        self.compile(name, source, &[&search, "-losmem"])
    }

    /// Compiles a shared library.
    pub fn library(&self, name: &str, source: &str) -> PathBuf {
        self.compile(name, source, &["-shared", "-fPIC"])
    }

    /// Compiles the right allocator of `fixtures/submissions` with one place of its source changed.
    pub fn reference(&self, name: &str, old: &str, new: &str) -> PathBuf {
        self.altered(name, &[(old, new)])
    }

    /// The right allocator with several changes.
    pub fn altered(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let mut source = fs::read_to_string(built().root.join("fixtures/submissions/reference/osmem.c")).unwrap();
        for (old, new) in changes {
            assert_eq!(source.matches(old).count(), 1, "{old}");
            source = source.replace(old, new);
        }
        let file = self.write(&format!("{name}.c"), &format!("{PRELUDE}{source}"));
        let path = self.path(name);
        let options = ["-std=gnu11", "-w", "-O1", "-fPIC", "-shared", "-o"];
        let status = Process::new("cc").args(options).arg(&path).arg(file).status().unwrap();
        assert!(status.success(), "cc: {status}");
        path
    }

    /// The right allocator, except that this comes before its third `os_malloc`.
    pub fn third_malloc(&self, name: &str, statement: &str) -> PathBuf {
        let begin = "void *os_malloc(size_t size)\n{\n";
        self.reference(name, begin, &format!("{begin}    static int calls;\n    if (++calls == 3) {{ {statement} }}\n"))
    }

    /// Compiles a C source after the common includes.
    pub fn compile(&self, name: &str, source: &str, options: &[&str]) -> PathBuf {
        let file = self.write(&format!("{}.c", name.replace('/', "-")), &format!("{PRELUDE}{source}"));
        let path = self.path(name);
        // Plain code: no call may be optimised away, no library dropped.
        let plain = ["-O0", "-fno-builtin", "-w", "-Wl,--no-as-needed", "-o"];
        let status = Process::new("cc").args(plain).arg(&path).arg(file).args(options).status().unwrap();
        assert!(status.success(), "cc: {status}");
        path
    }

    /// `osmem COMMAND` on this battery.
    pub fn run(&self, command: &str, arguments: &[&str]) -> Command {
        let mut osmem = osmem(&[command]);
        osmem.arg("--fixtures").arg(self.path("fixtures")).arg("--programs").arg(self.path("programs"));
        osmem.args(arguments);
        osmem
    }

    /// `osmem check --all` on this battery; the traces of failing tests go to `seen`.
    pub fn check(&self, arguments: &[&str]) -> Command {
        let mut check = self.run("check", arguments);
        check.arg("--all");
        check.arg("--traces").arg(self.path("seen"));
        check
    }

    /// Its exit code, and the record that it prints.
    pub fn check_json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut check = self.check(&["--format", "json"]);
        let (code, stdout, stderr) = output(check.args(arguments));
        assert_eq!(stderr, "");
        (code, serde_json::from_str(&stdout).unwrap())
    }

    /// `osmem check --lib` on this battery.
    pub fn check_library(&self, library: &Path) -> Command {
        self.check(&["--lib", library.to_str().unwrap()])
    }
}

/// The processes whose command line speaks of this folder.
pub fn processes_about(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let commands = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.parse::<u32>().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        Some(format!("{name} {}", String::from_utf8_lossy(&command).replace('\0', " ")))
    });
    commands.filter(|command| command.contains(folder)).collect()
}
