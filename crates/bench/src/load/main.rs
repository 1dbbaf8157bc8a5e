//! `osmem-load KIND THREADS WORK`: a load of some threads through the `malloc` that this process finds, so that a
//! preloaded library decides which one that is. The amount of work is the same for any number of threads.
#![expect(unsafe_code, reason = "blocks are raw memory, and the interface of C is not safe")]
#![expect(clippy::expect_used, reason = "a panic here is the report")]

mod block;
mod kinds;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, threads, work] = arguments.as_slice() else { return usage() };
    let kind = kinds::KINDS.iter().find(|(name, _)| name == kind);
    match (kind, threads.parse(), work.parse::<usize>()) {
        (Some((_, run)), Ok(threads @ 1..=64), Ok(work)) => {
            run(threads, work);
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    let names: Vec<_> = kinds::KINDS.iter().map(|(name, _)| *name).collect();
    eprintln!("usage: osmem-load KIND THREADS WORK\nKIND is one of {}; THREADS 1 to 64", names.join(", "));
    ExitCode::from(2)
}
