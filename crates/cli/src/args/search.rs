//! The options of the commands that judge by the oracle: `judge`, `fuzz`, `replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use osmem_oracle::readings::Allowed;

use super::{Format, Header, TracerArgs, seconds};

const JUDGE_EXAMPLES: &str = "\
Examples:
  osmem trace -- ./my-program | osmem judge -
  osmem judge run.trace --profile strict
  osmem judge run.trace --infer            with the header size that the trace shows

Exit codes:
  0    the trace keeps the contract
  1    it leaves the contract
  2    it cannot be read, or is no trace";

const FUZZ_EXAMPLES: &str = "\
The first program that fails is made as short as it can be, explained, and printed as a script, a C program and a Rust test program.

Examples:
  osmem fuzz                                   our own library, for ten seconds
  osmem fuzz --lib ~/hw2 --seconds 60
  osmem fuzz --lib ~/hw2 --seed 7 --runs 5000  the same programs every time
  osmem fuzz --lib ~/hw2 --profile robust      also where the system refuses memory

Exit codes:
  0    no program failed
  1    one did
  2    unusable command line or library
  5    the environment is unfit
  130  interrupted before anything was found";

const REPLAY_EXAMPLES: &str = "\
Examples:
  osmem replay found.osmem --lib ~/hw2         run it and judge it
  osmem replay random-bal.rep                  a malloc-lab trace
  osmem replay found.osmem --print c           the same as a C program
  osmem replay found.osmem --add split-tie     a new test of the battery

Exit codes:
  0    the library kept the contract
  1    it did not
  2    the script or the library cannot be used";

/// `osmem judge`.
#[derive(Debug, Args)]
#[command(after_help = JUDGE_EXAMPLES)]
pub struct JudgeArgs {
    /// A trace as `osmem trace` prints it; - is standard input
    #[arg(value_name = "TRACE")]
    pub trace: PathBuf,
    /// Which readings of the contract's open points are right
    #[arg(long, value_enum, default_value_t)]
    pub profile: Reading,
    /// Size of a block's header, in bytes [default: 32]
    #[arg(long, value_name = "N", value_parser = header_bytes, conflicts_with = "infer")]
    pub header: Option<u64>,
    /// Page size of the machine that the trace is from, in bytes [default: this machine's]
    #[arg(long, value_name = "N", value_parser = page_bytes)]
    pub page: Option<u64>,
    /// Judge with the header size, thresholds and preallocation that the trace itself shows
    #[arg(long)]
    pub infer: bool,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `osmem fuzz`.
#[derive(Debug, Args)]
#[command(after_help = FUZZ_EXAMPLES)]
pub struct FuzzArgs {
    /// The library: a file, or a folder that holds libosmem.so [default: our own]
    #[arg(long, value_name = "FILE|DIR")]
    pub lib: Option<PathBuf>,
    /// How long to search, in seconds, 0.1 to 86400 [default: 10]
    #[arg(long, value_name = "S", value_parser = long_seconds, conflicts_with = "runs")]
    pub seconds: Option<Duration>,
    /// How many programs to run, 1 to 1000000000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub runs: Option<u64>,
    /// Where the random programs come from; the same seed gives the same programs [default: another one each time]
    #[arg(long, value_name = "X")]
    pub seed: Option<u64>,
    /// Steps of a program, 1 to 5000
    #[arg(long, value_name = "N", default_value = "250", value_parser = clap_ops)]
    pub ops: usize,
    /// Which programs, and what is right [default: strict for our own library, core with --lib]
    #[arg(long, value_enum)]
    pub profile: Option<FuzzProfile>,
    /// How many batches run at the same time, 1 to 256 [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// How long one program may take, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Folder for what was found, as script, C program and Rust test program [default: osmem-out/reproducers; for our own library reproducers/ in the build output]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl FuzzArgs {
    /// How long to search where no number of programs is given.
    pub fn time(&self) -> Duration {
        self.seconds.unwrap_or(Duration::from_secs(10))
    }
}

/// Which programs `fuzz` draws, and what it takes for right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FuzzProfile {
    /// What the assignment decides: every right reading is accepted, nothing is misused
    Core,
    /// The contract whole: one reading, with misuse, huge sizes, foreign breaks and refusals
    Strict,
    /// As core, with misuse, huge sizes, foreign breaks and refusals
    Robust,
}

/// `osmem replay`.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub struct ReplayArgs {
    /// A script as `osmem fuzz` writes it, or a malloc-lab trace (*.rep); - is standard input
    #[arg(value_name = "FILE")]
    pub script: PathBuf,
    /// The library: a file, or a folder that holds libosmem.so [default: our own]
    #[arg(long, value_name = "FILE|DIR")]
    pub lib: Option<PathBuf>,
    /// Which readings of the contract's open points are right [default: strict for our own library, core with --lib]
    #[arg(long, value_enum)]
    pub profile: Option<Reading>,
    /// Size of a block's header in the library, in bytes [default: 32 for our own library, auto with --lib]
    #[arg(long, value_name = "auto|N")]
    pub header: Option<Header>,
    /// How long the script may run, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Print the script in another form instead of running it
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["lib", "add"])]
    pub print: Option<Form>,
    /// Add the script to the battery under this name: test program, suite entry and golden trace
    #[arg(long, value_name = "NAME", conflicts_with = "lib")]
    pub add: Option<String>,
    /// Folder with suite.toml and traces/, for --add [default: found near the command, else above the current folder]
    #[arg(long, value_name = "DIR", requires = "add")]
    pub fixtures: Option<PathBuf>,
}

/// A form of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One step a line
    Script,
    /// A C program
    C,
    /// A Rust test program for the battery
    Rust,
    /// What the contract demands, as a trace
    Trace,
}

/// Which readings of the open points are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Reading {
    /// Every reading that the contract names
    #[default]
    Core,
    /// The contract's own choice
    Strict,
}

impl Reading {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Strict => "strict",
        }
    }

    /// What the oracle accepts.
    pub fn allowed(self) -> Allowed {
        match self {
            Self::Core => Allowed::core(),
            Self::Strict => Allowed::strict(),
        }
    }
}

fn clap_ops(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|ops| (1..=5000).contains(ops))
        .ok_or_else(|| "it must be a number from 1 to 5000".to_owned())
}

fn long_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err("it must be between 0.1 and 86400 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn header_bytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(Header::Bytes(bytes)) => Ok(bytes),
        _ => Err("it must be a multiple of 8 from 8 to 256".to_owned()),
    }
}

pub(super) fn page_bytes(text: &str) -> Result<u64, String> {
    let is_page = |page: &u64| page.is_power_of_two() && (4096..=1 << 20).contains(page);
    text.parse().ok().filter(is_page).ok_or_else(|| "it must be a power of two from 4096 to 1048576".to_owned())
}
