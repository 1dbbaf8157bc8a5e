//! `osmem judge`: follows a trace call by call, says where it leaves the contract, and why.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use osmem_oracle::follow::Follower;
use osmem_oracle::infer::Inferred;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::run::{self, Run, Step};
use osmem_oracle::symptom::Symptom;
use osmem_trace::model::{self, Entry, Outcome};
use osmem_trace::run::Cancel;
use osmem_trace::text::{Item, ReadError, Reader};
use serde::Serialize;

use crate::args::{Format, JudgeArgs, Reading};
use crate::error::{Error, Exit};
use crate::oracle::{self, CauseRecord, Together};
use crate::record::Difference;
use crate::report::output::{self, Output};
use crate::report::{self, json};
use crate::{convert, verdict};

/// Entries from which header and thresholds are inferred before the first is judged.
const INFERRED_FROM: usize = 10_000;

/// Entries that are kept for the search for causes.
const KEPT: usize = 50_000;

/// Blocks and mappings at the same time; a trace with more is not judged beyond that point.
const MOST_BLOCKS: usize = 20_000;

/// A trace that cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// It cannot be opened.
    #[error("cannot open the trace {}: {source}; name a file you may read, or - for standard input", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no trace.
    #[error("{name}: {source}; `osmem trace` writes traces, docs/design.md describes them")]
    Read {
        /// The file, or `standard input`.
        name: String,
        /// Where and what.
        source: ReadError,
    },
    /// It holds more blocks than can be followed.
    #[error(
        "{name}: line {line}: more than {MOST_BLOCKS} blocks in use at a time, which the model cannot follow; judge a shorter run"
    )]
    TooManyBlocks {
        /// The file, or `standard input`.
        name: String,
        /// Counted from 1.
        line: usize,
    },
}

/// What was found, as JSON; every report is derived from it.
#[derive(Debug, Serialize)]
pub struct JudgeRecord {
    /// Of the JSON form.
    pub version: u32,
    /// The file, or `standard input`.
    pub trace: String,
    /// Calls that were judged.
    pub calls: usize,
    /// Which readings were accepted.
    pub profile: &'static str,
    /// What was counted with, in bytes.
    pub parameters: Parameters,
    /// How the allocator differs from the contract in what it counts with, and how it reads open points.
    pub behaves: Vec<String>,
    /// Calls that leave the contract.
    pub divergences: usize,
    /// The first one of each kind.
    pub findings: Vec<Finding>,
    /// What explains them, the likeliest first.
    pub causes: Vec<CauseRecord>,
    /// How the program ended.
    pub end: String,
    /// Someone interrupted it before the end.
    pub interrupted: bool,
}

/// The numbers that a trace was judged with, in bytes.
#[derive(Debug, Serialize)]
pub struct Parameters {
    pub header: u64,
    pub preallocation: u64,
    pub mmap_threshold: u64,
    pub calloc_threshold: u64,
}

/// Divergences of one kind.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// Line of the first, counted from 1.
    pub line: usize,
    /// It in one sentence.
    pub sentence: String,
    /// The rule that it breaks, and the lines around it.
    pub difference: Option<Difference>,
    /// How many more there are.
    pub more: usize,
}

/// The version of the JSON form.
const VERSION: u32 = 1;

/// Runs `osmem judge`.
pub fn run(args: &JudgeArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let (name, input) = open(&args.trace)?;
    let mut items = Reader::new(input);
    let read = |source| JudgeError::Read { name: name.clone(), source };
    let mut ahead = Vec::new();
    while args.infer && ahead.len() < INFERRED_FROM {
        match items.next().transpose().map_err(read)? {
            Some(item) => ahead.push(item),
            None => break,
        }
    }
    let right = Params { header: args.header.unwrap_or(osmem_trace::header::CONTRACT), ..page_params(args.page) };
    let params = if args.infer { inferred(&ahead, right) } else { right };
    let mut judge = Judge::new(&name, params, args.profile);
    for item in ahead.into_iter().map(Ok).chain(items) {
        let (line, item) = item.map_err(read)?;
        judge.item(line, item)?;
        if cancel.is_cancelled() {
            judge.interrupted = true;
            break;
        }
    }
    let record = judge.record(right);
    let mut out = Output::stdout();
    match args.format {
        Format::Text => report::judge::write(&mut out, &record, output::width())?,
        Format::Json => json::write(&mut out, &record)?,
    }
    out.flush()?;
    Ok(match record.divergences {
        _ if record.interrupted => Exit::Interrupted,
        0 => Exit::Passed,
        _ => Exit::Failed,
    })
}

/// Opens a trace, `-` for standard input, and returns what messages call it.
pub fn open(trace: &Path) -> Result<(String, Box<dyn BufRead>), JudgeError> {
    if trace == Path::new("-") {
        return Ok(("standard input".to_owned(), Box::new(io::stdin().lock())));
    }
    let failed = |source| JudgeError::Open { path: trace.to_owned(), source };
    let file = File::open(trace).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok((output::shown(trace), Box::new(BufReader::new(file))))
}

fn page_params(page: Option<u64>) -> Params {
    Params::with_page(page.unwrap_or_else(oracle::page))
}

fn inferred(items: &[(usize, Item)], right: Params) -> Params {
    let steps = items.iter().filter_map(|(_, item)| match item {
        Item::Entry(entry) => convert::step_of(entry),
        Item::End(_) => None,
    });
    let run = Run { name: String::new(), brk: HEAP, steps: steps.collect(), end: run::End::Fine, by_c_library: None };
    Inferred::of(&[&run], right).params(right)
}

/// A trace on its way through the oracle.
struct Judge {
    name: String,
    follower: Follower,
    params: Params,
    profile: Reading,
    kept: Run,
    /// The last steps, to be shown before a divergence.
    recent: Vec<Step>,
    /// How many mappings there have been.
    mappings: u32,
    calls: usize,
    divergences: usize,
    /// Where each kind stands in `findings`.
    kinds: BTreeMap<(u8, Symptom), usize>,
    findings: Vec<Finding>,
    end: String,
    interrupted: bool,
}

impl Judge {
    fn new(name: &str, params: Params, profile: Reading) -> Self {
        Self {
            name: name.to_owned(),
            follower: Follower::new(params, profile.allowed(), HEAP),
            params,
            profile,
            kept: Run { name: name.to_owned(), brk: HEAP, steps: Vec::new(), end: run::End::Fine, by_c_library: None },
            recent: Vec::new(),
            mappings: 0,
            calls: 0,
            divergences: 0,
            kinds: BTreeMap::new(),
            findings: Vec::new(),
            end: "interrupted".to_owned(),
            interrupted: false,
        }
    }

    fn item(&mut self, line: usize, item: Item) -> Result<(), JudgeError> {
        match item {
            Item::Entry(entry) => self.entry(line, &entry)?,
            Item::End(end) => {
                self.end = end.to_string();
                if let model::End::Killed(signal) = end {
                    self.kept.end = run::End::Crash(signal);
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, line: usize, entry: &Entry) -> Result<(), JudgeError> {
        let Some(step) = convert::step_of(entry) else { return Ok(()) };
        let divergence = match &step {
            Step::Program(to) => {
                self.follower.program(*to);
                None
            }
            Step::Call(call) => {
                self.calls += 1;
                self.follower.call(call)
            }
        };
        if let Some(divergence) = divergence {
            self.divergences += 1;
            let kind = (divergence.rule, divergence.symptom);
            if let Some(place) = self.kinds.get(&kind) {
                self.findings[*place].more += 1;
            } else {
                self.kinds.insert(kind, self.findings.len());
                let mut steps = self.recent.clone();
                steps.push(step.clone());
                let mappings = self.mappings;
                let difference = verdict::demanded(steps.len() - 1, &divergence, &steps, mappings + 1);
                self.findings.push(Finding { line, sentence: verdict::told(&divergence), difference, more: 0 });
            }
        }
        if self.follower.heap().count() > MOST_BLOCKS {
            return Err(JudgeError::TooManyBlocks { name: self.name.clone(), line });
        }
        self.mappings += convert::mappings(&step);
        self.recent.push(step.clone());
        if self.recent.len() > verdict::CONTEXT {
            self.recent.remove(0);
        }
        let never = matches!(entry, Entry::Call(call) if call.result == Outcome::Never);
        if self.kept.steps.len() < KEPT || never {
            self.kept.steps.push(step);
        }
        Ok(())
    }

    fn record(self, right: Params) -> JudgeRecord {
        let strict = self.profile == Reading::Strict;
        let runs = [&self.kept];
        let together = Together::of(&runs, self.params, strict);
        let mut behaves = together.behaves.clone();
        if self.params != right {
            behaves = Inferred::of(&runs, right).sentences(right);
        }
        let causes = if self.divergences > 0 { together.explain(&runs, None).causes } else { Vec::new() };
        let Params { header, preallocation, mmap_threshold, calloc_threshold, .. } = self.params;
        JudgeRecord {
            version: VERSION,
            trace: self.name,
            calls: self.calls,
            profile: self.profile.name(),
            parameters: Parameters { header, preallocation, mmap_threshold, calloc_threshold },
            behaves,
            divergences: self.divergences,
            findings: self.findings,
            causes,
            end: self.end,
            interrupted: self.interrupted,
        }
    }
}
