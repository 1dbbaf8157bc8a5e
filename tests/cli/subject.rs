//! A core test counts what it is about; a difference while its scene is set is the business of other tests.

use crate::bench::{Bench, output};

/// A heap on which the block is resized; the subject is that alone.
const RESIZES: &str = "int main(void) { char *a = os_malloc(1000); os_malloc(100); os_realloc(a, 500); return 0; }";
const RESIZES_TRACE: &str = "os_malloc(1000) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(100) = HEAP+0x428
os_realloc(HEAP+0x20, 500) = HEAP+0x20
exit 0
";

/// The reference with twice the preallocation.
const DOUBLE: (&str, &str) =
    ("#define PREALLOCATION ((size_t)128 * 1024)", "#define PREALLOCATION ((size_t)256 * 1024)");

/// `tiny` proves R4, R8; `resizes` proves R11 and has a scene of two calls.
fn bench() -> Bench {
    let mut bench = Bench::tiny();
    bench.add("resizes", "core", 40, RESIZES, Some(RESIZES_TRACE));
    bench.edit_suite("points = 100", "points = 60");
    let entry = std::fs::read_to_string(bench.path("fixtures/suite.toml")).unwrap();
    let at = entry.find("name = \"resizes\"").unwrap();
    let rest = entry[at..].replacen("rules = [\"R4\", \"R8\"]", "rules = [\"R11\"]\nscene = 2", 1);
    assert_ne!(rest, entry[at..], "{entry}");
    bench.write("fixtures/suite.toml", &format!("{}{rest}", &entry[..at]));
    bench
}

#[test]
fn a_difference_in_the_scene_costs_the_tests_of_its_rule() {
    let bench = bench();
    let library = bench.reference("double.so", DOUBLE.0, DOUBLE.1);
    let (code, record) = bench.check_json(&["--lib", library.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{record}");
    let (tiny, resizes) = (&record["tests"][0], &record["tests"][1]);
    assert_eq!((&tiny["outcome"], &resizes["outcome"]), (&"fail".into(), &"pass".into()), "{record}");
    assert_eq!((&resizes["earned"], &resizes["scenery"][0]["rule"]), (&40.into(), &"R4".into()), "{record}");
    let sentence = resizes["scenery"][0]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("os_malloc(1000) breaks R4: "), "{sentence}");
}

#[test]
fn it_counts_where_it_was_seen_if_no_test_of_its_rule_fails() {
    let bench = bench();
    let library = bench.reference("double.so", DOUBLE.0, DOUBLE.1);
    let (code, stdout, _) = output(&mut bench.check(&["resizes", "--lib", library.to_str().unwrap()]));
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("while the scene is set, os_malloc(1000) breaks R4: "), "{stdout}");
}

#[test]
fn a_mistake_in_the_subject_counts() {
    let bench = bench();
    let library = bench.reference(
        "moves.so",
        "    if (size > b->size)\n        return move(b, n);",
        "    if (size != b->size)\n        return move(b, n);",
    );
    let (code, record) = bench.check_json(&["--lib", library.to_str().unwrap()]);
    assert_eq!((code, &record["tests"][1]["outcome"]), (Some(1), &"fail".into()), "{record}");
}

#[test]
fn wrong_numbers_of_scene_and_subject_are_named() {
    for (old, new, expected) in [
        ("scene = 2", "scene = 1\nstart = \"warm\"", "scene must count the 2 calls of the warm start"),
        ("scene = 2", "scene = 2\nsubject = 0", "subject must count at least one call"),
        (
            "profile = \"core\"\nrules = [\"R11\"]",
            "profile = \"robust\"\nrules = [\"R11\"]",
            "only a core test has a scene",
        ),
        ("scene = 2", "scene = -2", "invalid value"),
        ("scene = 2", "scene = 2\nstart = \"hot\"", "unknown variant `hot`"),
    ] {
        let bench = bench();
        bench.edit_suite(old, new);
        let (code, _, stderr) = output(&mut bench.check(&[]));
        assert!(code == Some(5) && stderr.contains(expected), "{new}: {stderr}");
    }
}
