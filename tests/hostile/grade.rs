//! `osmem grade` on the class, once, and whether its results are what is demanded.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};
use serde::Deserialize;
use serde_json::Value;

use crate::entry::Demand;
use crate::place::{Place, SECRET};
use crate::support::built;
use crate::traces::files;

/// The words for outcomes.
pub const OUTCOMES: [&str; 9] =
    ["pass", "wrong", "crash", "timeout", "limit", "forbidden", "no-build", "unsupported", "infra-error"];

/// What the surroundings of the tests might say to the command; cargo sets the last one.
const SURROUNDINGS: [&str; 4] = ["CI", "NO_COLOR", "CLICOLOR_FORCE", "LD_LIBRARY_PATH"];
/// For the whole class: many times what it takes.
const LONGEST: Duration = Duration::from_secs(1800);
/// What the grader may hold at most, in bytes, whatever the submissions do.
const MOST_MEMORY: u64 = 200 << 20;

/// The boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Namespaces of their own.
    Namespaces,
    /// Landlock alone.
    Landlock,
}

/// What is read of a record.
#[derive(Debug, Deserialize)]
struct Record {
    name: String,
    outcome: String,
    reason: Option<String>,
    score: Option<Score>,
    containment: Containment,
    build: Option<Build>,
}

#[derive(Debug, Deserialize)]
struct Score {
    earned: f64,
    points: f64,
}

#[derive(Debug, Deserialize)]
struct Containment {
    tier: String,
}

#[derive(Debug, Deserialize)]
struct Build {
    log: String,
}

/// How the command ended.
pub struct Ended {
    /// None: by a signal.
    pub code: Option<i32>,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// The most memory that it held itself, in bytes.
    memory: u64,
}

/// The results of a class.
pub struct Graded {
    tier: Tier,
    ended: Ended,
    records: Vec<Record>,
}

impl Tier {
    /// As `--box` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
        }
    }
}

/// Runs `osmem grade` on `what`, with results in `out`.
pub fn run(tier: Tier, place: &Place, what: &Path, out: &Path, options: &[&str]) -> Ended {
    // Whoever loses its parent becomes a child of this process, where it is seen.
    set_child_subreaper(true).unwrap();
    let said = place.folder().join("stderr");
    let mut command = Command::new(&built().osmem);
    // Where all boxes belong to one user, what one of them starts counts for the other too.
    let jobs = if tier == Tier::Landlock && !geteuid().is_root() { "1" } else { "2" };
    command.arg("grade").arg(what).arg("--out").arg(out).args(["--box", tier.name(), "-j", jobs]).args(options);
    command.arg("--course").arg(place.root().join("fixtures/hostile/course.toml"));
    for variable in SURROUNDINGS {
        command.env_remove(variable);
    }
    command.env("TMPDIR", place.tmp()).env("HOME", place.home()).env("OSMEM_HOSTILE_SECRET", SECRET);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap());
    // A group of its own: whoever kills its group must not reach the tests.
    let mut child = command.process_group(0).spawn().expect("osmem starts");
    let group = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let start = Instant::now();
    let mut memory = 0;
    let status = loop {
        memory = memory.max(held(group));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LONGEST {
            killpg(group, Signal::SIGKILL).unwrap();
            child.wait().unwrap();
            panic!("osmem grade did not end within {} s", LONGEST.as_secs());
        }
        sleep(Duration::from_millis(20));
    };
    println!("{}: {} in {:.1} s, {} MiB held", tier.name(), status, start.elapsed().as_secs_f64(), memory >> 20);
    Ended { code: status.code(), stderr: String::from_utf8_lossy(&fs::read(&said).unwrap()).into_owned(), memory }
}

/// The most memory that a process has held up to now, in bytes; 0 of one that has ended.
fn held(process: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.and_then(|most| most.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

impl Graded {
    /// Grades the class.
    pub fn class(tier: Tier, place: &Place) -> Self {
        let ended = run(tier, place, &place.class(), &place.out(), &["--batch"]);
        Self { tier, ended, records: read(&place.out()) }
    }

    /// Where the results are not what is demanded; prints the table.
    pub fn compare(&self, demands: &[Demand]) -> Vec<String> {
        let mut problems = Vec::new();
        let all_pass = self.records.iter().all(|record| record.outcome == "pass");
        if self.ended.code != Some(if all_pass { 0 } else { 1 }) {
            problems.push(format!("the command ended with {:?}: {}", self.ended.code, self.ended.stderr.trim()));
        }
        // None at all would say that nothing was measured.
        if !(1..=MOST_MEMORY).contains(&self.ended.memory) {
            problems.push(format!("the grader held {} MiB", self.ended.memory >> 20));
        }
        let mut left: BTreeMap<&str, &Record> = BTreeMap::new();
        for record in &self.records {
            if left.insert(&record.name, record).is_some() {
                problems.push(format!("two results are called {}", record.name));
            }
            if record.name.is_empty() || record.name.contains(|c: char| c == '/' || c.is_control()) {
                problems.push(format!("{:?} is no name to be printed", record.name));
            }
        }
        if !self.records.is_sorted_by(|one, other| one.name <= other.name) {
            problems.push("the results are not sorted by name".to_owned());
        }
        println!("{:<36} {:<12} {:<12} reason", "submission", "demanded", "outcome");
        for demand in demands {
            let Some(name) = left.keys().copied().filter(|name| names(name, &demand.id)).min_by_key(|name| name.len())
            else {
                problems.push(format!("{} ({}) has no result", demand.id, demand.what));
                continue;
            };
            let record = left.remove(name).expect("it is there");
            let reason = record.reason.as_deref().unwrap_or_default();
            let demanded = demand.outcomes.first().map(String::as_str).unwrap_or_default();
            println!("{:<36} {demanded:<12} {:<12} {reason}", demand.id, record.outcome);
            problems.extend(
                record
                    .problems(demand, self.tier)
                    .into_iter()
                    .map(|it| format!("{} ({}): {it}", demand.id, demand.what)),
            );
        }
        problems.extend(left.keys().map(|name| format!("nobody has submitted {name}")));
        problems
    }

    /// What nobody may know and yet stands in the results, and whether somebody was called.
    pub fn leaks(&self, place: &Place) -> Vec<String> {
        let mut problems = Vec::new();
        if place.was_called() {
            problems.push("somebody connected to the outside".to_owned());
        }
        let passwords = fs::read_to_string("/etc/shadow").unwrap_or_default();
        let password = passwords.lines().next().filter(|line| line.len() > 8);
        for (path, bytes) in files(&place.out()) {
            let text = String::from_utf8_lossy(&bytes);
            for secret in [Some(SECRET), password].into_iter().flatten().filter(|secret| text.contains(secret)) {
                problems.push(format!("{} tells {secret}", path.display()));
            }
        }
        for record in &self.records {
            let log = record.build.as_ref().map(|build| build.log.as_str()).unwrap_or_default();
            if log.contains("HEAP+0x") {
                problems.push(format!("the log of {} tells the expected traces", record.name));
            }
            if log.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
                problems.push(format!("the log of {} is not printable", record.name));
            }
        }
        problems
    }
}

impl Record {
    fn problems(&self, demand: &Demand, tier: Tier) -> Vec<String> {
        let reason = self.reason.as_deref().unwrap_or("no reason given");
        let mut problems = Vec::new();
        if !demand.outcomes.contains(&self.outcome) {
            problems.push(format!("must end in {}, not in {}: {reason}", demand.outcomes.join(" or "), self.outcome));
        }
        let passed = self.outcome == "pass";
        if let Some(part) = demand.reason.as_deref().filter(|part| !passed && !reason.contains(part)) {
            problems.push(format!("its reason must speak of {part}: {reason}"));
        }
        if passed && !self.score.as_ref().is_some_and(|score| score.earned == score.points && score.points > 0.0) {
            problems.push(format!("it passes, and yet its score is {:?}", self.score));
        }
        // What is refused before it is built has been in no box.
        if self.build.is_some() && self.containment.tier != tier.name() {
            problems.push(format!("it ran in a box of the tier {}", self.containment.tier));
        }
        problems
    }
}

/// The records in a folder of results.
fn read(out: &Path) -> Vec<Record> {
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap_or_default();
    let parse = |line: &str| -> Record {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    text.lines().map(parse).collect()
}

/// The outcome of each result in a folder.
pub fn outcomes(out: &Path) -> Vec<String> {
    read(out).into_iter().map(|record| record.outcome).collect()
}

/// Whether a result of this name belongs to the submission `id`: the same, with the ending of an archive, or around it where the
/// name itself could not be printed.
fn names(name: &str, id: &str) -> bool {
    match id.strip_prefix('*') {
        Some(part) => name.contains(part),
        None => name == id || name.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')),
    }
}
