//! Whole processes under a preloaded allocator: the options that all kinds share, and the printing.

mod inputs;
pub mod loads;
pub mod paired;
pub mod preload;
pub mod programs;
mod redis;

use crate::Failure;
use paired::{Case, Of, Subsets, measure, table};
use preload::{Allocator, allocators};
use std::path::PathBuf;

/// Options of `programs` and `loads`.
#[derive(clap::Args)]
pub struct Options {
    /// Three rounds, and none but the system's allocator and ours unless --allocator names more
    #[arg(long)]
    quick: bool,
    /// Rounds; in each, every allocator has one turn [default: 7, or 3 with --quick]
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<usize>,
    /// Only cases whose name contains one of these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only these allocators beside the system's: osmem, jemalloc, mimalloc, tcmalloc
    #[arg(long, value_name = "NAME")]
    allocator: Vec<String>,
    /// The library to measure [default: libosmem_malloc.so beside this program]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// The record instead of the tables
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Whether a case of this name is wanted.
    pub fn takes(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }

    fn allocators(&self) -> Result<Vec<Allocator>, Failure> {
        let named = |name: &str| self.allocator.iter().any(|wanted| wanted == name);
        allocators(self.library.as_deref(), |name| match self.allocator.is_empty() {
            true => !self.quick || name == preload::OSMEM,
            false => named(name),
        })
    }

    /// Measures `cases`, prints what came out, and fails if one of them failed under ours or the system's allocator.
    pub fn report(&self, cases: &[Case], subsets: Subsets) -> Result<(), Failure> {
        let allocators = self.allocators()?;
        if cases.is_empty() {
            return Err("no case has such a name: leave --only out to see all of them".into());
        }
        let rounds = self.rounds.unwrap_or(if self.quick { 3 } else { 7 }).max(1);
        let mut results = Vec::new();
        for case in cases {
            if !self.json {
                eprint!("\r\x1b[K{} {} ", case.name, case.threads);
            }
            results.push(measure(case, &allocators, rounds));
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&results)?);
        } else {
            eprint!("\r\x1b[K");
            println!("Wall time, as a ratio to the system's\n{}", table(&results, Of::Wall, subsets).text());
            println!("Peak memory, as a ratio to the system's\n{}", table(&results, Of::Peak, subsets).text());
        }
        let mut broken = false;
        for (case, (name, why)) in results.iter().flat_map(|case| case.failed.iter().map(move |failed| (case, failed)))
        {
            eprintln!("{} under {name}: {why}", case.name);
            broken |= name == preload::OSMEM || name == preload::SYSTEM;
        }
        if broken { Err("a case failed, see above".into()) } else { Ok(()) }
    }
}
