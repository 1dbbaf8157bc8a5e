//! Instructions per call, counted by callgrind: the same in every run on one machine, and nearly the same on all that
//! have the same compiler. Two runs of different length are subtracted, so that starting and ending do not count.

use crate::Failure;
use crate::heaps::ours::{Core, Process};
use crate::heaps::{Heap, System};
use crate::micro::work::{Growth, Kind, Sizes, Work};
use crate::numbers::short;
use crate::table::Table;
use crate::whole::preload::sibling;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Options of `instructions`.
#[derive(clap::Args)]
pub struct Options {
    /// Only operations whose name contains one of these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Make what is counted now the baseline of these operations (refused when CI is set)
    #[arg(long)]
    bless: bool,
    /// The counts in which nothing may get much worse
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.toml"))]
    baseline: PathBuf,
    /// The library for the operations named preload [default: libosmem_malloc.so beside this program]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// The record instead of the table
    #[arg(long)]
    json: bool,
}

/// Options of the counted process.
#[derive(clap::Args)]
pub struct CountOptions {
    name: String,
    calls: u64,
}

#[derive(Serialize, Deserialize)]
struct Baseline {
    /// By what share of the baseline a count may exceed it.
    tolerance: f64,
    instructions: BTreeMap<String, f64>,
}

/// One operation.
#[derive(Serialize, Deserialize)]
pub struct Count {
    pub name: String,
    /// Instructions per call, the loop around it included.
    pub instructions: f64,
    pub baseline: Option<f64>,
}

/// Calls of the shorter and of the longer run.
const CALLS: [u64; 2] = [20_000, 60_000];

const HEAPS: [&str; 5] = ["exact", "padded", "compact", "process", PRELOAD];
const PRELOAD: &str = "preload";

/// Valgrind gives a program eight megabytes of heap: more live blocks than these do not fit.
const KINDS: [(&str, Kind); 5] = [
    ("pair-64", Kind::Pair(64)),
    ("random-2000", Kind::Random(2000, Sizes(16, 1024))),
    ("realloc", Kind::Grow { buffers: 4, by: Growth::Half, limit: 4096 }),
    ("merge", Kind::Merge(64)),
    ("calloc-64", Kind::Calloc(64)),
];

/// Counts, compares and prints.
pub fn run(options: &Options) -> Result<(), Failure> {
    if options.bless && std::env::var_os("CI").is_some() {
        return Err("the baseline is not blessed where CI is set: do it by hand and commit the file".into());
    }
    let mut baseline = read(&options.baseline)?;
    let library = options.library.clone().map_or_else(|| sibling("libosmem_malloc.so"), Ok)?;
    let mut counts = Vec::new();
    for (heap, (kind, _)) in HEAPS.into_iter().flat_map(|heap| KINDS.map(|kind| (heap, kind))) {
        let name = format!("{heap}/{kind}");
        if options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str())) {
            let preload = (heap == PRELOAD).then_some(library.as_path());
            let instructions = count(&name, preload)?;
            counts.push(Count { baseline: baseline.instructions.get(&name).copied(), name, instructions });
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&counts)?);
    } else {
        print!("{}", table(&counts).text());
    }
    if options.bless {
        baseline
            .instructions
            .extend(counts.iter().map(|count| (count.name.clone(), (count.instructions * 10.0).round() / 10.0)));
        let head =
            "# Instructions per call, the loop around it included. Written by `osmem-bench instructions --bless`.\n";
        return Ok(fs::write(&options.baseline, format!("{head}{}", toml::to_string(&baseline)?))?);
    }
    judge(&counts, baseline.tolerance)
}

/// Fails if a count is larger than it may be, or has nothing to be compared with.
fn judge(counts: &[Count], tolerance: f64) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for Count { name, instructions, baseline } in counts {
        match baseline {
            Some(baseline) if *instructions > baseline * (1.0 + tolerance) => {
                wrong.push(format!("{name}: {instructions:.1} instructions instead of {baseline:.1}"));
            }
            Some(baseline) if *instructions < baseline * (1.0 - tolerance) => {
                eprintln!("{name} has got better ({instructions:.1} instead of {baseline:.1}): --bless keeps it so");
            }
            Some(_) => {}
            None => wrong.push(format!("{name} has no baseline: run with --bless")),
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nIf that is on purpose, accept it with osmem-bench instructions --bless", wrong.join("\n")).into())
}

fn read(path: &Path) -> Result<Baseline, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Baseline { tolerance: 0.05, instructions: BTreeMap::new() })
        }
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    }
}

/// Operations and counts.
pub fn table(counts: &[Count]) -> Table {
    let mut table = Table::new(["operation", "instructions per call", "baseline"].map(String::from));
    for count in counts {
        table.row(vec![count.name.clone(), short(count.instructions), count.baseline.map(short).unwrap_or_default()]);
    }
    table
}

/// Instructions per call of one operation.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn count(name: &str, preload: Option<&Path>) -> Result<f64, Failure> {
    let [(short, few), (long, many)] =
        [under_valgrind(name, CALLS[0], preload)?, under_valgrind(name, CALLS[1], preload)?];
    Ok((long - short) as f64 / (many - few) as f64)
}

/// All instructions of a run, and its calls.
fn under_valgrind(name: &str, calls: u64, preload: Option<&Path>) -> Result<(u64, u64), Failure> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--"]).arg(std::env::current_exe()?);
    command.args(["count", name, &calls.to_string()]).env_remove("LD_PRELOAD").stdin(Stdio::null());
    if let Some(library) = preload {
        if !library.is_file() {
            let place = library.display();
            return Err(format!(
                "{place} is missing: run cargo build --release -p osmem-preload, or name it with --library"
            )
            .into());
        }
        command.env("LD_PRELOAD", library);
    }
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => "valgrind is missing: install it (Debian: apt-get install valgrind)".to_string(),
        _ => format!("cannot start valgrind: {error}"),
    })?;
    let (did, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let collected = told.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, number)| number.trim());
    match (did.trim().parse(), collected.map(str::parse)) {
        (Ok(did), Some(Ok(instructions))) if output.status.success() => Ok((instructions, did)),
        _ => Err(format!("{name} under valgrind ended with {}:\n{told}", output.status).into()),
    }
}

/// The counted process: does the calls and says how many they were.
pub fn work(CountOptions { name, calls }: &CountOptions) -> Result<(), Failure> {
    let (heap, kind) = name.split_once('/').ok_or("an operation is HEAP/KIND")?;
    let (_, kind) = KINDS.into_iter().find(|(name, _)| *name == kind).ok_or("no such kind of operation")?;
    let done = match heap {
        "exact" => done(Core::exact(), kind, *calls),
        "padded" => done(Core::padded(), kind, *calls),
        "compact" => done(Core::compact(), kind, *calls),
        "process" => done(Process, kind, *calls),
        PRELOAD => done(System, kind, *calls),
        _ => return Err("no such heap".into()),
    };
    println!("{done}");
    Ok(())
}

fn done<H: Heap>(heap: H, kind: Kind, calls: u64) -> u64 {
    let mut work = Work::new(heap, kind);
    // Into the steady state first; both runs do the same here.
    work.run(CALLS[0]);
    work.run(calls)
}
