//! `osmem replay`: runs a script with a library and judges it, prints it in another form, or makes it a test of the battery.

mod add;

use std::io::Write;
use std::path::PathBuf;

use osmem_oracle::infer::Inferred;
use osmem_oracle::program::Op;
use osmem_oracle::readings::Readings;
use osmem_replay::check;
use osmem_trace::header;
use osmem_trace::run::{Cancel, EndProof};
use serde::Serialize;

use crate::args::{Form, Format, Header, Reading, ReplayArgs};
use crate::error::{Error, Exit};
use crate::foretold;
use crate::fuzz::find::Judge;
use crate::fuzz::reproducer::Reproducer;
use crate::lab::Lab;
use crate::layout::Layout;
use crate::library;
use crate::oracle::{self, Together};
use crate::report::output::{self, Output};
use crate::report::{self, json};
use crate::script::c::{self, Comments};
use crate::script::{self, rust, text};
use crate::tracers::Wanted;

/// What came of it; every report is derived from it.
#[derive(Debug, Serialize)]
pub struct ReplayRecord {
    /// Of the JSON form.
    pub version: u32,
    /// The script's file, or standard input.
    pub script: String,
    /// The library.
    pub library: PathBuf,
    /// Who watched it.
    pub tracer: String,
    /// Which readings were accepted.
    pub profile: &'static str,
    /// The header size that was counted with, in bytes.
    pub header: u64,
    /// Calls of the script.
    pub calls: usize,
    /// How the library differs from the contract in what it counts with, and how it reads open points.
    pub behaves: Vec<String>,
    /// What is wrong, if anything is.
    pub finding: Option<Reproducer>,
    /// The labelled trace of the run.
    pub trace: String,
}

const VERSION: u32 = 1;

/// Runs `osmem replay`.
pub fn run(args: &ReplayArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let ops = script::read(&args.script)?;
    let mut out = Output::stdout();
    if let Some(form) = args.print {
        write!(out, "{}", printed(&ops, form)?)?;
        out.flush()?;
        return Ok(Exit::Passed);
    }
    let layout = Layout::find()?;
    if let Some(name) = &args.add {
        add::add(&layout, args, name, &ops)?;
        return Ok(Exit::Passed);
    }
    let library = match &args.lib {
        Some(given) => library::locate(given)?,
        None => layout.own_library()?.to_owned(),
    };
    let lab = Lab::prepare(&layout, library, Wanted::of(args.watch), cancel)?;
    let Some(record) = replayed(&lab, args, &ops)? else { return Ok(Exit::Interrupted) };
    match args.format {
        Format::Text => report::replay::write(&mut out, &record, output::width())?,
        Format::Json => json::write(&mut out, &record)?,
    }
    out.flush()?;
    Ok(if record.finding.is_some() { Exit::Failed } else { Exit::Passed })
}

/// Runs and judges a script; `None` if it was interrupted.
fn replayed(lab: &Lab, args: &ReplayArgs, ops: &[Op]) -> Result<Option<ReplayRecord>, Error> {
    let watched = lab.watch(ops, "script", args.timeout, None)?;
    if watched.is_cut_off() {
        return Ok(None);
    }
    if let Some(EndProof::Return(check::UNUSABLE) | EndProof::Exit(check::UNUSABLE)) = watched.seen.proof {
        let words = crate::verdict::last_lines(&watched.seen.stderr).unwrap_or_default();
        return Err(Error::Replayer(words));
    }
    let profile = args.profile.unwrap_or(if args.lib.is_some() { Reading::Core } else { Reading::Strict });
    let strict = profile == Reading::Strict;
    let measured = || Inferred::of(&[&watched.run], oracle::params(header::CONTRACT)).header;
    let header = match (args.header, &args.lib) {
        (Some(Header::Bytes(bytes)), _) => bytes,
        (None, None) => header::CONTRACT,
        (Some(Header::Auto), _) | (None, Some(_)) => measured().unwrap_or(header::CONTRACT),
    };
    let params = oracle::params(header);
    let judge = Judge { lab, params, allowed: profile.allowed(), time: args.timeout };
    let together = Together::of(&[&watched.run], params, strict);
    let (behaves, trace) = (together.behaves.clone(), watched.seen.trace.to_string());
    let finding = judge.judge(ops, watched).map(|finding| {
        let causes = together.explain(&[finding.run()], None).causes;
        Reproducer::of(0, &finding, causes, params, Readings::CONTRACT)
    });
    Ok(Some(ReplayRecord {
        version: VERSION,
        script: script::name(&args.script),
        library: lab.library.clone(),
        tracer: lab.witness.name(),
        profile: profile.name(),
        header,
        calls: ops.iter().filter(|op| op.is_call()).count(),
        behaves,
        finding,
        trace,
    }))
}

/// A script in another form.
fn printed(ops: &[Op], form: Form) -> Result<String, Error> {
    let done = foretold::demanded(ops, oracle::params(header::CONTRACT), Readings::CONTRACT);
    Ok(match form {
        Form::Script => text::print(ops),
        Form::C => {
            let steps: Vec<_> = foretold::entries(&done).iter().map(foretold::told).collect();
            c::c_program(
                ops,
                &Comments {
                    about: "What the contract demands stands behind each call.",
                    steps: &steps,
                    expected: &done,
                },
            )
        }
        Form::Rust => rust::test_program(ops, &done, "A script as a test program.")?,
        Form::Trace => foretold::trace(&done).to_string(),
    })
}
