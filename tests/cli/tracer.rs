//! `--tracer`: who watches, what is taken where nobody is named, and that two must agree.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use assert_cmd::Command;
use serde_json::Value;

use crate::bench::{Bench, MAPS_ALL, TINY, TINY_TRACE, osmem, output};
use crate::fuzz::record;

const BUILTIN: &str = "built-in tracer";

/// Each command that runs programs, on something small that passes.
fn commands(bench: &Bench) -> Vec<Command> {
    let program = bench.program("tiny-one", TINY);
    let script = bench.write("script.osmem", "b1 = malloc 100\nfree b1\n");
    let mut trace = osmem(&["trace"]);
    trace.arg("--lib").arg(crate::support::built().library.as_os_str());
    let mut replay = osmem(&["replay"]);
    replay.arg(script);
    let mut all = vec![
        bench.check(&[]),
        bench.run("bless", &["--dry-run"]),
        trace,
        osmem(&["fuzz", "--runs", "2", "--ops", "20", "--seed", "1", "--timeout", "20"]),
        replay,
    ];
    for command in &mut all {
        command.env("TMPDIR", bench.path("seen"));
    }
    // Behind all options.
    all[2].env("OSMEM_TEST_PROGRAM", program);
    all
}

/// Runs one of [`commands`] with such a tracer.
fn with(mut command: Command, tracer: &str) -> (Option<i32>, String, String) {
    command.args(["--tracer", tracer]);
    let program = command.get_envs().find(|(name, _)| *name == "OSMEM_TEST_PROGRAM").and_then(|(_, value)| value);
    if let Some(program) = program.map(std::ffi::OsStr::to_owned) {
        command.arg("--").arg(program);
    }
    output(&mut command)
}

/// What strace calls itself here: `strace 6.1`.
fn strace() -> String {
    let output = Process::new("strace").arg("-V").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text.lines().next().unwrap().strip_prefix("strace -- version ").unwrap();
    let mut parts = version.split(|letter: char| !letter.is_ascii_digit());
    format!("strace {}.{}", parts.next().unwrap(), parts.next().unwrap())
}

fn all_work(tracer: &str) {
    let bench = Bench::tiny();
    for command in commands(&bench) {
        let (code, stdout, stderr) = with(command, tracer);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    }
}

#[test]
#[ignore = "needs strace"]
fn every_command_works_with_strace() {
    all_work("strace");
}

#[test]
fn every_command_works_with_the_built_in_tracer() {
    all_work("builtin");
}

#[test]
#[ignore = "needs strace"]
fn every_command_works_with_both() {
    all_work("both");
}

#[test]
fn another_word_is_refused() {
    for command in ["check", "trace", "bless", "fuzz", "replay", "grade"] {
        let (code, stdout, stderr) = output(&mut osmem(&[command, "--tracer", "gdb"]));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("invalid value 'gdb' for '--tracer <TRACER>'"), "{stderr}");
        assert!(stderr.contains("[possible values: strace, builtin, both]"), "{stderr}");
    }
}

#[test]
#[ignore = "needs strace"]
fn the_reports_say_who_watched() {
    let bench = Bench::tiny();
    let name = strace();
    let (code, stdout, _) = output(&mut bench.check(&["--tracer", "strace"]));
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.lines().next().unwrap().ends_with(&format!("headers of 32 bytes, {name}")), "{stdout}");
    let (code, said) = bench.check_json(&["--tracer", "strace"]);
    assert_eq!((code, &said["tracer"], &said["version"]), (Some(0), &name.clone().into(), &3.into()));
    let mut fuzz = osmem(&["fuzz", "--runs", "1", "--timeout", "20", "--tracer", "strace"]);
    assert_eq!(record(&mut fuzz).1["tracer"], *name);
    let script = bench.write("script.osmem", "b1 = malloc 100\n");
    let (code, stdout, _) = output(osmem(&["replay", "--tracer", "strace"]).arg(script));
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.lines().next().unwrap().ends_with(&format!("headers of 32 bytes), {name}")), "{stdout}");
}

#[test]
#[ignore = "needs strace"]
fn the_reports_say_that_the_built_in_tracer_watched() {
    let bench = Bench::tiny();
    for (tracer, name) in [("builtin", BUILTIN.to_owned()), ("both", format!("{BUILTIN} and {}", strace()))] {
        let (code, stdout, stderr) = output(&mut bench.check(&["--tracer", tracer]));
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        assert!(stdout.lines().next().unwrap().ends_with(&format!("headers of 32 bytes, {name}")), "{stdout}");
        assert_eq!(bench.check_json(&["--tracer", tracer]).1["tracer"], *name);
    }
}

#[test]
fn what_is_chosen_and_missing_is_an_error() {
    let bench = Bench::tiny();
    for mut command in commands(&bench) {
        command.env("PATH", bench.path("seen"));
        let (code, stdout, stderr) = with(command, "strace");
        assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
        assert!(stderr.contains("strace is not on the PATH") && stderr.contains("make deps"), "{stderr}");
    }
    let (code, stdout, stderr) = output(bench.check(&["--tracer", "both"]).env("PATH", bench.path("seen")));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("strace is not on the PATH"), "{stderr}");
}

#[test]
fn without_strace_the_built_in_tracer_is_taken() {
    let bench = Bench::tiny();
    let missing = bench.path("seen");
    let unfit = folder(&bench, "unfit", "echo 'strace -- version 4.26'");
    for path in [missing, unfit] {
        let (code, stdout, stderr) = output(bench.check(&[]).env("PATH", &path));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert!(stdout.lines().next().unwrap().ends_with(BUILTIN), "{stdout}");
    }
}

#[test]
#[ignore = "needs strace"]
fn where_changes_are_checked_our_own_library_is_proven_by_both() {
    let bench = Bench::tiny();
    let first = |check: &mut Command| {
        let (code, stdout, stderr) = output(check.env("CI", "true"));
        assert!(matches!(code, Some(0 | 1)), "{stdout}{stderr}");
        stdout.lines().next().unwrap().to_owned()
    };
    let own = first(&mut bench.check(&[]));
    assert!(own.ends_with(&format!("{BUILTIN} and {}", strace())), "{own}");
    let own = first(bench.check(&[]).env("PATH", bench.path("seen")));
    assert!(own.ends_with(&format!("bytes, {BUILTIN}")), "{own}");
}

#[test]
#[ignore = "needs strace"]
fn where_changes_are_checked_any_other_library_is_watched_by_one() {
    let bench = Bench::tiny();
    let library = bench.library("other.so", MAPS_ALL);
    let (_, stdout, stderr) = output(bench.check_library(&library).env("CI", "true"));
    assert!(stdout.lines().next().unwrap().ends_with(&format!("bytes, {}", strace())), "{stdout}{stderr}");
    let (code, stdout, _) = output(bench.check(&["--tracer", "strace"]).env("CI", "true"));
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.lines().next().unwrap().ends_with(&format!("bytes, {}", strace())), "{stdout}");
}

#[test]
#[ignore = "needs strace"]
fn where_tracing_is_forbidden_the_built_in_tracer_says_so() {
    let bench = Bench::tiny();
    let inner = bench.check(&["--tracer", "builtin"]);
    // A traced process cannot be traced again.
    let mut outer = Process::new("strace");
    outer.args(["-f", "-q", "-e", "trace=none", "-o", "/dev/null"]).arg(inner.get_program()).args(inner.get_args());
    let result = outer.env_remove("CI").output().unwrap();
    let stderr = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("the built-in tracer may not trace here") && stderr.contains("SYS_PTRACE"), "{stderr}");
}

/// A folder whose `strace` is this shell script, to be put before all others.
fn folder(bench: &Bench, name: &str, script: &str) -> PathBuf {
    let folder = bench.path(name);
    fs::create_dir(&folder).unwrap();
    let file = bench.write(&format!("{name}/strace"), &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A search path whose strace changes what it has seen by this command of sed's.
fn lying(bench: &Bench, change: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let real =
        std::env::split_paths(&path).map(|folder| folder.join("strace")).find(|file| Path::is_file(file)).unwrap();
    let script = format!(
        "for word; do [ \"$last\" = -o ] && log=$word; last=$word; done\n\
         {real} \"$@\"; code=$?\n[ -z \"$log\" ] || sed -i '{change}' \"$log\"\nexit $code",
        real = real.display()
    );
    format!("{}:{path}", folder(bench, "lying", &script).display())
}

#[test]
#[ignore = "needs strace"]
fn two_tracers_that_disagree_are_no_fault_of_the_library() {
    let bench = Bench::tiny();
    let path = lying(&bench, "s/call os_malloc 100/call os_malloc 101/");
    let sides = "~ os_malloc(100) = HEAP+0x20         │ os_malloc(101) = HEAP+0x20\n";
    let sentence = format!("the tracers disagree ({BUILTIN} beside {})", strace());
    let (code, stdout, stderr) = output(bench.check(&["--tracer", "both"]).env("PATH", &path));
    assert_eq!((code, stderr.as_str()), (Some(5), ""), "{stdout}");
    assert!(stdout.contains("\ninfra-error: tiny (core)\n") && stdout.contains(sides), "{stdout}");
    assert!(stdout.contains("1 not run properly"), "{stdout}");
    let mut check = bench.check(&["--tracer", "both", "--format", "json"]);
    let (code, stdout, _) = output(check.env("PATH", &path));
    let said: Value = serde_json::from_str(&stdout).unwrap();
    let test = &said["tests"][0];
    assert_eq!((code, &test["outcome"]), (Some(5), &"infra-error".into()));
    let reason = test["reason"].as_str().unwrap();
    assert!(reason.starts_with(&sentence) && reason.contains(sides.trim_end()), "{reason}");

    let program = bench.program("tiny-one", TINY);
    let (code, stdout, stderr) = output(osmem(&["trace", "--tracer", "both", "--"]).arg(&program).env("PATH", &path));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains(&sentence) && stderr.contains(sides.trim_end()), "{stderr}");
    // Each by itself sees something.
    let seen = |tracer| output(osmem(&["trace", "--tracer", tracer, "--"]).arg(&program).env("PATH", &path)).1;
    assert_eq!(seen("builtin"), TINY_TRACE);
    assert_eq!(seen("strace"), TINY_TRACE.replace("100", "101"));
}

#[test]
#[ignore = "needs strace"]
fn two_tracers_that_disagree_about_a_batch_name_the_program() {
    let bench = Bench::empty();
    // Only the replayer has such marks, and only where it runs many programs.
    let path = lying(&bench, "s/ op \\([0-9]*\\)\"/ op 1\\1\"/");
    let search = |tracer| {
        let mut fuzz = osmem(&["fuzz", "--runs", "2", "--seed", "1", "--timeout", "20", "--tracer", tracer]);
        output(fuzz.env("PATH", &path))
    };
    let (code, stdout, stderr) = search("both");
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    let strace = strace();
    let expected = format!("the tracers disagree about program 0: {BUILTIN} shows nothing wrong in it, {strace} does");
    assert!(stderr.contains(&expected), "{stderr}");
    for tracer in ["strace", "builtin"] {
        let (code, stdout, stderr) = search(tracer);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{tracer}: {stdout}");
    }
}
