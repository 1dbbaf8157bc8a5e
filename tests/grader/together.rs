//! Mistakes made together, mistakes of unknown kinds, and a small allocator with a student's structure: each is told by its causes,
//! and none by a false one. The table of all is kept; only a blessing changes it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use serde::Deserialize;

use crate::verdict::{self, Verdict};
use crate::{submissions, support, variant};

/// Of a hundred pairs, those of which both causes are named, and those of which the first one named is false.
const PAIRS: [usize; 2] = [90, 2];
/// Of a hundred sets of three, those of which all causes are named.
const TRIPLES: usize = 75;
/// Per cent of the allocators of other structures of which all causes are named and no other.
const STUDENTS: usize = 90;
/// Of a hundred mistakes of unknown kinds, those that get a false cause.
const FALSE: usize = 2;

/// One allocator with the causes that it must be told by; of an unknown kind, those that may be said of it.
struct Sample {
    name: String,
    text: String,
    causes: Vec<String>,
    /// Other causes that are not false.
    may: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Together,
    Unknown,
    Small,
    Student,
}

#[derive(Deserialize)]
struct Sets {
    together: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct Unknown {
    unknown: Vec<Odd>,
}

#[derive(Deserialize)]
struct Odd {
    id: String,
    diff: String,
    #[serde(default)]
    may: Vec<String>,
}

#[derive(Deserialize)]
struct Students {
    allocator: Vec<Student>,
}

#[derive(Deserialize)]
struct Student {
    file: String,
    bug: u32,
    mistakes: Vec<String>,
    causes: Vec<String>,
    #[serde(default)]
    may: Vec<String>,
}

#[derive(Deserialize)]
struct Small {
    mistake: Vec<Bug>,
}

#[derive(Deserialize)]
struct Bug {
    bug: u32,
    cause: String,
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let path = submissions().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn samples() -> Vec<Sample> {
    let variants = variant::load(&submissions());
    let known: HashMap<&str, _> = variants.iter().map(|variant| (variant.id.as_str(), variant)).collect();
    let reference = fs::read_to_string(submissions().join("reference/osmem.c")).expect("the reference");
    let small = fs::read_to_string(submissions().join("reference/small.c")).expect("the small allocator");
    let apply = |diff: &str, text: &str, of: &str| {
        variant::apply(diff, text).unwrap_or_else(|why| panic!("{of} does not apply: {why}"))
    };
    let together = read::<Sets>("together.toml").together.into_iter().map(|set| {
        let name = set.join(" + ");
        let members: Vec<_> =
            set.iter().map(|id| known.get(id.as_str()).unwrap_or_else(|| panic!("no {id}"))).collect();
        let text = members.iter().fold(reference.clone(), |text, member| apply(&member.diff, &text, &name));
        let causes = members.iter().filter_map(|member| member.cause.clone()).collect();
        Sample { name, text, causes, may: Vec::new(), kind: Kind::Together }
    });
    let unknown = read::<Unknown>("unknown.toml").unknown.into_iter().map(|odd| {
        let text = apply(&odd.diff, &reference, &odd.id);
        Sample { name: odd.id, text, causes: Vec::new(), may: odd.may, kind: Kind::Unknown }
    });
    let small = read::<Small>("small.toml").mistake.into_iter().map(|Bug { bug, cause }| Sample {
        name: format!("small.c with BUG {bug}"),
        text: format!("#define BUG {bug}\n{small}"),
        causes: vec![cause],
        may: Vec::new(),
        kind: Kind::Small,
    });
    let students = read::<Students>("students.toml").allocator.into_iter().map(|student| {
        let Student { file, bug, mistakes, causes, may } = student;
        assert!(causes.is_empty() || causes.len() == mistakes.len(), "{file} {bug}: a cause for each mistake");
        let source = fs::read_to_string(submissions().join("students").join(&file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let text = format!("#define BUG {bug}\n{source}");
        Sample { name: format!("{file} with BUG {bug}"), text, causes, may, kind: Kind::Student }
    });
    together.chain(unknown).chain(small).chain(students).collect()
}

/// Compiles a sample and checks it.
fn check(sample: &Sample, place: &str) -> Result<Verdict, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(place);
    let library = folder.join("libosmem.so");
    let source = folder.join("osmem.c");
    fs::create_dir_all(&folder).and_then(|()| fs::write(&source, &sample.text)).map_err(|error| error.to_string())?;
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-w", "-O1", "-fPIC", "-shared", "-pthread", "-o"]).arg(&library).arg(&source);
    let compiled = cc.status().map_err(|error| format!("cc does not start: {error}"))?;
    if !compiled.success() {
        return Err(format!("{} does not compile", source.display()));
    }
    let mut command = Command::new(&support::built().osmem);
    command.args(["check", "--profile", "core", "--timeout", "5", "--tracer", "builtin"]);
    command.arg("--fixtures").arg(support::built().root.join("fixtures")).arg("--traces").arg(folder.join("traces"));
    verdict::record(command, &library).map(|(verdict, _)| verdict)
}

fn check_all(samples: &[Sample], folder: &str) -> Vec<Result<Verdict, String>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<_>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..crate::AT_ONCE {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sample) = samples.get(place) else { break };
                    let result = check(sample, &format!("{folder}/{place}"));
                    results.lock().expect("no worker panics").push((place, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no worker panics");
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The causes that were named: each mistake with what may stand in its place.
fn named(verdict: &Verdict) -> Vec<Vec<&str>> {
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for cause in &verdict.causes {
        match groups.last_mut() {
            Some(last) if cause.equal => last.push(&cause.id),
            _ => groups.push(vec![&cause.id]),
        }
    }
    groups
}

#[test]
fn several_mistakes_are_named_and_no_false_one() {
    let samples = samples();
    let _alone = crate::alone();
    let results = check_all(&samples, "together");
    let mut table = String::from("# the causes named of each: alternatives by |; see README.md\n");
    let (mut counts, mut hits, mut false_first) = ([0; 4], [0; 4], 0);
    let (mut unknown, mut wrong, mut problems) = (0, Vec::new(), Vec::new());
    let (mut students, mut right, mut misled) = (0, 0, Vec::new());
    for (sample, result) in samples.iter().zip(results) {
        let verdict = match result {
            Ok(verdict) => verdict,
            Err(why) => {
                problems.push(format!("{}: {why}", sample.name));
                continue;
            }
        };
        let named = named(&verdict);
        let shown: Vec<String> = named.iter().map(|group| group.join("|")).collect();
        let _ =
            writeln!(table, "{}: {}", sample.name, if shown.is_empty() { "-".to_owned() } else { shown.join(", ") });
        let is_true =
            |group: &Vec<&str>| group.iter().any(|id| sample.causes.iter().chain(&sample.may).any(|cause| cause == id));
        let all = sample.causes.iter().all(|cause| named.iter().flatten().any(|id| id == cause));
        match sample.kind {
            Kind::Together => {
                let count = sample.causes.len();
                counts[count] += 1;
                hits[count] += usize::from(all);
                false_first += usize::from(count == 2 && named.first().is_some_and(|first| !is_true(first)));
            }
            Kind::Unknown => {
                unknown += 1;
                if !named.iter().all(is_true) {
                    wrong.push(format!("{}: {}", sample.name, shown.join(", ")));
                }
            }
            Kind::Student => {
                students += 1;
                let is_right = named.iter().all(is_true);
                right += usize::from(all && is_right);
                if !is_right {
                    misled.push(format!("{}: {}", sample.name, shown.join(", ")));
                }
            }
            Kind::Small if all && named.iter().all(is_true) => {}
            Kind::Small => problems.push(format!("{}: {:?} and not {:?}", sample.name, named, sample.causes)),
        }
    }
    println!("{table}");
    println!("pairs: both causes of {} of {}, {false_first} with a false one first", hits[2], counts[2]);
    println!("threes: all causes of {} of {}", hits[3], counts[3]);
    println!("other structures: {right} of {students} right, {} with a false cause: {misled:#?}", misled.len());
    println!("unknown kinds: {} of {unknown} with a false cause: {wrong:#?}", wrong.len());
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(counts[2] >= 60 && counts[3] >= 15 && unknown >= 25, "too few samples");
    assert!(hits[2] * 100 >= counts[2] * PAIRS[0], "both causes of only {} of {} pairs", hits[2], counts[2]);
    assert!(
        false_first * 100 <= counts[2] * PAIRS[1],
        "{false_first} of {} pairs are told a false cause first",
        counts[2]
    );
    assert!(hits[3] * 100 >= counts[3] * TRIPLES, "all causes of only {} of {} threes", hits[3], counts[3]);
    assert!(students >= 110, "too few allocators of other structures");
    assert!(right * 100 >= students * STUDENTS, "only {right} of {students} allocators of other structures are right");
    assert!(misled.len() * 100 <= students * FALSE, "false causes: {misled:#?}");
    assert!(wrong.len() * 100 <= unknown * FALSE, "false causes: {wrong:#?}");
    compare(&submissions().join("together.txt"), &table);
}

/// Compares a table with the one on record, or accepts it.
fn compare(file: &PathBuf, table: &str) {
    if env::var_os("OSMEM_BLESS").is_some() {
        return fs::write(file, table).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    let old = fs::read_to_string(file).unwrap_or_default();
    let changed: Vec<&str> = table.lines().filter(|line| !old.lines().any(|other| other == *line)).collect();
    assert!(
        old == table,
        "{} is not what was seen; OSMEM_BLESS=1 accepts it, if it is better: {changed:#?}",
        file.display()
    );
}

#[test]
fn allocators_of_other_structures_are_right_without_a_mistake() {
    let mut files: Vec<_> = fs::read_dir(submissions().join("students")).expect("the allocators").flatten().collect();
    files.sort_by_key(fs::DirEntry::path);
    let sample = |file: &fs::DirEntry| {
        let text = fs::read_to_string(file.path()).unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
        let name = file.file_name().to_string_lossy().into_owned();
        Sample { name, text, causes: Vec::new(), may: Vec::new(), kind: Kind::Student }
    };
    let samples: Vec<Sample> = files.iter().map(sample).collect();
    assert!(samples.len() >= 22, "too few allocators");
    let _alone = crate::alone();
    for (sample, result) in samples.iter().zip(check_all(&samples, "right")) {
        let verdict = result.unwrap_or_else(|why| panic!("{}: {why}", sample.name));
        assert!(verdict.is_clean(), "{}: {verdict}", sample.name);
    }
}
