//! The mistakes behind the failures of a submission, each with the test that shows it best and the heap there.

use osmem_oracle::run::Run;

use super::record::{Drawn, Mistake};
use crate::check::lesson;
use crate::oracle::CauseRecord;
use crate::record::TestRecord;
use crate::suite::Test;

/// Returns the mistakes behind failed tests, whose causes have been found.
pub fn mistakes(causes: &[CauseRecord], records: &[TestRecord], runs: &[&Run], tests: &[&Test]) -> Vec<Mistake> {
    let failures: Vec<&TestRecord> = records.iter().filter(|record| record.outcome.is_failure()).collect();
    let told = |mistake: lesson::Mistake<'_>| {
        let drawn = lesson::drawn(mistake.example, tests, runs, false);
        Mistake {
            cause: mistake.cause.map(|cause| cause.id.to_owned()),
            tests: mistake.tests.iter().map(|test| test.name.clone()).collect(),
            example: mistake.example.name.clone(),
            picture: drawn.and_then(|(picture, place)| Drawn::of(&picture, place)),
        }
    };
    lesson::mistakes(causes, &failures, runs).into_iter().map(told).collect()
}
