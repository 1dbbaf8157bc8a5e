//! `[performance]`: points for what a submission makes of memory and time, beside our own library.

use serde::Deserialize;
use toml::Spanned;

use super::CourseError;
use super::place::Place;
use crate::script;

/// The names of the two measurements among the tests of a record.
pub const NAMES: [&str; 2] = ["utilisation", "throughput"];

/// The measurements, and what they are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct PerformancePlan {
    /// The script of the course; none: a workload of ours, drawn by the seed.
    pub script: Option<Vec<osmem_oracle::program::Op>>,
    /// The bands of utilisation, as a part of our own library's.
    pub utilisation: Vec<Share>,
    /// The bands of throughput, as a part of our own library's.
    pub throughput: Vec<Share>,
}

/// The worth of a part of our own library's figure.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The least part.
    pub at_least: f64,
    /// The points for it.
    pub points: f64,
}

impl PerformancePlan {
    /// Returns what all measurements are worth.
    pub fn points(&self) -> f64 {
        most(&self.utilisation) + most(&self.throughput)
    }
}

/// Returns what a measurement can be worth.
pub fn most(shares: &[Share]) -> f64 {
    shares.first().map_or(0.0, |share| share.points)
}

/// Returns what a part is worth: the first share that it reaches, nothing where there is none.
pub fn earned(shares: &[Share], part: f64) -> f64 {
    shares.iter().find(|share| part >= share.at_least).map_or(0.0, |share| share.points)
}

/// `[performance]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerformanceValues {
    script: Option<Spanned<String>>,
    #[serde(default)]
    utilisation: Vec<Spanned<Share>>,
    #[serde(default)]
    throughput: Vec<Spanned<Share>>,
}

/// Reads `[performance]`.
pub fn performance(
    at: Place,
    values: Option<Spanned<PerformanceValues>>,
) -> Result<Option<PerformancePlan>, CourseError> {
    let Some(values) = values else { return Ok(None) };
    let start = values.span().start;
    let values = values.into_inner();
    let script = match &values.script {
        None => None,
        Some(name) => {
            let wrong = |message: String| at.wrong(name.span().start, "performance.script", message);
            let path = at.path.parent().unwrap_or("".as_ref()).join(name.get_ref());
            // Reading a named pipe, or standard input, would wait for ever.
            if !path.is_file() {
                let message = format!("{} is no file; name a script from the course file's folder on", path.display());
                return Err(wrong(message));
            }
            Some(script::read(&path).map_err(|error| wrong(error.to_string()))?)
        }
    };
    let utilisation = shares(at, "performance.utilisation", &values.utilisation)?;
    let throughput = shares(at, "performance.throughput", &values.throughput)?;
    if utilisation.is_empty() && throughput.is_empty() {
        let message = "gives no points: set utilisation or throughput, such as [{ at_least = 0.9, points = 5 }]";
        return Err(at.wrong(start, "performance", message));
    }
    Ok(Some(PerformancePlan { script, utilisation, throughput }))
}

fn shares(at: Place, key: &str, values: &[Spanned<Share>]) -> Result<Vec<Share>, CourseError> {
    let mut shares: Vec<Share> = Vec::new();
    for value in values {
        let share = *value.get_ref();
        let wrong = |message: String| Err(at.wrong(value.span().start, key, message));
        if !(0.0..=100.0).contains(&share.at_least) {
            return wrong(format!("at_least must be a number from 0 to 100, is {}", share.at_least));
        }
        if !(0.0..=100_000.0).contains(&share.points) {
            return wrong(format!("points must be a number from 0 to 100000, is {}", share.points));
        }
        if shares.last().is_some_and(|last| last.at_least <= share.at_least || last.points < share.points) {
            return wrong(format!(
                "at_least and points must fall from band to band, and {} and {} do not",
                share.at_least, share.points
            ));
        }
        shares.push(share);
    }
    Ok(shares)
}
