//! C programs of these tests, and how they are run.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use osmem_trace::Spec;

/// A source of `tests/support`, compiled with these arguments.
pub fn compiled(name: &str, source: &str, arguments: &[&str]) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Another test process may be running the file: it gets a new one, in one step.
    let new = file.with_extension(std::process::id().to_string());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(source);
    let mut cc = Command::new("cc");
    let status = cc.args(["-O1", "-w", "-pthread"]).args(arguments).arg("-o").arg(&new).arg(source).status();
    assert!(status.unwrap().success(), "{name} {arguments:?}: cc fails (try `make deps-full`)");
    fs::rename(&new, &file).unwrap();
    file
}

/// A program that plays a scenario. The probe that is loaded does nothing: these programs make their marks themselves.
pub fn spec(program: &Path, scenario: &str) -> Spec {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    let probe = PROBE.get_or_init(|| compiled("silent-probe.so", "nothing.c", &["-shared", "-fPIC"])).clone();
    Spec { args: vec![scenario.into()], ..Spec::new(program, probe) }
}
