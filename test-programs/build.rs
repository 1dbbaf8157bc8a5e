//! Links the programs of a package against a stub of `libosmem.so` and tells them where to look for the real one.
//!
//! The build script of the test programs and of the replayer: it knows nothing of the folder that cargo runs it in.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// In the build output the library lies beside the programs, installed two folders above the test programs
/// (`lib/osmem/test-programs`) and one above the replayer (`lib/osmem`).
/// As a run path of the new kind it comes after `LD_LIBRARY_PATH`, so that another library can be put in front.
const RUN_PATH: &str = "-Wl,--enable-new-dtags,-rpath,$ORIGIN:$ORIGIN/..:$ORIGIN/../..";

/// Stands in for `libosmem.so` while the programs are linked, so that which library they use is chosen when they run.
/// It is never loaded: only its name and its symbols count.
const STUB: &str = "\
#include <stddef.h>
void *os_malloc(size_t size) { (void)size; return NULL; }
void *os_calloc(size_t nmemb, size_t size) { (void)nmemb; (void)size; return NULL; }
void *os_realloc(void *pointer, size_t size) { (void)pointer; (void)size; return NULL; }
void os_free(void *pointer) { (void)pointer; }
";

fn main() -> ExitCode {
    match link_against_stub() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn link_against_stub() -> Result<(), String> {
    if links_statically()? {
        // The programs say themselves that they cannot be built so; what others use of the package can.
        return Ok(());
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    let (source, stub) = (out.join("stub.c"), out.join("libosmem.so"));
    fs::write(&source, STUB).map_err(|error| format!("{}: {error}", source.display()))?;
    let tool = cc::Build::new().try_get_compiler().map_err(|error| error.to_string())?;
    let mut compiler = tool.to_command();
    compiler.args(["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libosmem.so"]).arg(&source).arg("-o").arg(&stub);
    let name = tool.path().display();
    let status = compiler.status().map_err(|error| {
        format!(
            "the C compiler {name} does not start: {error}; install one (make deps) or name another in the variable CC"
        )
    })?;
    if !status.success() {
        return Err(format!("the C compiler {name} cannot build {}: {status}", source.display()));
    }
    println!("cargo::rustc-link-arg-bins={}", stub.display());
    println!("cargo::rustc-link-arg-bins={RUN_PATH}");
    Ok(())
}

/// Whether executables for this target are static, as by default for musl. Cargo's list of target features does not tell there.
fn links_statically() -> Result<bool, String> {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS")?;
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.args(["--print", "cfg", "--target", &variable("TARGET")?]).args(flags.split_terminator('\u{1f}'));
    let output = rustc.output().map_err(|error| format!("rustc does not start: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().any(|line| line == "target_feature=\"crt-static\""))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}; run this through cargo"))
}
