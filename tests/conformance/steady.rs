//! The same result in twenty runs, under whatever circumstances.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::installed::Installed;
use crate::record::whole_pass;
use crate::support::built;

const RUNS: usize = 20;

/// One way to run `osmem check`.
struct Circumstance {
    name: &'static str,
    command: fn(&Installed) -> Command,
}

const CIRCUMSTANCES: [Circumstance; 5] = [
    Circumstance { name: "as it is", command: |_| check(&[]) },
    Circumstance { name: "without address randomisation", command: |_| check(&["setarch", "-R"]) },
    Circumstance { name: "eight at a time", command: |_| with(check(&[]), &["--jobs", "8"]) },
    Circumstance { name: "an environment of 1 MB", command: |_| crowded(check(&[])) },
    Circumstance { name: "as a plain user", command: as_a_plain_user },
];

/// `osmem check` of the build output, started by `by`.
fn check(by: &[&str]) -> Command {
    started(by, &built().osmem)
}

fn started(by: &[&str], osmem: &Path) -> Command {
    let mut command = Command::new("env");
    command.args(by).arg(osmem).arg("check");
    command
}

fn with(mut command: Command, options: &[&str]) -> Command {
    command.args(options);
    command
}

/// One variable may be 128 KiB long at most.
fn crowded(mut command: Command) -> Command {
    for number in 0..16 {
        command.env(format!("CROWD_{number}"), "x".repeat(1 << 16));
    }
    command
}

/// A plain user may not read the build output of another; what is installed is for everybody.
fn as_a_plain_user(installed: &Installed) -> Command {
    let by = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    started(&by, &installed.path("bin/osmem"))
}

/// Whether this machine lets us have the circumstance; if not, says why.
fn possible(circumstance: &Circumstance) -> bool {
    let (tool, arguments): (&str, &[&str]) = match circumstance.name {
        "without address randomisation" => ("setarch", &["-R", "true"]),
        "as a plain user" => ("setpriv", &["--reuid=65534", "--regid=65534", "--clear-groups", "true"]),
        _ => return true,
    };
    let tried = Command::new(tool).args(arguments).output();
    let why = match tried {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("skipped: {}: {tool}: {why}", circumstance.name);
    false
}

#[test]
fn twenty_runs_give_one_result() {
    let installed = Installed::new();
    let circumstances: Vec<_> = CIRCUMSTANCES.into_iter().filter(possible).collect();
    let first = whole_pass(&mut check(&[])).steady();
    for circumstance in circumstances.iter().cycle().take(RUNS) {
        let record = whole_pass(&mut (circumstance.command)(&installed)).steady();
        assert!(record == first, "{}: {record:?}\ninstead of\n{first:?}", circumstance.name);
    }
}

/// `check` pins the environment; `trace` hands on the one it has, and the trace must be the same all the same.
#[test]
fn an_environment_of_1_mb_does_not_show_in_a_trace() {
    let trace = |command: &mut Command| {
        let output = command.args(["trace", "--"]).arg(built().dir.join("long-mixed-run")).output().expect("osmem");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let path = env::var_os("PATH").expect("a search path");
    let plain = trace(Command::new(&built().osmem).env_clear().env("PATH", path));
    assert!(plain.lines().count() > 300);
    assert_eq!(trace(&mut crowded(Command::new(&built().osmem))), plain);
}
