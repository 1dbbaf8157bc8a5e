//! What `micro` found: the record, the table, and the figures that follow from it.

use super::group::{EXACT, LINEAR, SYSTEM};
use crate::numbers::{geometric_mean, short};
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// One group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupResult {
    pub name: String,
    /// Live blocks, where that is what the group is about; else 0.
    pub live: u64,
    pub results: Vec<RivalResult>,
}

/// One allocator in one group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RivalResult {
    pub allocator: String,
    /// Median time of one call.
    pub nanoseconds: f64,
    /// Median of the ratios to the system's time in the same round, and between which values four of five lie.
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
}

impl GroupResult {
    pub fn of(&self, allocator: &str) -> Option<&RivalResult> {
        self.results.iter().find(|result| result.allocator == allocator)
    }

    fn kind(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// The names of all allocators, in the order in which they first appear.
pub fn allocators(groups: &[GroupResult]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for result in groups.iter().flat_map(|group| &group.results) {
        if !names.contains(&result.allocator) {
            names.push(result.allocator.clone());
        }
    }
    names
}

/// A row per group and a row per kind: the system's nanoseconds per call, the others' ratios to it.
pub fn table(groups: &[GroupResult]) -> Table {
    let names = allocators(groups);
    let mut table = Table::new(["group".to_string(), "system, ns".to_string()]);
    names.iter().filter(|name| *name != SYSTEM).for_each(|name| table.column(name));
    for group in groups {
        let mut row = vec![group.name.clone()];
        for name in &names {
            row.push(match group.of(name) {
                Some(found) if name == SYSTEM => short(found.nanoseconds),
                Some(found) => short(found.ratio),
                None => String::new(),
            });
        }
        table.row(row);
    }
    let mut kinds: Vec<&str> = groups.iter().map(GroupResult::kind).collect();
    kinds.dedup();
    for kind in kinds {
        let mut row = vec![format!("{kind}, mean"), String::new()];
        for name in names.iter().filter(|name| *name != SYSTEM) {
            let ratios = groups.iter().filter(|group| group.kind() == kind).filter_map(|group| group.of(name));
            let mean = geometric_mean(ratios.map(|found| found.ratio));
            row.push(if mean > 0.0 { short(mean) } else { String::new() });
        }
        table.row(row);
    }
    table
}

/// What the index is there for: the cost of a call against the number of live blocks, and against the linear search.
pub fn findings(groups: &[GroupResult]) -> String {
    let mut text = String::new();
    let cost = |name: &str, live| {
        let mut found = groups.iter().filter(|group| group.kind() == "random" && group.live == live);
        found.next().and_then(|group| group.of(name)).map(|result| result.nanoseconds)
    };
    for name in allocators(groups) {
        if let (Some(many), Some(few)) = (cost(&name, 1_000_000), cost(&name, 1000)) {
            let times = short(many / few);
            let _ = writeln!(text, "{name}: a call with 1,000,000 live blocks costs {times} times one with 1,000.");
        }
    }
    if let (Some(linear), Some(exact)) = (cost(LINEAR, 100_000), cost(EXACT, 100_000)) {
        let times = short(linear / exact);
        let _ = writeln!(text, "{EXACT} with 100,000 live blocks is {times} times as fast as the linear search.");
    }
    text
}
