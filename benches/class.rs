//! How long `osmem grade` takes for a class of a hundred, and how much of that is its own: `cargo bench --bench class`.
//!
//! The class is made of the small allocators of `fixtures/submissions`, right and wrong. Beside it stand the same compilations and the same
//! tests without box, unpacking and reports, by `cc` and `osmem check`, as many at a time. Nothing is asserted.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, reason = "only the command is of interest")]
mod support;
#[path = "../tests/grader/variant.rs"]
#[expect(dead_code, reason = "only the sources are of interest")]
mod variant;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Submissions of the class, and how many are worked on at the same time.
const CLASS: usize = 100;
const AT_ONCE: usize = 2;
/// Pairs of runs.
const PAIRS: usize = 3;

fn main() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let submissions = root.join("fixtures/submissions");
    let folder = tempfile::tempdir().unwrap();
    let class = folder.path().join("class");
    let variants = variant::load(&submissions);
    // One that hangs waits for time limits, which no grader can shorten.
    let quick: Vec<_> = variants.iter().filter(|variant| variant.only.is_empty()).collect();
    let mut sources = Vec::new();
    for number in 0..CLASS {
        let variant = quick[number % quick.len()];
        let place = class.join(format!("{number:03}-{}", variant.id));
        fs::create_dir_all(&place).unwrap();
        let file = place.join("osmem.c");
        fs::write(&file, variant.text(&submissions).expect("the variant applies")).unwrap();
        sources.push(file);
    }
    let course = folder.path().join("osmem.toml");
    fs::write(&course, "[random]\nprograms = 0\n").unwrap();
    let osmem = &support::built().osmem;
    for pair in 0..PAIRS {
        let bare = bare(osmem, &sources, &folder.path().join(format!("bare-{pair}")));
        let graded = graded(osmem, &class, &folder.path().join(format!("out-{pair}")), Some(&course));
        let own = (graded.as_secs_f64() / bare.as_secs_f64() - 1.0) * 100.0;
        println!(
            "{CLASS} submissions: {:.1} s to compile and to run the battery, {:.1} s graded: {own:.0} % beyond",
            bare.as_secs_f64(),
            graded.as_secs_f64()
        );
    }
    let whole = graded(osmem, &class, &folder.path().join("whole"), None);
    println!("{CLASS} submissions: {:.1} s with random programs and counterexamples", whole.as_secs_f64());
}

/// Compiles and checks each source without a grader.
fn bare(osmem: &Path, sources: &[PathBuf], folder: &Path) -> Duration {
    fs::create_dir(folder).unwrap();
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let place = folder.join(source.parent().unwrap().file_name().unwrap());
                    fs::create_dir(&place).unwrap();
                    let library = place.join("libosmem.so");
                    let mut cc = Command::new("cc");
                    cc.args(["-std=gnu11", "-w", "-O1", "-g", "-shared", "-fPIC", "-pthread", "-o"]);
                    assert!(cc.arg(&library).arg(source).status().unwrap().success());
                    let mut check = Command::new(osmem);
                    check.args(["check", "-j", "1", "--timeout", "5", "--format", "json", "--lib"]).arg(&library);
                    check.arg("--traces").arg(&place).stdout(Stdio::null()).status().unwrap();
                }
            });
        }
    });
    start.elapsed()
}

fn graded(osmem: &Path, class: &Path, out: &Path, course: Option<&Path>) -> Duration {
    let start = Instant::now();
    let mut grade = Command::new(osmem);
    grade.arg("grade").arg("--batch").arg(class).arg("--out").arg(out).args(["-j", &AT_ONCE.to_string()]);
    if let Some(course) = course {
        grade.arg("--course").arg(course);
    }
    let output = grade.output().unwrap();
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert_eq!(output.status.code(), Some(1), "{told}");
    start.elapsed()
}
