//! The style steps of a course, on what was handed in.

use std::path::PathBuf;

use super::boxed::Boxed;
use super::course::Style;
use super::intake::{self, Found, Recipe, Refusal};
use super::record::Submission;
use super::workshop::{self, Bench};
use super::{Class, command, end, judge, overlay};
use crate::error::Error;

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
            record.tests.push(judge::style(self.desk, &building, step, log)?);
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
