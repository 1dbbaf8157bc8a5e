//! A bench for the probe: compiles a small library and a small program, runs them with the probe, alone or under strace.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, str};

use regex::Regex;
use tempfile::TempDir;

use crate::support;

pub const KEY: &str = "0123456789abcdef";

/// An allocator that makes no system call: a static arena, never reused. Some of its functions call others.
pub const ARENA: &str = r"
    static char arena[1 << 20];
    static size_t used;
    #ifndef OWN_MALLOC
    void *os_malloc(size_t n) {
        if (n > sizeof arena) return NULL;
        return arena + __atomic_fetch_add(&used, (n + 15) / 16 * 16, __ATOMIC_RELAXED);
    }
    #endif
    #ifndef NO_CALLOC
    void *os_calloc(size_t n, size_t size) { return os_malloc(n * size); }
    #endif
    void *os_realloc(void *p, size_t n) { void *q = os_malloc(n); os_free(p); return q; }
    void os_free(void *p) { (void)p; }
";

/// What every source file here starts with.
const HEADER: &str = r"
    #define _GNU_SOURCE
    #include <errno.h>
    #include <pthread.h>
    #include <signal.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/auxv.h>
    #include <sys/syscall.h>
    #include <sys/wait.h>
    #include <unistd.h>
    void *os_malloc(size_t), *os_calloc(size_t, size_t), *os_realloc(void *, size_t);
    void os_free(void *);
    extern char **environ;
";

/// One library and one program in a folder of their own.
pub struct Lab {
    dir: TempDir,
}

impl Lab {
    /// The arena library with `extra` code in it, and a program of this code.
    pub fn new(extra: &str, program: &str) -> Self {
        let lab = Lab { dir: tempfile::tempdir().expect("a temporary folder") };
        // The program is linked against a whole library, whatever it then finds when it runs.
        lab.library(ARENA);
        let library = lab.path("libosmem.so");
        let options = ["-Wl,--no-as-needed", library.to_str().expect("UTF-8")];
        lab.compile("program", &format!("{HEADER}{program}"), &options);
        lab.library(&format!("{extra}{ARENA}"));
        lab
    }

    fn library(&self, source: &str) {
        let options = ["-shared", "-fPIC", "-Wl,-soname,libosmem.so"];
        self.compile("libosmem.so", &format!("{HEADER}{source}"), &options);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn compile(&self, name: &str, source: &str, options: &[&str]) {
        let file = self.path(&format!("{name}.c"));
        fs::write(&file, source).expect("the folder is ours");
        let output = Command::new("cc")
            .args(["-O1", "-Wall", "-pthread", "-o"])
            .args([self.path(name).as_path(), file.as_path()])
            .args(options)
            .output()
            .expect("a C compiler `cc`");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Runs the program with nothing in the environment but `variables` and what loads the probe, between them.
    pub fn run_alone(&self, before: &[&str], behind: &[&str]) -> Output {
        Command::new("env")
            .arg("-i")
            .args(before)
            .args(self.loading())
            .args(behind)
            .arg(self.path("program"))
            .output()
            .expect("env")
    }

    fn loading(&self) -> [String; 2] {
        let probe = &support::built().probe;
        [format!("LD_PRELOAD={}", probe.display()), format!("LD_LIBRARY_PATH={}", self.dir.path().display())]
    }

    /// Runs the program under strace, with a key.
    pub fn trace(&self) -> Run {
        self.trace_with(&[&format!("OSMEM_PROBE_KEY={KEY}")])
    }

    /// Runs the program under strace, with these variables besides those that load the probe.
    pub fn trace_with(&self, variables: &[&str]) -> Run {
        let log = self.path("log");
        // Killed, strace takes the program with it.
        let mut strace = Command::new("timeout");
        strace.args(["--signal=KILL", "60", "strace"]);
        strace.args(["-f", "-i", "-q", "-s", "160", "-e", "trace=%memory,%process,write", "-o"]).arg(&log);
        for variable in variables.iter().copied().chain(self.loading().iter().map(String::as_str)) {
            strace.args(["-E", variable]);
        }
        let output = strace.arg("--").arg(self.path("program")).output().expect("strace");
        Run { lines: read_log(&log), output }
    }
}

/// What was seen of a run.
pub struct Run {
    pub lines: Vec<Line>,
    pub output: Output,
}

/// A line of strace's log.
#[derive(Debug)]
pub struct Line {
    pub thread: u32,
    /// Where the thread stood, in hex.
    pub pointer: String,
    pub text: String,
    /// The mark's body, if it is a mark with the right key; of the first one without the address of the ring.
    pub mark: Option<String>,
}

impl Run {
    pub fn marks(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.mark.as_deref()).collect()
    }

    /// Whatever was written to descriptor -1, with whatever key.
    pub fn writes_nowhere(&self) -> usize {
        self.lines.iter().filter(|line| line.text.starts_with("write(-1,")).count()
    }

    pub fn stdout(&self) -> &str {
        text(&self.output.stdout)
    }

    /// The exit status; under strace, that of the program.
    pub fn status(&self) -> Option<i32> {
        self.output.status.code()
    }
}

pub fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("UTF-8")
}

fn read_log(path: &Path) -> Vec<Line> {
    let line = Regex::new(r"^(\d+) +\[([0-9a-f?]+)\] (.*)$").expect("a valid pattern");
    let mark = Regex::new(&format!(r#"^write\(-1, "{KEY} ([^"]*)", (\d+)"#)).expect("a valid pattern");
    let log = fs::read_to_string(path).expect("strace has written a log");
    log.lines()
        .map(|text| {
            let part = line.captures(text).unwrap_or_else(|| panic!("an unknown line: {text}"));
            let mark = mark.captures(&part[3]).map(|mark| {
                let length: usize = mark[2].parse().expect("digits");
                assert_eq!(length, KEY.len() + 1 + mark[1].len(), "a mark's length is that of its text: {text}");
                body(&mark[1]).to_owned()
            });
            Line { thread: part[1].parse().expect("digits"), pointer: part[2].into(), text: part[3].into(), mark }
        })
        .collect()
}

/// A mark's body; that of `begin` without the address, which is another one each time.
fn body(mark: &str) -> &str {
    let Some((begin, ring)) = mark.split_once(" 0x").filter(|(begin, _)| begin.starts_with("begin ")) else {
        return mark;
    };
    let ring = u64::from_str_radix(ring, 16).expect("an address");
    assert!(ring > 0 && ring.is_multiple_of(64), "there is no ring at {ring:#x}");
    begin
}
