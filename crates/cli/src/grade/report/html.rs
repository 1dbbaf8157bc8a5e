//! The student's page as one HTML file: no script, nothing from elsewhere, light and dark, for a phone as well.

use std::borrow::Borrow;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::escape::{log, log_lines};
use super::mistakes::{self, Told};
use super::words::{self, count, points};
use crate::grade::record::{Build, Cause, Counterexample, Outcome, Submission, Test};
use crate::record::{Difference, Row};

/// The look of the page.
const STYLE: &str = include_str!("page.css");

/// Should some text break out after all, a browser still runs and loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page of a submission, of which `seen` is what its author may see.
pub fn page(seen: &Submission) -> String {
    let name = log(&seen.name);
    let failed = words::told_failures(&seen.tests);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Report for " (name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(seen, &name))
                main {
                    (wrong(seen))
                    (grid(&seen.tests, &failed))
                    @for (title, example) in seen.counterexamples() { (counterexample(title, example)) }
                    @if !failed.is_empty() {
                        details {
                            summary { "Tests that did not pass, in full" }
                            @for (number, test) in failed.iter().enumerate() { (failure(test, number + 1)) }
                        }
                    }
                    (tests(&seen.tests, &failed))
                    @if !seen.behaves.is_empty() {
                        details {
                            summary { "How the library behaves" }
                            ul { @for sentence in &seen.behaves { li { (log(sentence)) } } }
                        }
                    }
                    @if let Some(build) = &seen.build { (build_section(build, seen.outcome)) }
                    details {
                        summary { "The box" }
                        p { b { (log(&seen.containment.tier)) } ". " (log(&seen.containment.sentence)) }
                        @if !seen.tracer.is_empty() { p { "Watched by " (log(&seen.tracer)) "." } }
                    }
                }
                footer { (log(&seen.tool)) ", submission " code { (log(&seen.digest)) } }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "good",
        Outcome::InfraError => "doubtful",
        _ => "bad",
    }
}

fn badge(outcome: Outcome) -> Markup {
    html! { span class={ "badge " (class(outcome)) } { (outcome) } }
}

fn head(seen: &Submission, name: &str) -> Markup {
    html! {
        header {
            @if !seen.course.is_empty() { p.course { (log(&seen.course)) } }
            h1 { (name) }
            p.score { (words::score(seen)) }
            p { (badge(seen.outcome)) " " (words::outcome(seen.outcome)) }
            @if let Some(reason) = &seen.reason { (why("", reason)) }
            p { "Search by random programs: " (seen.search.to_string()) }
        }
    }
}

/// A reason under its label.
fn why(label: &str, reason: &str) -> Markup {
    let (sentence, rest) = words::parts(reason);
    html! {
        p { @if !label.is_empty() { b { (label) } } (log(sentence)) }
        @if !rest.is_empty() { pre { (log_lines(rest)) } }
    }
}

/// The mistakes, each with its drawing, and what else is likely wrong.
fn wrong(seen: &Submission) -> Markup {
    let told = mistakes::told(seen);
    let others = mistakes::others(seen, &told);
    let more = seen.mistakes.len() - told.len();
    html! {
        @if !told.is_empty() || !others.is_empty() || !seen.unexplained.is_empty() {
            section {
                h2 { "What is likely wrong" }
                @for told in &told { (mistake(told)) }
                @if more > 0 { p { "And " (count(more, "mistake", "mistakes")) " more; the tests in full tell them." } }
                (causes(&others))
                @if let Some(sentence) = mistakes::unexplained(seen, &told) { p { (log(&sentence)) } }
            }
        }
    }
}

/// A mistake: cause, rule, tests, the call that shows it, drawn.
fn mistake(told: &Told<'_>) -> Markup {
    let rule = told.causes.first().and_then(|cause| cause.rules.first());
    let rule = rule.or(told.example.and_then(|test| test.rules.first()));
    html! {
        article.mistake {
            @if told.causes.is_empty() {
                p { b { "No known mistake explains this." } }
            } @else {
                (causes(&told.causes))
            }
            @if let Some(rule) = rule { p { b { "Rule: " } (words::rule(*rule)) } }
            p { b { "Tests: " } (log(&told.tests())) }
            @if let Some(call) = told.call() { p { b { "Example: " } (log(&call)) } }
            // A drawing of ours: its texts are escaped, and none of them is the submission's.
            @if let Some(drawing) = told.drawing() { div.drawing { (PreEscaped(drawing)) } }
            @if let Some(hint) = told.example.map(|test| &test.hint).filter(|hint| !hint.is_empty()) {
                p.hint { b { "Hint: " } (log(hint)) }
            }
        }
    }
}

/// The place of a test among those that did not pass and are told in full.
fn place(test: &Test, failed: &[&Test]) -> Option<usize> {
    failed.iter().position(|other| std::ptr::eq(*other, test)).map(|at| at + 1)
}

/// A mark for every test, by theme.
fn grid(tests: &[Test], failed: &[&Test]) -> Markup {
    html! {
        @if !tests.is_empty() {
            section {
                h2 { "Tests" }
                div.grid {
                    @for theme in mistakes::themes(tests) {
                        div {
                            span.theme { (theme.name) }
                            span.marks {
                                @for test in &theme.tests { (mark(test, place(test, failed))) }
                            }
                            @let (earned, of) = theme.points();
                            span.points { @if of > 0.0 { (points(earned)) "/" (points(of)) } }
                        }
                    }
                }
            }
        }
    }
}

fn mark(test: &Test, place: Option<usize>) -> Markup {
    let what = format!("{}: {}", log(&test.name), test.outcome);
    let mark = mistakes::mark(test.outcome);
    html! {
        @match place {
            Some(number) => a class=(class(test.outcome)) href={ "#test-" (number) } title=(what) { (mark) },
            None => span class=(class(test.outcome)) title=(what) { (mark) },
        }
    }
}

/// Every test in a line; `failed` are those with a place of their own, in the order of `tests`.
fn tests(tests: &[Test], failed: &[&Test]) -> Markup {
    html! {
        @if !tests.is_empty() {
            details {
                summary { "Every test and its points" }
                table.tests {
                    thead { tr { th { "test" } th { "outcome" } th.points { "points" } } }
                    tbody {
                        @for test in tests {
                            tr {
                                td {
                                    @if let Some(number) = place(test, failed) {
                                        a href={ "#test-" (number) } { (log(&test.name)) }
                                    } @else {
                                        (log(&test.name))
                                    }
                                }
                                td { (badge(test.outcome)) }
                                td.points { (points(test.earned)) " of " (points(test.points)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn causes<C: Borrow<Cause>>(causes: &[C]) -> Markup {
    html! {
        @for (number, cause) in causes.iter().map(Borrow::borrow).enumerate() {
            p {
                b { (words::cause_label(number, cause)) ": " }
                code { (log(&cause.id)) } (words::cause_scope(cause)) ". " (log(&cause.sentence))
            }
        }
    }
}

fn difference(difference: &Difference) -> Markup {
    let side = |text: &Option<String>| log(text.as_deref().unwrap_or_default());
    let look = |row: &Row| if row.mark == ' ' { "same" } else { "differs" };
    html! {
        div.scroll {
            table.sides {
                thead { tr { th { "expected" } th { "actual" } } }
                tbody {
                    @for row in &difference.context {
                        tr class=(look(row)) { td { (side(&row.expected)) } td { (side(&row.actual)) } }
                    }
                }
            }
        }
    }
}

fn counterexample(title: &str, example: &Counterexample) -> Markup {
    html! {
        details {
            summary { (title) }
            p { (log(&example.sentence)) " (" (count(example.calls, "call", "calls")) ")" }
            pre { code { (log_lines(&example.c)) } }
            @if let Some(rows) = &example.difference { (difference(rows)) }
            (causes(&example.causes))
        }
    }
}

fn failure(test: &Test, number: usize) -> Markup {
    html! {
        article id={ "test-" (number) } {
            h3 { (log(&test.name)) " " (badge(test.outcome)) }
            p.points { (points(test.earned)) " of " (points(test.points)) " points" }
            p { (log(&test.description)) }
            @if let Some(reason) = &test.reason { (why("Why: ", reason)) }
            @if let Some(rows) = &test.difference { (difference(rows)) }
            (causes(&test.causes))
            @if test.outcome != Outcome::InfraError {
                @for rule in &test.rules { p { b { "Rule: " } (words::rule(*rule)) } }
                @if !test.hint.is_empty() { p.hint { b { "Hint: " } (log(&test.hint)) } }
            }
            @if let Some(output) = words::output(test) {
                p { b { "Output:" } }
                pre { (log_lines(output)) }
            }
        }
    }
}

/// How it was built; open where that is where it ended.
fn build_section(build: &Build, outcome: Outcome) -> Markup {
    html! {
        details open[outcome == Outcome::NoBuild] {
            summary { "Build" }
            p { code { (log(&build.command)) } }
            @if !build.log.trim().is_empty() { pre { (log_lines(&build.log)) } }
            @if build.cut > 0 { p { "(" (count(build.cut, "line", "lines")) " left out)" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{
        HOSTILE, cause, counterexample, difference, filled, mistake, submission, test,
    };
    use crate::grade::report::visible;

    #[test]
    fn a_page_tells_everything_that_helps() {
        let mut failed = test("b", Outcome::Wrong);
        failed.difference = Some(difference());
        failed.causes = vec![cause("first-fit")];
        failed.output = Some("one\ntwo".to_owned());
        let mut record = submission("anna", vec![test("a", Outcome::Pass), failed, test("c", Outcome::Crash)]);
        record.tests[2].hidden = true;
        record.counterexample = Some(counterexample());
        if let Some(build) = &mut record.build {
            (build.log, build.cut) = ("a.c:1: <warning>\n".to_owned(), 2);
        }
        let text = page(&visible(&record));
        for expected in [
            "<h1>anna</h1><p class=\"score\">2 of 6 points</p>",
            "<p><span class=\"badge bad\">crash</span> ended by a signal</p><p>2 of 3 tests did not pass</p>",
            "<span class=\"theme\">split</span><span class=\"marks\"><span class=\"good\" title=\"a: pass\">●</span>\
             <a class=\"bad\" href=\"#test-1\" title=\"b: wrong\">✗</a></span><span class=\"points\">2/4</span>",
            "<tr><td>a</td><td><span class=\"badge good\">pass</span></td><td class=\"points\">2 of 2</td></tr>\
             <tr><td><a href=\"#test-1\">b</a></td><td><span class=\"badge bad\">wrong</span></td>\
             <td class=\"points\">0 of 2</td></tr><tr><td>hidden test 1</td>",
            "<article id=\"test-1\"><h3>b <span class=\"badge bad\">wrong</span></h3>",
            "<tr class=\"differs\"><td>os_malloc(8) = HEAP+0x48</td><td>os_malloc(8) = NULL</td></tr>",
            "<b>Likely cause: </b><code>first-fit</code> (R5, shown by 2 of 3 failing runs). What first-fit is.</p>",
            "<b>Rule: </b>R6 split. If at least",
            "<b>Hint: </b>Look at the remainder</p><p><b>Output:</b></p><pre>one\ntwo</pre>",
            "<p>os_malloc(8) gives NULL (1 call)</p><pre><code>int main(void) {\n    os_malloc(8);\n}\n</code></pre>",
            "<li>The header has 32 bytes.</li>",
            "<code>cc a.c</code></p><pre>a.c:1: &lt;warning&gt;\n</pre><p>(2 lines left out)</p>",
            "<p><b>landlock</b>. It could not write.</p>",
            "<footer>osmem 0.1.0, submission <code>aa</code></footer></body></html>\n",
        ] {
            assert!(text.contains(expected), "{expected}\n-- not in --\n{text}");
        }
    }

    #[test]
    fn a_mistake_comes_first_with_its_drawing() {
        let mut record = submission("anna", vec![test("a", Outcome::Wrong)]);
        record.mistakes = vec![mistake("first-fit", "a", "b2 = os_malloc(96)")];
        let text = page(&visible(&record));
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
        let order =
            ["What is likely wrong", "first-fit", "Example: ", "<svg ", "Hint: ", "<h2>Tests</h2>", "<details>"];
        assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{text}");
        record.tests[0].details = crate::grade::record::Details::Cause;
        let text = page(&visible(&record));
        assert!(text.contains("first-fit") && !text.contains("<svg "), "{text}");
    }

    #[test]
    fn nothing_runs_and_nothing_is_loaded() {
        let text = page(&filled(HOSTILE));
        let known = [
            "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "header", "main", "section", "article",
            "footer", "h1", "h2", "h3", "p", "b", "a", "code", "pre", "span", "div", "table", "thead", "tbody", "tr",
            "th", "td", "ul", "li", "details", "summary", "svg", "rect", "text", "path", "g",
        ];
        for tag in text.split('<').skip(1) {
            let tag = tag.trim_start_matches('/').split(['>', ' ']).next().unwrap();
            assert!(known.contains(&tag), "<{tag}>");
        }
        assert!(!text.contains("src=") && !text.contains("url(") && !text.contains("@import"));
        assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
        assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}']));
        assert!(!page(&submission("a", Vec::new())).contains("http://"));
    }
}
