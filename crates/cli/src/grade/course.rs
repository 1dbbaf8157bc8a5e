//! The course file `osmem.toml`: what an instructor sets for a class, and what holds where nothing is set.
//!
//! Every mistake in the file is an error that names file, line and key. Overlays are read once, with the file: what is in
//! the digest is what is put over the submissions.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::args::Selection;
use crate::suite::Profile;

mod details;
mod file;
mod late;
mod overlay;
pub mod performance;
mod place;

pub use details::{RANDOM, ReportPlan};
pub use late::read_late;
pub use overlay::Overlay;
#[cfg(test)]
pub use overlay::OverlayFile;

/// The digest without a course file: SHA-256 of nothing.
const NO_COURSE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What an instructor has set.
#[derive(Clone, Debug)]
pub struct Course {
    /// Empty without a course file, or where the file gives none.
    pub name: String,
    /// Of the random programs, and of the other sizes of tests.
    pub seed: u64,
    /// Source of seeds that differ from submission to submission; without it, all have `seed`.
    pub secret: Option<String>,
    /// How submissions are built.
    pub build: BuildPlan,
    /// The files that are taken from a submission; all if none is named.
    pub files: Option<GlobSet>,
    /// Files that replace what the submission brought.
    pub over: Overlay,
    /// Files that only fill gaps.
    pub under: Overlay,
    /// What of the battery is run.
    pub battery: BatteryPlan,
    /// The random programs.
    pub random: RandomPlan,
    /// The points for memory and time, if there are any.
    pub performance: Option<performance::PerformancePlan>,
    /// How much students are told.
    pub report: ReportPlan,
    /// What a submission may use.
    pub limits: Limits,
    /// What being late costs.
    pub late: Late,
    /// The style steps, in the order of the file.
    pub style: Vec<Style>,
    /// SHA-256 over the file and the overlays, in hexadecimal.
    pub digest: String,
    /// Where the file names tests, for errors.
    named: Vec<Named>,
}

/// How submissions are built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildPlan {
    /// A shell command, run in the submission's folder; none: the submission's own way is recognised.
    pub command: Option<String>,
    /// Where the library is afterwards, relative to that folder; none: where such a build puts it.
    pub library: Option<PathBuf>,
}

/// What of the battery is run, and what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct BatteryPlan {
    /// Which profiles.
    pub profile: Selection,
    /// Names or rules to choose by; all if empty.
    pub tests: Vec<String>,
    /// Tests of which students see name and outcome alone.
    pub hidden: BTreeSet<String>,
    /// Points that differ from the suite's.
    pub points: BTreeMap<String, f64>,
    /// What the points of the battery are scaled to add up to; none: they stay as they are.
    pub total: Option<f64>,
}

impl Default for BatteryPlan {
    fn default() -> Self {
        Self {
            profile: Selection::Core,
            tests: Vec::new(),
            hidden: BTreeSet::new(),
            points: BTreeMap::new(),
            total: None,
        }
    }
}

/// The random programs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomPlan {
    /// How many.
    pub programs: u64,
    /// Steps of each.
    pub steps: u64,
    /// What passing all of them is worth.
    pub points: f64,
    /// Whether students see name and outcome alone.
    pub hidden: bool,
    /// The profile they are drawn for.
    pub profile: Profile,
}

impl Default for RandomPlan {
    fn default() -> Self {
        Self { programs: 100, steps: 250, points: 0.0, hidden: true, profile: Profile::Core }
    }
}

/// What a submission may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall time of a test.
    pub test_seconds: u64,
    /// Wall time of the build.
    pub build_seconds: u64,
    /// Wall time of everything.
    pub total_seconds: u64,
    /// Processor time of a process.
    pub cpu_seconds: u64,
    /// Memory that all processes of a box have touched and hold, together.
    pub memory_mib: u64,
    /// Processes at a time.
    pub processes: u64,
    /// Size of a file.
    pub file_mib: u64,
    /// Size of everything that is written, `/tmp` counted by itself.
    pub disk_mib: u64,
    /// Open files of a process.
    pub open_files: u64,
    /// What a program may print.
    pub output_mib: u64,
    /// The trace of a program.
    pub trace_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            test_seconds: 5,
            build_seconds: 60,
            total_seconds: 300,
            cpu_seconds: 30,
            memory_mib: 1024,
            processes: 64,
            file_mib: 64,
            disk_mib: 256,
            open_files: 256,
            output_mib: 4,
            trace_mib: 16,
        }
    }
}

/// What being late costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    /// Per cent of what was earned, for every day that has begun.
    pub per_day: f64,
    /// Per cent that are never exceeded.
    pub most: f64,
}

impl Default for Late {
    fn default() -> Self {
        Self { per_day: 10.0, most: 50.0 }
    }
}

impl Late {
    /// The per cent that are taken off for so many days.
    pub fn late(&self, days: f64) -> f64 {
        if days > 0.0 { (days.ceil() * self.per_day).min(self.most) } else { 0.0 }
    }
}

/// A style step.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Its name.
    pub name: String,
    /// What is counted.
    pub counts: Counts,
    /// What can be had.
    pub points: f64,
    /// What can be had for how many, the fewest first.
    pub bands: Vec<Band>,
}

/// What a style step counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counts {
    /// The lines that a shell command prints.
    Lines(String),
    /// The warnings of the compiler with -Wall -Wextra in all C files but those in these folders.
    Warnings(Vec<PathBuf>),
}

/// What a count is worth.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The most that may be counted.
    pub at_most: u64,
    /// What it is then worth.
    pub points: f64,
}

impl Style {
    /// Returns whether it counts the compiler's warnings.
    pub const fn is_of_compiler(&self) -> bool {
        matches!(self.counts, Counts::Warnings(_))
    }

    /// What so many lines or warnings are worth: the first band that holds them, nothing where none does.
    pub fn earned(&self, count: u64) -> f64 {
        self.bands.iter().find(|band| count <= band.at_most).map_or(0.0, |band| band.points)
    }
}

/// A place where the file names a test.
#[derive(Clone, Debug)]
struct Named {
    test: String,
    key: &'static str,
    path: PathBuf,
    line: usize,
}

/// Why a course cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key, what is wrong and what would be right.
        message: String,
    },
    /// The file or an overlay as a whole is wrong.
    #[error("{}: {message}", path.display())]
    Whole {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what would be right.
        message: String,
    },
}

impl Default for Course {
    fn default() -> Self {
        Self {
            name: String::new(),
            seed: 1,
            secret: None,
            build: BuildPlan::default(),
            files: None,
            over: Overlay::default(),
            under: Overlay::default(),
            battery: BatteryPlan::default(),
            random: RandomPlan::default(),
            performance: None,
            report: ReportPlan::default(),
            limits: Limits::default(),
            late: Late::default(),
            style: Vec::new(),
            digest: NO_COURSE.to_owned(),
            named: Vec::new(),
        }
    }
}

impl Course {
    /// Reads and validates the course file in `path`, and the overlays that it names.
    pub fn load(path: &Path) -> Result<Self, CourseError> {
        file::load(path)
    }

    /// The seed for the submission with this digest. It cannot be computed without the secret.
    pub fn seed_for(&self, digest: &str) -> u64 {
        let Some(secret) = &self.secret else { return self.seed };
        let drawn = Sha256::digest(format!("{} {secret} {digest}", self.seed));
        // Options of the command take no more bits.
        drawn.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)) >> 1
    }

    /// Refuses a course that hides, prices or speaks of a test which is not `known`.
    pub fn require_tests(&self, known: impl Fn(&str) -> bool) -> Result<(), CourseError> {
        match self.named.iter().find(|named| !known(&named.test)) {
            None => Ok(()),
            Some(Named { test, key, path, line }) => Err(CourseError::Content {
                path: path.clone(),
                line: *line,
                message: format!(
                    "{key}: no test is named \"{}\"; `osmem check --list --profile all` shows the names",
                    test.escape_debug()
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
