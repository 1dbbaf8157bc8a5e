//! The traced program of these tests, run by every tracer that works here.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic here is the report")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use osmem_trace::run::{Cancel, Environment, Limits, RunError};
use osmem_trace::{Observation, Spec, observe};

use crate::tracers::tracers;

/// Compiled once per test process: the program, and a shared library that stands in for the probe and does nothing.
pub fn built() -> &'static (PathBuf, PathBuf) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let compile = |name: &str, arguments: &[&str]| {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            // Another test process may be running the file: it gets a new one, in one step.
            let new = file.with_extension(std::process::id().to_string());
            let status = Command::new("cc").args(arguments).arg("-o").arg(&new).status().expect("a C compiler");
            assert!(status.success(), "cc {arguments:?}");
            fs::rename(&new, &file).unwrap();
            file
        };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/program.c");
        (
            compile("traced-program", &["-O1", "-w", "-pthread", source]),
            compile("traced-probe.so", &["-shared", "-fPIC", "-x", "c", "/dev/null"]),
        )
    })
}

pub fn spec(scenario: &str) -> Spec {
    let (program, probe) = built().clone();
    Spec {
        program,
        args: vec![scenario.into()],
        library: None,
        probe,
        environment: Environment::Pinned,
        limits: Limits::default(),
        aslr: true,
        writable: Vec::new(),
        starter: None,
        cpu: None,
        refuse: None,
    }
}

/// What each tracer sees, by its name.
pub fn each(spec: &Spec) -> Vec<(String, Result<Observation, RunError>)> {
    tracers().iter().map(|tracer| (tracer.name(), observe(&**tracer, spec, &Cancel::new()))).collect()
}

/// What all tracers see of a program that does the same each time.
pub fn run(spec: &Spec) -> Result<Observation, RunError> {
    let mut all = each(spec).into_iter();
    let (first, seen) = all.next().expect("strace");
    for (name, other) in all {
        assert_eq!(essence(&seen), essence(&other), "{:?} by {first} and by {name}", spec.args);
    }
    seen
}

/// What must not depend on the tracer.
fn essence(seen: &Result<Observation, RunError>) -> String {
    match seen {
        Err(error) => format!("error: {error}"),
        Ok(seen) => {
            let Observation { trace, proof, calls, began, stopped, missing, refused, .. } = seen;
            let forged: Vec<_> = seen.forged.iter().map(|forged| (forged.why, &forged.text)).collect();
            format!(
                "{trace}proof {proof:?}, {calls} calls, began {began}, stopped {stopped:?}, missing {missing:?}, \
                 refused {refused:?}, forged {forged:?}"
            )
        }
    }
}

pub fn seen(scenario: &str) -> Observation {
    run(&spec(scenario)).unwrap_or_else(|error| panic!("{scenario}: {error}"))
}
