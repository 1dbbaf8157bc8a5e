//! Writes what was measured into docs/performance.md and docs/performance.svg. The text between the marks
//! `<!-- NAME -->` and `<!-- end -->` is replaced, the rest of the page stays.

use crate::instructions::{self, Count};
use crate::micro::report::{GroupResult, allocators, findings, table as micro_table};
use crate::whole::paired::{CaseResult, Of, Subsets, table as case_table};
use crate::whole::{loads, programs};
use crate::{Failure, plot};
use serde::de::DeserializeOwned;
use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// Options of `report`.
#[derive(clap::Args)]
pub struct Options {
    /// The folder with micro.json, programs.json, loads.json and instructions.json; what is missing stays as it is
    from: PathBuf,
    /// The page to rewrite; the plot is written beside it
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance.md"))]
    page: PathBuf,
}

/// Rewrites the page and the plot.
pub fn run(options: &Options) -> Result<(), Failure> {
    let place = options.page.display();
    let mut page = fs::read_to_string(&options.page).map_err(|error| format!("cannot read {place}: {error}"))?;
    page = filled(&page, "machine", &machine())?;
    if let Some(groups) = read::<Vec<GroupResult>>(&options.from, "micro")? {
        page = filled(&page, "micro", &micro_table(&groups).markdown())?;
        let sentences: Vec<_> = findings(&groups).lines().map(|line| format!("- {line}")).collect();
        page = filled(&page, "findings", &format!("{}\n", sentences.join("\n")))?;
        plot::draw(&options.page.with_extension("svg"), &curves(&groups))?;
    }
    if let Some(cases) = read::<Vec<CaseResult>>(&options.from, "programs")? {
        page = filled(&page, "programs", &both(&cases, programs::SUBSETS))?;
    }
    if let Some(cases) = read::<Vec<CaseResult>>(&options.from, "loads")? {
        page = filled(&page, "loads", &both(&cases, loads::SUBSETS))?;
    }
    if let Some(counts) = read::<Vec<Count>>(&options.from, "instructions")? {
        page = filled(&page, "instructions", &instructions::table(&counts).markdown())?;
    }
    Ok(fs::write(&options.page, page)?)
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, Failure> {
    let path = folder.join(format!("{name}.json"));
    if !path.exists() {
        eprintln!("{} is not there: that part of the page stays as it is", path.display());
        return Ok(None);
    }
    let text = fs::read_to_string(&path)?;
    Ok(Some(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?))
}

/// `page` with `text` between the marks of `name`.
fn filled(page: &str, name: &str, text: &str) -> Result<String, Failure> {
    let (open, close) = (format!("<!-- {name} -->\n"), "<!-- end -->");
    let parts = page.split_once(&open).and_then(|(before, rest)| Some((before, rest.split_once(close)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("the page lacks the marks <!-- {name} --> and {close}"))?;
    Ok(format!("{before}{open}\n{text}\n{close}{after}"))
}

fn both(cases: &[CaseResult], subsets: Subsets) -> String {
    let [wall, peak] = [Of::Wall, Of::Peak].map(|of| case_table(cases, of, subsets).markdown());
    format!("Wall time, as a ratio to the system's:\n\n{wall}\nPeak memory, as a ratio to the system's:\n\n{peak}")
}

/// What it was measured on.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // SAFETY: the C library returns a string of its own that stays.
    let library = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) }.to_string_lossy();
    format!("{model}, {cores} cores; the system's allocator is that of glibc {library}.\n")
}

/// Of each allocator the cost of a call against live blocks.
fn curves(groups: &[GroupResult]) -> Vec<plot::Curve> {
    let random: Vec<_> = groups.iter().filter(|group| group.name.starts_with("random/")).cloned().collect();
    let curve = |name: String| {
        let points = random.iter().filter_map(|group| Some((group.live, group.of(&name)?.nanoseconds)));
        plot::Curve { points: points.collect(), name }
    };
    allocators(&random).into_iter().map(curve).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = "a\n<!-- x -->\nold\n<!-- end -->\nb <!-- y -->\nkept\n<!-- end -->\n";
        let new = filled(page, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- x -->\n\nnew\n\n<!-- end -->\nb <!-- y -->\nkept\n<!-- end -->\n");
        assert!(filled(page, "z", "").is_err());
    }
}
