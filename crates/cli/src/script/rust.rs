//! A script as a test program of the battery: a file for `test-programs/src/bin`, through the safe face of that package.
//!
//! `follow` finds out which call passes a live block and which a mere place, `write` gives them names and statements. What a
//! test program cannot say, or cannot be sure of on every machine, is an error and never a program that does something else.

mod follow;
#[cfg(test)]
pub mod sample;
mod write;

use std::io::Write as _;
use std::process::{Command, Stdio};

use osmem_oracle::program::{Done, Op};

use self::follow::{LARGEST, LARGEST_RESIZED, follow};
use self::write::Writer;
use super::harmless;

/// Why a script is no test program. Steps are counted from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RustError {
    #[error("the script has {ops} steps, but {expected} are foretold; foretell every step")]
    Lengths { ops: usize, expected: usize },
    #[error("step {step} is foretold to do what no such call can; a test program holds only what keeps the contract")]
    Unexpected { step: usize },
    #[error("step {step} passes an address below a block; test programs can only name one at or above it")]
    Below { step: usize },
    #[error(
        "step {step} passes an address where the kernel may have put another mapping; \
         name one inside a mapping, and a freed one before the next is made"
    )]
    Mapping { step: usize },
    #[error("step {step} asks for {size} bytes, and test programs fill every block; ask for {LARGEST} at most")]
    Size { step: usize, size: u64 },
    #[error(
        "step {step} maps {size} bytes, which some machines have and others refuse; ask for much less or much more"
    )]
    Unsure { step: usize, size: u64 },
    #[error(
        "step {step} resizes {size} bytes, and test programs copy what they resize; resize {LARGEST_RESIZED} at most"
    )]
    Resized { step: usize, size: u64 },
    #[error(
        "step {step} moves the break while mappings are refused; that limit (RLIMIT_AS) refuses both, so lift it before"
    )]
    BreakRefusedToo { step: usize },
    #[error(
        "step {step} moves the break down while it is refused; that limit (RLIMIT_DATA) keeps it where it is, so lift it before"
    )]
    BreakStays { step: usize },
}

/// Lines have at most so many columns.
const WIDTH: usize = 120;

/// The program that makes these steps; `expected` says what each of them does, `doc` what the program shows.
///
/// It is formatted as `rustfmt` does with the project's settings. Only where a line is too long for the simple forms is that program
/// asked; where there is none, such a line stays as it is.
pub fn test_program(ops: &[Op], expected: &[Done], doc: &str) -> Result<String, RustError> {
    let writer = Writer::of(&follow(ops, expected)?);
    let mut lines = doc_lines(doc);
    lines.push("#![cfg_attr(not(test), no_main)]".to_owned());
    lines.push(String::new());
    lines.extend(import(&writer.imports()));
    lines.push(String::new());
    let body = writer.lines();
    if body.is_empty() {
        lines.push("scenario!(|| {});".to_owned());
    } else {
        lines.push("scenario!(|| {".to_owned());
        lines.extend(body);
        lines.push("});".to_owned());
    }
    let fits = lines.iter().all(|line| line.starts_with("//!") || line.chars().count() <= WIDTH);
    let program = lines.join("\n") + "\n";
    Ok(if fits { program } else { formatted(&program).unwrap_or(program) })
}

/// The text as the file's documentation, broken between words.
fn doc_lines(doc: &str) -> Vec<String> {
    let doc = if doc.trim().is_empty() { "A sequence of calls." } else { doc.trim() };
    let mut lines = Vec::new();
    for paragraph in doc.lines().map(harmless) {
        let mut line = "//!".to_owned();
        for word in paragraph.split_whitespace() {
            if line.len() > 3 && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(line);
                line = "//!".to_owned();
            }
            line.push(' ');
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The import of these names: on one line if they fit, else as many on each as do. The widths are those that `rustfmt` keeps to.
fn import(names: &[&str]) -> Vec<String> {
    if let [name] = names {
        return vec![format!("use test_programs::{name};")];
    }
    let line = format!("use test_programs::{{{}}};", names.join(", "));
    if line.len() <= WIDTH - 2 {
        return vec![line];
    }
    let mut lines = vec!["use test_programs::{".to_owned()];
    let mut line = "   ".to_owned();
    for (number, name) in names.iter().enumerate() {
        let is_last = number + 1 == names.len();
        if line.len() + name.len() + 2 > if is_last { WIDTH } else { WIDTH - 1 } {
            lines.push(std::mem::replace(&mut line, "   ".to_owned()));
        }
        line.push_str(&format!(" {name},"));
    }
    lines.extend([line, "};".to_owned()]);
    lines
}

/// The program as `rustfmt` writes it; `None` if there is none.
fn formatted(program: &str) -> Option<String> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--emit", "stdout", "--config", "max_width=120,use_small_heuristics=Max"]);
    // Away from the settings that another project may have where this command runs.
    rustfmt.current_dir("/");
    let mut child = rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    // It reads all before it writes anything.
    let written = child.stdin.take()?.write_all(program.as_bytes());
    let output = child.wait_with_output().ok()?;
    (written.is_ok() && output.status.success()).then(|| String::from_utf8(output.stdout).ok()).flatten()
}

#[cfg(test)]
mod tests;
