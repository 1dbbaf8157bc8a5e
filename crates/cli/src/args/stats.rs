//! The options of `osmem stats` and `osmem compare`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Format, SizesArgs, TracerArgs, seconds};

const STATS_EXAMPLES: &str = "\
Utilisation is the peak of what the program holds, divided by the peak of heap and mappings. Internal fragmentation is the part of all
blocks that is no payload; external fragmentation the part of the free memory that lies outside the largest free block.

Examples:
  osmem stats run.trace                        a trace as `osmem trace` prints it
  osmem stats -- ./my-program                  a program: leaks, double frees, invalid frees
  osmem stats random-bal.rep --lib ~/hw2       a malloc-lab trace: utilisation and throughput
  osmem stats random-bal.rep --format svg      the figures over the calls: ./osmem-out/random-bal-stats.svg
  osmem stats run.trace --format json          for programs

Exit codes:
  0    measured
  2    the file, the program or the library cannot be used
  5    no tracer is there, or the file cannot be written";

const COMPARE_EXAMPLES: &str = "\
Examples:
  osmem compare old/libosmem.so new/libosmem.so                 a workload of ours
  osmem compare ~/hw2 ~/hw2-solution random-bal.rep             a malloc-lab trace
  osmem compare a.so b.so found.osmem                           a script, as `osmem fuzz` writes it
  osmem compare a.so b.so --format json -- ./my-program 10      a program

Exit codes:
  0    compared, whatever differs
  2    a library, the script or the program cannot be used
  5    no tracer is there";

/// `osmem stats`.
#[derive(Debug, Args)]
#[command(after_help = STATS_EXAMPLES)]
pub struct StatsArgs {
    /// A trace as `osmem trace` prints it (- is standard input), a malloc-lab trace (*.rep) or a script (*.osmem)
    #[arg(value_name = "FILE", required_unless_present = "command", conflicts_with = "command")]
    pub file: Option<PathBuf>,
    /// The library: a file, or a folder that holds libosmem.so [default: our own for a script, the program's own, none for a trace]
    #[arg(long, value_name = "FILE|DIR")]
    pub lib: Option<PathBuf>,
    /// Sizes of the trace.
    #[command(flatten)]
    pub sizes: SizesArgs,
    /// How long one run may take, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// Form of the figures
    #[arg(long, value_enum, default_value_t)]
    pub format: StatsFormat,
    /// The file for the drawing; - is standard output [default: a file in ./osmem-out]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// The forms of the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum StatsFormat {
    /// For people, with a plot
    #[default]
    Text,
    /// One JSON object, for programs
    Json,
    /// The figures over the calls, for documents
    Svg,
}

/// `osmem compare`.
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// One library: a file, or a folder that holds libosmem.so
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// The other
    #[arg(value_name = "B")]
    pub second: PathBuf,
    /// A malloc-lab trace (*.rep) or a script [default: a workload of ours]
    #[arg(value_name = "SCRIPT", conflicts_with = "command")]
    pub script: Option<PathBuf>,
    /// How long one run may take, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// Form of the report on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}
