//! The oracle is graded: it must accept every right allocator, and name the mistake that a wrong one makes.

use std::collections::BTreeSet;

use osmem_oracle::causes::{CAUSES, cause};

use crate::variant::{self, Kind};
use crate::verdict::{self, Cause};
use crate::{examine_all, report, submissions, wanted};

/// Of a hundred wrong variants so many must have their mistake named first.
const NAMED_FIRST: usize = 90;

/// The true cause is among so many, always.
const NAMED: usize = 3;

#[test]
fn the_oracle_names_the_mistake_and_blames_no_right_one() {
    let variants = wanted();
    let verdicts = examine_all(&variants, |variant, library| verdict::reach(variant, library, verdict::ORACLE));
    let (mut wrong, mut first) = (0, 0);
    println!("{:<34} {:<33}    the first {NAMED} that were named, with the runs explained", "variant", "cause");
    report(&variants, verdicts, |variant, verdict| {
        let mut problems = verdict.problems(variant);
        let expected = variant.cause.as_deref().unwrap_or_default();
        let named = &verdict.causes[..verdict.causes.len().min(NAMED)];
        let place = named.iter().position(|cause| cause.id == expected);
        let names = named.iter().map(Cause::to_string).collect::<Vec<_>>().join(", ");
        // One that the list has no name for is only judged.
        if variant.kind == Kind::Wrong && variant.cause.is_some() {
            wrong += 1;
            first += usize::from(place == Some(0));
            if place.is_none() {
                problems.push(format!("{expected} must be among the first {NAMED} causes, and these were: {names}"));
            }
        }
        let place = place.map_or_else(|| "-".to_owned(), |place| (place + 1).to_string());
        println!("{:<34} {expected:<33} {place}  {names}", variant.id);
        problems
    });
    println!("{first} of {wrong} mistakes were named first");
    assert!(first * 100 >= wrong * NAMED_FIRST, "only {first} of {wrong} mistakes were named first");
}

#[test]
fn every_entry_names_a_cause_of_the_closed_list() {
    let mut covered = BTreeSet::new();
    for variant in variant::load(&submissions()) {
        if let Some(id) = variant.cause {
            assert!(cause(&id).is_some(), "{}: {id} is no cause of crates/oracle/src/causes.rs", variant.id);
            covered.insert(id);
        }
    }
    let uncovered: Vec<_> = CAUSES.iter().map(|cause| cause.id).filter(|id| !covered.contains(*id)).collect();
    println!("no wrong variant makes the mistake of: {}", uncovered.join(", "));
}
