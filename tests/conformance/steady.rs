//! The same result in twenty runs, under whatever circumstances.

use std::env;
use std::process::Command;

use crate::installed::Installed;
use crate::plain_user;
use crate::record::whole_pass;
use crate::support::built;

const RUNS: usize = 20;

/// `osmem check` of the build output, with these options.
fn check(options: &[&str]) -> Command {
    let mut command = Command::new(&built().osmem);
    command.arg("check").args(options);
    command
}

/// One variable may be 128 KiB long at most.
fn crowded(mut command: Command) -> Command {
    for number in 0..16 {
        command.env(format!("CROWD_{number}"), "x".repeat(1 << 16));
    }
    command
}

/// A way to run the battery.
type Way<'a> = (&'a str, &'a dyn Fn() -> Command);

/// Runs the battery as it is, then so often in one of these ways after another: the results are the same.
fn always_the_same(ways: &[Way<'_>], runs: usize) {
    let first = whole_pass(&mut check(&[])).steady();
    for (name, command) in ways.iter().cycle().take(runs) {
        let record = whole_pass(&mut command()).steady();
        assert!(record == first, "{name}: {record:?}\ninstead of\n{first:?}");
    }
}

#[test]
fn twenty_runs_give_one_result() {
    let installed = Installed::new();
    let ways: [Way<'_>; 4] = [
        ("as it is", &|| check(&[])),
        ("eight at a time", &|| check(&["--jobs", "8"])),
        ("an environment of 1 MB", &|| crowded(check(&[]))),
        ("as a plain user", &|| {
            let mut command = plain_user::osmem(&installed);
            command.args(["check", "--own"]);
            command
        }),
    ];
    always_the_same(&ways, RUNS);
}

#[test]
#[ignore = "needs setarch, which containers may forbid to change the layout of addresses"]
fn without_address_randomisation_the_result_is_the_same() {
    let without = || {
        let mut command = Command::new("setarch");
        command.arg("-R").arg(&built().osmem).arg("check");
        command
    };
    always_the_same(&[("without address randomisation", &without)], RUNS / 5);
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
