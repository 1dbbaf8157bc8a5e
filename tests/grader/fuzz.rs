//! The search for counterexamples is graded: it must find the mistake of every wrong allocator, by a short program, and blame no right one.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::variant::{Kind, Variant};
use crate::verdict::{self, Cause};
use crate::{examine_all, report, support, wanted};

/// How long, or how far, the search goes on.
const SECONDS: &str = "10";
const RUNS: &str = "60";
const SEED: &str = "5";

/// Calls of a counterexample, in the middle of all of them.
const MEDIAN_CALLS: usize = 6;

/// Of the record that `osmem fuzz --format json` prints, what matters here.
#[derive(Deserialize)]
struct Search {
    programs: u64,
    finding: Option<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    program: u64,
    sentence: String,
    calls: usize,
    causes: Vec<Cause>,
    script: String,
}

/// Searches in `library`: for ten seconds if something must be found, otherwise through a fixed number of programs.
fn search(variant: &Variant, library: &Path) -> Result<Search, String> {
    let mut command = Command::new(&support::built().osmem);
    command.args(["fuzz", "--tracer", "builtin", "--seed", SEED, "--out"]).arg(library.with_file_name("found"));
    match variant.kind {
        Kind::Wrong => command.args(["--seconds", SECONDS]),
        Kind::Right | Kind::Different => command.args(["--runs", RUNS]),
    };
    if needs_refusal(variant) || variant.profile() == "robust" {
        command.args(["--profile", "robust"]);
    }
    let (search, passed) = verdict::record::<Search>(command, library)?;
    if passed == search.finding.is_none() { Ok(search) } else { Err("the exit code belies the record".to_owned()) }
}

/// Whether the mistake shows only where the system refuses memory, which it does for nobody who did not ask for that.
fn needs_refusal(variant: &Variant) -> bool {
    variant.cause.as_deref().is_some_and(|cause| cause.starts_with("refusal-"))
}

#[test]
fn a_short_counterexample_is_found_for_every_wrong_variant_and_none_for_a_right_one() {
    let variants = wanted();
    let searches = examine_all(&variants, search);
    let mut calls = Vec::new();
    println!("{:<34} {:>8} {:>5}  the first cause", "variant", "program", "calls");
    report(&variants, searches, |variant, search| {
        let must_be_found = variant.kind == Kind::Wrong && variant.unfound.is_none();
        let Some(finding) = search.finding else {
            println!("{:<34} {:>8} {:>5}", variant.id, "-", "-");
            let missed = format!("nothing is found in {} programs", search.programs);
            return if must_be_found { vec![missed] } else { Vec::new() };
        };
        let cause = finding.causes.first().map(Cause::to_string).unwrap_or_default();
        println!("{:<34} {:>8} {:>5}  {cause}", variant.id, finding.program, finding.calls);
        if !must_be_found {
            return vec![format!("it must not be blamed: {} ({cause})\n{}", finding.sentence, finding.script)];
        }
        calls.push(finding.calls);
        Vec::new()
    });
    calls.sort_unstable();
    if let Some(median) = calls.get(calls.len() / 2) {
        println!("{median} calls in the middle of {} counterexamples, {:?} in the longest", calls.len(), calls.last());
        assert!(*median <= MEDIAN_CALLS, "the counterexamples are too long");
    }
}
