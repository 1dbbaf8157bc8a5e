//! `osmem new`: what it writes builds without a warning, has the four functions, and honestly fails.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command as Process;

use object::{Object, ObjectSymbol};

use crate::bench::{osmem, output};
use crate::support::built;

/// `osmem new`, inside a folder.
fn new(inside: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    output(osmem(&["new"]).current_dir(inside).args(arguments))
}

/// Runs a build inside a folder, without what the tests' own build has set; gives everything it said.
fn build(inside: &Path, program: &str, arguments: &[&str]) -> String {
    let mut process = Process::new(program);
    process.current_dir(inside).args(arguments);
    for (name, _) in std::env::vars_os() {
        let ours = [&b"CARGO_"[..], b"RUST", b"MAKE", b"MFLAGS"].iter().any(|start| name.as_bytes().starts_with(start));
        if ours && name != "CARGO_HOME" && name != "RUSTUP_HOME" && name != "RUSTUP_TOOLCHAIN" {
            process.env_remove(name);
        }
    }
    let result = process.output().unwrap();
    let said = [result.stdout, result.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(result.status.success(), "{program} {arguments:?}: {said}");
    said
}

/// The library has the four functions, and `osmem check --lib` runs it and says fail.
fn fails_honestly(inside: &Path, library: &str) {
    let data = fs::read(inside.join(library).join("libosmem.so")).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let exported: Vec<_> =
        file.dynamic_symbols().filter(|symbol| symbol.is_definition()).map(|symbol| symbol.name().unwrap()).collect();
    for name in ["os_malloc", "os_calloc", "os_realloc", "os_free"] {
        assert!(exported.contains(&name), "{name} is not among {exported:?}");
    }
    let mut check = osmem(&["check", "--all", "--lib", library]);
    // Nothing is found above a build output that lies elsewhere.
    check.arg("--fixtures").arg(built().root.join("fixtures")).arg("--traces").arg(inside.join("traces"));
    let (code, stdout, stderr) = output(check.current_dir(inside));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    for expected in ["fail        malloc-prealloc-once", "0 of  100 points", "cause   wrong-null (R4"] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
}

#[test]
fn a_new_c_project_builds_and_fails() {
    let root = tempfile::tempdir().unwrap();
    for arguments in [&["one"][..], &["two", "--c"]] {
        let (code, stdout, stderr) = new(root.path(), arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert!(stdout.starts_with(&format!("wrote {}/.gitignore\n", arguments[0])), "{stdout}");
        assert!(stdout.ends_with(&format!("next, in {}: osmem check\n", arguments[0])), "{stdout}");
    }
    let folder = root.path().join("one");
    let said = build(&folder, "make", &[]);
    assert!(said.contains("-shared") && said.contains("-Wall -Wextra") && !said.contains("warning"), "{said}");
    fails_honestly(&folder, ".");
    build(&folder, "make", &["clean"]);
    let strict = "-shared -fPIC -Wall -Wextra -Wpedantic -Werror -o libosmem.so osmem.c";
    assert_eq!(build(&folder, "cc", &strict.split(' ').collect::<Vec<_>>()), "");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains("osmem check --watch") && readme.contains("100 points"), "{readme}");
}

#[test]
fn a_new_rust_package_builds_offline_and_fails() {
    let root = tempfile::tempdir().unwrap();
    // A package around it must not claim it.
    fs::write(root.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    let (code, stdout, stderr) = new(root.path(), &["--rust", "hw"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.ends_with("next, in hw: osmem check\n"), "{stdout}");
    let folder = root.path().join("hw");
    let said = build(&folder, env!("CARGO"), &["build", "--release", "--offline", "--locked"]);
    assert!(!said.contains("warning"), "{said}");
    fails_honestly(&folder, "target/release");
}

#[test]
fn nothing_is_overwritten() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "text").unwrap();
    fs::create_dir(root.path().join("full")).unwrap();
    fs::write(root.path().join("full/osmem.c"), "work of a week").unwrap();
    let cases = [
        (&["full"][..], "full is not empty; name an absent or empty folder"),
        (&["."], ". is not empty"),
        (&["file"], "file is not a folder; choose another name"),
        (&[""], "value is required"),
        (&["--", "-x"], "-x begins with a dash"),
        (&["./--rust"], "begins with a dash"),
        (&["-x"], "unexpected argument '-x'"),
        (&["a", "b"], "unexpected argument 'b'"),
        (&["--c", "--rust", "a"], "cannot be used with"),
        (&[], "required"),
    ];
    for (arguments, expected) in cases {
        let (code, stdout, stderr) = new(root.path(), arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    assert_eq!(fs::read_to_string(root.path().join("full/osmem.c")).unwrap(), "work of a week");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    let (code, _, stderr) = new(root.path(), &["/proc/hw"]);
    assert_eq!(code, Some(5), "{stderr}");
    assert!(stderr.contains("cannot write /proc/hw: "), "{stderr}");
}

#[test]
fn the_current_folder_and_any_name_will_do() {
    let root = tempfile::tempdir().unwrap();
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(new(&empty, &["."]).0, Some(0));
    assert!(empty.join("Makefile").is_file());
    let name = OsStr::from_bytes(b"not \xff UTF-8\n");
    let (code, _, stderr) = output(osmem(&["new"]).current_dir(root.path()).arg(name));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(root.path().join(name).join("osmem.c").is_file());
}

#[test]
fn help_has_examples() {
    let (code, stdout, _) = output(&mut osmem(&["new", "--help"]));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("osmem new hw2 --rust") && stdout.contains("Exit codes:"), "{stdout}");
}
