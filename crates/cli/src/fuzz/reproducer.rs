//! A program that fails, in every form that somebody may want it in.

use std::fs;
use std::io::{self, Write};
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
    /// It tried something that the box or the tracer forbids.
    #[serde(skip)]
    pub forbidden: bool,
    /// The calls that were seen are not those of the program.
    #[serde(skip)]
    pub feigned: bool,
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
            forbidden: !found.watched.seen.refused.is_empty(),
            feigned: found.is_feigned(),
            also: found.also.clone(),
            words: verdict::last_lines(&found.watched.seen.stderr).map(|words| steady(&words)),
            difference,
            causes,
            calls: found.calls(),
            script: text::print(&found.ops),
            c: c::c_program(&found.ops, &comments),
            rust: rust::test_program(&found.ops, &done, &sentence).map_err(|why| why.to_string()),
            sentence,
        }
    }

    /// Writes each form into `folder`; the files, script first. A script of other contents is never written over.
    pub fn save(&self, folder: &Path, seed: u64) -> Result<Vec<PathBuf>, Error> {
        fs::create_dir_all(folder).map_err(|source| Error::Save { path: folder.to_owned(), source })?;
        let about = format!("# {}\n", self.sentence);
        let script = format!("{about}{}", self.script);
        let name = free_name(folder, &format!("seed-{seed}-program-{}", self.program), &script)?;
        let mut forms = vec![("c", self.c.clone())];
        forms.extend(self.rust.clone().ok().map(|rust| ("rs", rust)));
        let mut files = vec![folder.join(format!("{name}.{SCRIPT}"))];
        for (ending, content) in forms {
            let path = folder.join(format!("{name}.{ending}"));
            fs::write(&path, content).map_err(|source| Error::Save { path: path.clone(), source })?;
            files.push(path);
        }
        Ok(files)
    }
}

/// The ending of a script's file.
const SCRIPT: &str = "osmem";

/// Writes the script to the first of `name`, `name-2` and so on that is not there, or holds just that script; returns that name.
fn free_name(folder: &Path, name: &str, script: &str) -> Result<String, Error> {
    let mut number = 1;
    loop {
        let candidate = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let path = folder.join(format!("{candidate}.{SCRIPT}"));
        let failed = |source| Error::Save { path: path.clone(), source };
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(script.as_bytes()).map_err(failed)?;
                return Ok(candidate);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|there| there == script.as_bytes()) {
                    return Ok(candidate);
                }
                number += 1;
            }
            Err(error) => return Err(failed(error)),
        }
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

/// Addresses that lie further apart than this have nothing to do with each other.
const NEAR: u64 = 1 << 30;
/// What has fewer digits is no address but an offset or a byte.
const DIGITS: usize = 7;

/// Words whose addresses do not differ from run to run: A and B for the first ones, A+0x20 for what lies near them.
fn steady(words: &str) -> String {
    let mut parts = words.split("0x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut bases: Vec<u64> = Vec::new();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
        let (digits, rest) = part.split_at(end);
        match u64::from_str_radix(digits, 16) {
            Ok(address) if digits.len() >= DIGITS => {
                let near = bases.iter().position(|base| base.abs_diff(address) < NEAR);
                let place = near.unwrap_or(bases.len());
                if near.is_none() {
                    bases.push(address);
                }
                let base = bases[place];
                let letter = char::from_u32('A' as u32 + u32::try_from(place % 26).unwrap_or_default());
                text.push(letter.unwrap_or('A'));
                match address.abs_diff(base) {
                    0 => {}
                    offset => text.push_str(&format!("{}{offset:#x}", if address > base { '+' } else { '-' })),
                }
            }
            _ => text.push_str(&format!("0x{digits}")),
        }
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_names_and_other_numbers_stay() {
        for (words, expected) in [
            ("8 bytes at 0x55f765f2a580 over 0x55f765f2a580", "8 bytes at A over A"),
            ("0x55f765f2a580, 0x55f765f2a5a8, 0x7f0000000010, 0x55f765f2a578", "A, A+0x28, B, A-0x8"),
            ("byte 432 is 0x30, it must be 0x31", "byte 432 is 0x30, it must be 0x31"),
            ("0x", "0x"),
            ("é 0xffffffffffffffffff!", "é 0xffffffffffffffffff!"),
            ("none", "none"),
        ] {
            assert_eq!(steady(words), expected);
        }
    }
}
