//! How long the battery takes untraced, with the built-in tracer and with strace, in turns: `cargo bench --bench tracers`.
//!
//! Untraced, the same programs run with library and probe, as often and as many at a time, each on one processor; nothing is refused to
//! them and nothing is judged. Beside it stands the search: calls per second, end to end, with both tracers. Nothing is asserted.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, reason = "only some of it is of interest")]
mod support;

use std::fs;
use std::iter::repeat_n;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// Programs at the same time.
const AT_ONCE: usize = 2;
/// Rounds, each of which runs everything once, in turns.
const ROUNDS: usize = 11;

fn main() {
    let programs = programs();
    let (mut untraced, mut builtin, mut strace) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times = [bare(&programs), check("builtin"), check("strace")];
        // The first round only warms up.
        if round > 0 {
            untraced.push(times[0]);
            builtin.push(times[1]);
            strace.push(times[2]);
        }
    }
    let ratio = |times: &[Duration], others: &[Duration]| {
        median(times.iter().zip(others).map(|(time, other)| time.as_secs_f64() / other.as_secs_f64()).collect())
    };
    let seconds = |times: &[Duration]| median(times.iter().map(Duration::as_secs_f64).collect());
    println!("{} runs of programs, {AT_ONCE} at a time, medians of {ROUNDS} rounds", programs.len());
    println!("untraced  {:.3} s", seconds(&untraced));
    println!(
        "built-in  {:.3} s, {:.2} times untraced, {:.2} times strace",
        seconds(&builtin),
        ratio(&builtin, &untraced),
        ratio(&builtin, &strace)
    );
    println!("strace    {:.3} s, {:.2} times untraced", seconds(&strace), ratio(&strace, &untraced));
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (tracer, rates) in ["builtin", "strace"].into_iter().zip(&mut rates) {
            rates.push(search(tracer));
        }
    }
    let [builtin, strace] = rates.map(median);
    println!("search    {builtin:.0} calls per second with the built-in tracer, {strace:.0} with strace");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The programs of the battery, each as often as the battery runs it. Those that take long stand last in the battery, and first here,
/// so that none of them is left alone in the end.
fn programs() -> Vec<PathBuf> {
    let built = support::built();
    let read = |path: &str| fs::read_to_string(built.root.join("fixtures").join(path)).unwrap();
    let suite: toml::Table = read("suite.toml").parse().unwrap();
    let programs = suite["test"].as_array().unwrap().iter().rev().flat_map(|test| {
        let word = |field: &str| test[field].as_str().unwrap();
        let trace = read(&format!("traces/{}.trace", word("name")));
        // By itself; then each request is refused, by itself and with all that follow.
        let requests = trace.lines().filter(|line| line.starts_with("  brk(") || line.starts_with("  mmap("));
        let runs = if test.get("refusals").is_some() { 1 + 2 * requests.count() } else { 1 };
        repeat_n(built.dir.join(word("program")), runs)
    });
    programs.collect()
}

/// Runs all programs without a tracer.
fn bare(programs: &[PathBuf]) -> Duration {
    let built = support::built();
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for cpu in 0..AT_ONCE {
            let next = &next;
            scope.spawn(move || {
                // As the tracers do, where there are so many processors.
                let mut only = CpuSet::new();
                let _ = only.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut command = Command::new(program);
                    command
                        .env_clear()
                        .env("LC_ALL", "C")
                        .env("LD_PRELOAD", &built.probe)
                        .env("LD_LIBRARY_PATH", &built.dir);
                    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
                    assert!(status.unwrap().success(), "{}", program.display());
                }
            });
        }
    });
    start.elapsed()
}

/// Runs the battery.
fn check(tracer: &str) -> Duration {
    let start = Instant::now();
    let mut check = Command::new(&support::built().osmem);
    check.args(["check", "--format", "json", "--tracer", tracer, "--jobs", &AT_ONCE.to_string()]);
    let status = check.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "the battery failed with {tracer}: {status}");
    start.elapsed()
}

/// Searches for five seconds; the rate that is told.
fn search(tracer: &str) -> f64 {
    let mut fuzz = Command::new(&support::built().osmem);
    fuzz.args(["fuzz", "--seconds", "5", "--format", "json", "--tracer", tracer, "--jobs", &AT_ONCE.to_string()]);
    let output = fuzz.output().unwrap();
    assert!(output.status.success(), "the search failed with {tracer}");
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    record["calls_per_second"].as_f64().unwrap()
}
