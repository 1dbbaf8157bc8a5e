//! Builds a submission in its box.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use osmem_trace::model::End;
use osmem_trace::run::{Cancel, Environment, Glimpse, Limits, RunError, Stopped};
use osmem_trace::{Spec, Witness};

use super::boxed::Boxed;
use super::record::{Build, Outcome};

/// Lines of a build log that are kept from its beginning, where the first error stands, and from its end.
const FIRST_LINES: usize = 60;
/// See [`FIRST_LINES`].
const LAST_LINES: usize = 20;
/// Characters of a line that are kept.
const COLUMNS: usize = 300;
/// Bytes of the log that are read.
const LOG: usize = 256 << 10;

/// How a command in a box came out.
pub struct Ran {
    /// What is wrong, unless it ended with status 0.
    pub fault: Option<(Outcome, String)>,
    /// All that it printed, the last 256 KiB of it.
    pub log: String,
}

/// Runs a shell command in the box of a build.
pub fn shell(
    witness: &Witness,
    boxed: &Boxed,
    command: &str,
    (seconds, output): (u64, u64),
    cancel: &Cancel,
) -> Result<Ran, RunError> {
    let spec = Spec {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), OsString::from(format!("exec 2>&1\n{command}"))],
        library: None,
        probe: PathBuf::new(),
        environment: Environment::Pinned,
        limits: Limits { time: Duration::from_secs(seconds), output, tail: LOG, ..Limits::default() },
        aslr: true,
        writable: Vec::new(),
        starter: Some(boxed.starter()),
        cpu: None,
        refuse: None,
    };
    let seen = witness.glimpse(&spec, cancel)?;
    let log = String::from_utf8_lossy(&seen.stdout).into_owned();
    let fault = fault(&seen, seconds);
    Ok(Ran { fault, log: unplaced(&log, boxed) })
}

fn fault(seen: &Glimpse, seconds: u64) -> Option<(Outcome, String)> {
    if let Some(call) = seen.refused.first() {
        return Some((Outcome::Forbidden, format!("the build tried what the box forbids: {call}")));
    }
    let limit = |what: &str| Some((Outcome::Limit, format!("the build went over the limit on {what}")));
    match (seen.stopped, &seen.end) {
        (Some(Stopped::Timeout), _) => Some((Outcome::Timeout, format!("the build did not end within {seconds} s"))),
        (Some(Stopped::Starved), _) => {
            Some((Outcome::InfraError, format!("this machine was too busy for a build of {seconds} s")))
        }
        (Some(Stopped::OutputLimit), _) => limit("output"),
        (Some(Stopped::LogLimit), _) => limit("processes that it starts"),
        (Some(Stopped::MemoryLimit), _) => limit("memory"),
        (Some(Stopped::Starter(what)), _) => limit(what),
        (Some(Stopped::Cancelled), _) => Some((Outcome::InfraError, "it was interrupted".to_owned())),
        (None, Some(End::Exit(0))) => None,
        (None, Some(End::Exit(status))) => Some((Outcome::NoBuild, format!("the build ended with status {status}"))),
        (None, Some(End::Killed(signal))) if signal == "SIGXCPU" => limit("processor time"),
        (None, Some(End::Killed(signal))) if signal == "SIGXFSZ" => limit("the size of files"),
        (None, Some(End::Killed(signal))) if signal == "SIGSYS" => Some((
            Outcome::Forbidden,
            "the build was ended by SIGSYS, as for a system call of another architecture".to_owned(),
        )),
        (None, Some(End::Killed(signal))) => Some((Outcome::NoBuild, format!("the build was ended by {signal}"))),
        (None, None) => Some((Outcome::InfraError, "nobody knows how the build ended".to_owned())),
    }
}

/// The header that a compiler did not find, if that is why a build failed, and where it may come from.
pub fn missing_header(log: &str) -> Option<String> {
    let header = log.lines().find_map(|line| {
        let rest = line.split_once("fatal error: ")?.1;
        let gcc = rest.strip_suffix(": No such file or directory");
        gcc.or_else(|| rest.strip_prefix('\'')?.strip_suffix("' file not found"))
    })?;
    let header: String = line(header);
    Some(format!(
        "{header} is missing; if the course hands it out, `under` of [overlay] in the course file lays it there"
    ))
}

/// Without the path of the working folder, which is another one each time.
fn unplaced(log: &str, boxed: &Boxed) -> String {
    let Some(folder) = boxed.build.as_deref().and_then(Path::to_str) else { return log.to_owned() };
    log.replace(&format!("{folder}/"), "").replace(folder, ".")
}

/// The build as the record has it.
pub fn record(kind: &str, command: &str, log: &str) -> Build {
    let lines: Vec<String> = log.lines().map(line).collect();
    let (mut kept, mut cut) = (lines.clone(), 0);
    if lines.len() > FIRST_LINES + LAST_LINES {
        cut = lines.len() - FIRST_LINES - LAST_LINES;
        kept.splice(FIRST_LINES..lines.len() - LAST_LINES, [format!("… {cut} lines are left out …")]);
    }
    Build { kind: kind.to_owned(), command: command.to_owned(), log: kept.join("\n"), cut }
}

/// A line of a bounded length, without what a terminal would act upon.
fn line(line: &str) -> String {
    let mut text: String =
        line.chars().take(COLUMNS).map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    if line.chars().nth(COLUMNS).is_some() {
        text.push('…');
    }
    text
}

/// Where Rust's own compiler lies, if it lies where the system's programs do not: its folder is shown to builds.
pub fn rust_toolchain() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let folder = Path::new(text.trim()).canonicalize().ok()?;
    folder.join("bin/cargo").is_file().then_some(folder)
}

/// A path as one word of a shell command.
pub fn quoted(path: &Path) -> String {
    let Some(text) = path.to_str() else {
        // The command is text, which such a path is not.
        let bytes: String = path.as_os_str().as_bytes().iter().map(|byte| format!("\\{byte:03o}")).collect();
        return format!("\"$(printf '{bytes}')\"");
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/+=".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) {
        return text.to_owned();
    }
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    format!("'{}'", text.replace('\'', "'\\''"))
}
