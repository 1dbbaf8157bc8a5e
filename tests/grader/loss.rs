//! The cost of a mistake: how many points of the core tests each wrong variant loses, as a table that only a blessing changes.

use std::fmt::Write;
use std::{env, fs};

use crate::submissions;
use crate::variant::{Kind, Variant};
use crate::verdict::Verdict;

/// The most points that half of the mistakes cost.
const MEDIAN: f64 = 6.0;
/// The most points that nine of ten mistakes cost.
const NINE_OF_TEN: f64 = 20.0;
/// The most points that one mistake costs, unless it leaves nothing usable.
const MOST: f64 = 35.0;

/// Returns the table of what each mistake costs; a variant counts that is held against the core tests, all of them.
pub fn table<'a>(verdicts: impl Iterator<Item = (&'a Variant, &'a Verdict)>) -> Vec<(f64, &'a Variant)> {
    let counts =
        |variant: &Variant| variant.kind == Kind::Wrong && variant.profile() == "core" && variant.only.is_empty();
    let mut rows: Vec<_> =
        verdicts.filter(|(variant, _)| counts(variant)).map(|(variant, verdict)| (verdict.lost(), variant)).collect();
    rows.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.id.cmp(&other.1.id)));
    rows
}

/// Returns what is wrong with a table: a bound that it breaks, or a difference from the one on record.
pub fn problems(rows: &[(f64, &Variant)]) -> Vec<String> {
    let mut problems = Vec::new();
    let usable: Vec<f64> = rows.iter().filter(|row| row.1.unusable.is_none()).map(|row| row.0).collect();
    let at = |tenths: usize| usable.get((usable.len() * tenths).div_ceil(10).saturating_sub(1)).copied().unwrap_or(0.0);
    for (tenths, bound) in [(5, MEDIAN), (9, NINE_OF_TEN)] {
        if at(tenths) > bound {
            problems
                .push(format!("{tenths} of ten mistakes cost up to {} points, and {bound} are the limit", at(tenths)));
        }
    }
    for (lost, variant) in rows.iter().filter(|(lost, variant)| *lost > MOST && variant.unusable.is_none()) {
        problems.push(format!("{} loses {lost} points, and {MOST} are the limit for one mistake", variant.id));
    }
    for (lost, variant) in rows.iter().filter(|(lost, _)| *lost == 0.0) {
        problems.push(format!("{} loses {lost} points: a mistake that costs nothing", variant.id));
    }
    let text = rows.iter().fold(
        String::from("# core points lost by each mistake; see README.md\n"),
        |mut text, (lost, variant)| {
            let _ = writeln!(text, "{lost:>5} {}", variant.id);
            text
        },
    );
    let file = submissions().join("losses.txt");
    if env::var_os("OSMEM_BLESS").is_some() {
        if let Err(error) = fs::write(&file, &text) {
            problems.push(format!("{}: {error}", file.display()));
        }
    } else if fs::read_to_string(&file).ok().as_deref() != Some(&text) {
        let old = fs::read_to_string(&file).unwrap_or_default();
        let changed = text.lines().filter(|line| !old.lines().any(|other| other == *line));
        problems.push(format!(
            "{} is not what was seen, such as {}; OSMEM_BLESS=1 accepts it, if it is better",
            file.display(),
            changed.take(5).collect::<Vec<_>>().join(", ")
        ));
    }
    problems
}
