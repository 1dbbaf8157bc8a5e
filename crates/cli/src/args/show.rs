//! The options of `osmem show`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{BatteryArgs, Reading, SizesArgs, TracerArgs, seconds};

const EXAMPLES: &str = "\
The heap is a row of blocks: header, payload, free memory, mappings apart. Blocks bear the names b1, b2, … in the order in which
the program gets them. At a call that leaves the contract the expected row stands above the actual one.

Examples:
  osmem show run.trace                              the first call that leaves the contract, else the last one
  osmem show run.trace --call 12                    call 12
  osmem show run.trace --all | less -R              every call
  osmem show --test best-fit-many                   a test of the battery, with what lies in the current folder
  osmem show --format html -- ./my-program          a page that steps through the calls: ./osmem-out/my-program.html
  osmem trace -- ./my-program | osmem show - --format timeline --out run.svg

Exit codes:
  0    drawn
  2    the trace, the test, the program or the library cannot be used
  5    no tracer is there, or the file cannot be written";

/// `osmem show`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// A trace as `osmem trace` prints it; - is standard input
    #[arg(value_name = "TRACE", required_unless_present_any = ["test", "command"], conflicts_with_all = ["test", "command"])]
    pub trace: Option<PathBuf>,
    /// Run this test of the battery, by its whole name
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    pub test: Option<String>,
    /// The library: a file, or a folder that holds libosmem.so [default: for a test what `osmem check` builds here, for a program its own]
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "trace")]
    pub lib: Option<PathBuf>,
    /// Run the test with our own library
    #[arg(long, requires = "test", conflicts_with = "lib")]
    pub own: bool,
    /// The call to draw, counted from 1 [default: the first that leaves the contract, else the last]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub call: Option<u64>,
    /// Draw every call (text only)
    #[arg(long, conflicts_with = "call")]
    pub all: bool,
    /// The first call of the part that is drawn, which has at most 10,000 calls
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
    /// Form of the drawing
    #[arg(long, value_enum, default_value_t)]
    pub format: Drawing,
    /// The file for a drawing; - is standard output [default: standard output for text, else a file in ./osmem-out]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Columns of the text, 20 to 200 [default: those of the terminal, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=200))]
    pub width: Option<u16>,
    /// Which readings of the contract's open points are right [default: core; strict for a strict test]
    #[arg(long, value_enum)]
    pub profile: Option<Reading>,
    /// Sizes of the trace.
    #[command(flatten)]
    pub sizes: SizesArgs,
    /// How long the program may run, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// Where the battery lies.
    #[command(flatten)]
    pub battery: BatteryArgs,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// The forms of a drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// Rows of marks for a terminal
    #[default]
    Text,
    /// One call for documents
    Svg,
    /// The whole run for documents: address over call number
    Timeline,
    /// A page in one file that steps through the calls
    Html,
}
