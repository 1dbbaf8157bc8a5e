//! How many calls the oracle judges in a second, with some 200 live blocks: `cargo bench -p osmem-oracle`. Nothing is asserted.

use std::time::Instant;

use osmem_oracle::follow::Follower;
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Done, Machine, Op, Pointer};
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::Call;
use rand::RngExt;
use rand_pcg::Pcg64;

const CALLS: usize = 200_000;
const LIVE: u32 = 200;
const RUNS: usize = 7;

/// Random calls that keep about [`LIVE`] blocks, with what the contract demands of each.
fn calls() -> Vec<Call> {
    let mut random = Pcg64::new(1, 1);
    let mut machine = Machine::new(Model::contract(Params::CONTRACT, HEAP));
    let mut live = vec![false; LIVE as usize];
    let mut calls = Vec::with_capacity(CALLS);
    while calls.len() < CALLS {
        let slot = random.random_range(0..LIVE);
        let size = random.random_range(1..2000);
        let op = match (live[slot as usize], random.random_range(0..20)) {
            (false, 0..5) => Op::Calloc { slot, nmemb: 1, size },
            (false, _) => Op::Malloc { slot, size },
            (true, 0) => Op::Free { pointer: Pointer::block(slot) },
            (true, _) => Op::Realloc { slot, pointer: Pointer::block(slot), size },
        };
        live[slot as usize] = !matches!(op, Op::Free { .. });
        if let Done::Call(call) = machine.step(op) {
            calls.push(call);
        }
    }
    calls
}

fn main() {
    let calls = calls();
    for (name, allowed) in [("strict", Allowed::strict()), ("core", Allowed::core())] {
        let mut rates: Vec<f64> = (0..RUNS).map(|_| judged(&calls, allowed)).collect();
        rates.sort_by(f64::total_cmp);
        println!(
            "oracle, profile {name}: {:.0} calls judged per second with {LIVE} live blocks (median of {RUNS}; {:.0} to {:.0})",
            rates[RUNS / 2],
            rates[0],
            rates[RUNS - 1]
        );
    }
}

/// Calls judged per second.
fn judged(calls: &[Call], allowed: Allowed) -> f64 {
    let mut follower = Follower::new(Params::CONTRACT, allowed, HEAP);
    let start = Instant::now();
    let wrong = calls.iter().filter(|call| follower.call(call).is_some()).count();
    let elapsed = start.elapsed();
    assert_eq!(wrong, 0, "the oracle agrees with itself");
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = calls.len() as f64 / elapsed.as_secs_f64();
    rate
}
