//! The small allocators of `fixtures/submissions` as data: one entry each, with the verdict that it must get.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The files of a variant that was built.
const SOURCE: &str = "osmem.c";
const LIBRARY: &str = "libosmem.so";

/// What an allocator is, and with that what the battery must say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Passes everything.
    Right,
    /// Reads an open point otherwise, and passes the core tests.
    Different,
    /// Holds one mistake, and fails the tests of its entry.
    Wrong,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Right => "right",
            Self::Different => "different",
            Self::Wrong => "wrong",
        })
    }
}

/// How a test ended, as `osmem check --format json` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Pass,
    Fail,
    Crash,
    Timeout,
    Limit,
    InfraError,
}

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    pub id: String,
    pub kind: Kind,
    /// What it does otherwise than the reference, in half a sentence.
    pub what: String,
    /// The mistake that a wrong one makes, by its id in the oracle's closed list of causes.
    pub cause: Option<String>,
    /// The open points (O1 to O10) it reads otherwise.
    #[serde(default)]
    pub points: Vec<String>,
    /// Its source, below `fixtures/submissions`.
    #[serde(default = "reference")]
    source: PathBuf,
    /// How it differs from that source: hunks of whole lines, parted by `@@`.
    #[serde(default)]
    pub diff: String,
    /// Which profile shows the mistake: core if nothing is said.
    profile: Option<String>,
    /// Why nothing of it is usable, for one whose mistake may cost any number of points.
    pub unusable: Option<String>,
    /// Why no search finds it in the time that it has.
    pub unfound: Option<String>,
    /// The only tests to run, for one that makes every test wait.
    #[serde(default)]
    pub only: Vec<String>,
    #[serde(default)]
    fail: Vec<String>,
    #[serde(default)]
    crash: Vec<String>,
    #[serde(default)]
    timeout: Vec<String>,
    #[serde(default)]
    limit: Vec<String>,
}

fn reference() -> PathBuf {
    "reference/osmem.c".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    variant: Vec<Variant>,
}

impl Variant {
    /// The tests that must not pass, each with the outcome it must have.
    pub fn demands(&self) -> impl Iterator<Item = (&str, Outcome)> {
        let lists = [
            (&self.fail, Outcome::Fail),
            (&self.crash, Outcome::Crash),
            (&self.timeout, Outcome::Timeout),
            (&self.limit, Outcome::Limit),
        ];
        lists.into_iter().flat_map(|(tests, outcome)| tests.iter().map(move |test| (test.as_str(), outcome)))
    }

    /// The profile to run: everything for those that pass, where the mistake shows for the others.
    pub fn profile(&self) -> &str {
        match self.kind {
            Kind::Right | Kind::Different => "all",
            Kind::Wrong => self.profile.as_deref().unwrap_or("core"),
        }
    }

    /// Its source.
    pub fn text(&self, submissions: &Path) -> Result<String, String> {
        let path = submissions.join(&self.source);
        let original = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        apply(&self.diff, &original)
    }

    /// Writes and compiles it in `folder`; returns the library. A warning is an error.
    pub fn build(&self, submissions: &Path, folder: &Path) -> Result<PathBuf, String> {
        let told = |error: io::Error| format!("cannot build in {}: {error}", folder.display());
        let text = self.text(submissions)?;
        fs::create_dir_all(folder).map_err(told)?;
        // Somebody else may be running what is there already, so that it is replaced and not written over.
        let draft = tempfile::tempdir_in(folder).map_err(told)?;
        fs::write(draft.path().join(SOURCE), text).map_err(told)?;
        let is_rust = self.source.extension().is_some_and(|extension| extension == "rs");
        let (compiler, arguments): (_, &[_]) = if is_rust {
            (
                "rustc",
                &["--edition", "2024", "--crate-type", "cdylib", "--crate-name", "osmem", "-D", "warnings", "-O", "-o"],
            )
        } else {
            ("cc", &["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-pthread", "-o"])
        };
        let run = Command::new(compiler).args(arguments).args([LIBRARY, SOURCE]).current_dir(draft.path()).output();
        let run = run.map_err(|error| format!("{compiler} does not start: {error}"))?;
        if !run.status.success() {
            return Err(String::from_utf8_lossy(&run.stderr).into_owned());
        }
        for file in [SOURCE, LIBRARY] {
            fs::rename(draft.path().join(file), folder.join(file)).map_err(told)?;
        }
        Ok(folder.join(LIBRARY))
    }
}

/// Every entry of `submissions/variants`: the right ones, the different ones, the wrong ones, each file by file.
pub fn load(submissions: &Path) -> Vec<Variant> {
    let folder = submissions.join("variants");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the variants can be listed")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let mut variants = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("the variants are UTF-8");
        let parsed: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        variants.extend(parsed.variant);
    }
    let mut ids = HashSet::new();
    for variant in &variants {
        assert!(ids.insert(variant.id.clone()), "{} names two variants", variant.id);
    }
    variants.sort_by_key(|variant| variant.kind);
    variants
}

/// `source` with the hunks of `diff` applied: in each, the lines that begin with ` ` or `-` are what stands there now, which must be
/// so in exactly one place, and those that begin with ` ` or `+` take their place.
pub fn apply(diff: &str, source: &str) -> Result<String, String> {
    if let Some(line) =
        diff.lines().find(|line| !line.is_empty() && *line != "@@" && !line.starts_with([' ', '-', '+']))
    {
        return Err(format!("a line of a diff begins with a space, - or +, and this one does not: {line}"));
    }
    let mut text = format!("\n{source}");
    for hunk in diff.split("@@\n").filter(|hunk| !hunk.is_empty()) {
        let side = |sign: char| -> String {
            let lines = hunk.lines().filter(|line| line.is_empty() || line.starts_with([' ', sign]));
            lines.map(|line| format!("\n{}", line.get(1..).unwrap_or_default())).chain(["\n".into()]).collect()
        };
        let (old, new) = (side('-'), side('+'));
        match text.matches(&old).count() {
            1 => text = text.replace(&old, &new),
            count => return Err(format!("this hunk fits in {count} places instead of one:\n{hunk}")),
        }
    }
    Ok(text.split_off(1))
}

#[test]
fn a_hunk_replaces_whole_lines_in_one_place() {
    let source = "a\nb\n\nc\n";
    assert_eq!(apply("", source).unwrap(), source);
    assert_eq!(apply("-a\n+x\n+y\n b\n@@\n\n-c\n", source).unwrap(), "x\ny\nb\n\n");
    assert_eq!(apply(" c\n+d\n", source).unwrap(), "a\nb\n\nc\nd\n");
    assert!(apply("-z\n", source).unwrap_err().contains("0 places"));
    assert!(apply("-a\n", "a\nb\na\n").unwrap_err().contains("2 places"));
    assert!(apply("a\n+b\n", source).unwrap_err().contains("begins with"));
    assert!(apply("-a\n", "aa\n").unwrap_err().contains("0 places"), "whole lines only");
}
