//! `osmem grade` beside others like it: they share the folder for temporary files, and none harms another.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::SURROUNDINGS;
use crate::grade::{Class, right};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A class of one submission, which passes.
fn one() -> Class {
    let class = Class::new();
    class.write("ann.c", right());
    class
}

/// Starts grading, under strace with these options if there are any.
fn start(class: &Class, options: &[&str], out: &str) -> Child {
    let grade = class.grade(&["ann.c", "--force", "--out", out]);
    let mut process = if options.is_empty() {
        Process::new(grade.get_program())
    } else {
        let mut strace = Process::new("strace");
        strace.args(options).arg("--").arg(grade.get_program());
        strace
    };
    process.args(grade.get_args()).current_dir(class.path("")).env("TMPDIR", class.path("tmp"));
    for variable in SURROUNDINGS {
        process.env_remove(variable);
    }
    process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn passes(child: Child) {
    let result = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((result.status.code(), &*text(&result.stderr)), (Some(0), ""), "{}", text(&result.stdout));
}

#[test]
fn a_grader_that_pauses_before_it_locks_is_not_harmed_by_the_next() {
    let class = one();
    let pause = ["-o", "strace", "-e", "trace=flock", "-e", "inject=flock:delay_enter=4000000:when=1"];
    let paused = start(&class, &pause, "paused");
    let begin = Instant::now();
    while class.names("tmp").is_empty() {
        assert!(begin.elapsed() < PATIENCE, "it never began");
        thread::sleep(Duration::from_millis(1));
    }
    passes(start(&class, &[], "next"));
    passes(paused);
    class.same("paused", "next");
    class.idle();
}

#[test]
fn graders_that_start_together_do_not_harm_each_other() {
    let class = one();
    let begin = Instant::now();
    for round in 0..6 {
        let together: Vec<_> = (0..8).map(|number| start(&class, &[], &format!("{round}-{number}"))).collect();
        together.into_iter().for_each(passes);
        class.idle();
        if begin.elapsed() > Duration::from_secs(30) {
            break;
        }
    }
}

/// The system calls of a grader about its working folder: the name of each, and its number among those of that name.
fn steps(class: &Class) -> Vec<(String, usize)> {
    passes(start(class, &["-o", "steps", "-e", "trace=/^(mkdir|open|flock|unlink)"], "whole"));
    let mut counts = BTreeMap::new();
    let mut steps = Vec::new();
    for line in fs::read_to_string(class.path("steps")).unwrap().lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let count = counts.entry(name.to_owned()).or_insert(0);
        *count += 1;
        if name == "flock" || rest.contains("/tmp/osmem-grade-") {
            steps.push((name.to_owned(), *count));
        }
    }
    steps
}

/// Kills a grader as it is about to make this system call.
fn kill_at(class: &Class, name: &str, count: usize) {
    let inject = format!("inject={name}:signal=KILL:when={count}");
    let result = start(class, &["-o", "strace", "-e", &inject], "killed").wait_with_output().unwrap();
    assert_eq!(result.status.signal(), Some(9), "{name} {count}: {result:?}");
}

#[test]
fn a_grader_leaves_nothing_for_good_wherever_it_is_killed() {
    let class = one();
    let steps = steps(&class);
    assert!(steps.len() > 12, "{steps:?}");
    let mut something = 0;
    for (name, count) in steps[..6].iter().chain(&steps[steps.len() - 3..]) {
        kill_at(&class, name, *count);
        something += usize::from(!class.names("tmp").is_empty());
        class.graded(0, &["ann.c", "--force", "--out", "next"]);
    }
    assert!(something > 3, "{something} of them left anything");

    // The next is killed as well, while it removes what the first has left.
    for call in ["flock", "/^unlink"] {
        kill_at(&class, "/^mkdir", 2);
        kill_at(&class, call, 1);
        assert!(!class.names("tmp").is_empty());
        class.graded(0, &["ann.c", "--force", "--out", "next"]);
    }
}
