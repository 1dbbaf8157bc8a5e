//! The student's page as Markdown. Foreign text never stands at the beginning of a line, so that it can be no heading or list.

use std::borrow::Borrow;

use super::escape::{markdown, markdown_block, markdown_code};
use super::mistakes::{self, DRAWINGS, Told};
use super::words::{self, WIDTH, count, points, side_by_side};
use crate::grade::record::{Build, Cause, Counterexample, Outcome, Submission, Test};
use crate::record::Difference;

/// The page of a submission, of which `seen` is what its author may see.
pub fn page(seen: &Submission) -> String {
    let mut page = Page::default();
    page.head(seen);
    page.wrong(seen);
    page.grid(&seen.tests);
    for (title, example) in seen.counterexamples() {
        page.folded(title, |page| page.counterexample(example));
    }
    page.failures(&seen.tests);
    page.tests(&seen.tests);
    if !seen.behaves.is_empty() {
        page.folded("How the library behaves", |page| {
            seen.behaves.iter().for_each(|sentence| page.paragraph("Library", sentence));
        });
    }
    if let Some(build) = &seen.build {
        page.build(build, seen.outcome);
    }
    page.folded("The box", |page| {
        let containment = &seen.containment;
        page.paragraph("Tier", &format!("{}. {}", containment.tier, containment.sentence));
        if !seen.tracer.is_empty() {
            page.paragraph("Watched by", &seen.tracer);
        }
    });
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

    /// Writes the parts that are folded until a reader opens them.
    fn folded(&mut self, title: &str, write: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<details><summary>{title}</summary>\n\n"));
        write(self);
        self.0.push_str("</details>\n\n");
    }

    /// Writes the mistakes, each with a link to its drawing, and what else is likely wrong.
    fn wrong(&mut self, seen: &Submission) {
        let told = mistakes::told(seen);
        let others = mistakes::others(seen, &told);
        if told.is_empty() && others.is_empty() && seen.unexplained.is_empty() {
            return;
        }
        self.heading("What is likely wrong");
        for (told, file) in told.iter().zip(DRAWINGS) {
            self.mistake(told, file);
        }
        let more = seen.mistakes.len() - told.len();
        if more > 0 {
            self.paragraph(
                "More",
                &format!("{} more; the tests in full tell them.", count(more, "mistake", "mistakes")),
            );
        }
        self.causes(&others);
        if let Some(sentence) = mistakes::unexplained(seen, &told) {
            self.paragraph("Unknown", &sentence);
        }
    }

    fn mistake(&mut self, told: &Told<'_>, file: &str) {
        if told.causes.is_empty() {
            self.paragraph("Unknown", "No known mistake explains this.");
        }
        self.causes(&told.causes);
        let rule = told.causes.first().and_then(|cause| cause.rules.first());
        if let Some(rule) = rule.or(told.example.and_then(|test| test.rules.first())) {
            self.paragraph("Rule", &words::rule(*rule));
        }
        self.paragraph("Tests", &told.tests());
        if let Some(call) = told.call() {
            self.paragraph("Example", &call);
            self.0.push_str(&format!("![The heap before and behind this call]({file})\n\n"));
        }
        if let Some(hint) = told.example.map(|test| &test.hint).filter(|hint| !hint.is_empty()) {
            self.paragraph("Hint", hint);
        }
    }

    /// Writes a mark for every test, by theme.
    fn grid(&mut self, tests: &[Test]) {
        if tests.is_empty() {
            return;
        }
        self.heading("Tests");
        self.0.push_str("| theme | tests | points |\n|---|---|---:|\n");
        for theme in mistakes::themes(tests) {
            let marks: String = theme.tests.iter().map(|test| mistakes::mark(test.outcome)).collect();
            let (earned, of) = theme.points();
            self.0.push_str(&format!("| {} | {marks} | {} of {} |\n", theme.name, points(earned), points(of)));
        }
        self.0.push('\n');
    }

    fn tests(&mut self, tests: &[Test]) {
        if !tests.is_empty() {
            self.folded("Every test and its points", |page| page.table(tests));
        }
    }

    fn table(&mut self, tests: &[Test]) {
        self.0.push_str("| test | outcome | points |\n|---|---|---:|\n");
        for test in tests {
            let (earned, of) = (points(test.earned), points(test.points));
            self.0.push_str(&format!("| {} | {} | {earned} of {of} |\n", markdown(&test.name), test.outcome));
        }
        self.0.push('\n');
    }

    fn causes<C: Borrow<Cause>>(&mut self, causes: &[C]) {
        for (number, cause) in causes.iter().map(Borrow::borrow).enumerate() {
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

    fn counterexample(&mut self, example: &Counterexample) {
        self.paragraph("Mistake", &format!("{} ({})", example.sentence, count(example.calls, "call", "calls")));
        self.0.push_str(&markdown_block(&example.c, "c"));
        self.0.push('\n');
        self.difference(example.difference.as_ref());
        self.causes(&example.causes);
    }

    fn failures(&mut self, tests: &[Test]) {
        let failed = words::told_failures(tests);
        if !failed.is_empty() {
            self.folded("Tests that did not pass, in full", |page| failed.iter().for_each(|test| page.failure(test)));
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

    /// Writes how it was built; what is no build is not folded.
    fn build(&mut self, build: &Build, outcome: Outcome) {
        if outcome == Outcome::NoBuild {
            self.heading("Build");
            self.built(build);
        } else {
            self.folded("Build", |page| page.built(build));
        }
    }

    fn built(&mut self, build: &Build) {
        self.0.push_str(&format!("**Command:** {}\n\n", markdown_code(&build.command)));
        if !build.log.trim().is_empty() {
            self.0.push_str(&markdown_block(&build.log, "text"));
            self.0.push('\n');
        }
        if build.cut > 0 {
            self.0.push_str(&format!("({} left out)\n\n", count(build.cut, "line", "lines")));
        }
    }
}

#[cfg(test)]
mod tests;
