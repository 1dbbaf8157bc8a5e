//! Which tests are meant: filters and profile; and the list of them.

use std::io::Write;

use serde::Serialize;

use crate::args::{Format, Selection};
use crate::error::Error;
use crate::points::Points;
use crate::report::json;
use crate::report::output::Output;
use crate::rules::Rule;
use crate::suite::{Profile, Suite, Test};

/// The tests of `profile` that fit any of `filters`, or all of the profile where there is no filter; never none.
pub fn select<'a>(suite: &'a Suite, filters: &[String], profile: Selection) -> Result<Vec<&'a Test>, Error> {
    let fitting: Vec<_> = suite
        .tests
        .iter()
        .filter(|test| filters.is_empty() || filters.iter().any(|filter| fits(test, filter)))
        .collect();
    let selected: Vec<_> = fitting.iter().copied().filter(|test| profile.holds(test.profile)).collect();
    if !selected.is_empty() {
        return Ok(selected);
    }
    let what = match filters {
        [] => format!("belongs to the profile {}", profile.name()),
        filters if profile == Selection::All => format!("fits {}", filters.join(" ")),
        filters => format!("of the profile {} fits {}", profile.name(), filters.join(" ")),
    };
    let elsewhere = match fitting.len() {
        0 => String::new(),
        count => format!(", {count} of other profiles fit"),
    };
    Err(Error::NothingSelected { what, elsewhere })
}

/// Returns the test of this name.
pub fn named<'a>(suite: &'a Suite, name: &str) -> Result<Vec<&'a Test>, Error> {
    let found = suite.tests.iter().find(|test| test.name == name);
    found.map(|test| vec![test]).ok_or_else(|| Error::UnknownTest(name.to_owned()))
}

/// A rule's number means the tests that prove it, anything else a part of the name.
pub fn fits(test: &Test, filter: &str) -> bool {
    match filter.parse::<Rule>() {
        Ok(rule) => test.rules.contains(&rule),
        Err(_) => test.name.contains(filter),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    points: Points,
    profile: Profile,
    rules: &'a [Rule],
    description: &'a str,
    refusals: bool,
}

/// Writes the names of `tests` with what they are about.
pub fn list(tests: &[&Test], format: Format) -> Result<(), Error> {
    let mut out = Output::stdout();
    match format {
        Format::Json => {
            let listed: Vec<_> = tests
                .iter()
                .map(|test| Listed {
                    name: &test.name,
                    points: test.points,
                    profile: test.profile,
                    rules: &test.rules,
                    description: &test.description,
                    refusals: test.refusals,
                })
                .collect();
            json::write(&mut out, &listed)?;
        }
        Format::Text => {
            let width = tests.iter().map(|test| test.name.len()).max().unwrap_or(0);
            for test in tests {
                writeln!(out, "{:width$} {:>3} {:6} {}", test.name, test.points, test.profile, test.description)?;
            }
        }
    }
    Ok(out.flush()?)
}
