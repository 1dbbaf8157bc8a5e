//! `osmem check` in a folder with an allocator: its sources are built and checked.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::{Bench, FIRST_FIT, SURROUNDINGS, osmem, output};
use crate::support::built;

/// A test that takes milliseconds.
const SHORT: &str = "best-fit-many";

/// `osmem check` in `folder`.
fn check(folder: &Path, words: &[&str]) -> Command {
    let mut check = osmem(&["check"]);
    check.args(words).arg("--fixtures").arg(built().root.join("fixtures")).current_dir(folder);
    check
}

fn reference() -> String {
    fs::read_to_string(built().root.join("fixtures/submissions/reference/osmem.c")).unwrap()
}

fn first_fit() -> String {
    reference().replace(FIRST_FIT.0, FIRST_FIT.1)
}

#[test]
fn c_files_are_built_and_checked() {
    let bench = Bench::empty();
    let folder = bench.path("hw");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("osmem.c"), reference()).unwrap();
    for words in [&[SHORT][..], &[".", SHORT], &["osmem.c", SHORT], &["./", SHORT]] {
        let (code, stdout, stderr) = output(&mut check(&folder, words));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{words:?}: {stdout}");
        assert!(
            stdout.contains(": 1 tests (profile core)")
                && !stdout.contains("osmem-check-")
                && stdout.contains("1 passed"),
            "{words:?}: {stdout}"
        );
    }
    // Nothing is left behind but the traces of failing tests, where the user is.
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::write(folder.join("osmem.c"), first_fit()).unwrap();
    let (code, stdout, _) = output(&mut check(&folder, &[SHORT]));
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("osmem-out/traces/best-fit-many.trace"), "{stdout}");
    assert!(folder.join("osmem-out/traces/best-fit-many.trace").is_file());
}

#[test]
fn a_makefile_a_package_and_a_library_are_checked() {
    let bench = Bench::empty();
    for (options, name) in [(&["--c"][..], "c"), (&["--rust"], "rust")] {
        let (code, ..) = output(osmem(&["new", name]).args(options).current_dir(bench.path("")));
        assert_eq!(code, Some(0));
        let (code, stdout, stderr) = output(&mut check(&bench.path(name), &["malloc-prealloc-once"]));
        assert_eq!(code, Some(1), "{stdout}{stderr}");
        assert!(stdout.contains("malloc-prealloc-once"), "{stdout}");
    }
    bench.reference("libosmem.so", FIRST_FIT.0, FIRST_FIT.1);
    let (code, stdout, stderr) = output(&mut check(&bench.path(""), &["libosmem.so", SHORT]));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
}

#[test]
fn a_test_is_drawn_with_what_lies_here() {
    let bench = Bench::empty();
    bench.write("programs/osmem.c", &first_fit());
    let mut show = osmem(&["show", "--test", SHORT, "--fixtures"]);
    let (code, stdout, stderr) = output(show.arg(built().root.join("fixtures")).current_dir(bench.path("programs")));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("R5 best fit"), "{stdout}");
    let (code, _, stderr) = output(osmem(&["show", "--test", SHORT]).current_dir(bench.path("seen")));
    assert!(code == Some(2) && stderr.contains("say --own"), "{stderr}");
}

#[test]
fn our_own_library_is_checked_on_demand_and_in_our_own_tree() {
    let bench = Bench::empty();
    let (code, stdout, stderr) = output(&mut check(&bench.path(""), &["--own", SHORT]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("profile all"), "{stdout}");
    let (code, stdout, _) = output(&mut check(&built().root, &[SHORT]));
    assert!(code == Some(0) && stdout.contains("profile all"), "{stdout}");
    let (code, _, stderr) = output(&mut check(&bench.path(""), &["--own", "--lib", "."]));
    assert!(code == Some(2) && stderr.contains("cannot be used with"), "{stderr}");
}

#[test]
fn a_folder_with_nothing_to_build_is_refused() {
    let bench = Bench::empty();
    let folder = bench.path("programs");
    let (code, stdout, stderr) = output(&mut check(&folder, &[]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("there is no file; looked for Cargo.toml, a Makefile"), "{stderr}");
    assert!(stderr.contains("name a folder, a .c file or a .so file, or say --own"), "{stderr}");
    fs::write(folder.join("notes.txt"), "x").unwrap();
    for (words, message) in [
        (&[][..], "nothing to build was found"),
        (&["./notes.txt"], "notes.txt"),
        (&["none.c"], "none.c: No such file"),
        (&["../none/"], "No such file"),
        (&["split", "--lib", "."], "holds no libosmem.so"),
    ] {
        let (code, _, stderr) = output(&mut check(&folder, words));
        assert!(code == Some(2) && stderr.contains(message), "{words:?}: {stderr}");
    }
    // A list needs no library.
    assert_eq!(output(&mut check(&folder, &["--list"])).0, Some(0));
}

#[test]
fn a_build_that_fails_shows_the_first_error_first() {
    let bench = Bench::empty();
    let folder = bench.path("programs");
    fs::write(folder.join("osmem.c"), "int unused;\nint broken( { return 1 }\nalso broken\n").unwrap();
    let (code, stdout, stderr) = output(&mut check(&folder, &[]));
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    assert!(stderr.lines().next().unwrap().starts_with("osmem.c:2:"), "{stderr}");
    assert!(stderr.contains("error: .: the build ended with status 1: osmem.c:2:"), "{stderr}");
    fs::write(folder.join("Makefile"), "all:\n\t@true\n").unwrap();
    let (code, _, stderr) = output(&mut check(&folder, &[]));
    assert!(code == Some(3) && stderr.contains("the build left no library; looked for libosmem.so"), "{stderr}");
    fs::write(folder.join("Makefile"), "all:\n\t@exit 7\n").unwrap();
    let (code, _, stderr) = output(&mut check(&folder, &[]));
    assert!(code == Some(3) && stderr.contains("the build ended with status 2: "), "{stderr}");
}

#[test]
fn warnings_of_the_compiler_are_passed_on() {
    let bench = Bench::empty();
    let folder = bench.path("programs");
    fs::write(folder.join("osmem.c"), reference() + "\nint odd(void) { int unused; return 1; }\n").unwrap();
    let (code, stdout, stderr) = output(&mut check(&folder, &[SHORT, "--format", "json"]));
    assert!(code == Some(0) && stderr.contains("osmem.c:") && stderr.contains("unused variable"), "{stderr}");
    assert!(serde_json::from_str::<serde_json::Value>(&stdout).is_ok(), "{stdout}");
}

#[test]
fn results_may_lie_beside_the_submission() {
    let bench = Bench::empty();
    let folder = bench.path("programs");
    fs::write(folder.join("osmem.c"), reference()).unwrap();
    let grade = |out: &str| {
        let mut grade = osmem(&["grade", ".", "--out", out, "--course", "none.toml"]);
        output(grade.current_dir(&folder)).2
    };
    // The course file is read first; with one that is there, only a folder inside is refused.
    assert!(grade("../results").contains("none.toml"));
    fs::write(bench.path("course.toml"), "[battery]\ntests = [\"best-fit-many\"]\n[random]\nprograms = 0\n").unwrap();
    let grade = |out: &str| {
        let mut grade = osmem(&["grade", ".", "--out", out, "--course", "../course.toml", "--unsafe"]);
        grade.arg("--fixtures").arg(built().root.join("fixtures"));
        output(grade.current_dir(&folder))
    };
    let (code, stdout, stderr) = grade("../results");
    assert!(code == Some(0) && bench.path("results").is_dir(), "{stdout}{stderr}");
    for inside in ["results", "./new/results", "../programs/results"] {
        let (code, _, stderr) = grade(inside);
        assert!(code == Some(2) && stderr.contains("lies in the submission"), "{inside}: {stderr}");
    }
}

#[test]
fn what_fuzz_finds_lies_where_the_user_is() {
    let bench = Bench::empty();
    bench.reference("libosmem.so", FIRST_FIT.0, FIRST_FIT.1);
    let mut fuzz = osmem(&["fuzz", "--lib", ".", "--seed", "1", "--runs", "2000"]);
    let (code, stdout, stderr) = output(fuzz.current_dir(bench.path("")));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("osmem-out/reproducers/"), "{stdout}");
    assert!(bench.names("osmem-out/reproducers").len() >= 3);
}

#[test]
fn a_watched_folder_is_checked_again_when_it_changes() {
    let bench = Bench::empty();
    let source = bench.path("programs/osmem.c");
    fs::write(&source, first_fit()).unwrap();
    let mut command = Process::new(&built().osmem);
    SURROUNDINGS.iter().for_each(|name| _ = command.env_remove(name));
    command.args(["check", "--watch", SHORT, "--fixtures"]).arg(built().root.join("fixtures"));
    command.current_dir(bench.path("programs")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut until =
        |word: &str| lines.by_ref().take_while(|line| !line.starts_with(word)).collect::<Vec<_>>().join("\n");
    let first = until("waiting for a change of ");
    assert!(first.contains("1 failed"), "{first}");
    // Half a file does not build; the watch goes on.
    let whole = reference();
    fs::write(&source, &whole[..whole.len() / 2]).unwrap();
    until("waiting for a change of ");
    fs::write(&source, &whole).unwrap();
    let last = until("waiting for a change of ");
    assert!(last.contains("1 passed") && last.contains("better: best-fit-many"), "{last}");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
