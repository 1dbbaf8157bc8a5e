//! Runs of allocators that exist only as models.

pub mod runs;

use osmem_oracle::model::Model;
use osmem_oracle::params::HEAP;
use osmem_oracle::program::{Done, Machine, Op};
use osmem_oracle::run::{End, Run, Step};

/// What `model` does with a program; `before` may change it before each step.
pub fn run_of<'r>(name: &str, ops: &[Op], model: Model<'r>, mut before: impl FnMut(&mut Model<'r>)) -> Run {
    let mut machine = Machine::new(model);
    let step = |op: &Op| {
        before(&mut machine.model);
        match machine.step(*op) {
            Done::Call(call) => Some(Step::Call(call)),
            Done::Break(to) => Some(Step::Program(to)),
            Done::Nothing => None,
        }
    };
    Run {
        name: name.to_owned(),
        brk: HEAP,
        steps: ops.iter().filter_map(step).collect(),
        end: End::Fine,
        by_c_library: None,
    }
}
