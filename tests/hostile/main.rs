//! What strangers might submit: `osmem grade` grades all of it, in every box that the machine has, and must be right about all of it.
//!
//! `OSMEM_HOSTILE=make-` selects by a part of the name, `OSMEM_HOSTILE=made` what no entry describes. What is built and
//! graded stays in a folder of `OSMEM_HOSTILE_DIR`, if that is set.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the command finds probe and replayer by itself")]
mod support;

mod canary;
mod entry;
mod grade;
mod made;
mod place;
mod traces;

use std::collections::HashSet;
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs};

use entry::{Demand, Entry};
use grade::{Graded, Tier};
use place::Place;
use traces::Traces;

/// Submissions that must be there at least.
const AT_LEAST: usize = 65;

/// Selects what is made by the test itself.
const MADE: &str = "made";

/// Whoever watches the processes of the machine must be alone.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn everything_gets_what_it_must_in_namespaces() {
    in_box(Tier::Namespaces);
}

#[test]
fn everything_gets_what_it_must_with_landlock() {
    in_box(Tier::Landlock);
}

/// Grades all submissions in one go, compares, and looks for what is left.
fn in_box(tier: Tier) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = Place::new();
    if let Some(reason) = canary::lacks(tier, &place) {
        panic!("this machine has no box of the tier {}: {reason}; `osmem doctor` names the remedy", tier.name());
    }
    let wanted = env::var("OSMEM_HOSTILE").unwrap_or_default();
    let demands = submit(&place, tier, &wanted);
    assert!(!demands.is_empty(), "no submission has {wanted} in its name");
    let before = Traces::of(&place);
    let graded = Graded::class(tier, &place);
    let mut problems = graded.compare(&demands);
    problems.extend(graded.leaks(&place));
    problems.extend(Traces::of(&place).since(&before));
    problems.extend(traces::left(&place));
    if wanted.is_empty() {
        problems.extend(made::with_permission(tier, &place));
    }
    assert!(
        problems.is_empty(),
        "{} things are not as they must be ({}):\n{}",
        problems.len(),
        tier.name(),
        problems.join("\n")
    );
}

/// Puts the class together: every entry that this machine and tier can have, and a right one behind the worst ones.
fn submit(place: &Place, tier: Tier, wanted: &str) -> Vec<Demand> {
    let entries = entry::load(&place.root().join("fixtures/hostile"));
    let mut demands = Vec::new();
    for entry in entries.iter().filter(|entry| entry.id.contains(wanted) && entry.fits(tier)) {
        entry.write(place, &place.class().join(&entry.id));
        demands.push(entry.demand(tier));
        if entry.worst {
            demands.push(right(place, &format!("{}-then-right", entry.id)));
        }
    }
    if wanted.is_empty() || wanted == MADE {
        demands.extend(made::all(place));
    }
    for name in ["zz-right", "zz-right-too"] {
        demands.push(right(place, name));
    }
    demands
}

/// The reference as a submission of this name.
fn right(place: &Place, name: &str) -> Demand {
    let folder = place.class().join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("osmem.c"), place.reference()).unwrap();
    Demand::new(name, "the reference as it stands", &["pass"])
}

#[test]
fn every_entry_says_what_it_is() {
    let place = Place::new();
    let entries = entry::load(&place.root().join("fixtures/hostile"));
    assert!(entries.len() >= AT_LEAST, "only {} submissions", entries.len());
    let mut seen = HashSet::new();
    for Entry { id, .. } in &entries {
        assert!(seen.insert(id), "{id} names two submissions");
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{id} is no plain name");
    }
    for entry in &entries {
        for tier in [Tier::Namespaces, Tier::Landlock] {
            for word in entry.demand(tier).outcomes {
                assert!(grade::OUTCOMES.contains(&word.as_str()), "{}: no outcome is called {word}", entry.id);
                assert_ne!(word, "infra-error", "{}: that is never a submission's fault", entry.id);
            }
        }
    }
}

#[test]
fn everything_can_be_made() {
    let place = Place::new();
    let demands = made::all(&place);
    let ids: HashSet<_> = demands.iter().map(|demand| &demand.id).collect();
    assert_eq!(ids.len(), demands.len(), "two have the same name");
    assert_eq!(fs::read_dir(place.class()).unwrap().count(), demands.len(), "some have no demand, or more than one");
    assert_eq!(fs::read_dir(place.home()).unwrap().count(), 1, "making one has written where grading it must not");
}

/// Compiled but never run here: what is meant to be graded as a library must not fail for a slip in its source.
#[test]
fn what_is_meant_to_build_builds() {
    let place = Place::new();
    let mut broken = Vec::new();
    for entry in entry::load(&place.root().join("fixtures/hostile")) {
        if !entry.is_plain_c() {
            continue;
        }
        let folder = place.class().join(&entry.id);
        entry.write(&place, &folder);
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-w", "-O1", "-fPIC", "-shared", "-o", "libosmem.so", "osmem.c"]).current_dir(folder);
        let said = cc.output().expect("cc starts");
        if !said.status.success() {
            broken.push(format!("{}: {}", entry.id, String::from_utf8_lossy(&said.stderr)));
        }
    }
    assert!(broken.is_empty(), "{} do not build:\n{}", broken.len(), broken.join("\n"));
}
