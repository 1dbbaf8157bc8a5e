//! The open points: core follows every reading, strict has one.

mod support;

use osmem_oracle::call::{Request, System};
use osmem_oracle::follow::Follower;
use osmem_oracle::infer;
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::{Op, Pointer, Refused};
use osmem_oracle::random::{self, Plan};
use osmem_oracle::readings::{Allowed, Point, Readings};
use osmem_oracle::rules::Rules;
use osmem_oracle::run::{Call, Run, Step};
use rand::RngExt;
use rand_pcg::Pcg64;
use support::run_of;
use support::runs::runs;

/// How many calls leave the contract.
fn divergences(run: &Run, params: Params, allowed: Allowed) -> usize {
    let mut follower = Follower::new(params, allowed, run.brk);
    let mut count = 0;
    for step in &run.steps {
        match step {
            Step::Program(to) => follower.program(*to),
            Step::Call(call) => count += usize::from(follower.call(call).is_some()),
        }
    }
    count
}

#[test]
fn core_accepts_every_reading_of_every_point_and_says_which_it_saw() {
    for point in Point::ALL {
        for choice in 0..point.choices() {
            let mut readings = Readings::CONTRACT.with(point, choice);
            if point == Point::O1Moving {
                // It shows only where the two thresholds differ.
                readings = readings.with(Point::O1Realloc, 2);
            }
            let mut runs = runs(Rules::CONTRACT, Params::CONTRACT, readings, 1, 0..400);
            let model = Model::new(Rules::CONTRACT, Params::CONTRACT, readings, HEAP);
            runs.push(run_of("refused after absorbing", &refused_after_absorbing(), model, |_| {}));
            for run in &runs {
                assert_eq!(divergences(run, Params::CONTRACT, Allowed::core()), 0, "{point:?} {choice} {}", run.name);
            }
            let seen: Vec<&Run> = runs.iter().collect();
            let settled = infer::settle(&seen, Params::CONTRACT);
            assert!(settled.of(point).any(|left| left == choice), "{point:?} {choice}: {:?}", settled);
            if choice > 0 {
                let strict: usize = runs.iter().map(|run| divergences(run, Params::CONTRACT, Allowed::strict())).sum();
                assert!(strict > 0, "{point:?} {choice} does not show");
            }
        }
    }
}

/// A block absorbs what is free behind it, and still cannot grow.
fn refused_after_absorbing() -> [Op; 8] {
    let malloc = |slot, size| Op::Malloc { slot, size };
    [
        malloc(1, 60_000),
        malloc(2, 30_000),
        malloc(3, 40_900),
        Op::Free { pointer: Pointer::block(2) },
        Op::Refuse(Refused::Break),
        Op::Realloc { slot: 1, pointer: Pointer::block(1), size: 131_000 },
        Op::Refuse(Refused::Nothing),
        malloc(2, 29_000),
    ]
}

/// Readings drawn by lot, of some points.
fn lots(random: &mut Pcg64, readings: Readings, of: impl Fn(Point) -> bool) -> Readings {
    let points = Point::ALL.into_iter().filter(|point| of(*point));
    points.fold(readings, |all, point| all.with(point, random.random_range(0..point.choices())))
}

#[test]
fn what_may_differ_from_call_to_call_is_followed() {
    let mut random = Pcg64::new(5, 5);
    for number in 0..300 {
        let fixed = lots(&mut random, Readings::CONTRACT, |point| !point.varies());
        let program = random::program(6, number, &Plan { readings: fixed, ..Plan::everything(250) });
        let model = Model::new(Rules::CONTRACT, Params::CONTRACT, fixed, HEAP);
        let run = run_of(&format!("program {number}"), &program.ops, model, |model| {
            model.read(lots(&mut random, fixed, Point::varies));
        });
        assert_eq!(divergences(&run, Params::CONTRACT, Allowed::core()), 0, "{fixed:?} {}", run.name);
    }
}

#[test]
fn readings_of_several_points_together_are_followed() {
    for number in 0..24 {
        let choose = |point: Point| (number * 7 + point as usize * 3) % point.choices();
        let readings = Point::ALL.into_iter().fold(Readings::CONTRACT, |all, point| all.with(point, choose(point)));
        for run in runs(Rules::CONTRACT, Params::CONTRACT, readings, 2, 0..20) {
            assert_eq!(divergences(&run, Params::CONTRACT, Allowed::core()), 0, "{readings:?} {}", run.name);
        }
    }
}

#[test]
fn every_expectation_is_a_function_of_the_header() {
    for header in [8, 16, 24, 40, 48, 64] {
        let params = Params { header, ..Params::CONTRACT };
        for run in runs(Rules::CONTRACT, params, Readings::CONTRACT, 3, 0..20) {
            assert_eq!(divergences(&run, params, Allowed::strict()), 0, "{header} {}", run.name);
        }
        let runs = runs(Rules::CONTRACT, params, Readings::CONTRACT, 3, 0..40);
        let seen: Vec<&Run> = runs.iter().collect();
        let inferred = infer::Inferred::of(&seen, Params::CONTRACT);
        assert_eq!(inferred.header, Some(header));
        assert!(inferred.sentences(Params::CONTRACT)[0].contains(&format!("HEADER were {header}")));
        assert_eq!(inferred.params(Params::CONTRACT), params);
    }
}

#[test]
fn other_thresholds_and_preallocations_are_inferred() {
    let params =
        Params { mmap_threshold: 1 << 16, calloc_threshold: 1 << 15, preallocation: 1 << 18, ..Params::CONTRACT };
    let runs = runs(Rules::CONTRACT, params, Readings::CONTRACT, 4, 0..80);
    let seen: Vec<&Run> = runs.iter().collect();
    let inferred = infer::Inferred::of(&seen, Params::CONTRACT);
    assert_eq!((inferred.preallocation, inferred.mmap_threshold), (Some(1 << 18), Some(1 << 16)));
    assert!(divergences(&runs[0], Params::CONTRACT, Allowed::core()) > 0);
    assert_eq!(divergences(&runs[0], params, Allowed::strict()), 0);
}

#[test]
fn one_mistake_is_not_reported_with_every_call_that_follows() {
    // First fit, by hand: one block is another than it must be, and everything goes on from there.
    let text = [(3000, 0x20), (100, 0xbf8), (500, 0xc80), (100, 0xe98)];
    let params = Params::CONTRACT;
    let mut follower = Follower::new(params, Allowed::strict(), HEAP);
    let call = |request, result| Call { request, asked: Vec::new(), result: Some(result) };
    for (number, (size, at)) in text.into_iter().enumerate() {
        let mut malloc = call(Request::Malloc { size }, HEAP + at);
        if number == 0 {
            malloc.asked.push(System::Brk { to: HEAP + 131_072, now: HEAP + 131_072 });
        }
        assert_eq!(follower.call(&malloc), None);
    }
    for pointer in [HEAP + 0x20, HEAP + 0xc80] {
        assert_eq!(follower.call(&call(Request::Free { pointer }, 0)), None);
    }
    let wrong = follower.call(&call(Request::Malloc { size: 400 }, HEAP + 0x20)).unwrap();
    assert_eq!((wrong.rule, wrong.expected.result), (5, Some(HEAP + 0xc80)));
    // What is left of both blocks is where it must be now.
    assert_eq!(follower.call(&call(Request::Malloc { size: 500 }, HEAP + 0xc80)), None);
    assert_eq!(follower.call(&call(Request::Malloc { size: 2568 }, HEAP + 0x1d0)), None);
    assert_eq!(follower.call(&call(Request::Free { pointer: HEAP + 0x20 }, 0)), None);
}
