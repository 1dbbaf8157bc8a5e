//! `osmem grade` on single submissions: every form, outcome and exit code.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::{osmem, output, processes_about};
use crate::support::built;

/// A course of two quick tests, of one and two points.
pub const QUICK: &str = "\
[battery]
tests = [\"malloc-zero\", \"malloc-prealloc-once\"]
points = { malloc-zero = 1, malloc-prealloc-once = 2 }
[random]
programs = 0
";
/// A change of the right allocator: it never splits a block of the heap, and so fails the second test.
pub const WRONG: (&str, &str) = ("if (rest < HEADER + ALIGNMENT)", "if (rest < PREALLOCATION)");
/// A change of the right allocator: it ends in its second allocation, and so in the second test.
pub const CRASH: (&str, &str) = (
    "    struct block_meta *b = allocate(size, MMAP_THRESHOLD);\n",
    "    static int calls;\n    if (++calls == 2)\n        *(volatile int *)0 = 1;\n    \
         struct block_meta *b = allocate(size, MMAP_THRESHOLD);\n",
);

/// The files that every submission has.
const FILES: [&str; 8] = [
    "autolab.json",
    "classroom.json",
    "ctrf.json",
    "gradescope.json",
    "junit.xml",
    "record.json",
    "report.html",
    "report.md",
];

/// Submissions, course and results, in a folder that goes away.
pub struct Class {
    folder: TempDir,
}

impl Class {
    /// No submission yet, and the course [`QUICK`].
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // The users of the boxes pass through it to the grader's working folder.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        let class = Self { folder };
        fs::create_dir(class.path("tmp")).unwrap();
        fs::create_dir(class.path("class")).unwrap();
        class.write("osmem.toml", QUICK);
        class
    }

    /// The path of something in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// `osmem grade` by the course, inside the folder.
    pub fn grade(&self, arguments: &[&str]) -> Command {
        let mut grade = osmem(&["grade", "--course", "osmem.toml", "--fixtures"]);
        grade.arg(built().root.join("fixtures"));
        grade.current_dir(self.path("")).env("TMPDIR", self.path("tmp")).args(arguments);
        grade
    }

    /// Grades, which must end so; gives what was printed.
    pub fn graded(&self, code: i32, arguments: &[&str]) -> String {
        let (ended, stdout, stderr) = output(&mut self.grade(arguments));
        assert_eq!((ended, stderr.as_str()), (Some(code), ""), "{arguments:?}: {stdout}");
        self.idle();
        stdout
    }

    /// Grades, which must be refused so before anything is done.
    pub fn refused(&self, code: i32, arguments: &[&str], expected: &str) {
        let (ended, stdout, stderr) = output(&mut self.grade(arguments));
        assert_eq!((ended, stdout.as_str()), (Some(code), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{arguments:?}: {stderr}");
        self.idle();
    }

    /// The record in a folder of results.
    pub fn record(&self, name: &str) -> Value {
        let path = self.path(name).join("record.json");
        serde_json::from_slice(&fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
    }

    /// Nothing runs any more, and no working folder is left.
    pub fn idle(&self) {
        assert_eq!(self.names("tmp"), Vec::<String>::new());
        assert_eq!(processes_about(&self.path("tmp")), Vec::<String>::new());
    }

    /// The names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Every file below a folder, with its bytes.
    pub fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let top = self.path(folder);
        let (mut open, mut files) = (vec![top.clone()], BTreeMap::new());
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                files.insert(path.strip_prefix(&top).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
        files
    }

    /// Two folders hold the same, byte for byte.
    pub fn same(&self, one: &str, other: &str) {
        let (one, other) = (self.files(one), self.files(other));
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (path, bytes) in &one {
            let text = String::from_utf8_lossy;
            assert_eq!(text(bytes), text(&other[path]), "{}", path.display());
        }
    }
}

/// The right allocator of `fixtures/submissions`.
pub fn right() -> String {
    fs::read_to_string(built().root.join("fixtures/submissions/reference/osmem.c")).unwrap()
}

/// The right allocator with one place of its source changed.
pub fn changed((old, new): (&str, &str)) -> String {
    let source = right();
    assert_eq!(source.matches(old).count(), 1, "{old}");
    source.replace(old, new)
}

/// The right allocator, but a request of 0 bytes never ends.
pub fn stuck() -> String {
    let begin = "void *os_malloc(size_t size)\n{\n";
    changed((begin, &format!("{begin}    while (size == 0)\n        ;\n")))
}

/// A library, compiled on the spot.
fn library(class: &Class, name: &str) -> PathBuf {
    let source = class.write("library.c", right());
    let path = class.path(name);
    let options = ["-std=gnu11", "-w", "-O1", "-fPIC", "-shared", "-o"];
    let status = std::process::Command::new("cc").args(options).arg(&path).arg(source).status().unwrap();
    assert!(status.success(), "cc: {status}");
    path
}

const MAKEFILE: &str = "libosmem.so: osmem.c\n\tcc -shared -fPIC -O1 -o $@ $<\n";

#[test]
fn every_form_is_built_and_passes() {
    let class = Class::new();
    class.write("class/folder/osmem.c", right());
    class.write("class/single.c", right());
    class.write("class/make/osmem.c", right());
    class.write("class/make/Makefile", MAKEFILE);
    class.write("class/src-make/src/osmem.c", right());
    class.write("class/src-make/src/Makefile", MAKEFILE);
    let with_headers = right().replace("#include <unistd.h>", "#include <unistd.h>\n#include \"../utils/osmem.h\"");
    class.write("class/headers/src/osmem.c", with_headers);
    let mut zip = zip::ZipWriter::new(File::create(class.path("class/zipped.zip")).unwrap());
    zip.start_file("hw/src/osmem.c", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(right().as_bytes()).unwrap();
    zip.finish().unwrap();
    let gzip = GzEncoder::new(File::create(class.path("class/tarred.tar.gz")).unwrap(), Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    tar.append_path_with_name(class.path("class/single.c"), "osmem.c").unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    library(&class, "class/built.so");

    let stdout = class.graded(1, &["--batch", "class", "--out", "out"]);
    assert!(stdout.contains("8 submissions: 7 pass, 1 unsupported"), "{stdout}");
    let kinds = [
        ("folder", "c"),
        ("single", "c"),
        ("make", "makefile"),
        ("src-make", "makefile"),
        ("headers", "c"),
        ("zipped", "c"),
        ("tarred", "c"),
    ];
    for (name, kind) in kinds {
        let record = class.record(&format!("out/{name}"));
        assert_eq!((&record["outcome"], &record["build"]["kind"]), (&json!("pass"), &json!(kind)), "{record:#}");
        assert_eq!(record["score"], json!({ "earned": 3.0, "points": 3.0, "penalty": 0.0 }), "{name}");
        assert_eq!(class.names(&format!("out/{name}")), FILES, "{name}");
    }
    let record = class.record("out/built");
    assert!(record["reason"].as_str().unwrap().contains("--allow-prebuilt"), "{record:#}");
    assert_eq!(record["score"]["earned"], 0.0);
    assert_eq!(class.names("out/built"), FILES);

    let stdout = class.graded(0, &["class/built.so", "--allow-prebuilt", "--out", "prebuilt"]);
    assert!(stdout.contains("1 submission: 1 pass") && stdout.ends_with("results: prebuilt\n"), "{stdout}");
    assert_eq!(class.record("prebuilt/built")["build"]["kind"], "prebuilt");
}

#[test]
fn a_cargo_package_is_built() {
    let class = Class::new();
    let (code, _, stderr) = output(osmem(&["new", "--rust", "hw"]).current_dir(class.path("")));
    assert_eq!(code, Some(0), "{stderr}");
    for tier in ["namespaces", "landlock"] {
        let (code, stdout, stderr) = output(&mut class.grade(&["hw", "--out", tier, "--box", tier]));
        assert_eq!(stderr, "", "{stdout}");
        let record = class.record(&format!("{tier}/hw"));
        let outcome = record["outcome"].as_str().unwrap();
        if tier == "landlock" && outcome != "wrong" {
            // Landlock shows folders as they are: to another user a toolchain in root's home stays out of reach.
            let why = record["reason"].to_string() + &record["build"].to_string();
            assert!(["no-build", "unsupported"].contains(&outcome) && why.contains("cargo"), "{record:#}");
            println!("landlock: {why}");
            continue;
        }
        assert_eq!((code, outcome, &record["build"]["kind"]), (Some(1), "wrong", &json!("cargo")), "{record:#}");
        class.idle();
    }
}

#[test]
fn outcomes_exit_codes_and_scores() {
    let class = Class::new();
    class.write("wrong.c", changed(WRONG));
    class.write("crash.c", changed(CRASH));
    class.write("broken.c", format!("{}\nthis is no C\n", right()));
    class.write("unlinked.c", "void *os_malloc(unsigned long n) { return nowhere(n); }\n");
    class.write("empty/readme.txt", "nothing yet");
    for (path, code, outcome, earned) in [
        ("wrong.c", 1, "wrong", 1.0),
        ("crash.c", 1, "crash", 1.0),
        ("broken.c", 3, "no-build", 0.0),
        ("unlinked.c", 3, "no-build", 0.0),
        ("empty", 1, "unsupported", 0.0),
    ] {
        let name = path.trim_end_matches(".c");
        let stdout = class.graded(code, &[path, "--out", &format!("of-{name}")]);
        assert!(stdout.contains(&format!("1 submission: 1 {outcome}")), "{stdout}");
        let record = class.record(&format!("of-{name}/{name}"));
        assert_eq!((&record["outcome"], &record["score"]["earned"]), (&json!(outcome), &json!(earned)), "{record:#}");
        assert!(!record["reason"].as_str().unwrap().is_empty());
    }
    let wrong = class.record("of-wrong/wrong");
    assert_eq!(
        wrong["reason"],
        "1 of 2 tests did not pass; malloc-prealloc-once: os_malloc(16) breaks R5: it made a system call where none is needed"
    );
    assert!(
        wrong["causes"].as_array().unwrap().iter().any(|cause| cause["rules"].to_string().contains("R4")),
        "{wrong:#}"
    );
    let broken = class.record("of-broken/broken");
    assert!(broken["build"]["log"].as_str().unwrap().contains("error:"), "{broken:#}");
    // In a class, one that does not build is one that did not pass.
    class.graded(1, &["broken.c", "unlinked.c", "--out", "both"]);
}

#[test]
fn a_name_can_be_given() {
    let class = Class::new();
    class.write("submission/osmem.c", right());
    class.graded(0, &["submission", "--name", "ann", "--out", "out"]);
    assert_eq!(class.record("out/ann")["name"], "ann");
    class.graded(0, &["submission", "--name", "../ann\n", "--out", "odd"]);
    assert_eq!(
        class.names("odd").iter().filter(|name| name.ends_with("ann%0A")).count(),
        1,
        "{:?}",
        class.names("odd")
    );
    class.refused(2, &["submission", "osmem.toml", "--name", "ann", "--out", "many"], "osmem.toml is no submission");
    class.write("other.c", right());
    class.refused(2, &["submission", "other.c", "--name", "ann", "--out", "many"], "--name names one submission");
    class.refused(2, &["--batch", "class", "--name", "ann", "--out", "many"], "cannot be used with");
}
