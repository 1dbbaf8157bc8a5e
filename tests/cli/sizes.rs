//! Sizes by role: other headers, other sizes, and tables that cannot be met.

use crate::bench::{Bench, output};

/// A program with a table of sizes that asks for the first of them, or for what its arguments say.
fn sized(table: &str) -> String {
    format!(
        "__attribute__((section(\".osmem.sizes\"), used)) static const char sizes[] = \"{table}\";
int main(int count, char **values) {{
    size_t size = count > 2 ? (size_t)atol(values[2]) : 96;
    os_malloc(size);
    return count == 1 || count == 4 ? 0 : 9;
}}"
    )
}

const TRACE: &str = "os_malloc(96) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nexit 0\n";

fn bench(table: &str) -> Bench {
    let mut bench = Bench::tiny();
    bench.add("sized", "robust", 1, &sized(table), Some(TRACE));
    bench
}

#[test]
fn other_sizes_are_drawn_by_the_seed_and_judged_by_the_model() {
    let bench = bench("size = 96 in 16..4000; rest = size + HEADER;");
    let sizes = |seed: &str| {
        let library = bench.reference(
            "wrong.so",
            "#define PREALLOCATION ((size_t)128 * 1024)",
            "#define PREALLOCATION ((size_t)64 * 1024)",
        );
        let (code, record) =
            bench.check_json(&["sized", "--profile", "all", "--vary", seed, "--lib", library.to_str().unwrap()]);
        assert_eq!(code, Some(1), "{record}");
        record["tests"][0]["arguments"].clone()
    };
    // It fails in its first run already, with the sizes of the golden trace.
    assert_eq!(sizes("1"), serde_json::json!([]));

    let (code, stdout, stderr) = output(&mut bench.check(&["sized", "--vary", "1"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    // Right for the size of the golden trace, wrong for every other.
    let library = bench.reference(
        "other.so",
        "    if (size == 0)\n        return NULL;\n    struct",
        "    if (size != 96)\n        return NULL;\n    struct",
    );
    let library = library.to_str().unwrap();
    let (code, stdout, _) = output(&mut bench.check(&["sized", "--profile", "all", "--lib", library]));
    assert_eq!(code, Some(0), "{stdout}");
    let seen = |seed: &str| {
        let (code, record) = bench.check_json(&["sized", "--profile", "all", "--lib", library, "--vary", seed]);
        assert_eq!(code, Some(1), "{record}");
        let test = &record["tests"][0];
        let reason = test["reason"].as_str().unwrap();
        assert!(reason.starts_with("with other sizes: os_malloc("), "{reason}");
        assert_eq!((&test["arguments"][0], &test["judged_by"]), (&"32".into(), &"oracle".into()), "{test}");
        test["arguments"].clone()
    };
    assert_eq!(seen("1"), seen("1"));
    assert_ne!(seen("1"), seen("2"));
}

#[test]
fn sizes_that_cannot_be_met_are_named_before_anything_runs() {
    let narrow = bench("size = 96 in 16..100; rest = size - HEADER;");
    let (code, stdout, stderr) = output(&mut narrow.check(&["--header", "256"]));
    assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
    for expected in ["sized", "cannot be met for headers of 256 bytes", "rest = size - HEADER"] {
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
    let (code, ..) = output(&mut narrow.check(&["--header", "24", "--against", "oracle", "--list"]));
    assert_eq!(code, Some(0));

    for (table, expected) in [("size 96;", "an entry is"), ("size = 96 in 100..200;", "must lie in the range")] {
        let (code, _, stderr) = output(&mut bench(table).check(&[]));
        assert!(code == Some(5) && stderr.contains(expected), "{table}: {stderr}");
    }
}
