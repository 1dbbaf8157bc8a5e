//! `osmem grade`: builds, runs and judges submissions in a box, and reports.
//!
//! One submission's way: found and unpacked (`intake`), built (`build`) in a box (`boxed`), examined (`symbols`), judged (`judge`), kept
//! (`store`) in every form (`report`). What a class has in common is made ready once (`desk`, `workshop`, `folder`, `course`).

pub mod boxed;
pub mod build;
pub mod command;
pub mod course;
pub mod desk;
mod folder;
mod hidden;
pub mod intake;
mod judge;
pub mod overlay;
mod performance;
pub mod record;
pub mod report;
mod shown;
pub mod store;
mod style;
mod suspicion;
mod symbols;
mod workshop;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::thread;

use osmem_trace::run::Cancel;
use sha2::{Digest, Sha256};

use crate::args::{GradeArgs, Partition};
use crate::error::{Error, Exit, is_of_tracer};
use crate::pool;
use crate::report::output::{self, Output};
use crate::report::progress;
use course::Course;
use desk::Desk;
use intake::{Found, Recipe, Refusal};
use record::{Build, Outcome, Score, Search, Submission, VERSION};
use report::table;
use store::Store;

const MIB: u64 = 1 << 20;

/// Runs `osmem grade`.
pub fn run(args: &GradeArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let course = args.course.as_deref().map_or_else(|| Ok(Course::default()), Course::load)?;
    let late = args.late.as_deref().map_or_else(|| Ok(BTreeMap::new()), course::read_late)?;
    let (found, ignored) = found(args)?;
    outside(&args.out, &found)?;
    let mut store = Store::open(&args.out, args.resume || args.force)?;
    let desk = Desk::set(args, &course, cancel)?;
    store.make()?;
    let class = Class { args, desk: &desk, store: &store, late: &late, found, ignored };
    class.grade()
}

/// Refuses a results folder that lies in a submission.
fn outside(out: &Path, found: &[Found]) -> Result<(), Error> {
    // It need not exist yet. `..` counts where the folder before it is there: a link may lead elsewhere.
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let real = absolute.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or_default();
    let inside = |found: &&Found| real.starts_with(&found.path);
    match found.iter().find(inside) {
        None => Ok(()),
        Some(found) => Err(Error::ResultsInside { out: out.to_owned(), submission: found.path.clone() }),
    }
}

/// The submissions to grade, by name.
fn found(args: &GradeArgs) -> Result<(Vec<Found>, Vec<String>), Error> {
    let intake::Finds { mut found, ignored } = intake::find(&args.paths, args.batch)?;
    if let Some(name) = &args.name {
        let [only] = &mut *found else { return Err(Error::NameForMany) };
        only.name = intake::safe(name.as_ref());
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let Some(partition) = args.partition else { return Ok((found, ignored)) };
    let mine = found.into_iter().enumerate().filter(|(place, found)| is_in(partition, *place, &found.name));
    Ok((mine.map(|(_, found)| found).collect(), ignored))
}

fn is_in(partition: Partition, place: usize, name: &str) -> bool {
    let number = if partition.hash {
        Sha256::digest(name.as_bytes()).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    } else {
        place as u64
    };
    number % partition.parts == partition.part - 1
}

/// A class on its way.
struct Class<'a> {
    args: &'a GradeArgs,
    desk: &'a Desk<'a>,
    store: &'a Store,
    late: &'a BTreeMap<String, f64>,
    found: Vec<Found>,
    /// What lies in the class and is no submission.
    ignored: Vec<String>,
}

impl Class<'_> {
    fn grade(&self) -> Result<Exit, Error> {
        let jobs = self.args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
        let width = table::name_width(self.found.iter().map(|found| &*found.name));
        let mut out = Output::stdout();
        let bar = progress::bar(self.found.len());
        let mut records: Vec<Submission> = Vec::with_capacity(self.found.len());
        let count = self.found.len();
        let plural = if count == 1 { "" } else { "s" };
        let (sentence, tracer) = (self.desk.tier.sentence(), self.desk.witness.name());
        writeln!(out, "{count} submission{plural}, {sentence}; watched by {tracer}\n")?;
        for sentence in &self.ignored {
            writeln!(out, "{:11} {sentence}", "ignored")?;
        }
        let work = |index: usize, cpu| self.graded(&self.found[index], cpu);
        let each = |_, record: Result<Submission, Error>| {
            let record = record?;
            bar.suspend(|| table::line(&mut out, &record, width))?;
            bar.inc(1);
            records.push(record);
            Ok::<_, Error>(())
        };
        let done = pool::in_order(self.found.len(), jobs, work, each);
        bar.finish_and_clear();
        done?;
        records.sort_by(|a, b| a.name.cmp(&b.name));
        if self.desk.cancel.is_cancelled() {
            writeln!(out, "\ninterrupted: {} of {} are done; --resume goes on", records.len(), self.found.len())?;
            out.flush()?;
            return Ok(Exit::Interrupted);
        }
        self.store.keep_class(&records)?;
        table::totals(&mut out, &records)?;
        writeln!(out, "results: {}", output::shown(&self.args.out))?;
        out.flush()?;
        Ok(exit_of(&records))
    }

    /// One submission, as kept or anew; `None` if it was interrupted.
    fn graded(&self, found: &Found, cpu: Option<usize>) -> Option<Result<Submission, Error>> {
        if self.desk.cancel.is_cancelled() {
            return None;
        }
        let result = self.kept_or_anew(found, cpu);
        if self.desk.cancel.is_cancelled() { None } else { Some(result) }
    }

    fn kept_or_anew(&self, found: &Found, cpu: Option<usize>) -> Result<Submission, Error> {
        let days = self.late.get(&found.name).copied().unwrap_or(0.0);
        let digest = intake::digest(found, self.desk.course);
        let name = digest.as_deref().unwrap_or_default();
        let key = self.desk.key(name, &found.name, days, self.args.allow_prebuilt);
        if self.args.resume
            && let Some(record) = self.store.record(&found.name)
            && record.key == key
            && record.outcome != Outcome::InfraError
        {
            return Ok(record);
        }
        let blank = Submission {
            version: VERSION,
            tool: concat!("osmem ", env!("CARGO_PKG_VERSION")).to_owned(),
            course: self.desk.course.name.clone(),
            name: found.name.clone(),
            digest: digest.as_deref().unwrap_or_default().to_owned(),
            key,
            outcome: Outcome::InfraError,
            reason: None,
            score: None,
            containment: self.desk.containment(),
            tracer: self.desk.witness.name(),
            build: None,
            search: Search::NotRun,
            behaves: Vec::new(),
            causes: Vec::new(),
            mistakes: Vec::new(),
            unexplained: Vec::new(),
            tests: Vec::new(),
            counterexample: None,
            further: Vec::new(),
            suspicious: None,
            notes: Vec::new(),
        };
        let begun = Submission { outcome: Outcome::Pass, ..blank.clone() };
        let begun = report::gradescope::partial(&begun, self.desk.tests.len());
        self.store.begin(&found.name, "gradescope.json", begun.as_bytes())?;
        let mut record = blank.clone();
        // Whatever failed in the surroundings may have been a moment's trouble.
        for _attempt in 0..2 {
            record = blank.clone();
            match &digest {
                Ok(_) => self.attempt(found, cpu, &mut record)?,
                Err(refusal) => end(&mut record, refusal.outcome(), refusal.to_string()),
            }
            if record.outcome != Outcome::InfraError || self.desk.cancel.is_cancelled() {
                break;
            }
        }
        self.score(&mut record, days);
        if !self.desk.cancel.is_cancelled() {
            self.store.keep(&record)?;
        }
        Ok(record)
    }

    /// Goes the whole way once, as far as it leads.
    fn attempt(&self, found: &Found, cpu: Option<usize>, record: &mut Submission) -> Result<(), Error> {
        let bench = self.desk.shop.bench()?;
        let way = self.built(found, &bench, record)?;
        let Some((recipe, boxed)) = way else { return Ok(()) };
        let begun = record.clone();
        let so_far = |tests: &[record::Test]| {
            let known = Submission { outcome: Outcome::Pass, tests: tests.to_vec(), ..begun.clone() };
            let partial = report::gradescope::partial(&known, self.desk.tests.len());
            self.store.begin(&found.name, "gradescope.json", partial.as_bytes())
        };
        let seed = self.desk.course.seed_for(&record.digest);
        if self.desk.course.secret.is_some() {
            record.notes.push(format!("sizes and random programs are drawn by the seed {seed}"));
        }
        let judged = match judge::judge(self.desk, &bench, &boxed, (cpu, seed), &so_far) {
            Ok(judged) => judged,
            Err(error) if error.is_of_tracer() => return Err(error),
            Err(error) => {
                end(record, Outcome::InfraError, error.to_string());
                return Ok(());
            }
        };
        record.tests = judged.tests;
        record.search = judged.search;
        record.behaves = judged.behaves;
        record.causes = judged.causes;
        record.mistakes = judged.mistakes;
        record.unexplained = judged.unexplained;
        record.notes.extend(judged.notes);
        record.counterexample = judged.counterexample;
        record.further = judged.further;
        record.suspicious = judged.suspicious;
        if let Some((outcome, reason)) = judged.fault {
            end(record, outcome, reason);
            return Ok(());
        }
        let goes_on = self.style(found, &bench, (&recipe, &boxed), record)?;
        if goes_on && self.measured((&bench, &boxed), (cpu, seed), record)? {
            conclude(record);
        }
        Ok(())
    }

    /// Builds it; nothing if that is where it ends.
    fn built(
        &self,
        found: &Found,
        bench: &workshop::Bench,
        record: &mut Submission,
    ) -> Result<Option<(Recipe, boxed::Boxed)>, Error> {
        let course = self.desk.course;
        let refused = |record: &mut Submission, refusal: Refusal| {
            end(record, refusal.outcome(), refusal.to_string());
            Ok(None)
        };
        let unpacked = match intake::unpack(found, course, &[], &bench.source) {
            Ok(unpacked) => unpacked,
            Err(refusal) => return refused(record, refusal),
        };
        record.notes = unpacked.notes;
        let recipe = match intake::recognise(&bench.source, course, self.args.allow_prebuilt) {
            Ok(recipe) => recipe,
            Err(refusal) => return refused(record, refusal),
        };
        if let Err(refusal) = intake::clear(&bench.source, &recipe, &mut record.notes) {
            return refused(record, refusal);
        }
        // After that, or they would pass for the submission's own.
        if let Err(refusal) = overlay::fill(&bench.source) {
            return refused(record, refusal);
        }
        let boxed = self.desk.boxed(bench, self.desk.tier);
        if let Some(command) = command::command(&recipe) {
            bench.hand_over()?;
            let building = boxed.building(&bench.source, &self.desk.toolchain);
            let limits = (course.limits.build_seconds, course.limits.output_mib * MIB);
            let ran = match build::shell(&self.desk.witness, &building, &command, limits, self.desk.cancel) {
                Ok(ran) => ran,
                Err(error) if is_of_tracer(&error) => return Err(error.into()),
                Err(error) => {
                    end(record, Outcome::InfraError, error.to_string());
                    return Ok(None);
                }
            };
            record.build = Some(build::record(recipe.kind(), &command, &ran.log));
            if let Some((outcome, reason)) = ran.fault {
                // What this machine lacks is not the submission's fault.
                let lacking = recipe.tools().iter().find(|tool| building.lacks(tool));
                let (outcome, reason) = match lacking.filter(|_| outcome == Outcome::NoBuild) {
                    Some(tool) => (Outcome::InfraError, format!("{tool} is missing here; `osmem doctor` says more")),
                    None => (
                        outcome,
                        build::missing_header(&ran.log).map_or(reason.clone(), |told| format!("{reason}: {told}")),
                    ),
                };
                end(record, outcome, reason);
                return Ok(None);
            }
        } else {
            record.build =
                Some(Build { kind: recipe.kind().to_owned(), command: String::new(), log: String::new(), cut: 0 });
        }
        if let Err(refusal) = intake::artifact(&bench.source, course, &recipe, &bench.library) {
            end(record, refusal.outcome(), refusal.to_string());
            return Ok(None);
        }
        if let Some((outcome, reason)) = desk::examined(&bench.library, &self.desk.shop) {
            end(record, outcome, reason);
            return Ok(None);
        }
        Ok(Some((recipe, boxed)))
    }

    /// Adds up the points; a submission that never came to its tests has none.
    fn score(&self, record: &mut Submission, days: f64) {
        let failed_itself = record.outcome == Outcome::InfraError
            || record.tests.iter().any(|test| test.outcome == Outcome::InfraError && test.points > 0.0);
        if failed_itself {
            record.outcome = Outcome::InfraError;
            record.score = None;
            return;
        }
        let course = self.desk.course;
        let style: f64 = course.style.iter().map(|step| step.points).sum();
        let measured = course.performance.as_ref().map_or(0.0, course::performance::PerformancePlan::points);
        let points = self.desk.points.iter().sum::<f64>() + course.random.points + style + measured;
        let earned: f64 = record.tests.iter().map(|test| test.earned).sum();
        let penalty = round(earned * course.late.late(days) / 100.0);
        record.score = Some(Score { earned: round(earned - penalty), points: round(points), penalty });
    }
}

/// The outcome of a submission that came to its tests: the gravest of theirs, with its reason.
fn conclude(record: &mut Submission) {
    // What is worth nothing decides nothing, unless nothing else was asked for.
    let is_worth = record.tests.iter().any(|test| test.points > 0.0);
    let counting = || record.tests.iter().filter(|test| test.points > 0.0 || !is_worth);
    let gravest = counting().map(|test| test.outcome).max().unwrap_or(Outcome::InfraError);
    record.outcome = gravest;
    if gravest == Outcome::Pass {
        return;
    }
    let failed = counting().filter(|test| test.outcome != Outcome::Pass).count();
    let count = format!("{failed} of {} tests did not pass", counting().count());
    let told = counting().find(|test| test.outcome == gravest && !test.hidden);
    record.reason = Some(match told.and_then(|test| Some((&test.name, test.reason.as_ref()?))) {
        Some((name, reason)) => format!("{count}; {name}: {}", report::words::parts(reason).0),
        None => count,
    });
}

fn end(record: &mut Submission, outcome: Outcome, reason: String) {
    record.outcome = outcome;
    record.reason = Some(reason);
}

/// To hundredths: what a score is counted in. Reports show points as they are, see `report::words`.
fn round(points: f64) -> f64 {
    (points * 100.0).round() / 100.0
}

fn exit_of(records: &[Submission]) -> Exit {
    match records {
        _ if records.iter().any(|record| record.outcome == Outcome::InfraError) => Exit::Unfit,
        [only] if only.outcome == Outcome::NoBuild => Exit::NoBuild,
        _ if records.iter().all(|record| record.outcome == Outcome::Pass) => Exit::Passed,
        _ => Exit::Failed,
    }
}
