//! The oracle reproduces every golden trace.

use std::fs;
use std::path::Path;

use osmem_oracle::follow::Follower;
use osmem_oracle::params::Params;
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{End, Run, Step};

use crate::convert;

fn runs() -> Vec<Run> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/traces");
    let mut runs = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let trace = fs::read_to_string(&path).unwrap().parse().unwrap();
        runs.push(convert::run_of(&path.file_stem().unwrap().to_string_lossy(), &trace, End::Fine));
    }
    runs.sort_by(|one, other| one.name.cmp(&other.name));
    runs
}

#[test]
fn the_oracle_reproduces_every_golden_trace() {
    let mut wrong = Vec::new();
    for run in runs() {
        for allowed in [Allowed::strict(), Allowed::core()] {
            let mut follower = Follower::new(Params::CONTRACT, allowed, run.brk);
            for (number, step) in run.steps.iter().enumerate() {
                match step {
                    Step::Program(to) => follower.program(*to),
                    Step::Call(call) => {
                        if let Some(divergence) = follower.call(call) {
                            wrong.push(format!("{} step {number}: {divergence:?}", run.name));
                            break;
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
