//! The loads of `osmem-load`, with one thread and with several.

use super::Options;
use super::paired::{Case, Subsets};
use super::preload::{Allocator, run, sibling};
use crate::Failure;
use std::process::Command;

/// Names of kinds, and the work that takes the system's allocator some tenths of a second.
const KINDS: [(&str, usize); 10] = [
    ("random", 6_000_000),
    ("handoff", 12_000_000),
    ("larson", 15_000_000),
    ("short-threads", 1_000_000),
    ("xmalloc", 4_000_000),
    ("mstress", 4_000_000),
    ("large", 10_000_000),
    ("realloc", 80_000),
    ("glibc-simple", 400_000),
    ("glibc-thread", 8_000_000),
];
const THREADS: [usize; 4] = [1, 2, 4, 8];

/// One thread, and several.
pub const SUBSETS: Subsets<'static> =
    &[(", 1 thread", |case| case.threads == 1), (", 2 to 8 threads", |case| case.threads > 1)];

/// Measures and prints.
pub fn measure(options: &Options) -> Result<(), Failure> {
    let program = sibling("osmem-load")?;
    if !program.is_file() {
        return Err(format!("{} is missing: run cargo build --release -p osmem-bench", program.display()).into());
    }
    let mut cases = Vec::new();
    for (name, work) in KINDS {
        for threads in THREADS.into_iter().filter(|threads| options.takes(&format!("{name}/{threads}"))) {
            let program = &program;
            let run = move |allocator: &Allocator| {
                let mut command = Command::new(program);
                command.args([name, &threads.to_string(), &work.to_string()]);
                allocator.serve(&mut command);
                run(&mut command)
            };
            cases.push(Case { name: name.to_string(), threads, run: Box::new(run) });
        }
    }
    options.report(&cases, SUBSETS)
}
