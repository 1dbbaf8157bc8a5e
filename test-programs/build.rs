//! Links every test program against a stub of `libosmem.so` and tells it where to look for the real one.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// In the build output the library lies beside the programs, installed two folders above them (`lib/osmem/test-programs`).
/// As a run path of the new kind it comes after `LD_LIBRARY_PATH`, so that another library can be put in front.
const RUN_PATH: &str = "-Wl,--enable-new-dtags,-rpath,$ORIGIN:$ORIGIN/../..";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=stub.c");
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
        return Err("the test programs load libosmem.so when they start, which a static executable cannot: \
                    build with RUSTFLAGS='-C target-feature=-crt-static'"
            .into());
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    let stub = out.join("libosmem.so");
    let tool = cc::Build::new().try_get_compiler().map_err(|error| error.to_string())?;
    let mut compiler = tool.to_command();
    compiler.args(["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libosmem.so", "stub.c", "-o"]).arg(&stub);
    let name = tool.path().display();
    let status = compiler.status().map_err(|error| {
        format!(
            "the C compiler {name} does not start: {error}; install one (make deps) or name another in the variable CC"
        )
    })?;
    if !status.success() {
        return Err(format!("the C compiler {name} cannot build stub.c: {status}"));
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
