//! Single calls, in nanoseconds and as ratios to the system's `malloc` of the same process and the same run.

pub mod group;
pub mod measure;
pub mod report;
pub mod work;

use crate::Failure;
use group::Group;
use measure::{Effort, measure};
use report::{GroupResult, findings, table};
use std::env;
use std::process::{Command, Stdio};
use work::Kind;

/// Options of `micro`.
#[derive(clap::Args)]
pub struct Options {
    /// Fewer and shorter rounds: good enough to see a change of a tenth
    #[arg(long)]
    quick: bool,
    /// Only groups whose name contains one of these, e.g. pair/ or random/100k
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only allocators whose name contains one of these; the system's takes part in any case
    #[arg(long, value_name = "NAME")]
    allocator: Vec<String>,
    /// The record instead of the table
    #[arg(long)]
    json: bool,
    /// Measure in this process instead of one per group, e.g. under a profiler
    #[arg(long)]
    here: bool,
}

impl Group {
    /// Live blocks, where the group is about them.
    pub fn blocks(&self) -> u64 {
        match self.kind {
            Kind::Random(live, _) => live as u64,
            _ => 0,
        }
    }
}

/// Measures and prints.
pub fn run(options: &Options) -> Result<(), Failure> {
    let mut chosen = group::all();
    if chosen.iter().any(|group| options.only == [group.name.as_str()]) {
        chosen.retain(|group| options.only == [group.name.as_str()]); // and not random/100k beside random/100
    } else {
        chosen.retain(|group| fits(&options.only, &group.name));
    }
    if chosen.is_empty() {
        return Err("no group has such a name: leave --only out to see all of them".into());
    }
    let mut results = Vec::new();
    for group in chosen {
        if !options.json {
            eprint!("\r\x1b[K{} ", group.name);
        }
        results.push(if options.here { here(options, &group) } else { apart(options, &group)? });
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        eprint!("\r\x1b[K");
        print!("{}{}", table(&results).text(), findings(&results));
        println!("Each figure but the system's is a ratio to it: below 1 is faster.");
    }
    Ok(())
}

fn fits(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))
}

fn here(options: &Options, group: &Group) -> GroupResult {
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    measure(group, effort, |name| fits(&options.allocator, name))
}

/// In a process of its own: no group finds the heaps as another has left them.
fn apart(options: &Options, group: &Group) -> Result<GroupResult, Failure> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["micro", "--here", "--json", "--only", &group.name]);
    command.args(options.quick.then_some("--quick"));
    options.allocator.iter().for_each(|name| {
        command.args(["--allocator", name]);
    });
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} ended with {}", group.name, output.status).into());
    }
    let mut found: Vec<GroupResult> = serde_json::from_slice(&output.stdout)?;
    found.pop().ok_or_else(|| format!("{} was not measured", group.name).into())
}
