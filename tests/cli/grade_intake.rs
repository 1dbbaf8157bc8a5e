//! `osmem grade` on what instructors' folders hold: old libraries, links, objects, C++, headers left at home, lines that print.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command as Process;

use serde_json::{Value, json};

use crate::grade::{Class, right};

/// A makefile whose rules no old file stands in the way of, if it is gone.
const MAKEFILE: &str =
    "libosmem.so: osmem.o\n\tcc -shared -o $@ osmem.o\nosmem.o: osmem.c\n\tcc -fPIC -O1 -c -o $@ osmem.c\n";

/// An allocator that does nothing yet.
const NOTHING: &str = "#include <stddef.h>
void *os_malloc(size_t n) { (void)n; return NULL; }
void *os_calloc(size_t n, size_t s) { (void)n; (void)s; return NULL; }
void *os_realloc(void *p, size_t n) { (void)p; (void)n; return NULL; }
void os_free(void *p) { (void)p; }
";

fn compile(source: &Path, options: &[&str], to: &Path) {
    let status = Process::new("cc").args(options).arg("-fPIC").arg("-o").arg(to).arg(source).status().unwrap();
    assert!(status.success(), "cc: {status}");
}

fn has_note(record: &Value, start: &str) -> bool {
    record["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().starts_with(start))
}

#[test]
fn what_was_built_before_is_not_graded() {
    for place in ["", "src/"] {
        let class = Class::new();
        let good = class.write("right.c", right());
        class.write(format!("ann/{place}Makefile"), MAKEFILE);
        class.write(format!("ann/{place}osmem.c"), NOTHING);
        compile(&good, &["-c"], &class.path(format!("ann/{place}osmem.o")));
        compile(&good, &["-shared"], &class.path(format!("ann/{place}libosmem.so")));
        class.graded(1, &["ann", "--out", "out"]);
        let record = class.record("out/ann");
        assert_eq!(record["outcome"], "wrong", "{record:#}");
        assert!(has_note(&record, "left out, what earlier builds made: "), "{record:#}");
        assert!(record["build"]["log"].as_str().unwrap().contains("cc -shared"), "{record:#}");
        // Permission to take a library is none to take it in place of its sources.
        class.graded(1, &["ann", "--allow-prebuilt", "--out", "allowed"]);
        assert_eq!(class.record("allowed/ann")["outcome"], "wrong");
    }
}

#[test]
fn links_and_remains_in_a_folder_are_left_out_with_a_note() {
    let class = Class::new();
    class.write("ann/osmem.c", right());
    class.write("ann/.git/config", "");
    class.write("ann/node_modules/x.js", "");
    class.write("ann/core.123", "dump");
    symlink("/etc/passwd", class.path("ann/passwd.c")).unwrap();
    symlink("../tests", class.path("ann/tests")).unwrap();
    for number in 0..10_000 {
        fs::write(class.path(format!("ann/{number}.o")), "").unwrap();
    }
    class.graded(0, &["ann", "--out", "out"]);
    let record = class.record("out/ann");
    let notes = [
        "not looked into: .git, node_modules",
        "left out, core files: core.123",
        "left out, symbolic links: passwd.c, tests",
        "left out, what earlier builds made: 0.o, ",
    ];
    for note in notes {
        assert!(has_note(&record, note), "{note}: {record:#}");
    }

    fs::create_dir(class.path("bob")).unwrap();
    symlink("../ann/osmem.c", class.path("bob/osmem.c")).unwrap();
    class.graded(1, &["bob", "--out", "links"]);
    let record = class.record("links/bob");
    assert_eq!(record["outcome"], "unsupported", "{record:#}");
    assert!(record["reason"].as_str().unwrap().starts_with("there is no file"), "{record:#}");
    assert!(has_note(&record, "left out, symbolic links: osmem.c"), "{record:#}");

    // An archive was packed so.
    let mut archive = tar::Builder::new(fs::File::create(class.path("cid.tar")).unwrap());
    archive.follow_symlinks(false);
    archive.append_path_with_name(class.path("bob/osmem.c"), "osmem.c").unwrap();
    archive.into_inner().unwrap();
    class.graded(1, &["cid.tar", "--out", "archive"]);
    assert_eq!(class.record("archive/cid")["outcome"], "forbidden");
}

#[test]
fn a_folder_that_is_too_large_names_its_largest_files() {
    let class = Class::new();
    class.write("ann/osmem.c", right());
    for (name, mib) in [("film.mp4", 60), ("notes.txt", 3), ("song.mp3", 9)] {
        fs::File::create(class.path(format!("ann/{name}"))).unwrap().set_len(mib << 20).unwrap();
    }
    class.graded(1, &["ann", "--out", "out"]);
    let record = class.record("out/ann");
    assert_eq!(record["outcome"], "limit");
    let told = "it holds 72 MiB, and at most 64 are taken; the largest: film.mp4 (60 MiB), song.mp3 (9 MiB), notes.txt (3 MiB); ";
    assert!(record["reason"].as_str().unwrap().starts_with(told), "{record:#}");
    let quick = fs::read_to_string(class.path("osmem.toml")).unwrap();
    class.write("osmem.toml", format!("files = [\"*.c\"]\n{quick}"));
    class.graded(0, &["ann", "--out", "sources"]);
}

#[test]
fn a_header_that_was_left_at_home_is_named() {
    let class = Class::new();
    class.write("ann.c", format!("#include \"course/list.h\"\n{}", right()));
    class.graded(3, &["ann.c", "--out", "out"]);
    let record = class.record("out/ann");
    let reason = record["reason"].as_str().unwrap();
    assert!(reason.contains("course/list.h is missing") && reason.contains("[overlay]"), "{reason}");
}

#[test]
#[ignore = "needs c++"]
fn cpp_sources_are_built_without_a_makefile() {
    let class = Class::new();
    let inner =
        ["malloc", "calloc", "realloc", "free"].map(|name| format!("#define os_{name} inner_{name}\n")).concat();
    class.write("ann/inner.c", format!("{inner}{}", right()));
    class.write(
        "ann/src/osmem.cpp",
        "#include <cstddef>
namespace {
template <typename F, typename... A> auto pass(F f, A... a) { return f(a...); }
}
extern \"C\" {
void *inner_malloc(size_t); void *inner_calloc(size_t, size_t); void *inner_realloc(void *, size_t); void inner_free(void *);
void *os_malloc(size_t n) { return pass(inner_malloc, n); }
void *os_calloc(size_t n, size_t s) { return pass(inner_calloc, n, s); }
void *os_realloc(void *p, size_t n) { return pass(inner_realloc, p, n); }
void os_free(void *p) { pass(inner_free, p); }
}
",
    );
    class.graded(0, &["ann", "--out", "out"]);
    let record = class.record("out/ann");
    assert_eq!((&record["outcome"], &record["build"]["kind"]), (&json!("pass"), &json!("c++")), "{record:#}");
    class.write("ann/inner.c", "this is no C\n");
    class.graded(3, &["ann", "--out", "broken"]);
}

#[test]
fn lines_that_print_cost_nothing() {
    let class = Class::new();
    let begin = "void *os_malloc(size_t size)\n{\n";
    let printing = |statement: &str| {
        let source = right().replacen(begin, &format!("{begin}    {statement}\n"), 1);
        format!("#include <stdio.h>\n{source}")
    };
    class.write("class/printf.c", printing("printf(\"malloc %zu\\n\", size);"));
    class.write("class/stderr.c", printing("fprintf(stderr, \"malloc %zu\\n\", size);"));
    class.write("class/write.c", printing("(void)!write(1, \"malloc\\n\", 7);"));
    for tracer in ["builtin", "auto"] {
        let options: &[&str] = if tracer == "auto" { &[] } else { &["--tracer", tracer] };
        let stdout = class.graded(0, &[&["--batch", "class", "--out", tracer][..], options].concat());
        assert!(stdout.contains("3 submissions: 3 pass"), "{stdout}");
    }
    // A descriptor of its own is another matter.
    class.write("class/other.c", printing("(void)!write(9, \"malloc\\n\", 7);"));
    class.graded(1, &["class/other.c", "--out", "other"]);
    assert_eq!(class.record("other/other")["outcome"], "wrong");
}
