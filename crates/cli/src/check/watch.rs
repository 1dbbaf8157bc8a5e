//! `osmem check --watch`: checks again whenever a source changes, and says what became better or worse.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use osmem_trace::run::Cancel;

use super::once;
use crate::args::CheckArgs;
use crate::error::{Error, Exit};
use crate::layout::Layout;
use crate::record::{Outcome, Record};
use crate::report::output::{self, Output};
use crate::target::Target;

/// The time between two looks at the files.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// Files and folders that are looked at.
const MOST_SEEN: usize = 10_000;
/// Names that are told of a change.
const MOST_TOLD: usize = 12;

/// The files that matter, with the time of their last change and their length.
type Look = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Checks again and again until it is interrupted.
pub fn run(args: &CheckArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let layout = Layout::find()?;
    let (target, _) = Target::of(args.lib.as_deref(), args.own, &args.filters)?;
    let path = match &target {
        Target::Own => layout.own_library()?.to_owned(),
        Target::Library(path) | Target::Sources(path) => path.clone(),
    };
    let mut before: Option<BTreeMap<String, bool>> = None;
    loop {
        let seen = settled(&path, cancel);
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        if io::stdout().is_terminal() {
            write!(io::stdout(), "\x1b[2J\x1b[H")?;
        }
        let record = match once(args, cancel) {
            Ok((record, _)) => record,
            Err(error) => {
                crate::complain(&error.to_string());
                None
            }
        };
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        let mut out = Output::stdout();
        if let Some(record) = record {
            let now = passes(&record);
            if let Some(before) = &before {
                write!(out, "{}", compared(before, &now))?;
            }
            before = Some(now);
        }
        writeln!(out, "waiting for a change of {}; Ctrl-C ends", output::shown(&path))?;
        out.flush()?;
        while look(&path) == seen {
            thread::sleep(BETWEEN_LOOKS);
            if cancel.is_cancelled() {
                return Ok(Exit::Interrupted);
            }
        }
    }
}

/// Returns the files once two looks agree: an editor may be about to write the other half of one.
fn settled(path: &Path, cancel: &Cancel) -> Look {
    let mut seen = look(path);
    loop {
        thread::sleep(BETWEEN_LOOKS);
        let now = look(path);
        if now == seen || cancel.is_cancelled() {
            return now;
        }
        seen = now;
    }
}

fn look(path: &Path) -> Look {
    let mut seen = Look::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(
                entries.filter(|entry| matters(&entry.file_name().to_string_lossy())).map(|entry| entry.path()),
            );
        } else {
            seen.insert(path, (meta.modified().ok(), meta.len()));
        }
        if seen.len() + open.len() > MOST_SEEN {
            break;
        }
    }
    seen
}

/// Returns whether a file or folder of this name may change a build. Files that editors and builds leave behind do not.
fn matters(name: &str) -> bool {
    let is_left_behind = [".o", ".so", ".a", ".d", "~", ".swp", ".swx"].iter().any(|ending| name.ends_with(ending));
    !name.starts_with('.') && !is_left_behind && !["target", "node_modules", "osmem-out"].contains(&name)
}

fn passes(record: &Record) -> BTreeMap<String, bool> {
    record.tests.iter().map(|test| (test.name.clone(), test.outcome == Outcome::Pass)).collect()
}

/// Returns what became better and what became worse, a line each.
fn compared(before: &BTreeMap<String, bool>, now: &BTreeMap<String, bool>) -> String {
    let turned = |to: bool| -> Vec<&str> {
        let has_turned = |name: &String| before.get(name).is_some_and(|was| *was != to);
        now.iter().filter(|(name, passes)| **passes == to && has_turned(name)).map(|(name, _)| name.as_str()).collect()
    };
    let line = |word: &str, names: &[&str]| match names {
        [] => String::new(),
        names if names.len() > MOST_TOLD => {
            format!("{word}: {} and {} more\n", names[..MOST_TOLD].join(", "), names.len() - MOST_TOLD)
        }
        names => format!("{word}: {}\n", names.join(", ")),
    };
    let text = line("better", &turned(true)) + &line("worse", &turned(false));
    if text.is_empty() { "nothing became better or worse\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turned_is_told() {
        let of = |pairs: &[(&str, bool)]| pairs.iter().map(|(name, passes)| ((*name).to_owned(), *passes)).collect();
        let before: BTreeMap<String, bool> = of(&[("a", true), ("b", false), ("c", true)]);
        assert_eq!(compared(&before, &of(&[("a", false), ("b", true), ("c", true)])), "better: b\nworse: a\n");
        assert_eq!(compared(&before, &before), "nothing became better or worse\n");
        let many: BTreeMap<String, bool> = (0..20).map(|number| (format!("t{number:02}"), false)).collect();
        let after = many.keys().map(|name| (name.clone(), true)).collect();
        assert!(compared(&many, &after).ends_with("t11 and 8 more\n"), "{}", compared(&many, &after));
    }

    #[test]
    fn only_what_may_change_a_build_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("osmem-out/traces")).unwrap();
        for name in ["osmem.c", "osmem.o", ".osmem.c.swp", "Makefile", "osmem-out/traces/a.trace"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let seen = look(folder.path());
        assert_eq!(seen.keys().map(|path| path.file_name().unwrap()).collect::<Vec<_>>(), ["Makefile", "osmem.c"]);
        fs::write(folder.path().join("osmem.c"), "xy").unwrap();
        assert_ne!(look(folder.path()), seen);
        assert!(look(&folder.path().join("none")).is_empty());
    }
}
