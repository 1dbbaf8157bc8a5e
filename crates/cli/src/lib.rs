//! The command `osmem`: checks an allocator against the contract, traces programs, accepts golden traces.
//!
//! One file per sub-command (`check`, `trace`, `bless`), one per report format (`report`). What a run of the battery comes to
//! is a [`record::Record`], and everything shown is derived from it. Every error that ends the command is an [`error::Error`].

mod args;
mod basic;
mod battery;
mod bless;
mod check;
mod ci;
mod claim;
mod compare;
mod convert;
mod doctor;
mod due;
mod error;
mod foretold;
mod fuzz;
mod grade;
mod inject;
mod judge;
mod lab;
mod layout;
mod library;
mod limits;
mod loader;
mod merge;
mod new;
mod oracle;
mod points;
mod pool;
mod record;
mod reference;
mod refused;
mod replay;
mod report;
mod rules;
mod runner;
mod scene;
mod script;
mod shell;
mod show;
mod sizes;
mod stats;
mod suite;
mod target;
mod trace;
mod tracers;
mod trial;
mod verdict;
mod workload;

use std::process::{self, ExitCode};

use clap::Parser;
use osmem_trace::run::Cancel;

use crate::args::{Cli, Task};
use crate::error::{Error, Exit};

/// What the executables of this package run: one with the system's allocator, one with this project's own.
pub fn main() -> ExitCode {
    report_panics();
    let cli = Cli::parse();
    let exit = run(&cli.command).unwrap_or_else(|error| {
        complain(&error.to_string());
        error.exit()
    });
    exit.into()
}

fn run(task: &Task) -> Result<Exit, Error> {
    let cancel = cancel_on_signals()?;
    match task {
        Task::Check(args) => check::run(args, &cancel),
        Task::Trace(args) => trace::run(args, &cancel),
        Task::Bless(args) => bless::run(args, &cancel),
        Task::Judge(args) => judge::run(args, &cancel),
        Task::Show(args) => show::run(args, &cancel),
        Task::Stats(args) => stats::run(args, &cancel),
        Task::Compare(args) => compare::run(args, &cancel),
        Task::Fuzz(args) => fuzz::run(args, &cancel),
        Task::Replay(args) => replay::run(args, &cancel),
        Task::Grade(args) => grade::run(args, &cancel),
        Task::Merge(args) => merge::run(args),
        Task::Doctor(args) => doctor::run(args, &cancel),
        Task::New(args) => new::run(args),
        Task::Completions(args) => shell::completions(args),
        Task::Man(args) => shell::man(args),
    }
}

/// The first Ctrl-C (or SIGTERM, SIGHUP) ends what is running and lets the command report; the second ends it at once.
fn cancel_on_signals() -> Result<Cancel, ctrlc::Error> {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    ctrlc::set_handler(move || {
        if flag.is_cancelled() {
            process::exit(Exit::Interrupted as i32);
        }
        flag.cancel();
    })?;
    Ok(cancel)
}

/// A panic is a mistake of ours: it gets an exit code of its own, never that of a failed test.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        complain(&format!("internal error, please report it: {panic}"));
        process::exit(Exit::Internal as i32);
    }));
}

/// Writes an error message; there is nobody to tell if standard error is closed.
fn complain(message: &str) {
    use std::io::Write as _;
    let red = anstyle::AnsiColor::Red.on_default().bold();
    drop(writeln!(anstream::stderr(), "{red}error:{red:#} {message}"));
}
