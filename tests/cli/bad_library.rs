//! A `--lib` that cannot be tested: exit code 2, and a message that says what is wrong with it.

use std::fs;
use std::path::Path;

use crate::bench::{Bench, MAPS_ALL, malloc_body, output};
use crate::support::built;

/// What `osmem check --lib` says of a library it must refuse.
fn refusal(bench: &Bench, library: &Path) -> String {
    let (code, stdout, stderr) = output(&mut bench.check_library(library));
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    assert_eq!(stdout, "");
    assert!(stderr.starts_with("error: ") && stderr.contains(library.to_str().unwrap()), "{stderr}");
    stderr
}

#[test]
fn what_is_no_shared_library_is_refused() {
    let bench = Bench::tiny();
    let object = bench.compile("a.o", MAPS_ALL, &["-c"]);
    let executable = bench.compile("executable", "int main(void) { return 0; }", &["-no-pie"]);
    fs::create_dir(bench.path("folder")).unwrap();
    let cases = [
        (bench.path("none.so"), "cannot read the library"),
        (bench.write("empty.so", ""), "is empty"),
        (bench.write("text.so", "#!/bin/sh\necho hello\n"), "is no ELF file, not a shared library"),
        (bench.write("archive.so", "!<arch>\n"), "is a static archive, not a shared library"),
        (bench.path("folder"), "holds no libosmem.so"),
        (Path::new("/dev/null").to_owned(), "is not a regular file"),
        (object, "is an object file, not a shared library"),
        (executable, "is an executable, not a shared library"),
    ];
    for (library, expected) in cases {
        let message = refusal(&bench, &library);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_truncated_library_is_refused_wherever_it_ends() {
    let bench = Bench::tiny();
    let whole = fs::read(&built().library).unwrap();
    // Without the section table, whose place is at the end: e_shoff, e_shnum and e_shstrndx of the ELF header.
    let mut loadable = whole.clone();
    loadable[0x28..0x30].fill(0);
    loadable[0x3c..0x40].fill(0);
    for (bytes, lengths) in
        [(&whole, &[5, 63, 64, 500, whole.len() / 2, whole.len() - 1][..]), (&loadable, &[2000, 8000])]
    {
        for length in lengths {
            let library = bench.path("cut.so");
            fs::write(&library, &bytes[..*length]).unwrap();
            let message = refusal(&bench, &library);
            assert!(message.contains("truncated or damaged"), "{length}: {message}");
        }
    }
}

#[test]
fn a_library_for_another_machine_is_refused() {
    let bench = Bench::tiny();
    let mut bytes = fs::read(&built().library).unwrap();
    // e_machine, at byte 18 of the ELF header: 243 is RISC-V.
    bytes[18..20].copy_from_slice(&243_u16.to_le_bytes());
    let library = bench.path("foreign.so");
    fs::write(&library, bytes).unwrap();
    let message = refusal(&bench, &library);
    assert!(message.contains("is built for Riscv64 (64 bit, little endian), and this machine runs"), "{message}");
}

#[test]
fn the_missing_functions_are_named() {
    let bench = Bench::tiny();
    let one = MAPS_ALL.replace("os_calloc", "os_callok");
    let message = refusal(&bench, &bench.library("one.so", &one));
    assert!(message.contains("does not export os_calloc;"), "{message}");

    let hidden = "__attribute__((visibility(\"hidden\"))) void *os_realloc(void *p, size_t n) { return p; }\n\
                  void *os_malloc(size_t n) { return os_realloc(NULL, n); }";
    let message = refusal(&bench, &bench.library("two.so", hidden));
    assert!(message.contains("does not export os_calloc, os_realloc, os_free;"), "{message}");
}

#[test]
fn a_library_that_does_not_load_is_refused_in_the_loader_s_words() {
    let bench = Bench::tiny();
    let needed = bench.library("libneeded.so", "int needed(void) { return 1; }");
    let source = malloc_body("int needed(void); needed(); return NULL;");
    let options = ["-shared", "-fPIC", needed.to_str().unwrap(), "-Wl,-soname,libosmem.so"];
    fs::create_dir(bench.path("apart")).unwrap();
    // The needed library is recorded by its path here, so it goes away.
    let library = bench.compile("apart/needy.so", &source, &options);
    fs::remove_file(&needed).unwrap();
    let message = refusal(&bench, &library);
    assert!(message.contains("cannot be loaded: ") && message.contains("libneeded.so"), "{message}");

    let undefined = bench.library("undefined.so", &malloc_body("int nowhere(void); nowhere(); return NULL;"));
    let message = refusal(&bench, &undefined);
    assert!(message.contains("undefined symbol: nowhere"), "{message}");
}

#[test]
fn trace_refuses_a_bad_library_too() {
    let bench = Bench::tiny();
    let library = bench.write("empty.so", "");
    let program = bench.path("programs/tiny");
    let mut trace =
        crate::bench::osmem(&["trace", "--lib", library.to_str().unwrap(), "--", program.to_str().unwrap()]);
    let (code, stdout, stderr) = output(&mut trace);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("is empty"), "{stderr}");
}
