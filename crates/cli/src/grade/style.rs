//! The style steps of a course, on what was handed in.

use std::path::PathBuf;

use super::boxed::Boxed;
use super::course::{Counts, Style};
use super::desk::Desk;
use super::intake::{self, Found, Recipe, Refusal};
use super::record::{Kind, Outcome, Submission, Test as Graded};
use super::workshop::{self, Bench};
use super::{Class, MIB, build, command, end, overlay};
use crate::error::{Error, is_of_tracer};
use crate::verdict;

impl Class<'_> {
    /// Adds the style steps to a record. Returns `false` where they are the end of it, because something is refused.
    pub(super) fn style(
        &self,
        found: &Found,
        bench: &Bench,
        (recipe, boxed): (&Recipe, &Boxed),
        record: &mut Submission,
    ) -> Result<bool, Error> {
        if self.desk.course.style.is_empty() {
            return Ok(true);
        }
        let log = record.build.as_ref().map_or("", |build| &build.log).to_owned();
        let source = match self.handed_in(found, bench, recipe)? {
            Ok(source) => source,
            Err(refusal) => {
                end(record, refusal.outcome(), refusal.to_string());
                return Ok(false);
            }
        };
        // A command of ours tells all warnings; where there is no C file, the build's own output is all that there is.
        let is_ours = matches!(recipe, Recipe::Cargo | Recipe::Cxx { .. } | Recipe::Prebuilt { .. });
        let has_c = command::has_c(&source);
        if !is_ours && !has_c && self.desk.course.style.iter().any(Style::is_of_compiler) {
            record.notes.push("no C files: the compiler's warnings are those that the build printed".to_owned());
        }
        let log = (is_ours || !has_c).then_some(&*log);
        let building = boxed.building(&source, &self.desk.toolchain);
        for step in &self.desk.course.style {
            record.tests.push(counted(self.desk, &building, step, log)?);
        }
        Ok(true)
    }

    /// Copies what was handed in once more, for the style steps: a build may have written over it.
    fn handed_in(&self, found: &Found, bench: &Bench, recipe: &Recipe) -> Result<Result<PathBuf, Refusal>, Error> {
        let folder = bench.again()?;
        let copied = || {
            intake::unpack(found, self.desk.course, &[], &folder)?;
            intake::clear(&folder, recipe, &mut Vec::new())?;
            overlay::fill(&folder)
        };
        if let Err(refusal) = copied() {
            return Ok(Err(refusal));
        }
        workshop::hand_over(&folder, bench.user)?;
        Ok(Ok(folder))
    }
}

/// Runs a style step in the box of the build. `log`: the compiler's output, for sources that are built by a command of ours.
fn counted(desk: &Desk<'_>, boxed: &Boxed, step: &Style, log: Option<&str>) -> Result<Graded, Error> {
    let limits = (desk.course.limits.build_seconds, desk.course.limits.output_mib * MIB);
    let run = |command: &str| match build::shell(&desk.witness, boxed, command, limits, desk.cancel) {
        // No other submission has to do without its mark for that.
        Err(error) if !is_of_tracer(&error) => {
            Ok(build::Ran { fault: Some((Outcome::InfraError, error.to_string())), log: String::new() })
        }
        ran => ran,
    };
    let (count, fault, output) = match &step.counts {
        Counts::Lines(command) => {
            let ran = run(command)?;
            let fault = ran.fault.filter(|(outcome, _)| *outcome != Outcome::NoBuild);
            (ran.log.lines().filter(|line| !line.trim().is_empty()).count(), fault, ran.log)
        }
        Counts::Warnings(skip) => match log {
            Some(log) => {
                let warns = |line: &&str| line.starts_with("warning: ") || line.contains(": warning: ");
                (log.lines().filter(warns).count(), None, String::new())
            }
            None => {
                let ran = run(&command::warnings(skip))?;
                let fault = ran.fault.filter(|(outcome, _)| *outcome != Outcome::NoBuild);
                (ran.log.lines().filter(|line| line.contains(" warning: ")).count(), fault, ran.log)
            }
        },
    };
    let earned = if fault.is_some() { 0.0 } else { step.earned(count as u64) };
    let word = match step.counts {
        Counts::Lines(_) => "lines of complaint",
        Counts::Warnings(_) => "warnings of the compiler",
    };
    let (outcome, reason) = match fault {
        Some((outcome, reason)) => (outcome, Some(reason)),
        None if earned >= step.points => (Outcome::Pass, None),
        None => (Outcome::Wrong, Some(format!("{count} {word}"))),
    };
    Ok(Graded {
        name: step.name.clone(),
        kind: Kind::Style,
        hidden: false,
        details: desk.course.report.of_style(&step.name),
        profile: None,
        points: step.points,
        earned,
        outcome,
        reason,
        rules: Vec::new(),
        description: format!("style: {word} are counted"),
        hint: String::new(),
        difference: None,
        causes: Vec::new(),
        output: verdict::last_lines(output.as_bytes()),
    })
}
