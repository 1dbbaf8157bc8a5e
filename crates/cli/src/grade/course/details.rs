//! How much the course tells its students, and of which tests it tells more or less.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::place::Place;
use super::{CourseError, Named};
use crate::grade::record::Details;

/// The name of the random programs among the tests of a record.
pub const RANDOM: &str = "random-programs";

/// `[report]`: how much students are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportPlan {
    /// Level for the tests of the battery and the random programs, unless [`tests`](Self::tests) names them.
    pub details: Details,
    /// Levels of single tests and style steps.
    pub tests: BTreeMap<String, Details>,
}

impl ReportPlan {
    /// Returns how much is told of a test of the battery, or of the random programs.
    pub fn of(&self, test: &str) -> Details {
        self.tests.get(test).copied().unwrap_or(self.details)
    }

    /// Returns how much is told of a style step: all, unless it is named.
    pub fn of_style(&self, step: &str) -> Details {
        self.tests.get(step).copied().unwrap_or_default()
    }
}

/// `[report]` as it stands in the file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportValues {
    details: Option<Spanned<String>>,
    #[serde(default)]
    tests: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// Reads `[report]`; `named` gets the tests of the battery that it names.
pub fn report(
    at: Place,
    values: &ReportValues,
    steps: &[String],
    named: &mut Vec<Named>,
) -> Result<ReportPlan, CourseError> {
    let level = |key: &str, value: &Spanned<String>| {
        let found = Details::ALL.into_iter().find(|level| level.name() == value.get_ref());
        found.ok_or_else(|| {
            let message = format!("must be full, cause or outcome, is \"{}\"", value.get_ref().escape_debug());
            at.wrong(value.span().start, key, message)
        })
    };
    let details = values.details.as_ref().map_or(Ok(Details::Full), |value| level("report.details", value))?;
    let mut tests = BTreeMap::new();
    for (test, value) in &values.tests {
        let name = test.get_ref();
        tests.insert(name.clone(), level(&format!("report.tests.{name}"), value)?);
        if name != RANDOM && !steps.contains(name) {
            let (path, line) = (at.path.to_owned(), at.line(test.span().start));
            named.push(Named { test: name.clone(), key: "report.tests", path, line });
        }
    }
    Ok(ReportPlan { details, tests })
}
