//! Programs that a machine has or can install, each with about a second of work.

use super::paired::{Case, Subsets};
use super::preload::{Allocator, run};
use super::{Options, inputs, redis};
use crate::Failure;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program, and the Debian package that has it.
type Needs = (&'static str, &'static str);

/// How a program is called on inputs that lie in a folder; they are made only for what is measured.
type Make = fn(&Path) -> Result<Command, Failure>;

const PROGRAMS: [(&str, Needs, Make); 9] = [
    ("python3", ("python3", "python3"), python),
    ("perl", ("perl", "perl"), |folder| script("perl", folder, "churn.pl", include_str!("scripts/churn.pl"))),
    ("lua", ("lua5.4", "lua5.4"), |folder| script("lua5.4", folder, "churn.lua", include_str!("scripts/churn.lua"))),
    ("sqlite3", ("sqlite3", "sqlite3"), sqlite),
    ("gawk", ("gawk", "gawk"), gawk),
    ("jq", ("jq", "jq"), jq),
    ("cc1", ("gcc", "gcc"), cc1),
    ("git-log", ("git", "git"), git_log),
    ("sort", ("sort", "coreutils"), sort),
];

/// All of them, and those that have one thread and no client beside them.
pub const SUBSETS: Subsets<'static> = &[("", |_| true), (" without redis", |case| case.name != "redis")];

/// Measures and prints.
pub fn measure(options: &Options) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut cases = Vec::new();
    for (name, needs, make) in PROGRAMS.into_iter().filter(|(name, ..)| options.takes(name)) {
        if !is_here(name, needs) {
            continue;
        }
        let place = folder.path().to_path_buf();
        make(&place)?; // the inputs
        let run = move |allocator: &Allocator| {
            let mut command = make(&place)?;
            allocator.serve(&mut command);
            run(command.env("LC_ALL", "C").current_dir(&place).stdout(Stdio::null()))
        };
        cases.push(Case { name: name.to_string(), threads: 0, run: Box::new(run) });
    }
    let server = [("redis-server", "redis-server"), ("redis-benchmark", "redis-tools")];
    if options.takes("redis") && server.into_iter().all(|needs| is_here("redis", needs)) {
        let place = folder.path().to_path_buf();
        let run = move |allocator: &Allocator| redis::serve(&place, allocator);
        cases.push(Case { name: "redis".to_string(), threads: 0, run: Box::new(run) });
    }
    options.report(&cases, SUBSETS)
}

/// Whether the program is installed; says so if not.
fn is_here(name: &str, (program, package): Needs) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    let here = env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !here {
        eprintln!("without {name}: {program} is not installed (Debian: apt-get install {package})");
    }
    here
}

/// The path of an input, made by `make` if it is not there yet.
fn once(path: PathBuf, make: impl FnOnce(&Path) -> Result<PathBuf, Failure>) -> Result<PathBuf, Failure> {
    if path.exists() {
        return Ok(path);
    }
    make(path.parent().ok_or("an input lies in a folder")?)
}

fn script(program: &str, folder: &Path, name: &str, text: &str) -> Result<Command, Failure> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    let mut command = Command::new(program);
    command.arg(path);
    Ok(command)
}

/// What a program says about itself in one line.
fn told(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_string())
}

/// The interpreter itself, since `python3` may be a shell script; its own small-object allocator is turned off.
fn python(folder: &Path) -> Result<Command, Failure> {
    let program = told(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]))?;
    let mut command = script(&program, folder, "churn.py", include_str!("scripts/churn.py"))?;
    command.env("PYTHONMALLOC", "malloc").env("PYTHONHASHSEED", "0");
    Ok(command)
}

fn sqlite(folder: &Path) -> Result<Command, Failure> {
    let path = folder.join("churn.sql");
    fs::write(&path, include_str!("scripts/churn.sql"))?;
    let mut command = Command::new("sqlite3");
    command.args(["-batch", ":memory:"]).stdin(File::open(path)?);
    Ok(command)
}

fn gawk(folder: &Path) -> Result<Command, Failure> {
    let program = folder.join("churn.awk");
    fs::write(&program, include_str!("scripts/churn.awk"))?;
    let lines = 90_000;
    let text = once(folder.join(format!("text-{lines}")), |folder| inputs::text(folder, lines))?;
    let mut command = Command::new("gawk");
    command.arg("-f").arg(program).arg(text);
    Ok(command)
}

fn jq(folder: &Path) -> Result<Command, Failure> {
    let program = folder.join("churn.jq");
    fs::write(&program, include_str!("scripts/churn.jq"))?;
    let entries = once(folder.join("entries.json"), |folder| inputs::json(folder, 50_000))?;
    let mut command = Command::new("jq");
    command.arg("-f").arg(program).arg(entries);
    Ok(command)
}

/// The compiler proper, without the driver in front of it.
fn cc1(folder: &Path) -> Result<Command, Failure> {
    let program = told(Command::new("gcc").arg("-print-prog-name=cc1"))?;
    let source = once(folder.join("large.c"), |folder| inputs::source(folder, 280))?;
    let mut command = Command::new(program);
    command.args(["-quiet", "-O1", "-o", "/dev/null"]).arg(source);
    Ok(command)
}

fn git_log(folder: &Path) -> Result<Command, Failure> {
    let repository = once(folder.join("repository"), |folder| inputs::repository(folder, 2500))?;
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.arg("--git-dir").arg(repository).args(["--no-pager", "log", "-p", "main"]);
    Ok(command)
}

fn sort(folder: &Path) -> Result<Command, Failure> {
    let lines = 700_000;
    let text = once(folder.join(format!("text-{lines}")), |folder| inputs::text(folder, lines))?;
    let mut command = Command::new("sort");
    command.arg("-T").arg(folder).arg(text);
    Ok(command)
}
