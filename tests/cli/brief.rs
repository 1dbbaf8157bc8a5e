//! The default report of `osmem check`: a page, the first mistake first, with a picture.

use std::fs;

use crate::bench::{Bench, FIRST_FIT, osmem, output};
use crate::support::built;

/// `osmem check` of the library that a source makes, with marks beyond ASCII.
fn check(source: &str, options: &[&str]) -> (Option<i32>, String) {
    let bench = Bench::empty();
    bench.write("programs/osmem.c", source);
    let mut check = osmem(&["check"]);
    check.args(options).arg("--fixtures").arg(built().root.join("fixtures"));
    let (code, stdout, stderr) = output(check.env("LC_ALL", "C.UTF-8").current_dir(bench.path("programs")));
    assert_eq!(stderr, "", "{stdout}");
    (code, stdout)
}

fn reference() -> String {
    fs::read_to_string(built().root.join("fixtures/submissions/reference/osmem.c")).unwrap()
}

fn first_fit() -> String {
    reference().replace(FIRST_FIT.0, FIRST_FIT.1)
}

#[test]
fn a_right_library_is_told_in_fifteen_lines() {
    let (code, stdout) = check(&reference(), &[]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.lines().count() <= 15 && !stdout.contains("mistake") && !stdout.contains('✗'), "{stdout}");
    assert!(stdout.contains("core 100 of 100 points") && stdout.contains("split                 ●"), "{stdout}");
}

#[test]
fn one_mistake_is_told_in_forty_lines_with_its_picture() {
    let (code, stdout) = check(&first_fit(), &[]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.lines().count() <= 40, "{} lines: {stdout}", stdout.lines().count());
    for expected in [
        "\nmistake 1\n  what    The first block that is large enough is taken",
        "  rule    R5 best fit. ",
        "  expected  ",
        "  actual    ",
        "  hint    ",
        "✗",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
    // The words of the search for causes are not those of a student.
    assert!(!stdout.contains("explains") && !stdout.contains("golden trace"), "{stdout}");
}

#[test]
fn a_skeleton_is_told_in_sixty_lines() {
    let bench = Bench::empty();
    let (code, ..) = output(osmem(&["new", "hw"]).current_dir(bench.path("")));
    assert_eq!(code, Some(0));
    let mut check = osmem(&["check", "hw", "--fixtures"]);
    let (code, stdout, _) =
        output(check.arg(built().root.join("fixtures")).env("LC_ALL", "C").current_dir(bench.path("")));
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.lines().count() <= 60 && stdout.contains("mistake 1\n"), "{stdout}");
    assert!(stdout.is_ascii(), "{stdout}");
}

#[test]
fn a_test_alone_and_every_test_are_told_in_full() {
    let (code, stdout) = check(&first_fit(), &["--test", "best-fit-many"]);
    assert!(code == Some(1) && stdout.contains("fail: best-fit-many (core)\n  test  "), "{stdout}");
    let (_, stdout) = check(&first_fit(), &["--all", "best-fit"]);
    assert!(stdout.contains("pass        best-fit") && stdout.contains("fail: best-fit-many (core)"), "{stdout}");
    let mut unknown = osmem(&["check", "--own", "--test", "best"]);
    let (code, _, stderr) = output(&mut unknown);
    assert!(code == Some(2) && stderr.contains("no test is named \"best\""), "{stderr}");
}

#[test]
fn the_next_step_is_the_first_rule_that_is_broken() {
    let (code, stdout) = check(&first_fit(), &["--step"]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(
        stdout.contains(": best fit\n  done    basic, zero, ") && stdout.contains("  rule    R5 best fit. "),
        "{stdout}"
    );
    assert!(stdout.contains("then: osmem check --step\n") && stdout.contains("  actual  "), "{stdout}");
    let (code, stdout) = check(&reference(), &["--step"]);
    assert!(code == Some(0) && stdout.contains(" steps are done\n"), "{stdout}");
}
