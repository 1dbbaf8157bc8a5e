//! Cases that run under each allocator in turn, round by round, and what comes of it.

use super::preload::{Allocator, Cost, SYSTEM};
use crate::Failure;
use crate::numbers::{geometric_mean, median, quantile, short};
use crate::table::Table;
use serde::{Deserialize, Serialize};

/// What a case does under one allocator.
type Run<'a> = dyn Fn(&Allocator) -> Result<Cost, Failure> + 'a;

/// Names of subsets of the cases over which means are taken, and what belongs to them.
pub type Subsets<'a> = &'a [Subset];
type Subset = (&'static str, fn(&CaseResult) -> bool);

/// Something to run. `run` is called many times.
pub struct Case<'a> {
    pub name: String,
    /// Its threads, where it is about them; else 0.
    pub threads: usize,
    pub run: Box<Run<'a>>,
}

/// One case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseResult {
    pub name: String,
    pub threads: usize,
    pub results: Vec<AllocatorResult>,
    /// Allocators under which the case failed, with the reason.
    pub failed: Vec<(String, String)>,
}

/// One allocator in one case. Ratios are medians of ratios within a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllocatorResult {
    pub allocator: String,
    pub seconds: f64,
    pub wall: f64,
    /// Between these two, four of five ratios lie.
    pub low: f64,
    pub high: f64,
    pub peak_kib: f64,
    pub peak: f64,
}

impl CaseResult {
    fn of(&self, allocator: &str) -> Option<&AllocatorResult> {
        self.results.iter().find(|result| result.allocator == allocator)
    }
}

/// Runs `case` so many rounds, after one that warms the machine's caches and does not count.
#[expect(clippy::cast_precision_loss, reason = "kibibytes")]
pub fn measure(case: &Case, allocators: &[Allocator], rounds: usize) -> CaseResult {
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); allocators.len()];
    let mut failed: Vec<(String, String)> = Vec::new();
    for round in 0..=rounds {
        for turn in 0..allocators.len() {
            let at = (turn + round) % allocators.len();
            let allocator = &allocators[at];
            if failed.iter().any(|(name, _)| name == allocator.name) {
                continue;
            }
            match (case.run)(allocator) {
                Ok(_) if round == 0 => {}
                Ok(cost) => costs[at].push(cost),
                Err(failure) => failed.push((allocator.name.to_string(), failure.to_string())),
            }
        }
    }
    let ratios = |own: &[Cost], number: fn(&Cost) -> f64| -> Vec<f64> {
        own.iter().zip(&costs[0]).map(|(own, system)| number(own) / number(system)).collect()
    };
    let seconds = |cost: &Cost| cost.wall.as_secs_f64();
    let peak = |cost: &Cost| cost.peak as f64;
    let done = allocators.iter().zip(&costs).filter(|(_, costs)| costs.len() == rounds && costs[0].peak >= 0);
    let results = done.map(|(allocator, own)| {
        let wall = ratios(own, seconds);
        AllocatorResult {
            allocator: allocator.name.to_string(),
            seconds: median(&own.iter().map(seconds).collect::<Vec<_>>()),
            wall: median(&wall),
            low: quantile(&wall, 0.1),
            high: quantile(&wall, 0.9),
            peak_kib: median(&own.iter().map(peak).collect::<Vec<_>>()),
            peak: median(&ratios(own, peak)),
        }
    });
    CaseResult { name: case.name.clone(), threads: case.threads, results: results.collect(), failed }
}

/// Ratios of wall time, or of peak memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Wall,
    Peak,
}

/// A row per case; below them the geometric mean and the largest ratio of each subset of the cases.
pub fn table(cases: &[CaseResult], of: Of, subsets: Subsets) -> Table {
    let ratio = |result: &AllocatorResult| if of == Of::Wall { result.wall } else { result.peak };
    let names = names(cases);
    let unit = if of == Of::Wall { "system, s" } else { "system, MiB" };
    let mut table = Table::new(["case".to_string(), unit.to_string()]);
    names.iter().for_each(|name| table.column(name));
    for case in cases {
        let system = case.of(SYSTEM);
        let absolute = system.map(|own| if of == Of::Wall { own.seconds } else { own.peak_kib / 1024.0 });
        let title = if case.threads > 0 { format!("{}, {}", case.name, case.threads) } else { case.name.clone() };
        let mut row = vec![title, absolute.map_or_else(|| "failed".to_string(), short)];
        for name in &names {
            let own = case.of(name).map(|own| short(ratio(own)));
            row.push(own.unwrap_or_else(|| "failed".to_string()));
        }
        table.row(row);
    }
    for (title, belongs) in subsets.iter().filter(|(_, belongs)| cases.iter().any(belongs)) {
        let all = |name: &str| -> Vec<f64> {
            cases.iter().filter(|case| belongs(case)).filter_map(|case| case.of(name)).map(ratio).collect()
        };
        let means = names.iter().map(|name| short(geometric_mean(all(name))));
        table.row([format!("mean{title}"), String::new()].into_iter().chain(means).collect());
        let largest = names.iter().map(|name| short(all(name).into_iter().fold(0.0, f64::max)));
        table.row([format!("largest{title}"), String::new()].into_iter().chain(largest).collect());
    }
    table
}

/// All allocators but the system's.
fn names(cases: &[CaseResult]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for case in cases {
        let ran = case.results.iter().map(|result| &result.allocator);
        for name in ran.chain(case.failed.iter().map(|(name, _)| name)) {
            if name != SYSTEM && !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}
