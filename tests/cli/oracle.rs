//! `osmem check --against oracle`, and the causes that the oracle names.

use crate::bench::{Bench, FIRST_FIT, TINY, TINY_TRACE, output};

/// What the contract demands of a program that frees a large block, then one that fits better.
const FITS_TRACE: &str = "\
os_malloc(96) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(8) = HEAP+0xa0
os_malloc(8) = HEAP+0xc8
os_malloc(8) = HEAP+0xf0
os_free(HEAP+0x20)
os_free(HEAP+0xc8)
os_malloc(8) = HEAP+0xc8
exit 0
";

/// The program of [`FITS_TRACE`].
const FITS: &str =
    "int main(void) { void *large = os_malloc(96); os_malloc(8); void *small = os_malloc(8); os_malloc(8);
    os_free(large); os_free(small); os_malloc(8); return 0; }";

/// Half the preallocation of R4.
const HALF: (&str, &str) = ("PREALLOCATION ((size_t)128 * 1024)", "PREALLOCATION ((size_t)64 * 1024)");

/// Two core tests.
fn two() -> Bench {
    let mut bench = Bench::empty();
    bench.add("tiny", "core", 40, TINY, Some(TINY_TRACE));
    bench.add("fits", "core", 60, FITS, Some(FITS_TRACE));
    bench
}

#[test]
fn our_own_library_passes_against_the_oracle() {
    let bench = two();
    let (code, stdout, stderr) = output(&mut bench.check(&["--against", "oracle"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(
        stdout.contains("\n  oracle  all judged by the contract as a model instead of a golden trace\n"),
        "{stdout}"
    );
    let (_, stdout, _) = output(&mut bench.check(&["--against", "fixtures"]));
    assert!(!stdout.contains("  oracle  "), "{stdout}");
}

#[test]
fn the_oracle_does_not_look_at_the_golden_trace() {
    let mut bench = Bench::empty();
    bench.add("tiny", "core", 100, TINY, Some(&TINY_TRACE.replace("0x20000", "0x40000")));
    bench.check(&[]).assert().code(1);
    let (code, record) = bench.check_json(&["--against", "oracle"]);
    assert_eq!((code, &record["tests"][0]["judged_by"]), (Some(0), &"oracle".into()));
}

#[test]
fn a_failure_against_the_oracle_names_the_call_the_rule_and_the_cause() {
    let bench = two();
    let library = bench.reference("half.so", HALF.0, HALF.1);
    let (code, stdout, stderr) = output(bench.check_library(&library).args(["--against", "oracle"]));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    for expected in [
        "fail: tiny (core)\n  test    About tiny\n  why     os_malloc(100) breaks R4: it moved the break by another number of bytes\n",
        "    expected                             actual\n",
        "  ~   brk(HEAP+0x20000) = HEAP+0x20000 │   brk(HEAP+0x10000) = HEAP+0x10000\n",
        "  cause   ",
        "  library behaves as if PREALLOCATION were 65536 (the contract: 131072)\n",
        "2 failed in ",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }

    let (code, record) = bench.check_json(&["--lib", library.to_str().unwrap(), "--against", "oracle"]);
    assert_eq!(code, Some(1));
    let test = &record["tests"][0];
    assert_eq!((&test["outcome"], &test["judged_by"], &test["earned"]), (&"fail".into(), &"oracle".into(), &0.into()));
    assert_eq!(test["reason"], "os_malloc(100) breaks R4: it moved the break by another number of bytes");
    assert_eq!(test["difference"]["rule"], "R4");
    assert_eq!(test["difference"]["context"][1]["expected"], "  brk(HEAP+0x20000) = HEAP+0x20000");
    assert_eq!(test["difference"]["context"][1]["actual"], "  brk(HEAP+0x10000) = HEAP+0x10000");
    assert_eq!((&test["causes"][0]["runs"], &test["causes"][0]["explained"]), (&1.into(), &1.into()));
    assert_eq!((&record["causes"][0]["runs"], &record["causes"][0]["explained"]), (&2.into(), &2.into()));
    assert_eq!(record["causes"][0]["id"], test["causes"][0]["id"]);
    assert_eq!(record["causes"][0]["rules"][0], "R4");
    assert_eq!(record["behaves"][0], "behaves as if PREALLOCATION were 65536 (the contract: 131072)");
}

#[test]
fn a_failure_against_a_golden_trace_has_its_cause_too() {
    let bench = two();
    let library = bench.reference("first.so", FIRST_FIT.0, FIRST_FIT.1);
    let (code, stdout, stderr) = output(&mut bench.check_library(&library));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("breaks R5: it gave another block\n"), "{stdout}");
    assert!(stdout.contains("  cause   first-fit (R5). The first block that is large enough is taken"), "{stdout}");
    assert_eq!(stdout.matches("  cause   first-fit (R5). ").count(), 2, "of the test, and of all together: {stdout}");

    let (_, record) = bench.check_json(&["--lib", library.to_str().unwrap()]);
    let (passed, failed) = (&record["tests"][0], &record["tests"][1]);
    assert_eq!((&passed["outcome"], &passed["causes"]), (&"pass".into(), &serde_json::json!([])));
    assert_eq!((&failed["judged_by"], &failed["causes"][0]["id"]), (&"oracle".into(), &"first-fit".into()));
    let causes = record["causes"].as_array().unwrap();
    let named: Vec<_> = causes.iter().map(|cause| (&cause["id"], &cause["equal"])).collect();
    let [first, other] =
        [("first-fit", false), ("exact-fit-refused", true)].map(|(id, equal)| (id.into(), equal.into()));
    assert_eq!(named, [(&first.0, &first.1), (&other.0, &other.1)]);
}

#[test]
fn a_library_that_is_right_about_all_tests_has_no_causes() {
    let (code, record) = two().check_json(&["--against", "oracle"]);
    assert_eq!(
        (code, &record["causes"], &record["behaves"]),
        (Some(0), &serde_json::json!([]), &serde_json::json!([]))
    );
}

#[test]
fn what_a_trace_is_held_against_is_one_of_two_words() {
    let (code, stdout, stderr) = output(&mut Bench::tiny().check(&["--against", "golden"]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("fixtures") && stderr.contains("oracle"), "{stderr}");
}
