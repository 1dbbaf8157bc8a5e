//! Every way the command can end without a verdict, and the exit code of each.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use osmem_trace::builtin::BuiltinError;
use osmem_trace::golden::GoldenError;
use osmem_trace::run::RunError;
use osmem_trace::strace::StraceError;

use crate::grade::course::CourseError;
use crate::grade::intake::IntakeError;
use crate::judge::JudgeError;
use crate::layout::LayoutError;
use crate::library::LibraryError;
use crate::limits::LimitError;
use crate::loader::LoadError;
use crate::new::NewError;
use crate::script::ScriptError;
use crate::script::rust::RustError;
use crate::show::ShowError;
use crate::sizes::SizesError;
use crate::stats::StatsError;
use crate::suite::SuiteError;
use crate::target::TargetError;

/// The exit codes of `osmem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for passed.
    Passed = 0,
    /// Something failed: a test, a traced program, a program that must not be blessed.
    Failed = 1,
    /// The command line cannot be used as it is, an unusable library or program included.
    Usage = 2,
    /// The only submission does not build.
    NoBuild = 3,
    /// No test fits the filters and the profile.
    NothingSelected = 4,
    /// The surroundings do not let us judge: tracer, suite, fixtures, limits, folders.
    Unfit = 5,
    /// A mistake of this command itself.
    Internal = 6,
    /// Ended by Ctrl-C or SIGTERM; 128 + SIGINT, as shells count.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a sub-command ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Judge(#[from] JudgeError),
    #[error("the program {0}")]
    Program(RunError),
    #[error("no test is named \"{0}\"; `osmem check --list` shows the names")]
    UnknownTest(String),
    #[error("golden traces are not changed where CI is set: bless on your own machine, and commit what you have read")]
    BlessInCi,
    #[error("no test {what}; `osmem check --list --profile all` shows them{elsewhere}")]
    NothingSelected { what: String, elsewhere: String },
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error(transparent)]
    Sizes(#[from] SizesError),
    #[error(transparent)]
    Fixture(#[from] GoldenError),
    #[error("{} belongs to no test in suite.toml; remove it with `osmem bless --prune`, or add the test", .0.display())]
    Orphan(PathBuf),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Strace(#[from] StraceError),
    #[error(transparent)]
    Builtin(#[from] BuiltinError),
    #[error("no tracer works here: {strace}; and {builtin}")]
    NoTracer { strace: StraceError, builtin: BuiltinError },
    #[error(
        "the tracers disagree about program {program}: {right} shows nothing wrong in it, {wrong} does; though each shows the same again; this is a bug of one of them"
    )]
    Batch { program: u64, right: String, wrong: String },
    #[error("where CI is set our own library is checked under both tracers, and {0} (--tracer strace does without it)")]
    NoProof(BuiltinError),
    #[error(transparent)]
    Run(RunError),
    #[error("cannot keep the traces of failing tests: {0}; name a folder you may write to with --traces DIR")]
    Traces(GoldenError),
    #[error("cannot write the results: {0}")]
    Output(#[from] io::Error),
    #[error("cannot remove {}: {source}", path.display())]
    Remove { path: PathBuf, source: io::Error },
    #[error("cannot use the file {}: {source} (TMPDIR names another folder for it)", path.display())]
    Stage { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}; name a folder you may write to with --out DIR", path.display())]
    Save { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Show(#[from] ShowError),
    #[error(transparent)]
    Stats(#[from] StatsError),
    #[error("cannot write the drawing {}: {source}; name a file you may write with --out FILE", path.display())]
    Drawing { path: PathBuf, source: io::Error },
    #[error("cannot write the manual page {}: {source}; name a folder you may write to", path.display())]
    Page { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Script(#[from] ScriptError),
    #[error("the script cannot become a test program: {0}")]
    TestProgram(#[from] RustError),
    #[error("cannot add the test {name}: {why}")]
    Add { name: String, why: String },
    #[error("the replayer cannot run the script: {0}")]
    Replayer(String),
    #[error(transparent)]
    Course(#[from] CourseError),
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error("--name names one submission, and there are several")]
    NameForMany,
    #[error("{} is not empty: --resume keeps what is done there, --force replaces it, --out DIR names another folder", .0.display())]
    ResultsThere(PathBuf),
    #[error("another osmem writes to {}; wait for its end, or name another folder with --out DIR", .0.display())]
    ResultsBusy(PathBuf),
    #[error("the results folder {} lies in the submission {}, which would change with it; name another folder with --out DIR", out.display(), submission.display())]
    ResultsInside { out: PathBuf, submission: PathBuf },
    #[error("{} holds no results of `osmem grade` (a whole results.jsonl); grade that part, or go on with --resume", .0.display())]
    NoResults(PathBuf),
    #[error("{name} has different results in {} and in {}; grade it again, or leave one of them out", first.display(), second.display())]
    Contradiction { name: String, first: PathBuf, second: PathBuf },
    #[error(
        "no box works here: {0}; allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, in a container --security-opt seccomp=unconfined), run as root, or use Linux 5.13 or later with Landlock; --unsafe does without, and submissions can then do all that you can do"
    )]
    NoBox(String),
    #[error(transparent)]
    New(#[from] NewError),
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(#[from] ctrlc::Error),
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::ProgramNotFound { .. } | RunError::NotExecutable { .. } | RunError::NotTraceable { .. } => {
                Self::Program(error)
            }
            RunError::Strace(error) => Self::Strace(error),
            RunError::Builtin(error) => Self::Builtin(error),
            error => Self::Run(error),
        }
    }
}

/// Whether a tracer cannot be used at all: no other run would fare better.
pub fn is_of_tracer(error: &RunError) -> bool {
    matches!(error, RunError::Strace(_) | RunError::Builtin(_))
}

impl Error {
    /// The same of an error of the command.
    pub fn is_of_tracer(&self) -> bool {
        matches!(self, Self::Strace(_) | Self::Builtin(_))
    }

    /// The exit code of this error.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Library(_) | Self::Load(LoadError::Refused { .. }) => Exit::Usage,
            Self::Program(_) | Self::UnknownTest(_) | Self::BlessInCi | Self::Judge(_) => Exit::Usage,
            Self::NothingSelected { .. } => Exit::NothingSelected,
            Self::Load(LoadError::Unfit { .. }) => Exit::Unfit,
            Self::Layout(_) | Self::Suite(_) | Self::Sizes(_) | Self::Fixture(_) | Self::Orphan(_) => Exit::Unfit,
            Self::Strace(_) | Self::Builtin(_) | Self::NoTracer { .. } | Self::NoProof(_) => Exit::Unfit,
            Self::Limit(_) | Self::Run(_) | Self::Batch { .. } => Exit::Unfit,
            Self::Traces(_) | Self::Output(_) | Self::Remove { .. } => Exit::Unfit,
            Self::Target(TargetError::Nothing { .. }) => Exit::Usage,
            Self::Target(TargetError::Build { .. } | TargetError::NoLibrary { .. }) => Exit::NoBuild,
            Self::Target(TargetError::System { .. }) => Exit::Unfit,
            Self::Show(_) | Self::Stats(_) => Exit::Usage,
            Self::Drawing { .. } | Self::Page { .. } => Exit::Unfit,
            Self::Script(_) | Self::TestProgram(_) | Self::Add { .. } => Exit::Usage,
            Self::Stage { .. } | Self::Save { .. } | Self::Replayer(_) => Exit::Unfit,
            Self::Course(_) | Self::Intake(_) | Self::NameForMany => Exit::Usage,
            Self::ResultsThere(_) | Self::ResultsBusy(_) => Exit::Usage,
            Self::NoResults(_) | Self::Contradiction { .. } | Self::ResultsInside { .. } => Exit::Usage,
            Self::NoBox(_) => Exit::Unfit,
            Self::New(error) => error.exit(),
            Self::Signals(_) => Exit::Internal,
        }
    }
}
