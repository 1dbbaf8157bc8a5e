//! `git`: a repository of many commits, cloned, read, packed and checked.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::data::Numbers;
use crate::run::{Place, assert_same, read_from, succeed, tool};

const COMMITS: u64 = 1500;
const FILES: u64 = 120;

/// The input of `git fast-import`: each commit changes one file a little and now and then one wholly.
fn history() -> String {
    let mut numbers = Numbers(6);
    let mut files = vec![Vec::<String>::new(); usize::try_from(FILES).unwrap()];
    let mut stream = String::new();
    for commit in 0..COMMITS {
        let message = format!("Change number {commit}\n\nbecause of {:x}\n", numbers.next());
        write!(
            stream,
            "commit refs/heads/main\ncommitter A Name <name@example.org> {} +0000\n",
            1_000_000_000 + commit * 60
        )
        .unwrap();
        write!(stream, "data {}\n{message}", message.len()).unwrap();
        for _ in 0..2 {
            let file = numbers.below(FILES);
            let lines = &mut files[usize::try_from(file).unwrap()];
            if lines.is_empty() || numbers.below(20) == 0 {
                *lines = (0..20 + numbers.below(200)).map(|_| format!("{:x}\n", numbers.next())).collect();
            }
            let at = usize::try_from(numbers.below(lines.len() as u64)).unwrap();
            lines[at] = format!("changed by {commit}: {:x}\n", numbers.next());
            let text = lines.concat();
            write!(stream, "M 100644 inline folder-{}/file-{file}\ndata {}\n{text}\n", file % 10, text.len()).unwrap();
        }
    }
    stream
}

/// A command in a folder, blind to the settings of who runs the test, with one thread, so that packs come out the same.
fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tool("git"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.current_dir(folder).args(["-c", "pack.threads=1", "-c", "gc.autoDetach=false", "-c", "core.pager=cat"]);
    command.args(arguments);
    command
}

#[test]
fn git_imports_clones_shows_packs_and_checks() {
    let place = Place::new();
    let stream = place.input().join("stream");
    fs::write(&stream, history()).unwrap();
    let [(plain, _), (preloaded, _)] = place.twice(|on, here| {
        succeed(on, &mut git(here, &["init", "--quiet", "--bare", "--initial-branch=main", "origin"]));
        let origin = here.join("origin");
        read_from(on, &mut git(&origin, &["fast-import", "--quiet"]), &stream);
        succeed(on, &mut git(here, &["clone", "--quiet", "--no-local", "origin", "clone"]));
        let clone = here.join("clone");
        let steps: [&[&str]; 9] = [
            &["log", "-p", "--stat", "--format=%H %an %s"],
            &["log", "--graph", "--oneline", "--follow", "folder-3/file-3"],
            &["blame", "folder-4/file-14"],
            &["repack", "-a", "-d", "-q", "-f"],
            &["gc", "--quiet", "--aggressive", "--prune=now"],
            &["fsck", "--full", "--strict"],
            &["cat-file", "--batch-all-objects", "--batch-check", "--unordered"],
            &["diff", "--stat", "-M", "HEAD~700", "HEAD"],
            &["status", "--short", "--branch"],
        ];
        steps.map(|step| succeed(on, &mut git(&clone, step)))
    });
    for (plain, preloaded) in plain.iter().zip(&preloaded) {
        assert_same(plain, preloaded);
    }
    assert!(plain[0].stdout.len() > 1_000_000, "a log of {} bytes", plain[0].stdout.len());
    assert!(preloaded.iter().any(|ran| ran.stderr.lines().any(|line| line.starts_with("osmem:"))));
}
