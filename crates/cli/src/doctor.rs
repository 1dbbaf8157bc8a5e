//! `osmem doctor`: whether this machine can trace and grade, and for each thing that is wrong its remedy.

mod tracing;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use osmem_sandbox::{Limits as BoxLimits, Tier, host};
use osmem_trace::model::End;
use osmem_trace::run::{Cancel, Limits};
use osmem_trace::{Spec, Witness};
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::error::{Error, Exit};
use crate::grade::boxed::Boxed;
use crate::grade::build::rust_toolchain;
use crate::layout::Layout;
use crate::limits;
use crate::report::json;
use crate::report::output::{self, Output};
use crate::report::text::{BAD, GOOD, item, styled};

/// The version of the JSON form.
const VERSION: u32 = 1;

/// What is looked at of each tier.
const BOXES: [&str; 2] = ["box: namespaces", "box: landlock"];

/// What was found.
#[derive(Debug, Serialize)]
struct Doctor {
    version: u32,
    /// Everything that grading needs is there.
    fit: bool,
    findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    ok: bool,
    /// Nothing can be graded without it.
    needed: bool,
    found: String,
    /// What to do, where it is not as it should be.
    remedy: Option<&'static str>,
}

impl Finding {
    fn of(name: &'static str, needed: bool, result: Result<String, String>, remedy: &'static str) -> Self {
        let ok = result.is_ok();
        let (Ok(found) | Err(found)) = result;
        Self { name, ok, needed, found, remedy: (!ok).then_some(remedy) }
    }
}

/// Runs `osmem doctor`.
pub fn run(args: &DoctorArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let (mut findings, witness) = tracing::findings(cancel);
    let layout = Layout::find();
    let parts = layout.as_ref().map_err(ToString::to_string).and_then(|layout| {
        let battery = layout.fixtures(None).map_err(|error| error.to_string())?;
        layout.own_library().and_then(|_| layout.launcher()).map_err(|error| error.to_string())?;
        Ok(format!("library, probe, replayer, box; fixtures in {}", output::shown(&battery)))
    });
    findings.push(Finding::of("installation", true, parts, "run `make build`, or `make install`"));
    findings.push(Finding::of(
        "limits",
        true,
        limits::pin().map(|()| "as the battery needs them".to_owned()).map_err(|error| error.to_string()),
        "raise the hard limit that is named (ulimit -H, or the container's settings)",
    ));
    if let (Some(witness), Ok(layout)) = (&witness, &layout) {
        findings.extend(boxes(witness, layout, cancel));
    }
    findings.push(tool("cc", "C submissions do not build without it: apt-get install gcc, dnf install gcc"));
    findings.push(tool("make", "submissions with a Makefile do not build without it: apt-get install make"));
    let spaces = findings.iter().any(|finding| finding.name == BOXES[0] && finding.ok);
    findings.push(cargo(rust_toolchain().as_deref(), nix::unistd::geteuid().is_root(), spaces));

    let a_box = findings.iter().any(|finding| finding.name.starts_with("box") && finding.ok);
    let fit = a_box && findings.iter().all(|finding| finding.ok || !finding.needed);
    let doctor = Doctor { version: VERSION, fit, findings };
    let mut out = Output::stdout();
    if args.json {
        json::write(&mut out, &doctor)?;
    } else {
        text(&mut out, &doctor)?;
    }
    out.flush()?;
    Ok(if fit { Exit::Passed } else { Exit::Unfit })
}

fn text(out: &mut impl Write, doctor: &Doctor) -> Result<(), Error> {
    let width = output::width();
    for finding in &doctor.findings {
        let word = match (finding.ok, finding.needed) {
            (true, _) => styled(GOOD, "ok     "),
            (false, true) => styled(BAD, "wrong  "),
            (false, false) => "missing".to_owned(),
        };
        writeln!(out, "{word} {:15} {}", finding.name, finding.found)?;
        if let Some(remedy) = finding.remedy {
            item(out, "remedy", remedy, width)?;
        }
    }
    let verdict =
        if doctor.fit { styled(GOOD, "this machine can grade") } else { styled(BAD, "this machine cannot grade") };
    writeln!(out, "\n{verdict}")?;
    Ok(())
}

fn boxes(witness: &Witness, layout: &Layout, cancel: &Cancel) -> Vec<Finding> {
    let remedies = [
        "the weaker box is used where it works; for this one allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
         kernel.apparmor_restrict_unprivileged_userns=0), or run as root",
        "a kernel of 5.13 or newer with Landlock (lsm=landlock,… on its command line), and a container that lets it through",
    ];
    let tiers = Tier::ALL.into_iter().zip(BOXES).zip(remedies);
    tiers
        .map(|((tier, name), remedy)| Finding::of(name, false, trial(witness, &layout.launcher, tier, cancel), remedy))
        .collect()
}

/// How [`trifle`] ends.
const TRIFLE: End = End::Exit(7);

/// A program that any tracer can run.
fn trifle() -> Spec {
    Spec {
        args: vec!["-c".into(), "exit 7".into()],
        limits: Limits { time: Duration::from_secs(10), ..Limits::default() },
        ..Spec::new("/bin/sh", PathBuf::new())
    }
}

/// Runs a trifle in a box.
fn trial(witness: &Witness, launcher: &Path, tier: Tier, cancel: &Cancel) -> Result<String, String> {
    let folder = tempfile::Builder::new().prefix("osmem-doctor-").tempdir().map_err(|error| error.to_string())?;
    let make = |name: &str| -> Result<PathBuf, String> {
        let path = folder.path().join(name);
        fs::create_dir(&path).map_err(|error| error.to_string())?;
        Ok(path)
    };
    let boxed = Boxed {
        launcher: launcher.to_owned(),
        tier,
        limits: BoxLimits { cpu: 5, memory: 64 << 20, processes: 16, file: 1 << 20, open_files: 64, disk: 1 << 20 },
        readable: Vec::new(),
        hidden: Vec::new(),
        network: None,
        user: None,
        root: make("root")?,
        runs: make("runs")?,
        build: None,
        path: Vec::new(),
    };
    let spec = Spec { starter: Some(boxed.starter()), ..trifle() };
    let seen = witness.glimpse(&spec, cancel).map_err(|error| error.to_string())?;
    if seen.end != Some(TRIFLE) {
        return Err(format!("a program in it ends with {:?}", seen.end));
    }
    Ok(match (tier, host::landlock()) {
        (Tier::Landlock, Some(kept)) if !kept.signals => {
            "works; signals are kept in by the filter of system calls".to_owned()
        }
        _ => "works".to_owned(),
    })
}

/// The Rust toolchain, and whether a box can use it. `root`: boxes have a user of their own; `spaces`: there are boxes with namespaces,
/// which have all folders on its way.
fn cargo(toolchain: Option<&Path>, root: bool, spaces: bool) -> Finding {
    let (name, needed) = ("cargo", false);
    let Some(folder) = toolchain else {
        let remedy = "Rust submissions do not build without it: install Rust with rustup";
        return Finding::of(name, needed, Err("no Rust toolchain".to_owned()), remedy);
    };
    let found = format!("in {}", folder.display());
    let closed = folder.ancestors().filter(|_| root).find(|folder| is_closed(folder));
    let Some(closed) = closed else { return Finding::of(name, needed, Ok(found), "") };
    let found =
        format!("{found}, which no box with Landlock reaches: {} lets only its owner through", closed.display());
    let remedy = "Rust submissions do not build with Landlock: install the toolchain where everyone may go \
                  (CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup), or grade as an ordinary user";
    Finding::of(name, needed, if spaces { Ok(found) } else { Err(found) }, remedy)
}

/// Whether others than owner and group cannot pass through a folder.
fn is_closed(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|there| there.permissions().mode() & 0o001 == 0)
}

fn tool(name: &'static str, remedy: &'static str) -> Finding {
    let output = Command::new(name).arg("--version").stdin(Stdio::null()).output();
    let result = match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or(name).to_owned())
        }
        Ok(output) => Err(format!("{name} --version ends with {}", output.status)),
        Err(error) => Err(error.to_string()),
    };
    Finding::of(name, false, result, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_that_the_user_of_a_box_cannot_reach_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let toolchain = folder.path().join("toolchain");
        fs::create_dir(&toolchain).unwrap();
        let set = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        set(0o700);
        let finding = cargo(Some(&toolchain), true, false);
        assert!(!finding.ok && finding.found.contains(&format!("{} lets only its owner", folder.path().display())));
        assert!(finding.remedy.unwrap().contains("CARGO_HOME"));
        let finding = cargo(Some(&toolchain), true, true);
        assert!(finding.ok && finding.found.contains("Landlock") && finding.remedy.is_none());
        // Where the grader is not root, the box has the user of the grader.
        assert_eq!(cargo(Some(&toolchain), false, false).found, format!("in {}", toolchain.display()));
        set(0o711);
        assert_eq!(cargo(Some(&toolchain), true, false).found, format!("in {}", toolchain.display()));
        assert!(!cargo(None, true, true).ok);
    }
}
