//! A program that allocates everything with this package: threads count the words of a text, each in a table of its own, and
//! the tables are added up. `cargo run --release --example global_allocator [FILE]`

use std::collections::HashMap;
use std::process::ExitCode;
use std::{env, fs, thread};

#[global_allocator]
static ALLOCATOR: osmem::Osmem = osmem::Osmem;

/// What is counted if no file is named.
const TEXT: &str = include_str!("../docs/contract.md");
const THREADS: usize = 4;
const SHOWN: usize = 10;

fn main() -> ExitCode {
    let text = match env::args_os().nth(1) {
        None => TEXT.to_string(),
        Some(file) => match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                return ExitCode::FAILURE;
            }
        },
    };
    let counts = count(&text);
    let mut words: Vec<_> = counts.iter().collect();
    words.sort_by(|(word, count), (other, others)| others.cmp(count).then(word.cmp(other)));
    for (word, count) in words.iter().take(SHOWN) {
        println!("{count:8} {word}");
    }
    println!("{:8} different words", words.len());
    println!("{:#?}", osmem::process::stats());
    ExitCode::SUCCESS
}

/// How often each word occurs, in lower case.
fn count(text: &str) -> HashMap<String, usize> {
    let lines: Vec<_> = text.lines().collect();
    let share = lines.len().div_ceil(THREADS).max(1);
    let mut total = HashMap::new();
    thread::scope(|scope| {
        let parts: Vec<_> = lines.chunks(share).map(|part| scope.spawn(|| count_in(part))).collect();
        for part in parts {
            // Words that one thread has allocated are freed by another here.
            for (word, count) in part.join().unwrap_or_default() {
                *total.entry(word).or_insert(0) += count;
            }
        }
    });
    total
}

fn count_in(lines: &[&str]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    let words = lines.iter().flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric()));
    for word in words.filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_over_all_lines() {
        let counts = count("One two\nTWO, three!\n\nthree three");
        let expected = [("one", 1), ("two", 2), ("three", 3)];
        assert_eq!(counts, expected.map(|(word, count)| (word.to_string(), count)).into());
        assert!(count("").is_empty());
    }
}
