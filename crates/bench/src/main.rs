//! Measures the allocator against others. Every figure is a ratio of runs that took turns: absolute times say more about
//! the machine and its hour than about an allocator.
#![expect(unsafe_code, reason = "an allocator's blocks are raw memory, and the interface of C is not safe")]
#![expect(clippy::expect_used, reason = "a panic here is the report")]

mod heaps;
mod instructions;
mod micro;
mod numbers;
mod plot;
mod report;
mod table;
mod whole;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Why there are no figures.
type Failure = Box<dyn std::error::Error>;

#[derive(Parser)]
#[command(name = "osmem-bench", about = "Measures the allocator against others", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Single calls against the system's malloc and the allocators of other crates, in one process
    Micro(micro::Options),
    /// Whole programs under preloaded allocators
    Programs(whole::Options),
    /// Loads of one and several threads under preloaded allocators; --only takes NAME/THREADS
    Loads(whole::Options),
    /// Instructions per call under valgrind, against the stored baseline
    Instructions(instructions::Options),
    /// Writes the results into docs/performance.md and draws docs/performance.svg
    Report(report::Options),
    /// What `instructions` counts
    #[command(hide = true)]
    Count(instructions::CountOptions),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().what {
        What::Micro(options) => micro::run(&options),
        What::Programs(options) => whole::programs::measure(&options),
        What::Loads(options) => whole::loads::measure(&options),
        What::Instructions(options) => instructions::run(&options),
        What::Report(options) => report::run(&options),
        What::Count(options) => instructions::work(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("osmem-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
