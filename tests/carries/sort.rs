//! `sort`: one big block that is resized, and threads.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::data::Numbers;
use crate::run::{Place, assert_same_file, succeed, tool};

const BYTES: usize = 50 << 20;

#[test]
fn sort_sorts_50_megabytes() {
    let place = Place::new();
    let mut numbers = Numbers(1);
    let mut text = String::with_capacity(BYTES + 100);
    while text.len() < BYTES {
        let number = numbers.next();
        // Lines of different lengths; parts of them equal, so that some comparisons go far.
        let width = usize::try_from(number % 60).unwrap();
        writeln!(text, "{:04} {number:0width$}", number % 5000).unwrap();
    }
    let input = place.input().join("lines");
    fs::write(&input, &text).unwrap();
    let [(_, plain), (_, preloaded)] = place.twice(|on, here| {
        let mut sort = Command::new(tool("sort"));
        // Less than the input, so that it is sorted in parts that are merged from files.
        sort.arg("--buffer-size=30M").arg("-T").arg(here).arg("-o").arg(here.join("sorted")).arg(&input);
        succeed(on, &mut sort);
    });
    assert_same_file("sorted", &plain, &preloaded);
    assert_eq!(fs::metadata(plain.join("sorted")).unwrap().len(), text.len() as u64);
}
