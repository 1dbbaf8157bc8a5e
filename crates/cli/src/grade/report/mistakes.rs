//! The mistakes of a submission as every page tells them: the first few, each with its cause, its tests and a drawing.

use osmem_picture::run::Picture;
use osmem_picture::svg;

use super::escape::log;
use super::words;
use crate::check::lesson;
use crate::grade::record::{Cause, Mistake, Outcome, Submission, Test};

/// Mistakes that a page tells; the causes of others stand in a line.
pub const MOST: usize = 3;

/// The files of the drawings that a page in Markdown links to.
pub const DRAWINGS: [&str; MOST] = ["mistake-1.svg", "mistake-2.svg", "mistake-3.svg"];

/// A mistake as a page tells it.
pub struct Told<'a> {
    /// The mistake.
    pub mistake: &'a Mistake,
    /// Its cause, with those that explain as much in its place.
    pub causes: Vec<&'a Cause>,
    /// The test that shows it best.
    pub example: Option<&'a Test>,
}

/// Returns the mistakes that are told, of which `seen` is what the author may see.
pub fn told<'a>(seen: &'a Submission) -> Vec<Told<'a>> {
    let told = |mistake: &'a Mistake| {
        let Mistake { cause, example, .. } = mistake;
        let place = seen.causes.iter().position(|other| cause.as_deref() == Some(&other.id));
        let from = place.map_or(&[][..], |place| &seen.causes[place..]);
        let causes = from.iter().enumerate().take_while(|(number, cause)| *number == 0 || cause.equal);
        Told {
            mistake,
            causes: causes.map(|(_, cause)| cause).collect(),
            example: seen.tests.iter().find(|test| test.name == *example && !test.hidden),
        }
    };
    seen.mistakes.iter().take(MOST).map(told).collect()
}

/// Returns the causes that no mistake tells.
pub fn others<'a>(seen: &'a Submission, told: &[Told<'_>]) -> Vec<&'a Cause> {
    let is_told = |cause: &Cause| told.iter().flat_map(|told| &told.causes).any(|other| other.id == cause.id);
    seen.causes.iter().filter(|cause| !is_told(cause)).collect()
}

/// Returns what is said of tests that no known mistake explains; nothing where their mistakes are told.
pub fn unexplained(seen: &Submission, told: &[Told<'_>]) -> Option<String> {
    let is_told = |name: &String| told.iter().any(|told| told.mistake.tests.contains(name));
    let rest: Vec<String> = seen.unexplained.iter().filter(|name| !is_told(name)).cloned().collect();
    words::unexplained(&rest)
}

impl Told<'_> {
    /// Returns the names of the tests that show it, in a line.
    pub fn tests(&self) -> String {
        lesson::names(self.mistake.tests.iter().map(String::as_str))
    }

    /// Returns the call that shows it, in a line.
    pub fn call(&self) -> Option<String> {
        let name = &self.mistake.example;
        let picture = self.picture()?;
        let call = picture.calls.first()?;
        let told = match &call.wrong {
            Some(wrong) => {
                let (expected, actual) = wrong.sides(call);
                format!("{}; expected {expected}, seen {actual}", call.text)
            }
            None => call.line(),
        };
        Some(format!("{name}, call {}: {told}", call.number))
    }

    /// Returns the drawing of that call.
    pub fn drawing(&self) -> Option<String> {
        svg::call(&self.picture()?, 0)
    }

    /// Returns the picture of that call; no text in it steers whatever shows it.
    fn picture(&self) -> Option<Picture> {
        let mut picture = self.mistake.picture.as_ref()?.picture(&log(&self.mistake.example));
        for call in &mut picture.calls {
            let wrong = call.wrong.iter_mut().flat_map(|wrong| {
                [&mut wrong.rule, &mut wrong.sentence, &mut wrong.result].into_iter().chain(&mut wrong.system)
            });
            let own = [&mut call.text, &mut call.result].into_iter().chain(&mut call.system);
            own.chain(wrong).for_each(|text| *text = log(text));
        }
        Some(picture)
    }
}

/// The tests of one theme.
pub struct Theme<'a> {
    /// Its name.
    pub name: &'static str,
    /// In their order, with their numbers among those that did not pass and are told of.
    pub tests: Vec<&'a Test>,
}

impl Theme<'_> {
    /// Returns what was earned and what could be.
    pub fn points(&self) -> (f64, f64) {
        (self.tests.iter().map(|test| test.earned).sum(), self.tests.iter().map(|test| test.points).sum())
    }
}

/// Returns the tests by theme, in the order of their first tests.
pub fn themes(tests: &[Test]) -> Vec<Theme<'_>> {
    let mut themes: Vec<Theme<'_>> = Vec::new();
    for test in tests {
        let name = theme(test);
        match themes.iter_mut().find(|theme| theme.name == name) {
            Some(theme) => theme.tests.push(test),
            None => themes.push(Theme { name, tests: vec![test] }),
        }
    }
    themes
}

fn theme(test: &Test) -> &'static str {
    use crate::grade::record::Kind;
    use crate::suite::Profile;
    match test.kind {
        _ if test.hidden => "hidden tests",
        Kind::Random => "random programs",
        Kind::Style => "style",
        Kind::Performance => "memory and speed",
        Kind::Battery if test.profile == Some(Profile::Basic) => "basic",
        Kind::Battery => test.rules.first().map_or("tests", |rule| rule.name()),
    }
}

/// Returns the mark of an outcome in a grid.
pub fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "●",
        Outcome::InfraError => "?",
        _ => "✗",
    }
}
