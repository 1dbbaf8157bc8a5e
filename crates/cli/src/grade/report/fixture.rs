//! Records for the tests of the reports: a plain one, and one whose every string is hostile.

use crate::grade::record::{
    Block, Build, Cause, Containment, Counterexample, Details, Drawn, Expected, Kind, Mistake, Outcome, Score,
    Submission, Test, Use, VERSION,
};
use crate::record::{Difference, Row};
use crate::suite::Profile;

/// Everything that some reader of a report might obey.
pub const HOSTILE: &str = "=HYPERLINK(\"http://evil\")\n::error::pwned\r\n##[error]x</pre><script>alert('1')</script>]]>&amp;<!-- \
     ``` ````` | **b** [x](javascript:1) \0\x1b[31mred\x1b]0;t\x07\u{9b}2J\u{202e}\u{2066}\u{200b}\u{2028}\u{ffff}\t\\";

/// What hidden tests hold.
pub const SECRET: &str = "tOpSeCrEt";

/// A cause of one rule.
pub fn cause(id: &str) -> Cause {
    Cause {
        id: id.to_owned(),
        sentence: format!("What {id} is."),
        rules: vec!["R5".parse().unwrap()],
        explained: 2,
        runs: 3,
        equal: false,
    }
}

/// A visible test of the battery worth two points.
pub fn test(name: &str, outcome: Outcome) -> Test {
    let failed = outcome != Outcome::Pass;
    Test {
        name: name.to_owned(),
        kind: Kind::Battery,
        hidden: false,
        details: Details::Full,
        profile: Some(Profile::Core),
        points: 2.0,
        earned: if failed { 0.0 } else { 2.0 },
        outcome,
        reason: failed.then(|| "the trace differs".to_owned()),
        rules: vec!["R6".parse().unwrap()],
        description: "Splits the first block".to_owned(),
        hint: "Look at the remainder".to_owned(),
        difference: None,
        causes: Vec::new(),
        output: None,
    }
}

/// A difference of three rows.
pub fn difference() -> Difference {
    let rule: crate::rules::Rule = "R6".parse().unwrap();
    let row = |mark, expected: Option<&str>, actual: Option<&str>| Row {
        mark,
        expected: expected.map(str::to_owned),
        actual: actual.map(str::to_owned),
    };
    Difference {
        rule,
        sentence: rule.sentence().to_owned(),
        context: vec![
            row(' ', Some("os_malloc(8) = HEAP+0x20"), Some("os_malloc(8) = HEAP+0x20")),
            row('~', Some("os_malloc(8) = HEAP+0x48"), Some("os_malloc(8) = NULL")),
            row('-', Some("exit 0"), None),
        ],
    }
}

/// A short one.
pub fn counterexample() -> Counterexample {
    Counterexample {
        sentence: "os_malloc(8) gives NULL".to_owned(),
        calls: 1,
        script: "a = malloc 8\n".to_owned(),
        c: "int main(void) {\n    os_malloc(8);\n}\n".to_owned(),
        difference: Some(difference()),
        causes: vec![cause("wrong-null")],
    }
}

/// A mistake of one test, whose picture has this text everywhere.
pub fn mistake(cause: &str, test: &str, text: &str) -> Mistake {
    let text = || text.to_owned();
    let block = |offset, name| Block { region: 0, offset, header: 32, size: 96, status: Use::Used, name };
    let after = vec![block(0, Some(1)), block(128, Some(2))];
    let wrong = Expected { rule: text(), sentence: text(), result: text(), system: vec![text()], after: after.clone() };
    let picture = Drawn {
        call: 2,
        text: text(),
        result: text(),
        system: vec![text()],
        subject: Some(2),
        before: vec![block(0, Some(1))],
        after,
        wrong: Some(wrong),
    };
    let cause = Some(cause.to_owned());
    Mistake { cause, tests: vec![test.to_owned()], example: test.to_owned(), picture: Some(picture) }
}

/// A submission with these tests, its outcome and score told from them.
pub fn submission(name: &str, tests: Vec<Test>) -> Submission {
    let outcome = tests.iter().map(|test| test.outcome).max().unwrap_or(Outcome::Pass);
    let failed = outcome != Outcome::Pass;
    let score = Score {
        earned: tests.iter().map(|test| test.earned).sum(),
        points: tests.iter().map(|test| test.points).sum(),
        penalty: 0.0,
    };
    Submission {
        version: VERSION,
        tool: "osmem 0.1.0".to_owned(),
        course: "OS 1".to_owned(),
        name: name.to_owned(),
        digest: "aa".to_owned(),
        key: "bb".to_owned(),
        outcome,
        reason: failed.then(|| "a test failed".to_owned()),
        score: (outcome != Outcome::InfraError).then_some(score),
        containment: Containment { tier: "landlock".to_owned(), sentence: "It could not write.".to_owned() },
        tracer: "strace 6.1".to_owned(),
        build: Some(Build { kind: "c".to_owned(), command: "cc a.c".to_owned(), log: String::new(), cut: 0 }),
        search: crate::grade::record::Search::Clean,
        behaves: vec!["The header has 32 bytes.".to_owned()],
        unexplained: Vec::new(),
        mistakes: Vec::new(),
        causes: if failed { vec![cause("first-fit")] } else { Vec::new() },
        tests,
        counterexample: None,
        further: Vec::new(),
        suspicious: None,
        notes: Vec::new(),
    }
}

/// Every string of it is `text`; a visible test and a hidden one, both failed.
pub fn filled(text: &str) -> Submission {
    let text = || text.to_owned();
    let cause = || Cause { id: text(), sentence: text(), ..cause("") };
    let mut difference = difference();
    difference.sentence = text();
    for row in &mut difference.context {
        row.mark = '\u{1b}';
        row.expected = Some(text());
        row.actual = Some(text());
    }
    let test = Test {
        name: text(),
        reason: Some(text()),
        description: text(),
        hint: text(),
        difference: Some(difference.clone()),
        causes: vec![cause()],
        output: Some(text()),
        ..test("", Outcome::Wrong)
    };
    let hidden = Test { hidden: true, kind: Kind::Style, ..test.clone() };
    Submission {
        tool: text(),
        course: text(),
        name: text(),
        digest: text(),
        key: text(),
        reason: Some(text()),
        containment: Containment { tier: text(), sentence: text() },
        tracer: text(),
        build: Some(Build { kind: text(), command: text(), log: text(), cut: 7 }),
        search: crate::grade::record::Search::Clean,
        behaves: vec![text()],
        causes: vec![cause()],
        mistakes: vec![mistake(&text(), &text(), &text())],
        counterexample: Some(Counterexample {
            sentence: text(),
            calls: 3,
            script: text(),
            c: text(),
            difference: Some(difference),
            causes: vec![cause()],
        }),
        suspicious: Some(text()),
        notes: vec![text()],
        ..submission("", vec![test, hidden])
    }
}

/// A submission whose only failures are hidden, and all that they could tell of is [`SECRET`].
pub fn secretive() -> Submission {
    let secret = filled(SECRET);
    let tests =
        vec![test("open", Outcome::Pass), Test { hidden: true, ..secret.tests[0].clone() }, secret.tests[1].clone()];
    Submission {
        reason: secret.reason,
        causes: secret.causes,
        mistakes: secret.mistakes,
        counterexample: secret.counterexample,
        suspicious: secret.suspicious,
        notes: secret.notes,
        ..submission("anna", tests)
    }
}
