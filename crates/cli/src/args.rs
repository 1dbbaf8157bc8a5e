//! The command line: every sub-command, option and help text.

mod grade;
mod new;
mod search;
mod shell;
mod show;
mod stats;
mod tracer;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::inject::Injection;
use crate::suite::Profile;
pub use grade::{BoxChoice, DoctorArgs, GradeArgs, MergeArgs, Partition};
pub use new::NewArgs;
use search::page_bytes;
pub use search::{Form, FuzzArgs, FuzzProfile, JudgeArgs, Reading, ReplayArgs};
pub use shell::{CompletionsArgs, ManArgs};
pub use show::{Drawing, ShowArgs};
pub use stats::{CompareArgs, StatsArgs, StatsFormat};
pub use tracer::{TracerArgs, TracerChoice};

const OVERVIEW: &str = "\
Examples:
  osmem new hw2 && cd hw2                  begin an allocator
  osmem check                              build what lies in the current folder, and check it
  osmem check --step                       the next rule to work on
  osmem show --test best-fit-many          draw where a test fails
  osmem grade --batch submissions          grade a class
  osmem help check                         every option of a command, with examples

Exit codes:
  0    all passed
  1    something failed
  2    unusable command line or library
  3    the only submission, or what is to be checked, does not build
  4    no test selected
  5    the environment is unfit: tracer, suite, fixtures, limits, folders
  6    an internal error, which is a bug
  130  interrupted";

const CHECK_EXAMPLES: &str = "\
Examples:
  osmem check                              build what lies in the current folder, and check it
  osmem check ~/hw2                        the same of another folder
  osmem check osmem.c split                a single source; tests with \"split\" in their name
  osmem check --watch                      again whenever a source changes
  osmem check --step                       the next rule to work on
  osmem check --all                        every failing test in full; --test NAME one of them
  osmem check --own                        our own library, every test
  osmem check --lib ~/hw2/libosmem.so      another library, core tests
  osmem check --lib ~/hw2 split R12        tests with \"split\" in their name, and those that prove R12
  osmem check --profile all --lib ~/hw2 --format json
  osmem check --lib ~/hw2 --inject brk:ENOMEM:2   every test, the second brk of its program refused
  osmem check --list --profile core";

const TRACE_EXAMPLES: &str = "\
Examples:
  osmem trace -- ./my-program
  osmem trace --lib ~/hw2/libosmem.so -- ./my-program 10 20
  osmem trace --origins --tracer builtin -- ./my-program
  osmem trace --raw -- ./my-program        what the tracer recorded, as strace writes it

Exit codes:
  0    a whole trace was taken, whatever the program's own exit code
  1    the program crashed, was stopped, ended too early, or never calls os_*
  2    the program or the library cannot be used
  5    no tracer is there, or it may not trace";

const BLESS_EXAMPLES: &str = "\
A golden trace is what the contract says, not what the library happens to do: read every change against the contract.
Each program runs twice, with and without address randomisation; what differs, or fails its own checks, is never written.

Examples:
  osmem bless                       every test
  osmem bless split-first --dry-run show what would change for one test
  osmem bless --prune               also remove traces that belong to no test";

/// Checks and traces memory allocators by their system calls.
#[derive(Debug, Parser)]
#[command(name = "osmem", version, arg_required_else_help = true, after_help = OVERVIEW)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Task,
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Run the battery on a library and report which rules it keeps
    Check(CheckArgs),
    /// Print the labelled trace of any program that calls os_*
    Trace(TraceArgs),
    /// Accept the traces of our own library as the golden ones
    Bless(BlessArgs),
    /// Say where a trace leaves the contract, and why
    Judge(JudgeArgs),
    /// Draw the heap of a run, call by call
    Show(ShowArgs),
    /// Measure what a run costs: memory, fragmentation, speed, leaks
    Stats(StatsArgs),
    /// Run the same calls with two libraries, side by side
    Compare(CompareArgs),
    /// Search for a short program that breaks a library
    Fuzz(FuzzArgs),
    /// Run a script of calls with a library, or turn it into source code
    Replay(ReplayArgs),
    /// Grade submissions: build and run them in a box, judge and report
    Grade(GradeArgs),
    /// Join the results of the parts of a class
    Merge(MergeArgs),
    /// Say whether this machine can trace and grade, and what to do if not
    Doctor(DoctorArgs),
    /// Begin an allocator: a project that builds and does not work yet
    New(NewArgs),
    /// Print what a shell needs to complete this command's words
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

/// Where the battery lies, if not where it was built or installed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where things are")]
pub struct BatteryArgs {
    /// Folder with suite.toml and traces/ [default: found near the command, else above the current folder]
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,
    /// Folder of the test programs [default: found near the command]
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
}

/// `osmem check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// A folder of sources, a .c file or a .so file first [default: the current folder]; then the tests to run: a part of the name, or a rule
    /// such as R6 [default: every test of the profile]
    #[arg(value_name = "PATH|FILTER")]
    pub filters: Vec<String>,
    /// A library that is built already: a file, or a folder that holds libosmem.so
    #[arg(long, value_name = "FILE|DIR")]
    pub lib: Option<PathBuf>,
    /// Check our own library, as in our own source tree
    #[arg(long, conflicts_with = "lib")]
    pub own: bool,
    /// Check again whenever a source changes, and say what became better or worse
    #[arg(long = "watch", conflicts_with_all = ["list", "format"])]
    pub repeat: bool,
    /// Show every test and every failure in full
    #[arg(long, conflicts_with = "step")]
    pub all: bool,
    /// Run this test only, by its whole name, and show it in full
    #[arg(long, value_name = "NAME", conflicts_with_all = ["step", "profile"])]
    pub test: Option<String>,
    /// Show the next rule to work on, in an order that builds up
    #[arg(long, conflicts_with_all = ["format", "inject"])]
    pub step: bool,
    /// Which tests to run [default: core; all for our own library]
    #[arg(long)]
    pub profile: Option<Selection>,
    /// Size of a block's header in the library, in bytes [default: auto; 32 for our own library]
    #[arg(long, value_name = "auto|N")]
    pub header: Option<Header>,
    /// What a trace is held against: its golden trace, or the contract as a model, which also says why [default: fixtures]
    #[arg(long, value_enum, default_value_t)]
    pub against: Against,
    /// Run each program again with other sizes, drawn by this seed, and judge it by the contract as a model [default: base sizes only]
    #[arg(long, value_name = "SEED", conflicts_with = "inject")]
    pub vary: Option<u64>,
    /// Refuse the N-th brk or mmap of each program, as the kernel does where memory is short, with a + all later ones, too; the contract
    /// as a model judges, and a program that does not expect NULL may then fail by itself
    #[arg(long, value_name = "brk|mmap:ENOMEM:N[+]")]
    pub inject: Option<Injection>,
    /// How many programs run at the same time, 1 to 256 [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// How long one program may run, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// List the selected tests instead of running them
    #[arg(long)]
    pub list: bool,
    /// Where the battery lies.
    #[command(flatten)]
    pub battery: BatteryArgs,
    /// Folder for the traces of failing tests [default: osmem-out/traces; for our own library traces/ in the build output]
    #[arg(long, value_name = "DIR", help_heading = "Where things are")]
    pub traces: Option<PathBuf>,
}

/// `osmem trace`.
#[derive(Debug, Args)]
#[command(after_help = TRACE_EXAMPLES)]
pub struct TraceArgs {
    /// The library to run the program with: a file, or a folder that holds libosmem.so [default: the program's own, else ours]
    #[arg(long, value_name = "FILE|DIR")]
    pub lib: Option<PathBuf>,
    /// Print what the tracer recorded, as strace writes it, instead of the labelled trace
    #[arg(long)]
    pub raw: bool,
    /// Also say whose code made each system call, as comments; only the built-in tracer knows
    #[arg(long, conflicts_with = "raw")]
    pub origins: bool,
    /// How long the program may run, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// The program and its arguments
    #[arg(required = true, last = true, value_name = "PROGRAM")]
    pub command: Vec<OsString>,
}

/// `osmem bless`.
#[derive(Debug, Args)]
#[command(after_help = BLESS_EXAMPLES)]
pub struct BlessArgs {
    /// The tests to bless, by their whole names [default: every test]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Show the changes and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Remove golden traces that belong to no test
    #[arg(long)]
    pub prune: bool,
    /// How long one program may run, in seconds, 0.1 to 3600
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// Where the battery lies.
    #[command(flatten)]
    pub battery: BatteryArgs,
}

/// The sizes that a trace goes by.
#[derive(Clone, Copy, Debug, Args)]
pub struct SizesArgs {
    /// Size of a block's header, in bytes
    #[arg(long, value_name = "auto|N", default_value = "auto")]
    pub header: Header,
    /// Page size of the machine that the trace is from, in bytes [default: this machine's]
    #[arg(long, value_name = "N", value_parser = page_bytes)]
    pub page: Option<u64>,
}

/// Which profiles to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Selection {
    /// What any allocator must do, whatever its system calls
    Basic,
    /// The same, and what the assignment decides
    Core,
    /// What the contract decides beyond the assignment
    Strict,
    /// Misuse, refusal, foreign breaks, huge sizes
    Robust,
    /// Every test
    All,
}

impl Selection {
    /// Whether tests of `profile` are run.
    pub fn holds(self, profile: Profile) -> bool {
        match self {
            Self::Basic => profile == Profile::Basic,
            Self::Core => matches!(profile, Profile::Basic | Profile::Core),
            Self::Strict => profile == Profile::Strict,
            Self::Robust => profile == Profile::Robust,
            Self::All => true,
        }
    }

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Core => "core",
            Self::Strict => "strict",
            Self::Robust => "robust",
            Self::All => "all",
        }
    }
}

/// What a trace is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Against {
    /// The golden trace; the oracle where that is not exact for the header size
    #[default]
    Fixtures,
    /// The contract as an executable model
    Oracle,
}

/// What `check` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object, for programs
    Json,
}

/// The size of a block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Measured from the first heap request.
    Auto,
    /// Given, in bytes.
    Bytes(u64),
}

impl std::str::FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(bytes) if bytes % 8 == 0 && (8..=256).contains(&bytes) => Ok(Self::Bytes(bytes)),
            _ => Err("it must be auto, or a multiple of 8 from 8 to 256".to_owned()),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    if !(0.1..=3600.0).contains(&seconds) {
        return Err("it must be between 0.1 and 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_headers_are_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "0.09", "3601", "nan", "inf", "-1", "ten", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!("auto".parse(), Ok(Header::Auto));
        assert_eq!("24".parse(), Ok(Header::Bytes(24)));
        for text in ["0", "12", "264", "-8", "Auto", ""] {
            assert!(text.parse::<Header>().is_err(), "{text}");
        }
    }
}
