//! The tracers: which are there, which work, and which one is taken.

use std::fs;
use std::sync::Arc;

use osmem_trace::run::{Cancel, RunError, Tracer, glimpse};
use osmem_trace::strace::StraceError;
use osmem_trace::{Builtin, Strace, Witness};

use super::{Finding, TRIFLE, trifle};

/// What to do where tracing is forbidden.
const ALLOW: &str = "allow ptrace: in a container --cap-add=SYS_PTRACE or a seccomp profile that lets ptrace through; elsewhere \
                     sysctl kernel.yama.ptrace_scope=1";

/// What is to be said of them, and the one that works best.
pub fn findings(cancel: &Cancel) -> (Vec<Finding>, Option<Witness>) {
    let mut findings = Vec::new();
    let mut working: Vec<Arc<dyn Tracer>> = Vec::new();
    let strace = Strace::find();
    let version = strace.as_ref().map(|strace| format!("strace {} at {}", strace.version, strace.path.display()));
    findings.push(Finding::of(
        "strace",
        false,
        version.map_err(ToString::to_string),
        "install strace 5.3 or newer: `make deps`, apt-get install strace, dnf install strace",
    ));
    findings.push(yama());
    if let Ok(strace) = strace {
        let traced = traces(&strace, cancel);
        if traced.is_ok() {
            working.push(Arc::new(strace));
        }
        findings.push(Finding::of("tracing", false, traced, ALLOW));
    }
    let builtin = Builtin::find().map_err(|error| error.to_string());
    let traced = builtin.and_then(|builtin| {
        let traced = traces(&builtin, cancel)?;
        working.push(Arc::new(builtin));
        Ok(traced)
    });
    findings.push(Finding::of("built-in", false, traced, "use strace instead (`make deps` installs it), or Linux 5.3 or later; and allow ptrace: in a container --cap-add=SYS_PTRACE, elsewhere sysctl kernel.yama.ptrace_scope=1"));
    findings.push(usable(&working));
    let best = working.into_iter().next().map(Witness::one);
    (findings, best)
}

/// Which tracers can be used; one is needed.
fn usable(working: &[Arc<dyn Tracer>]) -> Finding {
    let found = match working {
        [] => Err("none works".to_owned()),
        [only] => Ok(format!("{} works", only.name())),
        all => {
            let names: Vec<String> = all.iter().map(|tracer| tracer.name()).collect();
            Ok(format!("{} work; {} is taken where none is named", names.join(" and "), names[0]))
        }
    };
    Finding::of("tracers", true, found, "make one of the two work: see above")
}

/// The Yama setting, which may forbid tracing altogether.
fn yama() -> Finding {
    let remedy = "sysctl kernel.yama.ptrace_scope=1 (2 allows root alone to trace, 3 nobody)";
    let result = match fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope") {
        Err(_) => Ok("not part of this kernel".to_owned()),
        Ok(text) => match text.trim() {
            "0" | "1" => Ok(format!("ptrace_scope is {}", text.trim())),
            "2" if nix::unistd::geteuid().is_root() => Ok("ptrace_scope is 2, and this is root".to_owned()),
            other => Err(format!("ptrace_scope is {other}")),
        },
    };
    Finding::of("yama", true, result, remedy)
}

/// Whether a tracer may trace.
fn traces(tracer: &dyn Tracer, cancel: &Cancel) -> Result<String, String> {
    match glimpse(tracer, &trifle(), cancel) {
        Ok(seen) if seen.end == Some(TRIFLE) => Ok("a program can be traced".to_owned()),
        Ok(seen) => Err(format!("a program that is traced ends with {:?}", seen.end)),
        // The remedy is told beside it.
        Err(RunError::Strace(StraceError::NotPermitted { message })) => Err(message),
        Err(error) => Err(error.to_string()),
    }
}
