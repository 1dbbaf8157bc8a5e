//! The two tracers see the same: of every program of the battery, of every submission, of random programs.
//!
//! `OSMEM_TEST_ROUNDS=20` runs everything so often, and each submission with the whole battery instead of a part of it.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../grader/variant.rs"]
#[expect(dead_code, reason = "only the libraries are of interest")]
mod variant;

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "not all of what is built is needed")]
mod support;

#[path = "../witnesses/script.rs"]
mod script;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use osmem_oracle::random::{self, Plan};
use osmem_trace::run::{Cancel, Limits, RunError};
use osmem_trace::{Builtin, Spec, Strace, Witness};
use support::built;

/// Random programs of a round; in one round alone a part of them.
const RANDOM: u64 = 500;
/// In one round alone, each submission runs one in so many programs.
const SPARSE: usize = 12;

/// How often all is run.
fn rounds() -> usize {
    std::env::var("OSMEM_TEST_ROUNDS").ok().map_or(1, |rounds| rounds.parse().unwrap())
}

/// Does the work for every number below `count`, two at a time; all that went wrong.
fn each(count: usize, work: impl Fn(usize, usize) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for cpu in 0..2 {
            let (next, work, problems) = (&next, &work, &problems);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    if let Err(problem) = work(number, cpu) {
                        problems.lock().unwrap().push(problem);
                    }
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems[..problems.len().min(5)].join("\n\n"));
}

fn witness() -> Witness {
    Witness::both(Arc::new(Builtin::find().unwrap()), Arc::new(Strace::find().unwrap()))
}

fn spec(program: &Path, args: Vec<std::ffi::OsString>, library: &Path, cpu: usize) -> Spec {
    Spec {
        args,
        library: Some(library.into()),
        // Some submissions loop; what is cut off ends anywhere, and is not compared.
        limits: Limits { time: Duration::from_secs(1), ..Limits::default() },
        // A wrong allocator may do something that depends on addresses.
        aslr: false,
        cpu: Some(cpu),
        ..Spec::new(program, built().probe.clone())
    }
}

/// Whether both saw the same; `false` where there was nothing to compare.
fn agreed(witness: &Witness, spec: &Spec, name: &str) -> Result<bool, String> {
    match witness.observe(spec, &Cancel::new()) {
        Ok(seen) => Ok(seen.stopped.is_none()),
        Err(error @ RunError::Disagreement { .. }) => Err(format!("{name}: {error}")),
        Err(error) => Err(format!("{name}: infra: {error}")),
    }
}

/// The same for a program that must end.
fn wholly_agreed(witness: &Witness, spec: &Spec, name: &str) -> Result<(), String> {
    if agreed(witness, spec, name)? { Ok(()) } else { Err(format!("{name}: cut off")) }
}

/// The programs of the battery.
fn programs() -> Vec<PathBuf> {
    let sources = fs::read_dir(built().root.join("test-programs/src/bin")).unwrap();
    let mut programs: Vec<_> =
        sources.map(|file| built().dir.join(file.unwrap().path().file_stem().unwrap())).collect();
    programs.sort();
    programs
}

#[test]
#[ignore = "needs strace"]
fn of_every_program_of_the_battery() {
    let (witness, programs) = (witness(), programs());
    for _ in 0..rounds() {
        each(programs.len(), |number, cpu| {
            let program = &programs[number];
            let name = program.display().to_string();
            wholly_agreed(&witness, &spec(program, Vec::new(), &built().library, cpu), &name)
        });
    }
}

#[test]
#[ignore = "needs strace"]
fn of_every_submission() {
    let (witness, programs) = (witness(), programs());
    let submissions = built().root.join("fixtures/submissions");
    let variants = variant::load(&submissions);
    let folder = tempfile::tempdir().unwrap();
    let libraries: Vec<(String, PathBuf)> = variants
        .iter()
        .map(|variant| {
            let folder = folder.path().join(&variant.id);
            fs::create_dir(&folder).unwrap();
            (variant.id.clone(), variant.build(&submissions, &folder).unwrap())
        })
        .collect();
    let all = rounds() > 1;
    // What never ends is not tried in each round.
    let endless = Mutex::new(HashSet::new());
    let compared = AtomicUsize::new(0);
    for _ in 0..rounds() {
        each(libraries.len(), |number, cpu| {
            let (id, library) = &libraries[number];
            for (place, program) in programs.iter().enumerate() {
                // Each another part.
                let chosen = all || place % SPARSE == number % SPARSE;
                if !chosen || endless.lock().unwrap().contains(&(number, place)) {
                    continue;
                }
                let name = format!("{id}, {}", program.display());
                if agreed(&witness, &spec(program, Vec::new(), library, cpu), &name)? {
                    compared.fetch_add(1, Ordering::Relaxed);
                } else {
                    endless.lock().unwrap().insert((number, place));
                }
            }
            Ok(())
        });
    }
    let (compared, endless) = (compared.into_inner(), endless.into_inner().unwrap().len());
    println!("{compared} runs compared; {endless} programs do not end with a submission");
    assert!(compared > endless, "{compared} of {endless}");
}

#[test]
#[ignore = "needs strace"]
fn of_random_programs() {
    let witness = witness();
    let plan = Plan::everything(120);
    let count = if rounds() > 1 { RANDOM } else { RANDOM / 5 };
    for round in 0..rounds() as u64 {
        each(usize::try_from(count).unwrap(), |number, cpu| {
            let program = random::program(round, number as u64, &plan);
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("script");
            fs::write(&file, script::encoded(&program.ops)).unwrap();
            let args = vec![file.into(), "one".into(), "0".into()];
            let name = format!("program {number} of {round}");
            wholly_agreed(&witness, &spec(&built().replayer, args, &built().library, cpu), &name)
        });
    }
}
