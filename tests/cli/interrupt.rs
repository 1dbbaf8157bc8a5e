//! Ctrl-C: children end, nothing is left half-written, what was done is reported.

use std::io;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command as Process, Output, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::{Bench, TINY, TINY_TRACE, malloc_body, processes_about};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that is ended, with what it has started, when its test ends early.
struct Started(Option<Child>);

impl Started {
    fn wait_with_output(mut self) -> io::Result<Output> {
        self.0.take().unwrap().wait_with_output()
    }
}

impl Deref for Started {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take().filter(|_| thread::panicking()) else { return };
        // It ends its own children then; what does not listen is killed.
        let asked = Process::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        let begin = Instant::now();
        while asked.is_ok() && begin.elapsed() < PATIENCE && matches!(child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        _ = child.kill();
        _ = child.wait();
    }
}

fn start(command: &assert_cmd::Command) -> Started {
    let mut process = Process::new(command.get_program());
    process.args(command.get_args()).env_remove("CI").stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => process.env(name, value),
            None => process.env_remove(name),
        };
    }
    Started(Some(process.spawn().unwrap()))
}

/// Waits until a process about `word` runs under `child`, in a call that never returns.
fn wait_for_process(bench: &Bench, word: &str) {
    let path = bench.path(word);
    let begin = Instant::now();
    while processes_about(&path).iter().all(|command| command.contains("strace")) {
        assert!(begin.elapsed() < PATIENCE, "{word} never ran");
        thread::sleep(Duration::from_millis(10));
    }
    // The program has begun; a moment later it is in its loop.
    thread::sleep(Duration::from_millis(300));
}

/// Sends the signal of this name, such as `INT`.
pub fn signal(child: &Child, name: &str) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::from_str(&format!("SIG{name}")).unwrap()).unwrap();
}

#[test]
fn an_interrupted_check_reports_what_was_done() {
    for name in ["INT", "TERM"] {
        let mut bench = Bench::empty();
        bench.add("quick", "core", 100, "int main(void) { os_free(NULL); return 0; }", Some("os_free(NULL)\nexit 0\n"));
        bench.add("endless", "strict", 1, TINY, Some(TINY_TRACE));
        let library = bench.library("loop.so", &malloc_body("for (;;);"));
        let mut check = bench.check_library(&library);
        check.args(["--profile", "all", "--header", "32", "--jobs", "1", "--timeout", "600"]);
        let child = start(&check);
        wait_for_process(&bench, "programs/endless");
        signal(&child, name);
        let result = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&result.stdout);
        assert_eq!(result.status.code(), Some(130), "{stdout}{}", String::from_utf8_lossy(&result.stderr));
        assert!(stdout.contains("pass        quick") && stdout.contains("interrupted: 1 passed"), "{stdout}");
        assert!(!stdout.contains("endless "), "{stdout}");
        assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
        assert_eq!(bench.names("seen"), Vec::<String>::new());
    }
}

/// The kernel sees to it: nobody else is left to.
#[test]
fn nothing_survives_a_killed_built_in_tracer() {
    let mut bench = Bench::empty();
    let family = "int main(void) { for (int i = 0; i < 3 && fork(); i++) ; os_malloc(8); for (;;) pause(); }";
    bench.add("endless", "core", 100, family, Some(TINY_TRACE));
    let library = bench.library("loop.so", &malloc_body("for (;;);"));
    let mut check = bench.check_library(&library);
    check.args(["--header", "32", "--timeout", "600", "--tracer", "builtin"]);
    let mut child = start(&check);
    wait_for_process(&bench, "programs/endless");
    assert_eq!(processes_about(&bench.path("programs/endless")).len(), 4);
    signal(&child, "KILL");
    child.wait().unwrap();
    let begin = Instant::now();
    while !processes_about(&bench.path("programs/endless")).is_empty() {
        assert!(begin.elapsed() < PATIENCE, "{:?}", processes_about(&bench.path("")));
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupted_bless_writes_nothing_half() {
    let mut bench = Bench::tiny();
    bench.add("endless", "strict", 1, "int main(void) { os_malloc(8); for (;;); }", None);
    let child = start(&bench.run("bless", &["endless", "--timeout", "600"]));
    wait_for_process(&bench, "programs/endless");
    signal(&child, "INT");
    let result = child.wait_with_output().unwrap();
    assert_eq!(result.status.code(), Some(130), "{}", String::from_utf8_lossy(&result.stderr));
    assert_eq!(bench.names("fixtures/traces"), ["tiny.trace"]);
    assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
}

#[test]
fn an_interrupted_trace_shows_how_far_it_got() {
    let bench = Bench::empty();
    let program = bench.program("endless", "int main(void) { os_malloc(8); for (;;); }");
    let mut trace = crate::bench::osmem(&["trace", "--timeout", "600", "--"]);
    trace.arg(&program);
    let child = start(&trace);
    wait_for_process(&bench, "endless");
    signal(&child, "INT");
    let result = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&result.stdout);
    assert_eq!(result.status.code(), Some(130), "{stdout}");
    assert!(stdout.starts_with("os_malloc(8) = HEAP+0x20\n"), "{stdout}");
    assert_eq!(processes_about(&program), Vec::<String>::new());
}

/// The children of a process, whichever thread has them, their children, and so on.
fn descendants(of: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect();
    children.iter().flat_map(|child| descendants(*child)).chain(children.clone()).collect()
}

/// What a search has started once it is in the middle of something.
fn traced(child: &Child) -> Vec<u32> {
    let begin = Instant::now();
    let replays = |pid: &u32| {
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program.ends_with("osmem-replayer"))
    };
    while !descendants(child.id()).iter().any(replays) {
        assert!(begin.elapsed() < PATIENCE, "nothing was traced");
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(1500));
    descendants(child.id())
}

fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn an_interrupted_search_reports_what_was_done() {
    for name in ["INT", "TERM"] {
        let fuzz = crate::bench::osmem(&["fuzz", "--seconds", "600", "--seed", "1", "--format", "json"]);
        let child = start(&fuzz);
        let started = traced(&child);
        signal(&child, name);
        let result = child.wait_with_output().unwrap();
        let record: serde_json::Value = serde_json::from_slice(&result.stdout).unwrap();
        assert_eq!(result.status.code(), Some(130), "{record}{}", String::from_utf8_lossy(&result.stderr));
        assert_eq!((&record["interrupted"], &record["finding"]), (&true.into(), &serde_json::Value::Null));
        assert!(record["programs"].as_u64().unwrap() > 0, "{record}");
        let left: Vec<_> = started.into_iter().filter(|pid| is_running(*pid)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_search_that_is_interrupted_in_a_call_blames_nobody() {
    let bench = Bench::empty();
    let library = bench.library("loop.so", &malloc_body("for (;;);"));
    let mut fuzz = crate::bench::osmem(&["fuzz", "--seed", "1", "--timeout", "600", "--lib"]);
    fuzz.arg(&library).arg("--out").arg(bench.path("found"));
    let child = start(&fuzz);
    let started = traced(&child);
    signal(&child, "INT");
    let result = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&result.stdout);
    assert_eq!(result.status.code(), Some(130), "{stdout}{}", String::from_utf8_lossy(&result.stderr));
    assert!(!bench.path("found").exists(), "{stdout}");
    let left: Vec<_> = started.into_iter().filter(|pid| is_running(*pid)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Waits until a process of one script has run for longer than any right one does.
fn wait_for_one_script(bench: &Bench) {
    let one = || processes_about(&bench.path("seen")).into_iter().find(|command| command.ends_with("/script one 0 "));
    let begin = Instant::now();
    let mut last = None;
    loop {
        assert!(begin.elapsed() < PATIENCE, "no script was run by itself");
        let now = one();
        if now.is_some() && now == last {
            return;
        }
        last = now;
        thread::sleep(Duration::from_millis(1500));
    }
}

#[test]
fn a_suspect_whose_watching_is_interrupted_is_not_blamed() {
    let bench = Bench::empty();
    // Misused, it ends where hundreds of programs run at once, and hangs where one of them is watched.
    let misused = "int before = errno;
    if (p && !find(p)) {
        char line[4096];
        int open(const char *, int), file = open(\"/proc/self/cmdline\", 0);
        ssize_t length = read(file, line, sizeof line);
        if (length < 4 || memcmp(line + length - 4, \"all\", 4))
            for (;;);
        _exit(3);
    }";
    let library = bench.reference("libosmem.so", "int before = errno;", misused);
    let arguments = ["--seed", "1", "--runs", "200", "--timeout", "600", "--profile", "robust"];
    let child = start(&crate::fuzz::fuzz(&bench, &library, &arguments));
    wait_for_one_script(&bench);
    signal(&child, "INT");
    let result = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&result.stdout);
    assert_eq!(result.status.code(), Some(130), "{stdout}{}", String::from_utf8_lossy(&result.stderr));
    assert!(stdout.contains(": interrupted: ") && stdout.ends_with("no program failed\n"), "{stdout}");
    assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
    assert_eq!(bench.names("seen"), Vec::<String>::new());
}

#[test]
fn an_interrupted_replay_judges_nothing() {
    let bench = Bench::empty();
    let library = bench.library("loop.so", &malloc_body("for (;;);"));
    let script = bench.write("script", "b1 = malloc 8\n");
    let mut replay = crate::bench::osmem(&["replay", "--timeout", "600", "--lib"]);
    replay.arg(library).arg(script).env("TMPDIR", bench.path("seen"));
    let child = start(&replay);
    wait_for_one_script(&bench);
    signal(&child, "TERM");
    let result = child.wait_with_output().unwrap();
    assert_eq!((result.status.code(), result.stdout), (Some(130), Vec::new()));
    assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
    assert_eq!(bench.names("seen"), Vec::<String>::new());
}
