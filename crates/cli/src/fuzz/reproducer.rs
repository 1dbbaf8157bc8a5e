//! A program that fails, in every form that somebody may want it in.

use std::fs;
use std::path::{Path, PathBuf};

use osmem_oracle::params::Params;
use osmem_oracle::readings::Readings;
use serde::Serialize;

use super::find::Finding;
use crate::error::Error;
use crate::foretold;
use crate::oracle::CauseRecord;
use crate::record::Difference;
use crate::script::c::{self, Comments};
use crate::script::{rust, text};
use crate::verdict;

/// A finding, ready to be shown.
#[derive(Debug, Serialize)]
pub struct Reproducer {
    /// The number of the random program that it was made from.
    pub program: u64,
    /// What is wrong, in one sentence: damage first.
    pub sentence: String,
    /// What has come to harm, or what the run ended in; nothing if only a call is not as it must be.
    pub damage: Option<String>,
    /// What else the program showed before it was shortened, in one sentence.
    pub also: Option<String>,
    /// What the program found wrong with its memory, in its own words.
    pub words: Option<String>,
    /// The lines around the first call that leaves the contract.
    pub difference: Option<Difference>,
    /// What explains it, the likeliest first.
    pub causes: Vec<CauseRecord>,
    /// How many calls it has.
    pub calls: usize,
    /// As a script, a step a line.
    pub script: String,
    /// As a C program.
    pub c: String,
    /// As a test program of the battery; the reason where there can be none.
    pub rust: Result<String, String>,
}

impl Reproducer {
    /// All of a finding. `params` and `readings` are the right ones for the library.
    pub fn of(program: u64, found: &Finding, causes: Vec<CauseRecord>, params: Params, readings: Readings) -> Self {
        let done = foretold::demanded(&found.ops, params, readings);
        let sentence = sentence(found);
        let steps: Vec<_> = foretold::entries(&done).iter().map(foretold::told).collect();
        let difference = found
            .divergence
            .as_ref()
            .and_then(|(step, divergence)| verdict::demanded_in(found.run(), *step, divergence));
        let comments = Comments { about: &sentence, steps: &steps, expected: &done };
        Self {
            program,
            damage: found.damage(),
            also: found.also.clone(),
            words: verdict::last_lines(&found.watched.seen.stderr),
            difference,
            causes,
            calls: found.calls(),
            script: text::print(&found.ops),
            c: c::c_program(&found.ops, &comments),
            rust: rust::test_program(&found.ops, &done, &sentence).map_err(|why| why.to_string()),
            sentence,
        }
    }

    /// Writes each form into `folder`; the files, script first.
    pub fn save(&self, folder: &Path, seed: u64) -> Result<Vec<PathBuf>, Error> {
        fs::create_dir_all(folder).map_err(|source| Error::Save { path: folder.to_owned(), source })?;
        let name = format!("seed-{seed}-program-{}", self.program);
        let about = format!("# {}\n", self.sentence);
        let mut forms = vec![("osmem", format!("{about}{}", self.script)), ("c", self.c.clone())];
        forms.extend(self.rust.clone().ok().map(|rust| ("rs", rust)));
        let mut files = Vec::new();
        for (ending, content) in forms {
            let path = folder.join(format!("{name}.{ending}"));
            fs::write(&path, content).map_err(|source| Error::Save { path: path.clone(), source })?;
            files.push(path);
        }
        Ok(files)
    }
}

/// What is wrong, in one sentence: damage first, with the first call that left the contract before it.
fn sentence(found: &Finding) -> String {
    let told = found.divergence.as_ref().filter(|(_, divergence)| divergence.seen.result.is_some());
    let told = told.map(|(_, divergence)| verdict::told(divergence));
    match (found.damage(), told) {
        (Some(damage), Some(told)) => format!("{damage}; before that, {told}"),
        (Some(damage), None) => damage,
        (None, told) => told.unwrap_or_default(),
    }
}
