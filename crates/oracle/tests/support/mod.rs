//! Runs of allocators that exist only as models.

use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Done, Machine, Op};
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
        run_of(&format!("program {number}"), &program.ops, Model::new(rules, params, readings, HEAP), |_| {})
    };
    numbers.map(run).collect()
}

/// What `model` does with a program; `before` may change it before each step.
pub fn run_of(name: &str, ops: &[Op], model: Model<'static>, mut before: impl FnMut(&mut Model<'static>)) -> Run {
    let mut machine = Machine::new(model);
    let step = |op: &Op| {
        before(&mut machine.model);
        match machine.step(*op) {
            Done::Call(call) => Some(Step::Call(call)),
            Done::Break(to) => Some(Step::Program(to)),
            Done::Nothing => None,
        }
    };
    Run { name: name.to_owned(), brk: HEAP, steps: ops.iter().filter_map(step).collect(), end: End::Fine }
}
