//! The battery as data: loads `suite.toml` and refuses anything doubtful in it, naming file, line and test.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::points::Points;
use crate::rules::Rule;

/// The points of all core tests together: a grade in per cent.
const CORE_POINTS: Points = Points::whole(100);

/// Which readings of the assignment a test accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// For any allocator, whatever its system calls: NULL, contents, alignment, overlap, mappings given back.
    Basic,
    /// What the assignment decides; every correct reading of it passes.
    Core,
    /// The choices the contract makes where the assignment leaves some.
    Strict,
    /// Misuse, refusal, foreign moves of the break, huge sizes, long runs.
    Robust,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Basic => "basic",
            Self::Core => "core",
            Self::Strict => "strict",
            Self::Robust => "robust",
        })
    }
}

/// The heap that a program begins on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// None: the first heap request brings the preallocation (R4).
    #[default]
    Cold,
    /// One free block: the program takes the whole preallocation by one request and frees it before anything else.
    Warm,
}

/// The calls that make a heap warm.
pub const WARM_CALLS: usize = 2;

/// One test: a program, what it proves and what it is worth.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Kebab-case; also the name of the fixture, `traces/NAME.trace`.
    pub name: String,
    /// File name of the test program.
    pub program: String,
    /// What passing it is worth, at least a half.
    pub points: Points,
    /// The strictest thing it pins.
    pub profile: Profile,
    /// The rules it proves, the most important first.
    pub rules: Vec<Rule>,
    /// What the program does, in one line.
    pub description: String,
    /// Advice for someone whose allocator fails it.
    pub hint: String,
    /// The heap that the program begins on.
    #[serde(default)]
    pub start: Start,
    /// The calls that set the scene, those of a warm start among them. A difference in one of them belongs to the tests whose subject
    /// that call is.
    #[serde(default)]
    pub scene: usize,
    /// Of a core test, the calls after the scene that are its subject; a difference in a later one belongs to other tests as well. All of
    /// them, if nothing is said.
    pub subject: Option<usize>,
    /// The program takes NULL for an answer: it is run again with each mapping and each move of the break refused.
    #[serde(default)]
    pub refusals: bool,
}

/// The battery in the order of the file.
#[derive(Debug)]
pub struct Suite {
    /// Every test, in the order of the file.
    pub tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteFile {
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<Test>>,
}

/// Why a suite cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file is not there or not text.
    #[error("cannot read the suite {}: {source}", path.display())]
    Read {
        /// The suite's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}: {}{message}", path.display(), test.as_ref().map(|name| format!("test \"{name}\": ")).unwrap_or_default())]
    Content {
        /// The suite's file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The test the line belongs to, if it already has a name there.
        test: Option<String>,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The file as a whole is wrong.
    #[error("{}: {message}", path.display())]
    Whole {
        /// The suite's file.
        path: PathBuf,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A test's program has not been built.
    #[error("test \"{test}\": its program {} does not exist; build the battery with `make build`", program.display())]
    NoProgram {
        /// The test's name.
        test: String,
        /// Where the program ought to be.
        program: PathBuf,
    },
}

impl Suite {
    /// Reads and validates the suite in `path`.
    pub fn load(path: &Path) -> Result<Self, SuiteError> {
        let text = fs::read_to_string(path).map_err(|source| SuiteError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, SuiteError> {
        let at = |offset: usize, test: Option<String>, message: String| SuiteError::Content {
            path: path.to_owned(),
            line: line_at(text, offset),
            test,
            message,
        };
        let whole = |message: String| SuiteError::Whole { path: path.to_owned(), message };

        let file: SuiteFile = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            at(offset, test_around(text, offset), error.message().replace('\n', ", "))
        })?;
        let mut names = HashSet::new();
        for spanned in &file.tests {
            let test = spanned.get_ref();
            let problem = match problem_of(test) {
                None if !names.insert(&test.name) => Some("the name is taken by an earlier test".to_owned()),
                problem => problem,
            };
            if let Some(message) = problem {
                return Err(at(spanned.span().start, Some(test.name.clone()), message));
            }
        }
        if file.tests.is_empty() {
            return Err(whole("holds no [[test]]".to_owned()));
        }
        let tests: Vec<Test> = file.tests.into_iter().map(Spanned::into_inner).collect();
        let core: Points = tests.iter().filter(|test| test.profile == Profile::Core).map(|test| test.points).sum();
        if core != CORE_POINTS {
            return Err(whole(format!(
                "the points of the core tests add up to {core}, and must add up to {CORE_POINTS}"
            )));
        }
        Ok(Self { tests })
    }

    /// Refuses a suite that names a program which is not in `folder`.
    pub fn require_programs(&self, folder: &Path) -> Result<(), SuiteError> {
        match self.tests.iter().find(|test| !folder.join(&test.program).is_file()) {
            None => Ok(()),
            Some(test) => Err(SuiteError::NoProgram { test: test.name.clone(), program: folder.join(&test.program) }),
        }
    }
}

/// What is wrong with a test taken by itself.
fn problem_of(test: &Test) -> Option<String> {
    let kebab = |text: &str| {
        text.split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    };
    if !kebab(&test.name) {
        Some("the name must be words of small letters and digits joined by hyphens".to_owned())
    } else if test.program.is_empty() || test.program.contains('/') || test.program.starts_with('.') {
        Some(format!("program \"{}\" must be the name of a file among the test programs", test.program))
    } else if test.points == Points::NONE {
        Some("points must be at least 0.5".to_owned())
    } else if test.rules.is_empty() {
        Some("rules must name at least one rule, such as [\"R4\"]".to_owned())
    } else if let Some(rule) = doubled(&test.rules) {
        Some(format!("rules names {rule} twice"))
    } else if test.start == Start::Warm && test.scene < WARM_CALLS {
        Some(format!("scene must count the {WARM_CALLS} calls of the warm start"))
    } else if test.subject == Some(0) {
        Some("subject must count at least one call".to_owned())
    } else if (test.scene > 0 || test.subject.is_some()) && test.profile != Profile::Core {
        Some("only a core test has a scene and a subject: all that another one does counts".to_owned())
    } else if test.description.trim().is_empty() {
        Some("description must not be empty".to_owned())
    } else if test.description.contains('\n') {
        Some("description must be one line".to_owned())
    } else if test.hint.trim().is_empty() {
        Some("hint must not be empty".to_owned())
    } else {
        None
    }
}

fn doubled(rules: &[Rule]) -> Option<Rule> {
    let mut seen = HashSet::new();
    rules.iter().copied().find(|rule| !seen.insert(*rule))
}

/// The line, counted from 1, that holds the byte at `offset`.
fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The name given in the `[[test]]` table around `offset`. Works on the bare text, since a suite that does not parse has no tables.
fn test_around(text: &str, offset: usize) -> Option<String> {
    const TABLE: &str = "[[test]]";
    let line_end = text[offset..].find('\n').map_or(text.len(), |length| offset + length);
    let start = text[..line_end].rfind(TABLE)? + TABLE.len();
    let end = text[start..].find(TABLE).map_or(text.len(), |length| start + length);
    text[start..end].lines().find_map(|line| {
        let value = line.trim_start().strip_prefix("name")?.trim_start().strip_prefix('=')?;
        Some(value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"[[test]]
name = "split-first"
program = "split-first"
points = 100
profile = "core"
rules = ["R6"]
description = "Splits the first block"
hint = "Look at the remainder"
"#;

    fn error(text: &str) -> String {
        Suite::parse(Path::new("suite.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_good_suite_loads() {
        let suite = Suite::parse(Path::new("suite.toml"), GOOD).unwrap();
        assert_eq!(suite.tests.len(), 1);
        assert_eq!(suite.tests[0].rules[0].to_string(), "R6");
    }

    #[test]
    fn errors_name_line_test_and_key() {
        let cases = [
            ("points = 100", "points = 0", "suite.toml:1: test \"split-first\": points must be at least 0.5"),
            ("points = 100", "points = -1", "suite.toml:4: test \"split-first\": points must be a multiple of 0.5"),
            ("points = 100", "points = \"9\"", "suite.toml:4: test \"split-first\": invalid type: string \"9\""),
            ("points = 100", "points = 99", "suite.toml: the points of the core tests add up to 99"),
            ("points", "point", "suite.toml:4: test \"split-first\": unknown field `point`"),
            ("\"R6\"", "\"R18\"", "suite.toml:6: test \"split-first\": unknown rule \"R18\""),
            ("\"R6\"", "\"R6\", \"R6\"", "test \"split-first\": rules names R6 twice"),
            ("[\"R6\"]", "[]", "test \"split-first\": rules must name at least one rule"),
            ("\"core\"", "\"hard\"", "suite.toml:5: test \"split-first\": unknown variant `hard`"),
            ("hint = \"Look at the remainder\"", "hint = \" \"", "test \"split-first\": hint must not be empty"),
            ("hint = \"Look at the remainder\"", "", "suite.toml:1: test \"split-first\": missing field `hint`"),
            ("\"Splits the first block\"", "\"\"", "test \"split-first\": description must not be empty"),
            ("name = \"split-first\"", "name = \"Split\"", "test \"Split\": the name must be words"),
            ("program = \"split-first\"", "program = \"../x\"", "test \"split-first\": program \"../x\" must be"),
            (
                "hint = \"Look at the remainder\"",
                "hint = \"Look\"\nrefusals = 1",
                "invalid type: integer `1`, expected a boolean",
            ),
            ("name = \"split-first\"", "", "suite.toml:1: missing field `name`"),
            ("[\"R6\"]", "[\"R6\"", "suite.toml:"),
        ];
        for (old, new, expected) in cases {
            let text = GOOD.replacen(old, new, 1);
            let message = error(&text);
            assert!(message.contains(expected), "{new}: {message}");
        }
    }

    #[test]
    fn doubled_names_and_empty_suites_are_refused() {
        let twice = format!("{GOOD}\n{GOOD}");
        assert_eq!(error(&twice), "suite.toml:10: test \"split-first\": the name is taken by an earlier test");
        assert_eq!(error(""), "suite.toml: holds no [[test]]");
        assert!(error("[suite]\n").contains("suite.toml:1: unknown field `suite`"), "{}", error("[suite]\n"));
    }
}
