//! Nothing that is seen breaks the oracle, and nothing that it supposes: mistaken allocators that take turns on one heap, runs with
//! holes and wrong answers in them.

mod support;

use osmem_oracle::call::{Granting, NULL, Request, System};
use osmem_oracle::diagnose::{Background, diagnose};
use osmem_oracle::follow::Follower;
use osmem_oracle::hypotheses::{self, Hypothesis};
use osmem_oracle::infer::{self, Inferred};
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Op, Pointer};
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::{Allowed, Point, Readings};
use osmem_oracle::rules::{Patch, Rules};
use osmem_oracle::run::{Call, Check, End, Run, Step};
use rand::RngExt;
use rand_pcg::Pcg64;
use support::run_of;
use support::runs::runs;

/// Programs, each of them also mangled.
/// Sets of mistakes that are tried together.
const TOGETHER: u64 = 20_000;
const PROGRAMS: u64 = 1000;

/// Everything that the oracle says of some runs, of an allocator that reads the open points so.
fn say_all(runs: &[&Run], readings: Readings) {
    let params = Params::CONTRACT;
    for run in runs {
        for allowed in [Allowed::core(), Allowed::strict()] {
            let mut follower = Follower::new(params, allowed, run.brk);
            for step in &run.steps {
                match step {
                    Step::Program(to) => follower.program(*to),
                    Step::Call(call) => drop(follower.call(call)),
                }
            }
        }
    }
    let inferred = Inferred::of(runs, params);
    let settled = infer::readings(&infer::settle(runs, params));
    let seen = inferred.numbers();
    drop(inferred.sentences(params));
    for (strict, readings) in [(false, readings), (true, settled)] {
        drop(diagnose(runs, runs.last().copied(), &Background { params, readings, strict, seen }));
    }
}

/// Some of the run is lost, or said otherwise.
fn mangle(run: &mut Run, random: &mut Pcg64) {
    let results: Vec<u64> = run.calls().filter_map(|call| call.result).collect();
    for _ in 0..random.random_range(0..4) {
        let place = random.random_range(0..run.steps.len());
        let other = results[random.random_range(0..results.len())];
        let Step::Call(call) = &mut run.steps[place] else { continue };
        match random.random_range(0..7) {
            0 => call.asked.clear(),
            1 => call.result = Some(other),
            2 => call.result = Some(other + 8 * random.random_range(0..40)),
            3 => call.result = Some(NULL),
            4 => call.asked.push(System::Brk { to: HEAP + 8 * random.random_range(0..40_000), now: HEAP }),
            5 => {
                if let Request::Realloc { pointer, .. } | Request::Free { pointer } = &mut call.request {
                    *pointer = other;
                }
            }
            _ => drop(run.steps.remove(place)),
        }
    }
    let ends = [End::Fine, End::Check(Check::Overlap), End::Crash("SIGSEGV".into()), End::Timeout];
    run.end = ends[random.random_range(0..ends.len())].clone();
}

/// The program with blocks resized or freed that were freed, soon after or later.
fn misused(ops: &[Op], random: &mut Pcg64) -> Vec<Op> {
    let mut all = Vec::new();
    let mut dead = vec![Pointer::Null];
    for op in ops {
        all.push(*op);
        if let Op::Free { pointer } = op {
            dead.push(*pointer);
        }
        if random.random_range(0..8) == 0 {
            let recent = dead.len().saturating_sub(4);
            let pointer = dead[random.random_range(recent..dead.len())];
            let most = [200, 20_000, 140_000][random.random_range(0..3)];
            let size = random.random_range(0..most);
            all.push(if size % 4 == 0 { Op::Free { pointer } } else { Op::Realloc { slot: 999, pointer, size } });
        }
    }
    all
}

#[test]
fn mistakes_that_take_turns_break_nothing() {
    let all: Vec<&Hypothesis> = hypotheses::ALL.iter().copied().flatten().collect();
    let mut random = Pcg64::new(8, 8);
    for number in 0..PROGRAMS {
        let patches: Vec<&dyn Patch> = (0..number % 4).map(|_| all[random.random_range(0..all.len())].patch).collect();
        let points = Point::ALL.into_iter();
        let readings = points.fold(Readings::CONTRACT, |readings, point| {
            if random.random_range(0..3) > 0 {
                readings
            } else {
                readings.with(point, random.random_range(0..point.choices()))
            }
        });
        let program = random::program(10, number, &Plan { readings, ..Plan::everything(80) });
        let ops = misused(&program.ops, &mut random);
        let model = Model::new(Rules::CONTRACT, Params::CONTRACT, readings, HEAP);
        let mut run = run_of("turns", &ops, model, |model| {
            let heap = model.heap.clone();
            let together = Rules::patched(&patches[..random.random_range(0..=patches.len())]);
            *model = Model::new(together, Params::CONTRACT, readings, HEAP);
            model.heap = heap;
        });
        say_all(&[&run], readings);
        mangle(&mut run, &mut random);
        say_all(&[&run], readings);
    }
}

#[test]
fn mistakes_together_break_nothing() {
    let all: Vec<&Hypothesis> = hypotheses::ALL.iter().copied().flatten().collect();
    let mut random = Pcg64::new(9, 9);
    for number in 0..TOGETHER {
        let members: Vec<&Hypothesis> = (0..1 + number % 4).map(|_| all[random.random_range(0..all.len())]).collect();
        let patches: Vec<&dyn Patch> = members.iter().map(|hypothesis| hypothesis.patch).collect();
        let program = random::program(12, number, &Plan::everything(60));
        let ops = misused(&program.ops, &mut random);
        let names: Vec<_> = members.iter().map(|hypothesis| hypothesis.cause).collect();
        println!("{number}: {names:?}");
        let model = Model::new(Rules::patched(&patches), Params::CONTRACT, Readings::CONTRACT, HEAP);
        drop(run_of("together", &ops, model, |_| {}));
    }
}

/// No address is higher.
const HIGHEST: u64 = 1 << 62;

/// Something that is no run of any allocator.
fn nonsense(random: &mut Pcg64) -> Run {
    let sizes = [0, 1, 8, 40, 1000, 131_032, 131_072, 1 << 33, u64::MAX - 7, u64::MAX];
    let mut addresses = vec![NULL, 8, HEAP, HEAP + 32, HEAP + 0x2_0000, Granting::start_of(1) + 32, HIGHEST];
    let mut steps = Vec::new();
    for _ in 0..random.random_range(1..60) {
        let any = |random: &mut Pcg64, from: &[u64]| from[random.random_range(0..from.len())];
        let (size, nmemb) = (any(random, &sizes), any(random, &sizes));
        let pointer = any(random, &addresses) + random.random_range(0..3) * 8;
        let request = match random.random_range(0..4) {
            0 => Request::Malloc { size },
            1 => Request::Calloc { nmemb, size },
            2 => Request::Realloc { pointer, size },
            _ => Request::Free { pointer },
        };
        let system = |random: &mut Pcg64| match random.random_range(0..7) {
            0 | 1 => {
                let to = HEAP + random.random_range(0..0x8_0000);
                System::Brk { to, now: if random.random_range(0..4) == 0 { any(random, &addresses) } else { to } }
            }
            2 => System::Map {
                length: any(random, &sizes),
                plain: random.random_range(0..4) > 0,
                start: (random.random_range(0..4) > 0).then(|| Granting::start_of(random.random_range(1..9))),
            },
            3 => System::Unmap { start: any(random, &addresses), length: any(random, &sizes), taken: true },
            4 => System::Remap {
                start: any(random, &addresses),
                length: any(random, &sizes),
                to: Some(any(random, &addresses)),
            },
            5 => System::Other("write".into()),
            _ => System::Signal("SIGSEGV".into()),
        };
        let asked = (0..random.random_range(0..3)).map(|_| system(random)).collect();
        let result = match random.random_range(0..5) {
            0 => any(random, &addresses),
            1 => HEAP + 32 + random.random_range(0..0x4000) * 8,
            2 => HEAP + random.random_range(0..0x3_0000),
            3 => Granting::start_of(random.random_range(1..9)) + 32,
            _ => NULL,
        };
        addresses.push(result);
        let result = (random.random_range(0..40) > 0).then_some(result);
        steps.push(match random.random_range(0..12) {
            0 => Step::Program(HEAP + random.random_range(0..0x10_0000)),
            _ => Step::Call(Call { request, asked, result }),
        });
    }
    let ends = [End::Fine, End::Check(Check::Lost), End::Crash("SIGSEGV".into()), End::Timeout, End::EarlyExit];
    Run {
        name: "nonsense".into(),
        brk: HEAP,
        steps,
        end: ends[random.random_range(0..ends.len())].clone(),
        by_c_library: None,
    }
}

#[test]
fn nothing_that_is_seen_breaks_the_oracle() {
    let mut random = Pcg64::new(9, 9);
    for _ in 0..3000 {
        say_all(&[&nonsense(&mut random)], Readings::CONTRACT);
    }
}

#[test]
fn every_hypothesis_bears_what_all_of_them_do() {
    for hypothesis in hypotheses::ALL.iter().copied().flatten() {
        let params = Params { preallocation: 8, ..Params::CONTRACT };
        for run in runs(Rules::patched(&[hypothesis.patch]), params, Readings::CONTRACT, 11, 0..2) {
            say_all(&[&run], Readings::CONTRACT);
        }
    }
}
