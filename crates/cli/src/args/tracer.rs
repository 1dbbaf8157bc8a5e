//! The option of every command that runs programs: who watches them.

use clap::{Args, ValueEnum};

/// Who watches the programs.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct TracerArgs {
    /// Tracer of the programs [default: strace where it is usable, else the built-in tracer; the other way round in `grade`; both where `check` proves our own library and CI is set]
    #[arg(long, value_enum, value_name = "TRACER")]
    pub tracer: Option<TracerChoice>,
}

/// A tracer, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TracerChoice {
    /// The system's strace
    Strace,
    /// Our own, which needs nothing installed
    Builtin,
    /// Each program under both, which must agree
    Both,
}
