//! The options of the commands that grade: `grade`, `merge`, `doctor`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::{BatteryArgs, TracerArgs};

const GRADE_EXAMPLES: &str = "\
Examples:
  osmem grade ~/hw2 --out results                       one submission
  osmem grade --batch submissions --out results         a class: every folder, archive or .c file in it
  osmem grade --batch submissions --out results --course osmem.toml --late late.csv
  osmem grade --batch submissions --out results --resume
  osmem grade --batch submissions --out part2 --partition slice:2/4

Exit codes:
  0    all passed
  1    some did not
  2    unusable command line or course file
  3    the only submission does not build
  5    the environment is unfit: no box, no tracer, a folder that cannot be written; or a submission could not be judged for such a reason
  130  interrupted; --resume goes on";

const MERGE_EXAMPLES: &str = "\
Examples:
  osmem merge part1 part2 part3 part4 --out results

Exit codes:
  0    merged
  2    a folder without results, or two that contradict each other
  5    a folder that cannot be written";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  osmem doctor                             this machine
  osmem doctor --json                      the same for programs

Exit codes:
  0    this machine can grade
  5    it cannot; the remedy is named";

/// `osmem grade`.
#[derive(Debug, Args)]
#[command(after_help = GRADE_EXAMPLES)]
pub struct GradeArgs {
    /// Submissions: folders, .c files, .so files (--allow-prebuilt), .zip, .tar, .tar.gz or .tar.xz archives
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Each PATH is a folder of submissions
    #[arg(long)]
    pub batch: bool,
    /// Folder for the results
    #[arg(long, value_name = "DIR", default_value = "osmem-results")]
    pub out: PathBuf,
    /// The course file: build command, overlays, tests, points, limits, style
    #[arg(long, value_name = "FILE")]
    pub course: Option<PathBuf>,
    /// Days late by submission, as CSV lines NAME,DAYS
    #[arg(long, value_name = "FILE")]
    pub late: Option<PathBuf>,
    /// The name of the submission, where there is one PATH [default: from its file name]
    #[arg(long, value_name = "NAME", conflicts_with = "batch")]
    pub name: Option<String>,
    /// Accept libraries that are already built
    #[arg(long)]
    pub allow_prebuilt: bool,
    /// The box that submissions are built and run in
    #[arg(long = "box", value_enum, default_value_t)]
    pub containment: BoxChoice,
    /// Build and run submissions without a box: they can do what you can do
    #[arg(long = "unsafe", conflicts_with = "containment")]
    pub unsafe_: bool,
    /// Tracer of the run.
    #[command(flatten)]
    pub watch: TracerArgs,
    /// How many submissions are graded at the same time, 1 to 256 [default: the number of processors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Keep results that are there already if submission, course and version are the same
    #[arg(long)]
    pub resume: bool,
    /// Grade anew and replace results that are there already
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
    /// Grade only a part of the submissions: the M-th of N (slice: in turn by name; hash: by a hash of the name)
    #[arg(long, value_name = "slice:M/N|hash:M/N")]
    pub partition: Option<Partition>,
    /// Where the battery lies.
    #[command(flatten)]
    pub battery: BatteryArgs,
}

/// `osmem merge`.
#[derive(Debug, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub struct MergeArgs {
    /// Results folders of `osmem grade --partition`
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Folder for the merged results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace results that are there already
    #[arg(long)]
    pub force: bool,
}

/// `osmem doctor`.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which box is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BoxChoice {
    /// The strongest that works here
    #[default]
    Auto,
    /// Namespaces of its own
    Namespaces,
    /// Landlock, where namespaces are forbidden
    Landlock,
}

/// A part of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// By a hash of the name instead of by its place.
    pub hash: bool,
    /// Which part, counted from 1.
    pub part: u64,
    /// Of how many.
    pub parts: u64,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it must be slice:M/N or hash:M/N, with M from 1 to N, for instance slice:2/4".to_owned();
        let (way, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (part, parts) = rest.split_once('/').ok_or_else(wrong)?;
        let hash = match way {
            "slice" => false,
            "hash" => true,
            _ => return Err(wrong()),
        };
        let (part, parts) = (part.parse().map_err(|_| wrong())?, parts.parse().map_err(|_| wrong())?);
        if part == 0 || part > parts { Err(wrong()) } else { Ok(Self { hash, part, parts }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_read() {
        assert_eq!("slice:2/4".parse(), Ok(Partition { hash: false, part: 2, parts: 4 }));
        assert_eq!("hash:1/1".parse(), Ok(Partition { hash: true, part: 1, parts: 1 }));
        for text in ["", "slice", "slice:0/4", "slice:5/4", "slice:1", "part:1/2", "slice:a/b", "slice:-1/2"] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
