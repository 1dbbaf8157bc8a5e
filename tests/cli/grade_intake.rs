//! `osmem grade` on what instructors' folders hold: libraries beside sources, links in archives, large files, C++, lines that print.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command as Process;

use serde_json::json;

use crate::grade::{Class, right};

const MAKEFILE: &str = "libosmem.so: osmem.c\n\tcc -shared -fPIC -o $@ osmem.c\n";

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

#[test]
fn a_permission_for_libraries_is_none_to_take_one_in_place_of_its_sources() {
    let class = Class::new();
    let good = class.write("right.c", right());
    class.write("ann/osmem.c", NOTHING);
    class.write("ann/Makefile", MAKEFILE);
    compile(&good, &["-shared"], &class.path("ann/libosmem.so"));
    class.graded(1, &["ann", "--allow-prebuilt", "--out", "out"]);
    let record = class.record("out/ann");
    assert_eq!((&record["outcome"], &record["build"]["kind"]), (&json!("wrong"), &json!("makefile")), "{record:#}");
}

#[test]
fn an_archive_with_a_link_is_refused() {
    let class = Class::new();
    symlink("../ann/osmem.c", class.path("osmem.c")).unwrap();
    let mut archive = tar::Builder::new(fs::File::create(class.path("ann.tar")).unwrap());
    archive.follow_symlinks(false);
    archive.append_path_with_name(class.path("osmem.c"), "osmem.c").unwrap();
    archive.into_inner().unwrap();
    class.graded(1, &["ann.tar", "--out", "out"]);
    assert_eq!(class.record("out/ann")["outcome"], "forbidden");
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
