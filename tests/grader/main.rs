//! The grader is graded: of every small allocator in `fixtures/submissions` the battery must say what its entry there demands.
#![expect(clippy::expect_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests find libraries and probe as people do, through the command")]
mod support;

mod variant;
mod verdict;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use variant::{Kind, Variant};
use verdict::Verdict;

/// Variants that are examined at the same time: one compiles while another runs.
const AT_ONCE: usize = 2;

fn submissions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/submissions")
}

/// `OSMEM_VARIANTS=realloc` selects by a part of the name, `OSMEM_VARIANTS_DIR=DIR` keeps what is built.
#[test]
fn every_variant_gets_the_verdict_it_must() {
    let wanted = env::var("OSMEM_VARIANTS").unwrap_or_default();
    let mut variants = variant::load(&submissions());
    variants.retain(|variant| variant.id.contains(&wanted));
    assert!(!variants.is_empty(), "no variant has {wanted} in its name");

    println!("{:<34} {:<9} {:>5} {:>6}  the first of them", "variant", "kind", "tests", "failed");
    let mut problems = Vec::new();
    for (variant, verdict) in variants.iter().zip(examine_all(&variants)) {
        let found = match verdict {
            Ok(verdict) => {
                println!("{:<34} {:<9} {verdict}", variant.id, variant.kind);
                verdict.problems(variant)
            }
            Err(why) => vec![why],
        };
        problems.extend(found.iter().map(|problem| format!("{} ({}): {problem}", variant.id, variant.what)));
    }
    assert!(problems.is_empty(), "{} verdicts are not as they must be:\n{}", problems.len(), problems.join("\n"));
}

/// The verdicts in the order of `variants`.
fn examine_all(variants: &[Variant]) -> Vec<Result<Verdict, String>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mine = std::iter::from_fn(|| {
            let place = next.fetch_add(1, Ordering::Relaxed);
            Some((place, variants.get(place)?))
        });
        mine.map(|(place, variant)| (place, examine(variant))).collect::<Vec<_>>()
    };
    let mut verdicts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no worker panics")).collect()
    });
    verdicts.sort_by_key(|(place, _)| *place);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

fn examine(variant: &Variant) -> Result<Verdict, String> {
    let temporary = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let top = env::var_os("OSMEM_VARIANTS_DIR").map_or(temporary.path().to_owned(), PathBuf::from);
    let folder = top.join(&variant.id);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let library = variant.build(&submissions(), &folder)?;
    verdict::reach(variant, &library)
}

#[test]
fn every_entry_says_what_it_is() {
    for variant in variant::load(&submissions()) {
        let demands = variant.demands().count();
        let sound = match variant.kind {
            Kind::Right => demands == 0 && variant.points.is_empty(),
            Kind::Different => !variant.points.is_empty(),
            Kind::Wrong => demands > 0 && variant.points.is_empty(),
        };
        assert!(
            sound,
            "{}: a wrong one fails some test, and one that is only different names its open points",
            variant.id
        );
    }
}
