//! The real library under the built-in tracer equals the oracle on random programs.

use osmem_oracle::follow::Follower;
use osmem_oracle::params::Params;
use osmem_oracle::program::Op;
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{End, Run, Step};
use osmem_trace::run::{Cancel, EndProof};
use osmem_trace::{Builtin, Observation, Spec, observe};

use crate::convert;
use crate::script::encoded;
use crate::support::built;

const PROGRAMS: u64 = 200;
const SEED: u64 = 21;

fn watched(ops: &[Op]) -> Observation {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    std::fs::write(&file, encoded(ops)).unwrap();
    let built = built();
    let spec = Spec {
        args: vec![file.into(), "one".into(), "0".into()],
        library: Some(built.library.clone()),
        cpu: Some(0),
        ..Spec::new(built.replayer.clone(), built.probe.clone())
    };
    observe(&Builtin::find().unwrap(), &spec, &Cancel::new()).unwrap()
}

#[test]
fn the_real_library_equals_the_oracle_on_random_programs() {
    let plan = Plan::everything(120);
    let mut calls = 0;
    for number in 0..PROGRAMS {
        let program = random::program(SEED, number, &plan);
        let seen = watched(&program.ops);
        let said = String::from_utf8_lossy(&seen.stderr).into_owned();
        assert_eq!(seen.proof, Some(EndProof::Return(0)), "program {number}: {said}");
        let Run { steps, brk, .. } = convert::run_of("random", &seen.trace, End::Fine);
        let mut follower = Follower::new(Params::CONTRACT, Allowed::strict(), brk);
        let mut followed = 0;
        for step in &steps {
            match step {
                Step::Program(to) => follower.program(*to),
                Step::Call(call) => {
                    let divergence = follower.call(call);
                    assert_eq!(divergence, None, "program {number}, call {followed}: {:?}", program.ops);
                    followed += 1;
                }
            }
        }
        assert_eq!(followed, program.ops.iter().filter(|op| op.is_call()).count(), "program {number}");
        calls += followed;
    }
    println!("{calls} calls of {PROGRAMS} programs");
}
