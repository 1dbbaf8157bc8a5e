//! Runs of random programs.

use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::Readings;
use osmem_oracle::rules::Rules;
use osmem_oracle::run::Run;

use super::run_of;

/// What an allocator of these rules does with the programs `numbers` of a seed.
pub fn runs(
    rules: Rules<'_>,
    params: Params,
    readings: Readings,
    seed: u64,
    numbers: std::ops::Range<u64>,
) -> Vec<Run> {
    let run = |number| {
        let program = random::program(seed, number, &Plan::everything(120));
        run_of(&format!("program {number}"), &program.ops, Model::new(rules, params, readings, HEAP), |_| {})
    };
    numbers.map(run).collect()
}
