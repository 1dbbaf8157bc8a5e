//! `sqlite3`: a table of 200,000 rows, loaded, indexed and asked.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::data::Numbers;
use crate::run::{Place, assert_same, assert_same_file, succeed, tool};

const ROWS: u64 = 200_000;

const SCRIPT: &str = "
.bail on
CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, amount INTEGER);
.mode csv
.import ../rows.csv rows
CREATE INDEX by_name ON rows (name);
CREATE INDEX by_kind ON rows (kind, amount);
SELECT count(*), sum(amount), min(name), max(name) FROM rows;
SELECT kind, count(*), sum(amount), group_concat(substr(name, 1, 3), '') FROM rows WHERE amount < 300 GROUP BY kind ORDER BY kind;
SELECT a.name, b.name FROM rows a JOIN rows b ON b.id = a.amount WHERE a.kind = 'kind 7' ORDER BY 1, 2 LIMIT 500;
UPDATE rows SET name = name || '+' || name WHERE id % 3 = 0;
DELETE FROM rows WHERE id % 7 = 0;
VACUUM;
PRAGMA integrity_check;
SELECT count(*), sum(length(name)) FROM rows;
";

#[test]
fn sqlite3_loads_200_000_rows_into_a_file() {
    let place = Place::new();
    let [plain, preloaded] = loads(&place, "rows.db");
    assert_same_file("rows.db", &plain, &preloaded);
}

#[test]
fn sqlite3_loads_200_000_rows_into_memory() {
    loads(&Place::new(), ":memory:");
}

/// Runs the script on a database of this name; gives the folders of both runs.
fn loads(place: &Place, database: &str) -> [PathBuf; 2] {
    let mut numbers = Numbers(2);
    let mut rows = String::new();
    for id in 1..=ROWS {
        let name = numbers.next();
        let length = usize::try_from(numbers.below(40) + 10).unwrap();
        let name: String = format!("{name:x}{name:b}").chars().cycle().take(length).collect();
        writeln!(rows, "{id},{name},kind {},{}", numbers.below(40), numbers.below(100_000)).unwrap();
    }
    fs::write(place.input().join("rows.csv"), rows).unwrap();
    fs::write(place.input().join("script"), SCRIPT).unwrap();
    let [(plain, one), (preloaded, other)] = place.twice(|on, here| {
        let mut sqlite = Command::new(tool("sqlite3"));
        sqlite.current_dir(here).args(["-init", "/dev/null", "-batch", database, ".read ../script"]);
        succeed(on, &mut sqlite)
    });
    assert_same(&plain, &preloaded);
    assert!(plain.text().starts_with(&format!("{ROWS},")), "{}", plain.text());
    [one, other]
}
