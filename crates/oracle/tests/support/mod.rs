//! Runs of allocators that exist only as models.

use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Done, Machine};
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::Readings;
use osmem_oracle::rules::Rules;
use osmem_oracle::run::{End, Run, Step};

/// What an allocator of these rules does with the programs `numbers` of a seed.
pub fn runs(
    rules: &'static dyn Rules,
    params: Params,
    readings: Readings,
    seed: u64,
    numbers: std::ops::Range<u64>,
) -> Vec<Run> {
    let run = |number| {
        let program = random::program(seed, number, &Plan::everything(120));
        let mut machine = Machine::new(Model::new(rules, params, readings, HEAP));
        let steps = program.ops.iter().filter_map(|op| match machine.step(*op) {
            Done::Call(call) => Some(Step::Call(call)),
            Done::Break(to) => Some(Step::Program(to)),
            Done::Nothing => None,
        });
        Run { name: format!("program {number}"), brk: HEAP, steps: steps.collect(), end: End::Fine }
    };
    numbers.map(run).collect()
}
