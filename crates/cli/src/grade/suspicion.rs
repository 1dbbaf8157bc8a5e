//! Signs of a submission that no honest one shows: it is marked, with the reason, for an instructor to read its source.

use crate::record::TestRecord;

/// So many tests at least must have passed with the known sizes before anything follows from those that fail with others.
const ENOUGH: usize = 10;

/// Why a submission with these tests is suspicious; `None` if it is not. `feigned`: so are the calls of a random program.
pub fn of(records: &[TestRecord], feigned: bool) -> Option<String> {
    let lied = records.iter().filter(|record| record.feigned).count();
    let mut reasons = Vec::new();
    match (lied, feigned) {
        (0, false) => {}
        (0, true) => reasons.push("the calls that were seen of a random program are not its own".to_owned()),
        (1, _) => reasons.push("the calls that were seen of one test are not those of its program".to_owned()),
        (many, _) => reasons.push(format!("the calls that were seen of {many} tests are not those of their programs")),
    }
    let known: Vec<bool> = records.iter().filter_map(|record| record.varied).collect();
    let failed = known.iter().filter(|passed| !**passed).count();
    if known.len() >= ENOUGH && failed * 2 > known.len() {
        let tests = known.len();
        reasons.push(format!("of {tests} tests that it passes with the known sizes it fails {failed} with others"));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::points::Points;
    use crate::record::Outcome;
    use crate::suite::{Profile, Start, Test};

    fn records(varied: &[Option<bool>]) -> Vec<TestRecord> {
        let test = Test {
            name: "a".to_owned(),
            program: "a".to_owned(),
            points: Points::whole(3),
            profile: Profile::Core,
            rules: Vec::new(),
            description: String::new(),
            hint: String::new(),
            refusals: false,
            start: Start::Cold,
            scene: 0,
            subject: None,
        };
        let record = |varied: &Option<bool>| TestRecord {
            varied: *varied,
            ..TestRecord::new(&test, Outcome::Pass, None, Duration::ZERO)
        };
        varied.iter().map(record).collect()
    }

    #[test]
    fn honest_mistakes_are_not_suspicious() {
        assert_eq!(of(&records(&[]), false), None);
        assert_eq!(of(&records(&[Some(false); ENOUGH - 1]), false), None);
        let half: Vec<_> = (0..40).map(|number| Some(number % 2 == 0)).collect();
        assert_eq!(of(&records(&half), false), None);
    }

    #[test]
    fn answers_learnt_by_heart_and_invented_calls_are() {
        let mut all = records(&[Some(false); ENOUGH]);
        all.extend(records(&[Some(true), None]));
        let told = of(&all, false).unwrap();
        assert_eq!(told, "of 11 tests that it passes with the known sizes it fails 10 with others");
        all[0].feigned = true;
        assert!(of(&all, true).unwrap().starts_with("the calls that were seen of one test"));
        assert!(of(&records(&[]), true).unwrap().contains("random program"));
    }
}
