//! What the programs read: made by rule, the same in every run.

use crate::Failure;
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg32;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Words in lines, for sort and gawk.
pub fn text(folder: &Path, lines: usize) -> Result<PathBuf, Failure> {
    let (path, mut dice) = (folder.join(format!("text-{lines}")), Pcg32::seed_from_u64(2));
    let mut file = BufWriter::new(File::create(&path)?);
    for _ in 0..lines {
        for _ in 0..dice.random_range(3..12) {
            write!(file, "{:x} ", dice.next_u32() % 60_000)?;
        }
        writeln!(file, "{}", dice.next_u32())?;
    }
    file.flush()?;
    Ok(path)
}

/// An array of objects, for jq.
pub fn json(folder: &Path, entries: usize) -> Result<PathBuf, Failure> {
    let (path, mut dice) = (folder.join("entries.json"), Pcg32::seed_from_u64(3));
    let mut file = BufWriter::new(File::create(&path)?);
    for number in 0..entries {
        let values: Vec<u32> = (0..dice.random_range(1..9)).map(|_| dice.random_range(0..1000)).collect();
        let (group, tag) = (dice.random_range(0..500), dice.random_range(0..50));
        write!(file, "{}", if number == 0 { "[" } else { "," })?;
        write!(file, r#"{{"name":"name{number}","group":{group},"values":{values:?},"tags":["a{tag}","b{group}"]}}"#)?;
        writeln!(file)?;
    }
    writeln!(file, "]")?;
    file.flush()?;
    Ok(path)
}

/// A C source of many functions that need no header.
pub fn source(folder: &Path, functions: usize) -> Result<PathBuf, Failure> {
    let (path, mut dice) = (folder.join("large.c"), Pcg32::seed_from_u64(4));
    let mut text = String::from(
        "struct item { long key; struct item *next; char name[24]; };\nextern long use(struct item *, long);\n",
    );
    for number in 0..functions {
        let [a, b, c] = [0; 3].map(|_| dice.random_range(3..900));
        write!(
            text,
            "static long table_{number}[] = {{ {a}, {b}, {c}, {number} }};\n\
             long work_{number}(struct item *list, long limit) {{\n\
             \x20 long sum = {a};\n\
             \x20 for (struct item *at = list; at && sum < limit * {b}; at = at->next) {{\n\
             \x20   switch (at->key % 5) {{\n\
             \x20   case 0: sum += at->name[{number} % 24] * {c}; break;\n\
             \x20   case 1: sum ^= table_{number}[sum & 3]; break;\n\
             \x20   case 2: sum -= use(at, sum / {a}); break;\n\
             \x20   default: for (int i = 0; i < {b} % 17; i++) sum = sum * 31 + at->name[i];\n\
             \x20   }}\n\
             \x20 }}\n\
             \x20 return sum > 0 ? sum : use(list, limit + {number});\n}}\n",
        )?;
    }
    fs::write(&path, text)?;
    Ok(path)
}

/// A repository of so many commits, each of which changes some lines of some files.
pub fn repository(folder: &Path, commits: usize) -> Result<PathBuf, Failure> {
    let (path, mut dice) = (folder.join("repository"), Pcg32::seed_from_u64(5));
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command
    };
    let made = git(&["init", "-q", "--bare", "repository"]).status()?;
    let mut import = git(&["--git-dir", "repository", "fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let mut stream = BufWriter::new(import.stdin.take().ok_or("git fast-import reads nothing")?);
    let mut files: Vec<Vec<u32>> = (0..40).map(|_| (0..300).map(|_| dice.next_u32()).collect()).collect();
    for number in 0..commits {
        let message = format!("Change {number}");
        let when = 1_700_000_000 + number;
        writeln!(stream, "commit refs/heads/main\ncommitter A U Thor <author@example.org> {when} +0000")?;
        writeln!(stream, "data {}\n{message}", message.len())?;
        for _ in 0..if number == 0 { 0 } else { 4 } {
            let at = dice.random_range(0..files.len());
            for _ in 0..6 {
                let line = dice.random_range(0..300);
                files[at][line] = dice.next_u32();
            }
            let text: String =
                files[at].iter().fold(String::new(), |text, line| text + &format!("line {line} of the file\n"));
            writeln!(stream, "M 100644 inline file-{at}.txt\ndata {}\n{text}", text.len())?;
        }
    }
    stream.flush()?;
    drop(stream);
    if !made.success() || !import.wait()?.success() {
        return Err("git cannot make the repository that git log is to show".into());
    }
    Ok(path)
}
