//! Judges a built submission: battery, random programs.

use std::time::{Duration, Instant};

use osmem_oracle::run::Run;
use osmem_trace::model::End;
use osmem_trace::run::{Limits, Observation};
use osmem_trace::{Trace, header};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::boxed::Boxed;
use super::course::RANDOM;
use super::desk::Desk;
use super::record::{Cause, Counterexample, Kind, Mistake, Outcome, Search, Test as Graded};
use super::workshop::Bench;
use super::{MIB, shown, suspicion};
use crate::args::{Against, Format, FuzzArgs, FuzzProfile, TracerArgs};
use crate::check::{measured, readings};
use crate::error::{Error, is_of_tracer};
use crate::fuzz::find::Effort;
use crate::fuzz::{self, reproducer::Reproducer};
use crate::lab::Lab;
use crate::oracle::{self, CauseRecord, Together};
use crate::record::{Outcome as Seen, TestRecord};
use crate::runner::Runner;
use crate::suite::{Profile, Test};
use crate::trial::{self, Programs, Trial, Tried};
use crate::{scene, verdict};

/// How much is done to make a counterexample shorter.
const EFFORT: Effort = Effort { tries: 120, stuck: 6 };
/// How long one random program may take in a batch, where nothing is decided: one that takes longer is watched by itself.
const PROGRAM_TIME: Duration = Duration::from_millis(500);
/// How often those who wait are told which tests have ended.
const BETWEEN_NEWS: Duration = Duration::from_secs(2);
/// The exit status of the loader when it cannot start a program.
const NOT_LOADED: i32 = 127;

/// What judging came to.
#[derive(Default)]
pub struct Judged {
    pub tests: Vec<Graded>,
    pub search: Search,
    pub behaves: Vec<String>,
    pub causes: Vec<Cause>,
    pub mistakes: Vec<Mistake>,
    /// The failed tests that no known mistake explains.
    pub unexplained: Vec<String>,
    pub counterexample: Option<Counterexample>,
    /// One for each mistake that the first does not show.
    pub further: Vec<Counterexample>,
    /// Reason for an instructor to read its source.
    pub suspicious: Option<String>,
    /// What the instructor should know of how it was judged.
    pub notes: Vec<String>,
    /// The library does not load, or the surroundings failed.
    pub fault: Option<(Outcome, String)>,
}

/// Takes the records of the tests that have ended.
type Tell<'a> = dyn Fn(&[Option<TestRecord>]) -> Result<(), Error> + 'a;

/// Judges the library on `bench`, with sizes and random programs drawn by `seed`. `so_far` is told the tests that have ended, from time to time.
pub fn judge(
    desk: &Desk<'_>,
    bench: &Bench,
    boxed: &Boxed,
    (cpu, seed): (Option<usize>, u64),
    so_far: &dyn Fn(&[Graded]) -> Result<(), Error>,
) -> Result<Judged, Error> {
    let limits = Limits {
        time: Duration::from_secs(desk.course.limits.test_seconds),
        log: desk.course.limits.trace_mib * MIB,
        output: desk.course.limits.output_mib * MIB,
        ..Limits::default()
    };
    let witness = desk.witness.clone();
    let (library, probe) = (bench.library.clone(), desk.shop.probe.clone());
    let runner = Runner::boxed(witness, (library, probe), limits, boxed.starter(), desk.cancel);
    // The first test also shows whether the library can be loaded at all: our own can, with the same program.
    let first = desk.tests.first().map(|test| runner.observe(desk.kit.program(test), cpu, false)).transpose()?;
    if let Some(fault) = first.as_ref().and_then(unloadable) {
        return Ok(Judged { fault: Some(fault), ..Judged::default() });
    }
    let mut judged = Judged::default();
    let tests: Vec<&Test> = desk.tests.iter().collect();
    let header = measured(&runner, &desk.kit, &tests, &desk.golden)?.unwrap_or(header::CONTRACT);
    let tell = |ended: &[Option<TestRecord>]| so_far(&graded(desk, ended.iter().map(Option::as_ref)));
    let (mut records, runs) = battery(desk, &runner, first, header, (cpu, seed), &tell)?;
    judged.notes.extend(runner.shortened());
    let (places, runs): (Vec<usize>, Vec<&Run>) =
        runs.iter().enumerate().filter_map(|(place, run)| Some((place, run.as_ref()?))).unzip();
    let together = Together::of(&runs, oracle::params(header), false);
    judged.behaves = together.behaves.clone();
    if records.iter().any(|record| record.outcome.is_failure()) {
        let mut explanation = together.explain(&runs, None);
        judged.unexplained = explanation.assign(&places, &mut records);
        judged.causes = explanation.causes.iter().map(Cause::from).collect();
        judged.mistakes = shown::mistakes(&explanation.causes, &records, &runs, &tests);
    }
    judged.tests = graded(desk, records.iter().map(Some));
    so_far(&judged.tests)?;
    let mut feigned = false;
    if desk.course.random.programs > 0 {
        let lab = Lab::boxed(
            desk.witness.clone(),
            [bench.library.clone(), desk.shop.probe.clone(), desk.shop.replayer.clone()],
            limits,
            boxed.starter(),
            desk.cancel,
        );
        feigned = random(desk, &lab, runner.time(), (cpu, seed), &mut judged)?;
    }
    judged.suspicious = suspicion::of(&records, feigned);
    Ok(judged)
}

/// Returns the tests that have ended, in the order of the suite.
fn graded<'r>(desk: &Desk<'_>, ended: impl Iterator<Item = Option<&'r TestRecord>>) -> Vec<Graded> {
    ended.zip(&desk.points).filter_map(|(record, points)| Some(desk.graded(record?, *points))).collect()
}

/// Returns the order in which tests run: drawn by the seed, so that a program cannot be known by its place.
fn order(tests: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tests).collect();
    order.shuffle(&mut Pcg64::seed_from_u64(seed));
    order
}

/// What is wrong where the loader has not got as far as the program.
fn unloadable(seen: &Observation) -> Option<(Outcome, String)> {
    let started = seen.began || seen.trace.end != End::Exit(NOT_LOADED) || seen.stopped.is_some();
    if started || !seen.refused.is_empty() {
        return None;
    }
    let words = verdict::last_lines(&seen.stderr).unwrap_or_default();
    let words = words.lines().last().unwrap_or("the loader gives no reason");
    let words = words.rsplit_once(": ").map_or(words, |(_, words)| words);
    Some((Outcome::NoBuild, format!("libosmem.so cannot be loaded: {words}")))
}

/// Runs all tests and judges them; the first has run.
fn battery(
    desk: &Desk<'_>,
    runner: &Runner,
    mut first: Option<Observation>,
    header: u64,
    (cpu, seed): (Option<usize>, u64),
    tell: &Tell<'_>,
) -> Result<(Vec<TestRecord>, Vec<Option<Run>>), Error> {
    let total = Duration::from_secs(desk.course.limits.total_seconds);
    let count = desk.tests.len();
    let mut ended: Vec<Option<TestRecord>> = std::iter::repeat_with(|| None).take(count).collect();
    let mut runs = vec![None; count];
    let mut told = Instant::now();
    for place in order(count, seed) {
        let test = &desk.tests[place];
        if runner.spent() > total {
            let reason = format!("it was not run: all tests together took longer than {} s", total.as_secs());
            ended[place] = Some(TestRecord::new(test, Seen::Timeout, Some(reason), Duration::ZERO));
            continue;
        }
        let seen = first.take_if(|_| place == 0);
        let (record, run) = one(desk, runner, seen, (test, &desk.golden[place]), header, (cpu, seed))?;
        ended[place] = Some(record);
        runs[place] = run;
        if told.elapsed() > BETWEEN_NEWS {
            tell(&ended)?;
            told = Instant::now();
        }
    }
    let mut records: Vec<TestRecord> = ended.into_iter().flatten().collect();
    scene::settle(&mut records);
    Ok((records, runs))
}

/// Runs one test; its run is left out where what was seen of it depends on the machine.
fn one(
    desk: &Desk<'_>,
    runner: &Runner,
    seen: Option<Observation>,
    (test, golden): (&Test, &Trace),
    header: u64,
    (cpu, seed): (Option<usize>, u64),
) -> Result<(TestRecord, Option<Run>), Error> {
    let programs = Programs::of(&desk.kit, test, header, Some(seed))?;
    // The first run was without arguments, which another header may need.
    let seen = seen.filter(|_| programs.base.arguments.is_empty());
    let trial = Trial {
        runner,
        test,
        programs: &programs,
        golden,
        header,
        allowed: readings(test, false),
        against: Against::Fixtures,
        cpu,
        aslr: false,
        reference: desk.reference.as_ref().map(|(reference, _)| reference),
    };
    let unfit = |reason: String| Ok((trial::unfit(test, reason, Duration::ZERO), None));
    match seen.map_or_else(|| trial.run(), |seen| trial.go_on(seen)) {
        Ok(None) => unfit("it was interrupted".to_owned()),
        Err(error) if is_of_tracer(&error) => Err(error.into()),
        Err(error) => unfit(error.to_string()),
        Ok(Some(Tried { mut record, run, seen })) => {
            if record.outcome == Seen::InfraError && seen.stopped.is_none() {
                // It has been loaded before: what keeps it from being loaded now is of its own making.
                record.outcome = Seen::Fail;
            }
            let run = (!verdict::is_halfway(&seen)).then_some(run);
            Ok((record, run))
        }
    }
}

/// Random programs from the seed. One that is watched by itself may take `time`. Whether the calls of one are not its own.
fn random(
    desk: &Desk<'_>,
    lab: &Lab,
    time: Duration,
    (cpu, seed): (Option<usize>, u64),
    judged: &mut Judged,
) -> Result<bool, Error> {
    let plan = desk.course.random;
    let args = FuzzArgs {
        lib: Some(lab.library.clone()),
        seconds: None,
        runs: Some(plan.programs),
        seed: Some(seed),
        ops: usize::try_from(plan.steps).unwrap_or(250),
        profile: Some(match plan.profile {
            Profile::Basic | Profile::Core => FuzzProfile::Core,
            Profile::Strict => FuzzProfile::Strict,
            Profile::Robust => FuzzProfile::Robust,
        }),
        jobs: None,
        timeout: PROGRAM_TIME,
        watch: TracerArgs::default(),
        format: Format::Json,
        out: None,
    };
    // Some processor has to be named, or the search would start a pool of its own.
    let searched = fuzz::search(lab, &args, seed, time, EFFORT, desk.cancel, cpu.or(Some(0)));
    let (outcome, reason, findings) = match searched {
        Ok(searched) => match searched.findings.first() {
            None => (Outcome::Pass, None, Vec::new()),
            Some(finding) => (outcome_of(finding), Some(finding.sentence.clone()), searched.findings),
        },
        Err(error) if error.is_of_tracer() => return Err(error),
        Err(error) => (Outcome::InfraError, Some(error.to_string()), Vec::new()),
    };
    judged.search = match outcome {
        Outcome::Pass => Search::Clean,
        Outcome::InfraError => Search::NotRun,
        _ => Search::BugFound,
    };
    judged.tests.push(of_random(desk, outcome, reason, findings.first()));
    let feigned = findings.iter().any(|finding| finding.feigned);
    if judged.causes.is_empty() {
        for cause in findings.iter().flat_map(|finding| &finding.causes).map(Cause::from) {
            if judged.causes.iter().all(|known| known.id != cause.id) {
                judged.causes.push(cause);
            }
        }
    }
    let mut examples = findings.into_iter().map(counterexample);
    judged.counterexample = examples.next();
    judged.further = examples.collect();
    Ok(feigned)
}

/// The random programs as a test of the record.
fn of_random(desk: &Desk<'_>, outcome: Outcome, reason: Option<String>, finding: Option<&Reproducer>) -> Graded {
    let plan = desk.course.random;
    Graded {
        name: RANDOM.to_owned(),
        kind: Kind::Random,
        hidden: plan.hidden,
        details: desk.course.report.of(RANDOM),
        profile: None,
        points: plan.points,
        earned: if outcome == Outcome::Pass { plan.points } else { 0.0 },
        outcome,
        reason,
        rules: Vec::new(),
        description: format!("{} random programs keep the contract and their contents", plan.programs),
        hint: String::new(),
        difference: finding.and_then(|finding| finding.difference.clone()),
        causes: finding.iter().flat_map(|finding| &finding.causes).map(Cause::from).collect(),
        output: finding.and_then(|finding| finding.words.clone()),
    }
}

/// How the program that was found failed.
fn outcome_of(finding: &Reproducer) -> Outcome {
    let id = finding.causes.first().map_or("", |cause| cause.id);
    match id {
        _ if finding.forbidden => Outcome::Forbidden,
        "crash" => Outcome::Crash,
        "timeout" => Outcome::Timeout,
        _ => Outcome::Wrong,
    }
}

fn counterexample(finding: Reproducer) -> Counterexample {
    Counterexample {
        sentence: finding.sentence,
        calls: finding.calls,
        script: finding.script,
        c: finding.c,
        difference: finding.difference,
        causes: finding.causes.iter().map(Cause::from).collect(),
    }
}

impl From<&CauseRecord> for Cause {
    fn from(cause: &CauseRecord) -> Self {
        let CauseRecord { id, sentence, rules, explained, runs, equal } = cause.clone();
        Self { id: id.to_owned(), sentence: sentence.to_owned(), rules, explained, runs, equal }
    }
}
