//! Records and other values as JSON text: `record.json` and `results.jsonl`.

use serde::Serialize;

use super::escape;
use crate::grade::record::Submission;

/// `value` over several lines, with a line feed at the end.
pub fn pretty(value: &impl Serialize) -> String {
    text(serde_json::to_string_pretty(value))
}

/// `value` in one line, with a line feed at the end.
pub fn line(value: &impl Serialize) -> String {
    text(serde_json::to_string(value))
}

#[expect(clippy::expect_used, reason = "structs of strings, numbers and lists always have a JSON form")]
fn text(json: serde_json::Result<String>) -> String {
    let mut text = escape::json(&json.expect("a record has a JSON form"));
    text.push('\n');
    text
}

/// The whole records of a class, one a line, sorted by name.
pub fn lines(all: &[Submission]) -> String {
    super::sorted(all).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::record::Outcome;
    use crate::grade::report::fixture::{HOSTILE, SECRET, filled, secretive, submission, test};

    #[test]
    fn records_come_back_as_they_were() {
        for record in [filled(HOSTILE), filled(SECRET), secretive(), submission("é", vec![test("a", Outcome::Crash)])]
        {
            for text in [pretty(&record), line(&record)] {
                assert_eq!(serde_json::from_str::<Submission>(&text).unwrap(), record);
                assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
                assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{2028}']) && !text.contains("##"), "{text:?}");
            }
        }
    }

    #[test]
    fn a_line_per_record_by_name() {
        let all = [submission("b", Vec::new()), filled(HOSTILE), submission("a", Vec::new())];
        let text = lines(&all);
        let names: Vec<_> = text.lines().map(|line| serde_json::from_str::<Submission>(line).unwrap().name).collect();
        assert_eq!(names, [HOSTILE, "a", "b"]);
        assert!(
            text.lines().nth(1).unwrap().starts_with("{\"version\":2,\"tool\":\"osmem 0.1.0\",\"course\":\"OS 1\",")
        );
    }
}
