//! Surroundings in which nothing can be judged: exit code 5 and the remedy; and readers that go away.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use crate::bench::{Bench, MAPS_ALL, TINY, TINY_TRACE, osmem, output};

/// `osmem check` under strace with nothing but this folder on the PATH.
fn check_with_path(bench: &Bench, folder: &Path) -> (Option<i32>, String, String) {
    output(bench.check(&["--tracer", "strace"]).env("PATH", folder))
}

/// A folder whose `strace` is this shell script.
fn fake_strace(bench: &Bench, script: &str) -> PathBuf {
    fs::create_dir_all(bench.path("bin")).unwrap();
    let file = bench.write("bin/strace", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    bench.path("bin")
}

#[test]
fn without_strace_the_way_to_get_it_is_told() {
    let bench = Bench::tiny();
    let (code, stdout, stderr) = check_with_path(&bench, &bench.path("programs"));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    assert!(stderr.contains("strace is not on the PATH") && stderr.contains("make deps"), "{stderr}");
}

#[test]
fn an_unfit_strace_is_refused() {
    let cases = [
        ("echo 'strace -- version 4.26'", "is strace 4.26, which is too old"),
        ("echo 'strace the kingdom'", "does not behave like strace"),
        ("exit 1", "does not behave like strace"),
    ];
    for (script, expected) in cases {
        let bench = Bench::tiny();
        let (code, stdout, stderr) = check_with_path(&bench, &fake_strace(&bench, script));
        assert_eq!((code, stdout.as_str()), (Some(5), ""), "{script}: {stderr}");
        assert!(stderr.contains(expected), "{script}: {stderr}");
    }
}

#[test]
#[ignore = "needs strace"]
fn where_tracing_is_forbidden_the_remedy_is_told() {
    let bench = Bench::tiny();
    let inner = bench.check(&[]);
    // A traced process cannot be traced again: what strace starts in there gets EPERM.
    let mut outer = Process::new("strace");
    outer.args(["-f", "-q", "-e", "trace=none", "-o", "/dev/null"]).arg(inner.get_program()).args(inner.get_args());
    let result = outer.env_remove("CI").output().unwrap();
    let stderr = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("strace may not trace here") && stderr.contains("SYS_PTRACE"), "{stderr}");
}

#[test]
fn an_unwritable_folder_for_traces_is_reported_after_the_results() {
    let bench = Bench::tiny();
    let library = bench.library("lib.so", MAPS_ALL);
    let file = bench.write("file", "");
    let folder = file.join("traces");
    let library = library.to_str().unwrap();
    let (code, stdout, stderr) =
        output(&mut bench.run("check", &["--lib", library, "--traces", folder.to_str().unwrap()]));
    assert_eq!(code, Some(5), "{stdout}{stderr}");
    assert!(stdout.contains("1 failed"), "{stdout}");
    assert!(stderr.contains("cannot keep the traces of failing tests") && stderr.contains("--traces DIR"), "{stderr}");
    assert!(stderr.contains(folder.to_str().unwrap()), "{stderr}");
}

#[test]
fn limits_that_are_too_low_are_named() {
    let bench = Bench::tiny();
    let check = bench.check(&[]);
    for (options, expected) in [
        ("-Hs 1024", "the hard limit on the stack is 1048576 bytes"),
        ("-Hv 4000000", "the hard limit on the address space"),
    ] {
        let mut shell = Process::new("sh");
        let soft = options.replace('H', "S");
        shell.arg("-c").arg(format!("ulimit {soft} && ulimit {options} && exec \"$@\"")).arg("sh");
        shell.arg(check.get_program()).args(check.get_args());
        let result = shell.env_remove("CI").output().unwrap();
        let stderr = String::from_utf8_lossy(&result.stderr);
        assert_eq!(result.status.code(), Some(5), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains("raise it"), "{stderr}");
    }
}

#[test]
fn a_folder_the_loader_cannot_read_is_named() {
    let bench = Bench::tiny();
    let folder = bench.path("a:b");
    fs::create_dir(&folder).unwrap();
    let (code, stdout, stderr) = output(bench.check(&[]).env("TMPDIR", &folder));
    assert_eq!(code, Some(5), "{stdout}{stderr}");
    assert!(stderr.contains("a:b") && stderr.contains("TMPDIR"), "{stderr}");
}

#[test]
fn a_reader_that_leaves_changes_nothing_about_the_verdict() {
    let mut bench = Bench::tiny();
    for number in 0..6 {
        bench.add(&format!("more-{number}"), "strict", 1, TINY, Some(TINY_TRACE));
    }
    let check = bench.check(&[]);
    let mut process = Process::new(check.get_program());
    process.args(check.get_args()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("CI");
    let mut child = process.spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let result = child.wait_with_output().unwrap();
    assert_eq!(result.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&result.stderr), "");
}

#[test]
fn a_full_disk_under_the_report_is_an_error() {
    let bench = Bench::tiny();
    let check = bench.check(&["--format", "json"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let result = Process::new(check.get_program()).args(check.get_args()).stdout(full).output().unwrap();
    let stderr = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("cannot write the results"), "{stderr}");
}

#[test]
fn the_command_line_is_checked() {
    for arguments in [
        &["check", "--jobs", "0"][..],
        &["check", "--jobs", "257"],
        &["check", "--timeout", "0"],
        &["check", "--timeout", "soon"],
        &["check", "--profile", "easy"],
        &["check", "--header", "33"],
        &["trace"],
        &["frobnicate"],
        &[],
    ] {
        let (code, stdout, stderr) = output(&mut osmem(arguments));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(!stderr.is_empty());
    }
    let bench = Bench::tiny();
    let (code, _, stderr) = output(&mut bench.run("check", &["--programs", "/no/such/folder"]));
    assert_eq!(code, Some(2), "given twice: {stderr}");
}
