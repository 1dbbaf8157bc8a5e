//! The traced program of these tests, run by every tracer that works here.

#![expect(clippy::expect_used, reason = "a panic here is the report")]

use std::path::PathBuf;
use std::sync::OnceLock;

use osmem_trace::run::{Cancel, RunError};
use osmem_trace::{Observation, Spec, observe};

use crate::compiled;
use crate::tracers::tracers;

/// The traced program, compiled once per test process.
pub fn spec(scenario: &str) -> Spec {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    compiled::spec(PROGRAM.get_or_init(|| compiled::compiled("traced-program", "program.c", &[])), scenario)
}

/// What each tracer sees, by its name.
pub fn each(spec: &Spec) -> Vec<(String, Result<Observation, RunError>)> {
    tracers().iter().map(|tracer| (tracer.name(), observe(&**tracer, spec, &Cancel::new()))).collect()
}

/// What all tracers see of a program that does the same each time.
pub fn run(spec: &Spec) -> Result<Observation, RunError> {
    let mut all = each(spec).into_iter();
    let (first, seen) = all.next().expect("a tracer works");
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
