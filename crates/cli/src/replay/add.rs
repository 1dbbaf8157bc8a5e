//! Makes a script a test of the battery: its program, its entry in the suite, its golden trace.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use osmem_oracle::call::{NULL, Request, System};
use osmem_oracle::program::{Done, Op};
use osmem_oracle::readings::Readings;
use osmem_oracle::run::Call;
use osmem_trace::{golden, header};

use crate::args::ReplayArgs;
use crate::error::Error;
use crate::foretold;
use crate::layout::{self, Layout};
use crate::oracle;
use crate::report::output::{self, Output};
use crate::script::rust;
use crate::suite::{Profile, Suite};

/// Adds `ops` as the test `name`. Nothing is written unless all three parts can be.
pub fn add(layout: &Layout, args: &ReplayArgs, name: &str, ops: &[Op]) -> Result<(), Error> {
    let refused = |why: String| Error::Add { name: name.to_owned(), why };
    let fixtures = layout.fixtures(args.fixtures.as_deref())?;
    let suite_file = layout::suite_file(&fixtures);
    // Another command that adds a test waits; some file systems have no locks, and no harm comes of that.
    let held = fs::File::open(&fixtures).ok();
    let _locked = held.as_ref().map(fs::File::lock);
    let suite = Suite::load(&suite_file)?;
    let is_name = !name.is_empty()
        && name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-');
    if !is_name {
        return Err(refused("a name has at most 40 small letters, digits and hyphens, begins with a letter and does not end in a hyphen".to_owned()));
    }
    if suite.tests.iter().any(|test| test.name == name || test.program == name) {
        return Err(refused(format!("{} has a test or a program of that name", output::shown(&suite_file))));
    }
    let programs = programs_of(&fixtures).ok_or_else(|| {
        refused(format!(
            "test-programs/src/bin does not lie beside {}; name the fixtures of a source tree with --fixtures",
            output::shown(&fixtures)
        ))
    })?;
    let done = foretold::demanded(ops, oracle::params(header::CONTRACT), Readings::CONTRACT);
    if !done.iter().any(|done| matches!(done, Done::Call(_))) {
        return Err(refused("the script makes no call".to_owned()));
    }
    let rules = rules(&done);
    let doc = format!("{}: {name}, a script that was added to the battery.", rules.join(", "));
    let source = rust::test_program(ops, &done, &doc)?;
    let trace = foretold::trace(&done);
    let description = format!("{name}: a script that was added to the battery");
    let entry = entry(name, &rules);

    let program = programs.join(format!("{name}.rs"));
    let fixture = golden::path(&fixtures.join("traces"), name);
    for path in [&program, &fixture] {
        if path.exists() {
            return Err(refused(format!("{} exists", output::shown(path))));
        }
    }
    let failed = |path: &Path| {
        let path = output::shown(path);
        move |error: io::Error| Error::Add { name: name.to_owned(), why: format!("cannot write {path}: {error}") }
    };
    let text = fs::read_to_string(&suite_file).map_err(failed(&suite_file))?;
    let undo = |error: Error| {
        // Nobody shall find half a test.
        drop(fs::remove_file(&program));
        drop(fs::remove_file(&fixture));
        error
    };
    fs::write(&program, source).map_err(failed(&program)).map_err(undo)?;
    golden::write(&fixture, &description, &trace).map_err(|error| undo(error.into()))?;
    replace(&suite_file, &format!("{}\n\n{entry}", text.trim_end())).map_err(failed(&suite_file)).map_err(undo)?;

    let mut out = Output::stdout();
    for path in [&program, &suite_file, &fixture] {
        writeln!(out, "{}", output::shown(path))?;
    }
    writeln!(
        out,
        "The golden trace is what the contract demands. Now: put the test where it belongs in the suite, give it"
    )?;
    writeln!(out, "its description and hint, then make check ARGS={name}")?;
    Ok(out.flush()?)
}

/// Gives a file another content, whole or not at all.
fn replace(path: &Path, content: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    // In the same folder, because a rename is atomic only within a file system.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(content.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.persist(path)?;
    Ok(())
}

/// The sources of the test programs, beside the fixtures.
fn programs_of(fixtures: &Path) -> Option<PathBuf> {
    let root = fs::canonicalize(fixtures).ok()?.parent()?.to_owned();
    Some(root.join("test-programs/src/bin")).filter(|folder| folder.is_dir())
}

/// The rules that the steps are about.
fn rules(done: &[Done]) -> Vec<String> {
    let mut has_heap = false;
    let rule_of = |done: &Done| match done {
        Done::Call(call) => {
            let moves_break = call.asked.iter().any(|event| matches!(event, System::Brk { .. }));
            let preallocates = moves_break && !has_heap;
            has_heap |= moves_break;
            Some(if preallocates { 4 } else { rule(call) })
        }
        Done::Break(_) => Some(16),
        Done::Nothing => None,
    };
    let mut rules: Vec<u8> = done.iter().filter_map(rule_of).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.iter().map(|rule| format!("R{rule}")).collect()
}

/// The rule that a call is about, unless it is the one that preallocates.
fn rule(call: &Call) -> u8 {
    let is = |wanted: fn(&System) -> bool| call.asked.iter().any(wanted);
    match call.request {
        Request::Free { .. } => 8,
        Request::Realloc { pointer, size: 0 } if pointer != NULL => 10,
        Request::Realloc { pointer, .. } if pointer != NULL && is(|event| matches!(event, System::Unmap { .. })) => 13,
        Request::Realloc { pointer, .. } if pointer != NULL => 12,
        _ if is(|event| matches!(event, System::Map { .. })) => 9,
        _ if is(|event| matches!(event, System::Brk { .. })) => 7,
        _ => 5,
    }
}

fn entry(name: &str, rules: &[String]) -> String {
    let rules: Vec<_> = rules.iter().map(|rule| format!("\"{rule}\"")).collect();
    let profile = Profile::Robust;
    format!(
        "[[test]]\nname = \"{name}\"\nprogram = \"{name}\"\npoints = 1\nprofile = \"{profile}\"\nrules = [{}]\n\
         description = \"{name}: a script that was added to the battery\"\nhint = \"\"\"\\\n    \
         Follow the trace call by call: `osmem judge` says which rule the first wrong call breaks.\"\"\"\n",
        rules.join(", ")
    )
}
