//! `osmem merge`: the results of the parts of a class become those of the class.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use crate::args::MergeArgs;
use crate::error::{Error, Exit};
use crate::grade::record::Submission;
use crate::grade::report::table;
use crate::grade::store::Store;
use crate::report::output::{self, Output};

/// Runs `osmem merge`.
pub fn run(args: &MergeArgs) -> Result<Exit, Error> {
    let mut all: BTreeMap<String, (Submission, PathBuf)> = BTreeMap::new();
    for folder in &args.folders {
        if !folder.is_dir() {
            return Err(Error::NoResults(folder.clone()));
        }
        let records = Store::open(folder, true)?.class().ok_or_else(|| Error::NoResults(folder.clone()))?;
        for record in records {
            let name = record.name.clone();
            match all.get(&name) {
                // Who watched makes no other result.
                Some((other, first)) if *other != Submission { tracer: other.tracer.clone(), ..record.clone() } => {
                    return Err(Error::Contradiction { name, first: first.clone(), second: folder.clone() });
                }
                _ => drop(all.insert(name, (record, folder.clone()))),
            }
        }
    }
    let mut store = Store::open(&args.out, args.force)?;
    store.make()?;
    let records: Vec<Submission> = all.into_values().map(|(record, _)| record).collect();
    records.iter().try_for_each(|record| store.keep(record))?;
    store.keep_class(&records)?;
    let mut out = Output::stdout();
    table::class(&mut out, &records, output::width())?;
    writeln!(out, "results: {}", output::shown(&args.out))?;
    out.flush()?;
    Ok(Exit::Passed)
}
