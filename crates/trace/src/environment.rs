//! What a traced program finds in its environment.

use std::env;
use std::ffi::{OsStr, OsString};

use crate::mark::Key;
use crate::spec::{Environment, Instruction, Spec, Start};
use crate::stage::{PROBE, Stage};

/// All that a program sees in a pinned environment. Nothing that someone has set in a shell must change a verdict: LD_* loads
/// other code, MALLOC_* and GLIBC_TUNABLES change when the C library itself moves the break.
pub const PINNED: [(&str, &str); 2] = [
    // Messages, and the files that the C library maps to write them, depend on the language.
    ("LC_ALL", "C"),
    // No tunables, said aloud.
    ("GLIBC_TUNABLES", ""),
];

/// The variable that gives a probe its key.
pub const KEY: &str = "OSMEM_PROBE_KEY";

/// What is set for the program alone, a tracer's own program must not see it: with a key for a probe, the probe too.
pub fn own(spec: &Spec, stage: &Stage, key: Option<&Key>) -> Vec<(&'static str, OsString)> {
    let mut variables: Vec<(&'static str, OsString)> = Vec::new();
    if let Some(key) = key {
        variables.push((KEY, key.as_str().into()));
        // By name, found in the folder of the stage.
        variables.push(("LD_PRELOAD", joined(&[Some(PROBE.into()), inherited(spec, "LD_PRELOAD")])));
    }
    variables.push(("LD_LIBRARY_PATH", search_path(spec, stage)));
    variables
}

/// The variables of [`PINNED`].
pub fn pinned() -> Vec<(OsString, OsString)> {
    PINNED.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// All that the program sees.
pub fn whole(spec: &Spec, stage: &Stage, key: Option<&Key>) -> Vec<(OsString, OsString)> {
    let own = own(spec, stage, key);
    let is_ours = |name: &OsStr| name == KEY || own.iter().any(|(known, _)| name == *known);
    let mut all: Vec<(OsString, OsString)> = match spec.environment {
        Environment::Pinned => pinned(),
        Environment::Inherited => env::vars_os().filter(|(name, _)| !is_ours(name)).collect(),
    };
    all.extend(own.into_iter().map(|(name, value)| (name.into(), value)));
    all
}

/// The program of `spec` and what it must find in its environment.
pub fn start<'a>(spec: &'a Spec, key: Option<&Key>, filter: Option<&'a [Instruction]>) -> Start<'a> {
    let mut variables: Vec<(&'static str, OsString)> =
        PINNED.into_iter().map(|(name, value)| (name, value.into())).collect();
    variables.extend(key.map(|key| (KEY, key.as_str().into())));
    Start {
        program: &spec.program,
        args: &spec.args,
        writable: &spec.writable,
        probe: key.is_some().then_some(&*spec.probe),
        library: spec.library.as_deref(),
        variables,
        filter,
        idle: spec.refuse.map(|refusal| refusal.call),
    }
}

/// Where the loader looks first. Unlike an older DT_RPATH, the DT_RUNPATH of a program comes after this.
fn search_path(spec: &Spec, stage: &Stage) -> OsString {
    let beside = stage.beside.as_ref().map(|folder| folder.clone().into_os_string());
    joined(&[Some(stage.folder().into()), beside, inherited(spec, "LD_LIBRARY_PATH")])
}

fn inherited(spec: &Spec, name: &str) -> Option<OsString> {
    match spec.environment {
        Environment::Pinned => None,
        Environment::Inherited => env::var_os(name).filter(|value| !value.is_empty()),
    }
}

fn joined(parts: &[Option<OsString>]) -> OsString {
    let parts: Vec<&OsStr> = parts.iter().flatten().map(OsString::as_os_str).collect();
    parts.join(OsStr::new(":"))
}
