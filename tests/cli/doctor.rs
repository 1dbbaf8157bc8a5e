//! `osmem doctor`: what it finds here, and what it says where everything is missing.

use std::process::Command as Process;

use serde_json::Value;

use crate::bench::{osmem, output};

fn findings(text: &str) -> (bool, Vec<Value>) {
    let doctor: Value = serde_json::from_str(text).unwrap();
    assert_eq!(doctor["version"], 1);
    (doctor["fit"].as_bool().unwrap(), doctor["findings"].as_array().unwrap().clone())
}

fn named<'f>(findings: &'f [Value], name: &str) -> &'f Value {
    findings.iter().find(|finding| finding["name"] == name).unwrap_or_else(|| panic!("no {name} in {findings:#?}"))
}

#[test]
#[ignore = "needs strace"]
fn a_machine_that_can_grade() {
    let (code, stdout, stderr) = output(&mut osmem(&["doctor", "--json"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let (fit, findings) = findings(&stdout);
    assert!(fit, "{stdout}");
    for name in ["yama", "tracers", "installation", "limits"] {
        let finding = named(&findings, name);
        assert_eq!((&finding["ok"], &finding["needed"]), (&true.into(), &true.into()), "{finding}");
    }
    // One of the two is enough.
    for name in ["strace", "tracing"] {
        let finding = named(&findings, name);
        assert_eq!((&finding["ok"], &finding["needed"]), (&true.into(), &false.into()), "{finding}");
    }
    assert!(named(&findings, "tracers")["found"].as_str().unwrap().contains("strace "), "{stdout}");
    for name in ["built-in", "box: namespaces", "box: landlock", "cc", "make", "cargo"] {
        assert_eq!(named(&findings, name)["needed"], false);
    }
    for finding in &findings {
        assert_eq!(finding["ok"].as_bool().unwrap(), finding["remedy"].is_null(), "{finding}");
        assert!(!finding["found"].as_str().unwrap().is_empty(), "{finding}");
    }

    let (code, stdout, stderr) = output(&mut osmem(&["doctor"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("box: namespaces") && stdout.contains("box: landlock"), "{stdout}");
    assert!(stdout.ends_with("\n\nthis machine can grade\n"), "{stdout}");
}

/// `osmem doctor` where no program is on the PATH.
fn without_programs(arguments: &[&str]) -> (Option<i32>, String, String) {
    let empty = tempfile::tempdir().unwrap();
    output(osmem(&["doctor"]).args(arguments).env("PATH", empty.path()))
}

#[test]
fn what_is_missing_has_a_remedy() {
    let (_, stdout, stderr) = without_programs(&["--json"]);
    assert_eq!(stderr, "");
    let (_, findings) = findings(&stdout);
    let strace = named(&findings, "strace");
    let remedy = strace["remedy"].as_str().unwrap();
    assert_eq!(strace["ok"], false);
    assert!(remedy.starts_with("install strace 5.3 or newer") && remedy.contains("apt-get install strace"), "{remedy}");
    for (name, word) in [("cc", "apt-get install gcc"), ("make", "apt-get install make"), ("cargo", "rustup")] {
        let finding = named(&findings, name);
        assert!(finding["ok"] == false && finding["remedy"].as_str().unwrap().contains(word), "{finding}");
    }
    assert!(without_programs(&[]).1.contains("missing strace          strace is not on the PATH"));
}

#[test]
fn the_built_in_tracer_is_enough_to_grade() {
    let (code, stdout, stderr) = without_programs(&["--json"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let (fit, findings) = findings(&stdout);
    assert!(fit && named(&findings, "built-in")["ok"] == true, "{stdout}");
    assert_eq!(named(&findings, "tracers")["found"], "built-in tracer works");
    let (code, stdout, _) = without_programs(&[]);
    assert_eq!(code, Some(0));
    assert!(stdout.ends_with("\n\nthis machine can grade\n"), "{stdout}");
}

#[test]
#[ignore = "needs strace"]
fn a_machine_on_which_nobody_may_trace_cannot_grade() {
    // A traced process cannot be traced again.
    let traced = |arguments: &[&str]| {
        let inner = osmem(arguments);
        let mut outer = Process::new("strace");
        outer.args(["-f", "-q", "-e", "trace=none", "-o", "/dev/null"]).arg(inner.get_program()).args(inner.get_args());
        let result = outer.output().unwrap();
        assert_eq!(result.status.code(), Some(5));
        String::from_utf8(result.stdout).unwrap()
    };
    let (fit, findings) = findings(&traced(&["doctor", "--json"]));
    assert!(!fit);
    for name in ["tracing", "built-in", "tracers"] {
        let finding = named(&findings, name);
        assert!(finding["ok"] == false && !finding["remedy"].is_null(), "{finding}");
    }
    assert!(named(&findings, "tracing")["remedy"].as_str().unwrap().contains("SYS_PTRACE"));
    assert!(findings.iter().all(|finding| !finding["name"].as_str().unwrap().starts_with("box")), "{findings:#?}");
    let stdout = traced(&["doctor"]);
    assert!(stdout.contains("wrong   tracers         none works") && stdout.contains("remedy"), "{stdout}");
    assert!(stdout.ends_with("\n\nthis machine cannot grade\n"), "{stdout}");
}

#[test]
fn help_and_usage() {
    let (code, stdout, _) = output(&mut osmem(&["doctor", "--help"]));
    assert!(code == Some(0) && stdout.contains("this machine can grade"), "{stdout}");
    let (code, _, stderr) = output(&mut osmem(&["doctor", "now"]));
    assert!(code == Some(2) && stderr.contains("unexpected argument 'now'"), "{stderr}");
}
