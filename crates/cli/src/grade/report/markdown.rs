//! The student's page as Markdown. Foreign text never stands at the beginning of a line, so that it can be no heading or list.

use super::escape::{markdown, markdown_block, markdown_code};
use super::words::{self, WIDTH, count, points, side_by_side};
use crate::grade::record::{Build, Cause, Counterexample, Outcome, Submission, Test};
use crate::record::Difference;

/// The page of a submission, of which `seen` is what its author may see.
pub fn page(seen: &Submission) -> String {
    let mut page = Page::default();
    page.head(seen);
    page.tests(&seen.tests);
    if !seen.causes.is_empty() {
        page.heading("What is likely wrong");
        page.causes(&seen.causes);
    }
    if let Some(sentence) = words::unexplained(&seen.unexplained) {
        page.paragraph("Unknown", &sentence);
    }
    for (title, example) in seen.counterexamples() {
        page.counterexample(title, example);
    }
    page.failures(&seen.tests);
    if !seen.behaves.is_empty() {
        page.heading("How the library behaves");
        for sentence in &seen.behaves {
            page.paragraph("Library", sentence);
        }
    }
    if let Some(build) = &seen.build {
        page.build(build);
    }
    page.heading("The box");
    let containment = &seen.containment;
    page.paragraph("Tier", &format!("{}. {}", containment.tier, containment.sentence));
    if !seen.tracer.is_empty() {
        page.paragraph("Watched by", &seen.tracer);
    }
    page.0.push_str(&format!("---\n\nMade by {}, submission {}\n", markdown(&seen.tool), markdown_code(&seen.digest)));
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("\n## {text}\n\n"));
    }

    fn paragraph(&mut self, label: &str, text: &str) {
        self.0.push_str(&format!("**{label}:** {}\n\n", markdown(text)));
    }

    fn head(&mut self, seen: &Submission) {
        self.0.push_str(&format!("# Report for {}\n\n", markdown_code(&seen.name)));
        if !seen.course.is_empty() {
            self.paragraph("Course", &seen.course);
        }
        self.paragraph("Score", &words::score(seen));
        self.paragraph("Result", &format!("{}, {}", seen.outcome, words::outcome(seen.outcome)));
        if let Some(reason) = &seen.reason {
            self.reason(reason);
        }
        self.paragraph("Search by random programs", &seen.search.to_string());
    }

    fn reason(&mut self, reason: &str) {
        let (sentence, rest) = words::parts(reason);
        self.paragraph("Why", sentence);
        if !rest.is_empty() {
            self.0.push_str(&markdown_block(rest, "text"));
            self.0.push('\n');
        }
    }

    fn tests(&mut self, tests: &[Test]) {
        if tests.is_empty() {
            return;
        }
        self.heading("Tests");
        self.0.push_str("| test | outcome | points |\n|---|---|---:|\n");
        for test in tests {
            let (earned, of) = (points(test.earned), points(test.points));
            self.0.push_str(&format!("| {} | {} | {earned} of {of} |\n", markdown(&test.name), test.outcome));
        }
    }

    fn causes(&mut self, causes: &[Cause]) {
        for (number, cause) in causes.iter().enumerate() {
            let label = words::cause_label(number, cause);
            self.paragraph(label, &format!("{}{}. {}", cause.id, words::cause_scope(cause), cause.sentence));
        }
    }

    fn difference(&mut self, difference: Option<&Difference>) {
        if let Some(difference) = difference {
            self.0.push_str(&markdown_block(&side_by_side(difference, WIDTH), "text"));
            self.0.push('\n');
        }
    }

    fn counterexample(&mut self, title: &str, example: &Counterexample) {
        self.heading(title);
        self.paragraph("Mistake", &format!("{} ({})", example.sentence, count(example.calls, "call", "calls")));
        self.0.push_str(&markdown_block(&example.c, "c"));
        self.0.push('\n');
        self.difference(example.difference.as_ref());
        self.causes(&example.causes);
    }

    fn failures(&mut self, tests: &[Test]) {
        let failed = words::told_failures(tests);
        if !failed.is_empty() {
            self.heading("Tests that did not pass");
        }
        for test in failed {
            self.failure(test);
        }
    }

    fn failure(&mut self, test: &Test) {
        let (earned, of) = (points(test.earned), points(test.points));
        self.0.push_str(&format!("### {}: {}, {earned} of {of}\n\n", markdown_code(&test.name), test.outcome));
        if !test.description.is_empty() {
            self.paragraph("Test", &test.description);
        }
        if let Some(reason) = &test.reason {
            self.reason(reason);
        }
        self.difference(test.difference.as_ref());
        self.causes(&test.causes);
        if test.outcome != Outcome::InfraError {
            for rule in &test.rules {
                self.paragraph("Rule", &words::rule(*rule));
            }
            if !test.hint.is_empty() {
                self.paragraph("Hint", &test.hint);
            }
        }
        if let Some(output) = words::output(test) {
            self.0.push_str("**Output:**\n\n");
            self.0.push_str(&markdown_block(output, "text"));
            self.0.push('\n');
        }
    }

    fn build(&mut self, build: &Build) {
        self.heading("Build");
        self.0.push_str(&format!("**Command:** {}\n\n", markdown_code(&build.command)));
        if !build.log.trim().is_empty() {
            self.0.push_str(&markdown_block(&build.log, "text"));
        }
        if build.cut > 0 {
            self.0.push_str(&format!("\n({} left out)\n", count(build.cut, "line", "lines")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{HOSTILE, cause, counterexample, difference, filled, submission, test};
    use crate::grade::report::visible;

    #[test]
    fn a_small_page_word_for_word() {
        let mut failed = test("b_c|d", Outcome::Wrong);
        failed.difference = Some(difference());
        failed.causes = vec![cause("first-fit")];
        failed.output = Some("```\n".to_owned());
        let mut record = submission("anna", vec![test("a", Outcome::Pass), failed, test("c", Outcome::Crash)]);
        record.tests[2].hidden = true;
        record.counterexample = Some(counterexample());
        if let Some(build) = &mut record.build {
            build.log = "a.c:1: warning\n".to_owned();
        }
        let sides = "    expected                 │ actual
    os_malloc(8) = HEAP+0x20 │ os_malloc(8) = HEAP+0x20
  ~ os_malloc(8) = HEAP+0x48 │ os_malloc(8) = NULL
  - exit 0                   │";
        let expected = format!(
            "# Report for `anna`

**Course:** OS 1

**Score:** 2 of 6 points

**Result:** crash, ended by a signal

**Why:** 2 of 3 tests did not pass

**Search by random programs:** clean


## Tests

| test | outcome | points |
|---|---|---:|
| a | pass | 2 of 2 |
| b\\_c\\|d | wrong | 0 of 2 |
| hidden test 1 | crash | 0 of 2 |

## What is likely wrong

**Likely cause:** first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.


## The shortest program that shows a mistake

**Mistake:** os\\_malloc(8) gives NULL (1 call)

```c
int main(void) {{
    os_malloc(8);
}}
```

```text
{sides}
```

**Likely cause:** wrong-null (R5, shown by 2 of 3 failing runs). What wrong-null is.


## Tests that did not pass

### `b_c|d`: wrong, 0 of 2

**Test:** Splits the first block

**Why:** the trace differs

```text
{sides}
```

**Likely cause:** first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.

**Rule:** R6 split. If at least header + 8 bytes remain, they become a free block right behind; otherwise the whole block is given.

**Hint:** Look at the remainder

**Output:**

````text
```
````


## How the library behaves

**Library:** The header has 32 bytes.


## Build

**Command:** `cc a.c`

```text
a.c:1: warning
```

## The box

**Tier:** landlock. It could not write.

**Watched by:** strace 6.1

---

Made by osmem 0.1.0, submission `aa`
"
        );
        assert_eq!(page(&visible(&record)), expected);
    }

    #[test]
    fn hostile_text_is_neither_mark_nor_html() {
        let text = page(&filled(HOSTILE));
        assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{2028}']));
        let mut fence = None;
        for line in text.lines() {
            let ticks = line.chars().take_while(|c| *c == '`').count();
            match fence {
                Some(open) if ticks >= open => fence = None,
                Some(_) => {}
                None if ticks >= 3 => fence = Some(ticks),
                None => {
                    assert!(line.is_empty() || line.starts_with(['#', '*', '|', '-', '(', 'M']), "{line}");
                    let spans = line.split("``````").step_by(2).collect::<String>();
                    assert!(!spans.contains("<script") || spans.contains("\\<script"), "{line}");
                }
            }
        }
        assert_eq!(fence, None, "every fence is closed");
    }
}
