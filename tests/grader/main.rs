//! The grader is graded: of every small allocator in `fixtures/submissions` the battery must say what its entry there demands.
#![expect(clippy::expect_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests find libraries and probe as people do, through the command")]
mod support;

mod causes;
mod fuzz;
mod loss;
mod together;
mod variant;
mod verdict;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::{env, thread};

use variant::{Kind, Variant};

/// Variants that are examined at the same time: one compiles while another runs.
const AT_ONCE: usize = 2;

fn submissions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/submissions")
}

/// `OSMEM_VARIANTS=realloc` selects by a part of the name, `OSMEM_VARIANTS_DIR=DIR` says where they are built.
fn wanted() -> Vec<Variant> {
    let wanted = env::var("OSMEM_VARIANTS").unwrap_or_default();
    let mut variants = variant::load(&submissions());
    variants.retain(|variant| variant.id.contains(&wanted));
    assert!(!variants.is_empty(), "no variant has {wanted} in its name");
    variants
}

#[test]
fn every_variant_gets_the_verdict_it_must() {
    let variants = wanted();
    let verdicts = examine_all(&variants, |variant, library| verdict::reach(variant, library, verdict::FIXTURES));
    println!("{:<34} {:<9} {:>5} {:>6}  the first of them", "variant", "kind", "tests", "failed");
    let reached =
        variants.iter().zip(&verdicts).filter_map(|(variant, verdict)| Some((variant, verdict.as_ref().ok()?)));
    let losses = loss::table(reached);
    let costs = if env::var_os("OSMEM_VARIANTS").is_none() { loss::problems(&losses) } else { Vec::new() };
    report(&variants, verdicts, |variant, verdict| {
        println!("{:<34} {:<9} {verdict}", variant.id, variant.kind);
        verdict.problems(variant)
    });
    assert!(costs.is_empty(), "the costs of mistakes are not as they must be:\n{}", costs.join("\n"));
}

/// Asks for the problems with each result, in the order of `variants`, and panics if there are any.
fn report<T>(variants: &[Variant], results: Vec<Result<T, String>>, mut judge: impl FnMut(&Variant, T) -> Vec<String>) {
    let mut problems = Vec::new();
    for (variant, result) in variants.iter().zip(results) {
        let found = result.map_or_else(|why| vec![why], |result| judge(variant, result));
        problems.extend(found.iter().map(|problem| format!("{} ({}): {problem}", variant.id, variant.what)));
    }
    assert!(problems.is_empty(), "{} results are not as they must be:\n{}", problems.len(), problems.join("\n"));
}

/// Holds the processors: some variants are held to a time limit, and no other test may run meanwhile.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What `examine` finds of each variant and its library, in the order of `variants`.
fn examine_all<T: Send>(
    variants: &[Variant],
    examine: impl Fn(&Variant, &Path) -> Result<T, String> + Sync,
) -> Vec<Result<T, String>> {
    let _alone = alone();
    let next = AtomicUsize::new(0);
    let worker = || {
        let mine = std::iter::from_fn(|| {
            let place = next.fetch_add(1, Ordering::Relaxed);
            Some((place, variants.get(place)?))
        });
        let found =
            mine.map(|(place, variant)| (place, library(variant).and_then(|library| examine(variant, &library))));
        found.collect::<Vec<_>>()
    };
    let mut results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no worker panics")).collect()
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The library of a variant, which is built once per process.
fn library(variant: &Variant) -> Result<PathBuf, String> {
    static BUILT: OnceLock<Mutex<HashMap<String, Result<PathBuf, String>>>> = OnceLock::new();
    let built = BUILT.get_or_init(Mutex::default);
    if let Some(library) = built.lock().expect("no builder panics").get(&variant.id) {
        return library.clone();
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("variants");
    let folder = env::var_os("OSMEM_VARIANTS_DIR").map_or(kept, PathBuf::from).join(&variant.id);
    let library = variant.build(&submissions(), &folder);
    built.lock().expect("no builder panics").insert(variant.id.clone(), library.clone());
    library
}

#[test]
fn every_entry_says_what_it_is() {
    for variant in variant::load(&submissions()) {
        let demands = variant.demands().count();
        let sound = match variant.kind {
            Kind::Right => demands == 0 && variant.points.is_empty() && variant.cause.is_none(),
            Kind::Different => !variant.points.is_empty() && variant.cause.is_none(),
            Kind::Wrong => demands > 0 && variant.points.is_empty(),
        };
        assert!(
            sound,
            "{}: a wrong one fails some test, and one that is only different names its open points",
            variant.id
        );
    }
}
