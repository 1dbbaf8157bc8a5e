//! `osmem doctor`: what it finds here, and what it says where everything is missing.

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
fn a_machine_that_can_grade() {
    let (code, stdout, stderr) = output(&mut osmem(&["doctor", "--json"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let (fit, findings) = findings(&stdout);
    assert!(fit, "{stdout}");
    for name in ["strace", "yama", "tracing", "installation", "limits"] {
        let finding = named(&findings, name);
        assert_eq!((&finding["ok"], &finding["needed"]), (&true.into(), &true.into()), "{finding}");
    }
    for name in ["box: namespaces", "box: landlock", "cc", "make", "cargo"] {
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

#[test]
fn a_machine_without_anything() {
    let empty = tempfile::tempdir().unwrap();
    let mut doctor = osmem(&["doctor", "--json"]);
    let (code, stdout, stderr) = output(doctor.env("PATH", empty.path()));
    assert_eq!((code, stderr.as_str()), (Some(5), ""), "{stdout}");
    let (fit, findings) = findings(&stdout);
    assert!(!fit);
    let remedy = named(&findings, "strace")["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("install strace 5.3 or newer") && remedy.contains("apt-get install strace"), "{remedy}");
    for (name, word) in [("cc", "apt-get install gcc"), ("make", "apt-get install make"), ("cargo", "rustup")] {
        let finding = named(&findings, name);
        assert!(finding["ok"] == false && finding["remedy"].as_str().unwrap().contains(word), "{finding}");
    }
    let mut doctor = osmem(&["doctor"]);
    let (code, stdout, stderr) = output(doctor.env("PATH", empty.path()));
    assert_eq!((code, stderr.as_str()), (Some(5), ""), "{stdout}");
    assert!(stdout.contains("wrong   strace") && stdout.contains("remedy"), "{stdout}");
    assert!(stdout.ends_with("\n\nthis machine cannot grade\n"), "{stdout}");
}

#[test]
fn help_and_usage() {
    let (code, stdout, _) = output(&mut osmem(&["doctor", "--help"]));
    assert!(code == Some(0) && stdout.contains("this machine can grade"), "{stdout}");
    let (code, _, stderr) = output(&mut osmem(&["doctor", "now"]));
    assert!(code == Some(2) && stderr.contains("unexpected argument 'now'"), "{stderr}");
}
