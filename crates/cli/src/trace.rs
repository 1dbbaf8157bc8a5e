//! `osmem trace`: the labelled trace of any program that calls `os_*`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use osmem_trace::run::{Cancel, Environment, Limits, Stopped};
use osmem_trace::{Observation, Spec};

use crate::args::{TraceArgs, TracerArgs};
use crate::error::{Error, Exit};
use crate::layout::Layout;
use crate::report::output::Output;
use crate::tracers::Wanted;
use crate::{library, loader, verdict};

/// Runs `osmem trace`.
pub fn run(args: &TraceArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let seen = observe(&args.command, args.lib.as_deref(), args.timeout, args.watch, cancel)?;

    let mut out = Output::stdout();
    if args.raw {
        write!(out, "{}", seen.raw)?;
    } else if seen.calls > 0 {
        write!(out, "{}", seen.trace)?;
    }
    if args.origins {
        origins(&mut out, &seen)?;
    }
    out.flush()?;
    // Nothing is lost with messages that nobody can read.
    drop(tell(&seen, &mut anstream::stderr()));
    Ok(match shortcoming(&seen) {
        _ if seen.stopped == Some(Stopped::Cancelled) => Exit::Interrupted,
        Some(_) => Exit::Failed,
        None => Exit::Passed,
    })
}

/// Runs a program with its arguments, and with a library if one is given.
pub fn observe(
    command: &[OsString],
    library: Option<&Path>,
    time: Duration,
    watch: TracerArgs,
    cancel: &Cancel,
) -> Result<Observation, Error> {
    let layout = Layout::find()?;
    // clap asks for at least one word.
    let (program, arguments) =
        command.split_first().map_or((PathBuf::new(), &[][..]), |(name, rest)| (found(name), rest));
    let library = match library {
        Some(given) => {
            let library = library::locate(given)?;
            library::validate(&library)?;
            Some(library)
        }
        // The program's own library wins; ours serves programs that find none.
        None if loader::lacks_library(&program) => Some(layout.own_library()?.to_owned()),
        None => None,
    };
    let spec = Spec {
        args: arguments.to_vec(),
        library,
        environment: Environment::Inherited,
        limits: Limits { time, ..Limits::default() },
        ..Spec::new(program, layout.probe)
    };
    Ok(Wanted::of(watch).witness()?.observe(&spec, cancel)?)
}

/// Whose code made each system call, as comments of the trace.
fn origins(out: &mut impl Write, seen: &Observation) -> io::Result<()> {
    let events: usize = seen.trace.calls().map(|call| call.events.len()).sum();
    if events > 0 && seen.origins.is_empty() {
        return writeln!(out, "# whose code made them, only the built-in tracer knows: --tracer builtin");
    }
    let told = seen.origins.iter().filter_map(|source| verdict::origin(seen, source));
    told.into_iter().try_for_each(|line| writeln!(out, "# {line}"))
}

/// The program's own output, and what is wrong with its trace.
fn tell(seen: &Observation, err: &mut impl Write) -> io::Result<()> {
    for (name, bytes) in [("output", &seen.stdout), ("error output", &seen.stderr)] {
        if let Some(lines) = verdict::last_lines(bytes) {
            writeln!(err, "-- the last of the program's {name}:\n{lines}")?;
        }
    }
    match shortcoming(seen) {
        Some(what) => writeln!(err, "error: {what}"),
        None => Ok(()),
    }
}

/// Why the trace is not that of a whole run.
pub fn shortcoming(seen: &Observation) -> Option<String> {
    let incomplete = verdict::incomplete(seen).map(|fault| fault.reason);
    if seen.calls > 0 || seen.stopped.is_some() {
        incomplete
    } else if !seen.began {
        Some(
            "the probe was not loaded: the program is statically linked or set-user-ID, or the loader refused it"
                .to_owned(),
        )
    } else {
        incomplete.or_else(|| {
            Some("the program never calls os_*; is it linked with a shared libosmem.so (ldd PROGRAM), not with libosmem.a?".to_owned())
        })
    }
}

/// The program as a path: a name without a slash is looked for on the PATH, and left alone where it is not found.
fn found(name: &OsStr) -> PathBuf {
    let name = PathBuf::from(name);
    if name.components().count() > 1 || name.is_absolute() {
        return name;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file()).unwrap_or(name)
}
