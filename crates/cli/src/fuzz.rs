//! `osmem fuzz`: random programs against a library, until one leaves the contract or the time is over.

mod batch;
mod calibrate;
pub mod find;
pub mod reproducer;
mod several;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use osmem_oracle::random::{self, Generated, Plan};
use osmem_oracle::readings::Allowed;
use osmem_trace::mark::Key;
use osmem_trace::run::Cancel;
use serde::Serialize;

use crate::args::{Format, FuzzArgs, FuzzProfile};
use crate::error::{Error, Exit};
use crate::lab::Lab;
use crate::layout::{Layout, OUT};
use crate::report::output::{self, Output};
use crate::report::{self, json, progress};
use crate::tracers::Wanted;
use crate::{library, pool};
use find::{Effort, Finding, Judge};
use reproducer::Reproducer;

/// How long a single program may take where it is watched, in time limits of a batch's.
const PATIENCE: u32 = 2;
/// How much is done to make a finding shorter: some seconds on an idle machine.
const EFFORT: Effort = Effort { tries: 1500, stuck: 15 };
/// Programs in the first batches: few, so that a library that hangs is found out soon.
const FIRST: [u64; 4] = [2, 6, 24, 60];
/// Programs in any later batch.
const LATER: u64 = 200;

/// What came of it; every report is derived from it.
#[derive(Debug, Serialize)]
pub struct FuzzRecord {
    /// Of the JSON form.
    pub version: u32,
    /// The library.
    pub library: PathBuf,
    /// Who watched the programs.
    pub tracer: String,
    /// Where the programs come from.
    pub seed: u64,
    /// Which programs, and what was right.
    pub profile: &'static str,
    /// Steps of a program.
    pub ops: usize,
    /// Programs that were run to their ends.
    pub programs: u64,
    /// Their calls.
    pub calls: u64,
    /// Wall-clock time of the search.
    pub seconds: f64,
    /// Calls in a second, setting up and comparing included.
    pub calls_per_second: u64,
    /// How the library differs from the contract in what it counts with, and how it reads open points.
    pub behaves: Vec<String>,
    /// Someone interrupted it.
    pub interrupted: bool,
    /// The first program that failed.
    pub finding: Option<Reproducer>,
    /// One program for each mistake that the first does not show.
    pub more: Vec<Reproducer>,
    /// Where they have been written, the forms of the first before those of the others.
    pub files: Vec<PathBuf>,
}

const VERSION: u32 = 1;

/// Runs `osmem fuzz`.
pub fn run(args: &FuzzArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let layout = Layout::find()?;
    let library = match &args.lib {
        Some(given) => library::locate(given)?,
        None => layout.own_library()?.to_owned(),
    };
    let lab = Lab::prepare(&layout, library, Wanted::of(args.watch), cancel)?;
    let seed = args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
    let kinds = Kinds::of(args);
    let start = Instant::now();
    let Searched { findings, programs, calls, behaves } =
        search(&lab, args, seed, args.timeout * PATIENCE, EFFORT, cancel, None)?;
    let elapsed = start.elapsed();
    // In our own tree, what our own library breaks lies with the build; everything else lies where the user is.
    let reproducers =
        layout.reproducers.filter(|_| args.lib.is_none()).or_else(|| Some(Path::new(OUT).join("reproducers")));
    // What was found is told even if it cannot be kept.
    let folder = args.out.clone().or(reproducers);
    let saved: Result<Vec<_>, _> =
        folder.iter().flat_map(|folder| findings.iter().map(move |finding| finding.save(folder, seed))).collect();
    let (files, unkept) = match saved {
        Ok(files) => (files.concat(), None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut findings = findings.into_iter();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a rate")]
    let rate = (calls as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
    let record = FuzzRecord {
        version: VERSION,
        library: lab.library.clone(),
        tracer: lab.witness.name(),
        seed,
        profile: kinds.name,
        ops: args.ops,
        programs,
        calls,
        seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        calls_per_second: rate,
        behaves,
        interrupted: cancel.is_cancelled(),
        finding: findings.next(),
        more: findings.collect(),
        files,
    };
    let mut out = Output::stdout();
    match args.format {
        Format::Text => report::fuzz::write(&mut out, &record, output::width())?,
        Format::Json => json::write(&mut out, &record)?,
    }
    out.flush()?;
    if let Some(error) = unkept {
        return Err(error);
    }
    Ok(match record.finding {
        Some(_) => Exit::Failed,
        None if record.interrupted => Exit::Interrupted,
        None => Exit::Passed,
    })
}

/// What a search came to.
pub struct Searched {
    /// The first program that failed, and one for each further mistake; empty if none failed.
    pub findings: Vec<Reproducer>,
    /// Programs that were run to their ends.
    pub programs: u64,
    /// Their calls.
    pub calls: u64,
    /// How the library differs from the contract in what it counts with, and how it reads open points.
    pub behaves: Vec<String>,
}

/// Searches as `args` say. A program that is watched by itself may take `time`. On `cpu` alone, if one is given.
pub fn search(
    lab: &Lab,
    args: &FuzzArgs,
    seed: u64,
    time: Duration,
    effort: Effort,
    cancel: &Cancel,
    cpu: Option<usize>,
) -> Result<Searched, Error> {
    let kinds = Kinds::of(args);
    let start = Instant::now();
    let calibrated = calibrate::calibrated(lab, args.lib.is_none() && kinds.strict, kinds.strict, time)?;
    let plan = Plan {
        ops: args.ops,
        misuse: kinds.misuse,
        huge: kinds.misuse,
        foreign: kinds.misuse,
        refusals: kinds.refusals,
        params: calibrated.params,
        readings: calibrated.readings,
    };
    let judge = Judge { lab, params: calibrated.params, allowed: kinds.allowed, time };
    let search = Search { args, seed, plan, judge, start, cancel };
    let (mut found, programs, calls) = if cpu.is_some() { search.run_on(cpu)? } else { search.run()? };
    let (findings, behaves) = match found.take() {
        Some(found) => search.counterexamples(found, &calibrated, effort, cpu)?,
        None => (Vec::new(), calibrated.behaves),
    };
    Ok(Searched { findings, programs, calls, behaves })
}

/// Which programs are drawn, and what is right.
struct Kinds {
    name: &'static str,
    misuse: bool,
    refusals: bool,
    strict: bool,
    allowed: Allowed,
}

impl Kinds {
    fn of(args: &FuzzArgs) -> Self {
        let own = args.lib.is_none();
        let (name, misuse, refusals, strict) = match args.profile {
            None if own => ("strict", true, true, true),
            None | Some(FuzzProfile::Core) => ("core", false, false, false),
            Some(FuzzProfile::Robust) => ("robust", true, true, false),
            Some(FuzzProfile::Strict) => ("strict", true, true, true),
        };
        let allowed = if strict { Allowed::strict() } else { Allowed::core() };
        Self { name, misuse, refusals, strict, allowed }
    }
}

/// The search itself.
struct Search<'a> {
    args: &'a FuzzArgs,
    seed: u64,
    plan: Plan,
    judge: Judge<'a>,
    start: Instant,
    cancel: &'a Cancel,
}

/// What the whole search came to: the first program that failed, and how many programs and calls there were.
type Ran = (Option<(u64, Finding)>, u64, u64);

/// What a batch came to: its programs and calls, and the first program in it that failed.
type Outcome = Result<(u64, usize, Option<(u64, Finding)>), Error>;

impl Search<'_> {
    /// Runs batches until one fails or there are enough: the first program that failed, and how many programs and calls there were.
    fn run(&self) -> Result<Ran, Error> {
        let jobs = self.args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
        let bar = progress::spinner();
        let (mut programs, mut calls, mut found) = (0, 0_u64, None);
        let each = |_, outcome: Outcome| {
            let (more, agreed, finding) = outcome.map_err(Stop::Failed)?;
            programs += more;
            calls += agreed as u64;
            self.show(&bar, programs, calls);
            match finding {
                Some(finding) => {
                    found = Some(finding);
                    Err(Stop::Found)
                }
                None => Ok(()),
            }
        };
        let ended = pool::in_order(usize::MAX, jobs, |index, cpu| self.batch(index, cpu), each);
        bar.finish_and_clear();
        match ended {
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Found) | Ok(()) => Ok((found, programs, calls)),
        }
    }

    /// The same, batch after batch.
    fn run_on(&self, cpu: Option<usize>) -> Result<Ran, Error> {
        let (mut programs, mut calls) = (0, 0_u64);
        for index in 0.. {
            let Some(outcome) = self.batch(index, cpu) else { break };
            let (more, agreed, finding) = outcome?;
            programs += more;
            calls += agreed as u64;
            if finding.is_some() {
                return Ok((finding, programs, calls));
            }
        }
        Ok((None, programs, calls))
    }

    fn show(&self, bar: &ProgressBar, programs: u64, calls: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = calls as f64 / self.start.elapsed().as_secs_f64().max(0.001);
        bar.set_message(format!("{programs} programs, {calls} calls, {rate:.0} calls per second"));
        bar.tick();
    }

    /// One batch; `None` if it is not wanted any more. The first one always is: a search without a program shows nothing.
    fn batch(&self, index: usize, cpu: Option<usize>) -> Option<Outcome> {
        let (first, count) = self.numbers(index)?;
        let is_over = index > 0 && self.args.runs.is_none() && self.start.elapsed() > self.args.time();
        if self.cancel.is_cancelled() || is_over {
            return None;
        }
        Some(self.outcome(first, count, cpu))
    }

    fn outcome(&self, first: u64, count: u64, cpu: Option<usize>) -> Outcome {
        let programs: Vec<Generated> =
            (first..first + count).map(|number| random::program(self.seed, number, &self.plan)).collect();
        let key = Key::new(RandomState::new().build_hasher().finish() | 1);
        let (suspects, mut calls) = batch::run(self.judge.lab, first, &programs, &key, self.args.timeout, cpu)?;
        for (done, place) in suspects.into_iter().enumerate() {
            // Of a batch that was interrupted, what did not run to its end is a suspect too.
            if self.cancel.is_cancelled() {
                return Ok((place as u64, calls, None));
            }
            let number = first + place as u64;
            let ops = &programs[place].ops;
            if let Some(finding) = self.judge.watch(ops, &format!("program {number}"), cpu)? {
                return Ok((place as u64 + 1, calls, Some((number, finding))));
            }
            if self.cancel.is_cancelled() {
                return Ok((place as u64, calls, None));
            }
            calls += ops.iter().filter(|op| op.is_call()).count();
            // A library that is right in a way of its own: what is seen of it one by one is all that can be seen in the time.
            if self.args.runs.is_none() && done > 0 && self.start.elapsed() > self.args.time() {
                break;
            }
        }
        Ok((count, calls, None))
    }

    /// The programs of a batch; `None` beyond the last one.
    fn numbers(&self, index: usize) -> Option<(u64, u64)> {
        let before: u64 = FIRST.iter().take(index).sum();
        let later = (index as u64).saturating_sub(FIRST.len() as u64);
        let first = before + later * LATER;
        let count = FIRST.get(index).copied().unwrap_or(LATER);
        let count = self.args.runs.map_or(count, |runs| count.min(runs.saturating_sub(first)));
        (count > 0).then_some((first, count))
    }
}

/// Why no more batches are wanted.
enum Stop {
    Found,
    Failed(Error),
}
