//! What all submissions of a class have in common, made ready once: course, battery, box, working folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use osmem_sandbox::{Limits as BoxLimits, Tier};
use osmem_trace::run::{Cancel, Limits};
use osmem_trace::{Trace, Witness, golden};
use sha2::{Digest, Sha256};

use super::boxed::Boxed;
use super::course::Course;
use super::record::{Cause, Containment, Kind, Outcome, Test as Graded};
use super::workshop::{Bench, Workshop};
use super::{MIB, build};
use crate::args::{BoxChoice, GradeArgs, Selection};
use crate::battery::Battery;
use crate::error::Error;
use crate::layout::Layout;
use crate::record::{Outcome as Seen, TestRecord};
use crate::reference::Reference;
use crate::runner::Runner;
use crate::suite::{Profile, Suite, Test};
use crate::tracers::Wanted;
use crate::{library, limits, verdict};

/// How long a run of our own library may take.
const OWN_TIME: Duration = Duration::from_secs(20);

/// All that grading needs.
pub struct Desk<'a> {
    pub course: &'a Course,
    pub witness: Witness,
    pub tier: Tier,
    pub shop: Workshop,
    /// The battery, its programs being those of the kit.
    pub kit: Battery,
    pub tests: Vec<Test>,
    /// What each test is worth.
    pub points: Vec<f64>,
    pub golden: Vec<Trace>,
    /// Tells the calls of programs that have no golden trace, on a bench of its own.
    pub reference: Option<(Reference, Bench)>,
    /// Folders of compilers that lie elsewhere than the system's.
    pub toolchain: Vec<PathBuf>,
    launcher: PathBuf,
    /// SHA-256 over the battery.
    battery: String,
    pub cancel: &'a Cancel,
}

impl<'a> Desk<'a> {
    /// Makes everything ready, and proves by our own library that a box works here.
    pub fn set(args: &GradeArgs, course: &'a Course, cancel: &'a Cancel) -> Result<Self, Error> {
        let layout = Layout::find()?;
        let launcher = layout.launcher()?.to_owned();
        let battery = Battery::load(&layout, &args.battery)?;
        let all = |name: &str| battery.suite.tests.iter().any(|test| test.name == name);
        course.require_tests(all)?;
        let tests: Vec<Test> = selected(&battery.suite, course)?.into_iter().cloned().collect();
        battery.suite.require_programs(&battery.programs)?;
        let chosen: Vec<&Test> = tests.iter().collect();
        let golden = battery.golden(&chosen)?;
        let witness = Wanted::for_grading(args.watch).witness()?;
        limits::pin()?;
        let digest = digest(&battery, &chosen)?;
        let shop = Workshop::open(&layout, &battery, &chosen)?;
        let kit = Battery { programs: shop.kit.clone(), moved: shop.programs.clone(), ..battery };
        let own = layout.own_library()?.to_owned();
        let mut desk = Self {
            course,
            witness,
            tier: Tier::None,
            shop,
            kit,
            points: points(course, &tests),
            tests,
            golden,
            reference: None,
            toolchain: build::rust_toolchain().into_iter().collect(),
            launcher,
            battery: digest,
            cancel,
        };
        desk.tier = desk.choose(args, &own)?;
        let (runner, bench) = desk.own(desk.tier, &own)?;
        desk.reference = Some((Reference::new(runner), bench));
        Ok(desk)
    }

    /// The strongest box that works here, or the one that was asked for.
    fn choose(&self, args: &GradeArgs, own: &Path) -> Result<Tier, Error> {
        let wanted: &[Tier] = match args.containment {
            BoxChoice::Auto => &Tier::ALL,
            BoxChoice::Namespaces => &[Tier::Namespaces],
            BoxChoice::Landlock => &[Tier::Landlock],
        };
        let mut problems = Vec::new();
        if !args.unsafe_ {
            for tier in wanted {
                match self.trial(*tier, own)? {
                    None => return Ok(*tier),
                    Some(why) => problems.push(format!("{tier}: {why}")),
                }
            }
            return Err(Error::NoBox(problems.join("; ")));
        }
        match self.trial(Tier::None, own)? {
            None => Ok(Tier::None),
            Some(why) => Err(Error::NoBox(why)),
        }
    }

    /// Why a box of this tier does not work here; `None` if it does.
    pub fn trial(&self, tier: Tier, own: &Path) -> Result<Option<String>, Error> {
        let Some(test) = self.tests.first() else { return Ok(None) };
        let (runner, _bench) = self.own(tier, own)?;
        Ok(match runner.observe(self.kit.program(test), None, false) {
            Ok(seen) => verdict::fault(&seen).map(|fault| {
                let words = verdict::last_lines(&seen.stderr).unwrap_or_default();
                format!("our own library does not run in it: {} {words}", fault.reason)
            }),
            Err(error) => Some(error.to_string()),
        })
    }

    /// Runs programs with our own library in a box of this tier, on a bench that has to be kept as long.
    fn own(&self, tier: Tier, own: &Path) -> Result<(Runner, Bench), Error> {
        let bench = self.shop.bench()?;
        fs::copy(own, &bench.library).map_err(|source| Error::Stage { path: own.to_owned(), source })?;
        let boxed = self.boxed(&bench, tier);
        let limits = Limits { time: OWN_TIME, ..Limits::default() };
        let parts = (bench.library.clone(), self.shop.probe.clone());
        Ok((Runner::boxed(self.witness.clone(), parts, limits, boxed.starter(), self.cancel), bench))
    }

    /// Returns a new bench with our own library, and its box.
    pub fn own_bench(&self) -> Result<(Bench, Boxed), Error> {
        let bench = self.shop.bench()?;
        if let Some((_, reference)) = &self.reference {
            let own = &reference.library;
            fs::copy(own, &bench.library).map_err(|source| Error::Stage { path: own.clone(), source })?;
        }
        let boxed = self.boxed(&bench, self.tier);
        Ok((bench, boxed))
    }

    /// The box of the submission on `bench`.
    pub fn boxed(&self, bench: &Bench, tier: Tier) -> Boxed {
        let limits = &self.course.limits;
        let limits = BoxLimits {
            cpu: limits.cpu_seconds,
            memory: limits.memory_mib * MIB,
            processes: limits.processes,
            file: limits.file_mib * MIB,
            open_files: limits.open_files,
            disk: limits.disk_mib * MIB,
        };
        Boxed::new(&self.launcher, tier, limits, &self.shop, bench)
    }

    /// The box as the record has it.
    pub fn containment(&self) -> Containment {
        Containment { tier: self.tier.name().to_owned(), sentence: self.tier.sentence().to_owned() }
    }

    /// What a result depends on besides the submission: course, battery, box, this program.
    pub fn key(&self, digest: &str, name: &str, days_late: f64, prebuilt: bool) -> String {
        let mut hash = Sha256::new();
        let parts = [digest, name, &self.course.digest, &self.battery, self.tier.name(), env!("CARGO_PKG_VERSION")];
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(format!("{days_late} {prebuilt}"));
        hex(&hash.finalize())
    }

    /// A judged test of the battery as the record has it.
    pub fn graded(&self, record: &TestRecord, points: f64) -> Graded {
        let outcome = match record.outcome {
            Seen::Pass => Outcome::Pass,
            Seen::Fail => Outcome::Wrong,
            Seen::Crash => Outcome::Crash,
            Seen::Timeout => Outcome::Timeout,
            Seen::Limit => Outcome::Limit,
            Seen::Forbidden => Outcome::Forbidden,
            Seen::InfraError => Outcome::InfraError,
        };
        Graded {
            name: record.name.clone(),
            kind: Kind::Battery,
            hidden: self.course.battery.hidden.contains(&record.name),
            details: self.course.report.of(&record.name),
            profile: Some(record.profile),
            points,
            earned: if outcome == Outcome::Pass { points } else { 0.0 },
            outcome,
            reason: record.reason.clone(),
            rules: record.rules.clone(),
            description: record.description.clone(),
            hint: record.hint.clone(),
            difference: record.difference.clone(),
            causes: record.causes.iter().map(Cause::from).collect(),
            output: record.output.clone(),
        }
    }
}

/// The tests that the course runs; never none.
fn selected<'s>(suite: &'s Suite, course: &Course) -> Result<Vec<&'s Test>, Error> {
    let fits = |test: &&Test| {
        let filters = &course.battery.tests;
        course.battery.profile.holds(test.profile)
            && (filters.is_empty() || filters.iter().any(|filter| crate::check::select::fits(test, filter)))
    };
    let tests: Vec<_> = suite.tests.iter().filter(fits).collect();
    if tests.is_empty() {
        let what = format!("of the course's profile fits {}", course.battery.tests.join(" "));
        return Err(Error::NothingSelected { what, elsewhere: String::new() });
    }
    Ok(tests)
}

/// What each test is worth: as in the suite or as the course says, scaled to the course's total.
fn points(course: &Course, tests: &[Test]) -> Vec<f64> {
    // What works as memory at all is said beside the points, unless the course asks for nothing else.
    let is_beside = |test: &Test| test.profile == Profile::Basic && course.battery.profile != Selection::Basic;
    let usual = |test: &Test| if is_beside(test) { 0.0 } else { test.points.number() };
    let own = |test: &Test| course.battery.points.get(&test.name).copied().unwrap_or_else(|| usual(test));
    let points: Vec<f64> = tests.iter().map(own).collect();
    let sum: f64 = points.iter().sum();
    match course.battery.total {
        Some(total) if sum > 0.0 => points.into_iter().map(|points| points * total / sum).collect(),
        _ => points,
    }
}

fn digest(battery: &Battery, tests: &[&Test]) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for test in tests {
        let program = battery.program(test);
        for file in [program, golden::path(&battery.traces, &test.name)] {
            let bytes = fs::read(&file).map_err(|source| Error::Stage { path: file.clone(), source })?;
            hash.update(Sha256::digest(&bytes));
        }
        hash.update(format!("{test:?}"));
    }
    Ok(hex(&hash.finalize()))
}

/// As hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the file at `path` is a library that can be judged; otherwise what is wrong.
pub fn examined(path: &Path, shop: &Workshop) -> Option<(Outcome, String)> {
    if let Err(error) = library::validate(path) {
        let text = error.to_string().replace(&format!("{}", path.display()), "libosmem.so");
        return Some((Outcome::NoBuild, text));
    }
    super::symbols::refused(path, &shop.reserved).map(|reason| (Outcome::Forbidden, reason))
}
