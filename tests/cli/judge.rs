//! `osmem judge` of traces that can be read.

use std::fs;

use serde_json::{Value, json};

use crate::bench::{Bench, FIRST_FIT, TINY, TINY_TRACE, osmem, output};

/// A block of 96 bytes is taken where one of 8 fits better, twice.
const FIRST_FIT_TRACE: &str = "\
# a comment is a line too
os_malloc(96) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(8) = HEAP+0xa0
os_malloc(8) = HEAP+0xc8
os_malloc(8) = HEAP+0xf0
os_free(HEAP+0x20)
os_free(HEAP+0xc8)
os_malloc(8) = HEAP+0x20
os_free(HEAP+0x20)
os_malloc(8) = HEAP+0x20
exit 0
";

/// One block at the edge where readings of O1 part, and a small one.
const EDGE_TRACE: &str = "\
os_malloc(131033) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
  brk(HEAP+0x20020) = HEAP+0x20020
exit 0
";

/// An allocator with headers of 24 bytes.
const HEADER_24_TRACE: &str = "\
os_malloc(100) = HEAP+0x18
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(100) = HEAP+0x98
os_malloc(200000) = MAP1+0x18
  mmap(NULL, 200024, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_free(MAP1+0x18)
  munmap(MAP1, 200024) = 0
exit 0
";

/// `osmem judge` of this text through standard input.
fn judge(text: &str, options: &[&str]) -> (Option<i32>, String) {
    let mut judge = osmem(&["judge", "-"]);
    let (code, stdout, stderr) = output(judge.args(options).write_stdin(text));
    assert_eq!(stderr, "");
    (code, stdout)
}

fn record(text: &str, options: &[&str]) -> (Option<i32>, Value) {
    let (code, stdout) = judge(text, &[options, &["--format", "json"]].concat());
    (code, serde_json::from_str(&stdout).unwrap())
}

#[test]
fn a_right_trace_passes_from_a_file_and_from_standard_input() {
    let bench = Bench::empty();
    let file = bench.write("tiny.trace", TINY_TRACE);
    let (code, stdout, stderr) = output(&mut osmem(&["judge", file.to_str().unwrap()]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let expected = "2 calls (profile core), headers of 32 bytes\n\nno call leaves the contract\n";
    assert_eq!(stdout, format!("{}: {expected}", file.display()));
    assert_eq!(judge(TINY_TRACE, &[]), (Some(0), format!("standard input: {expected}")));
    assert_eq!(judge(TINY_TRACE, &["--profile", "strict"]).0, Some(0));
}

#[test]
fn what_trace_writes_judge_reads() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let trace = |options: &[&str]| {
        let mut trace = osmem(&["trace"]);
        output(trace.args(options).arg("--").arg(&program)).1
    };
    assert_eq!(judge(&trace(&[]), &["--profile", "strict"]).0, Some(0));
    let library = bench.reference("libosmem.so", "return HEADER + align_up(n) >= threshold;", "return true;");
    let (code, stdout) = judge(&trace(&["--lib", library.to_str().unwrap()]), &[]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains("line 1: os_malloc(100) breaks R"), "{stdout}");
}

#[test]
fn the_golden_traces_keep_the_contract() {
    let traces = crate::support::built().root.join("fixtures/traces");
    for name in ["best-fit-rest", "realloc-shrink-split", "foreign-break-gap", "refused-break", "mixed-run"] {
        let text = fs::read_to_string(traces.join(format!("{name}.trace"))).unwrap();
        let (code, stdout) = judge(&text, &["--profile", "strict"]);
        assert_eq!(code, Some(0), "{name}: {stdout}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_line_its_rule_and_its_cause() {
    let (code, stdout) = judge(FIRST_FIT_TRACE, &[]);
    assert_eq!(code, Some(1));
    for expected in [
        "standard input: 9 calls (profile core), headers of 32 bytes\n\nline 9: os_malloc(8) breaks R5: it gave another block\n",
        "\n    expected                   actual\n",
        "    os_free(HEAP+0xc8)       │ os_free(HEAP+0xc8)\n  ~ os_malloc(8) = HEAP+0xc8 │ os_malloc(8) = HEAP+0x20\n",
        "  rule    R5 best fit. ",
        "  more    1 more call of this kind\n",
        "  cause   first-fit (R5). The first block that is large enough is taken",
        "2 calls leave the contract\n",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
    assert_eq!(stdout.matches("breaks R").count(), 1, "{stdout}");
}

#[test]
fn the_judgement_is_there_as_json() {
    let (code, record) = record(FIRST_FIT_TRACE, &[]);
    assert_eq!((code, &record["version"], &record["trace"]), (Some(1), &1.into(), &"standard input".into()));
    assert_eq!((&record["calls"], &record["divergences"], &record["profile"]), (&9.into(), &2.into(), &"core".into()));
    let parameters =
        json!({"header": 32, "preallocation": 131_072, "mmap_threshold": 131_072, "calloc_threshold": 4096});
    assert_eq!(record["parameters"], parameters);
    assert_eq!((&record["end"], &record["interrupted"]), (&"exit 0".into(), &false.into()));
    assert_eq!(record["findings"].as_array().unwrap().len(), 1);
    let finding = &record["findings"][0];
    assert_eq!((&finding["line"], &finding["more"]), (&9.into(), &1.into()));
    assert_eq!(finding["sentence"], "os_malloc(8) breaks R5: it gave another block");
    assert_eq!(finding["difference"]["rule"], "R5");
    let row = json!({"mark": "~", "expected": "os_malloc(8) = HEAP+0xc8", "actual": "os_malloc(8) = HEAP+0x20"});
    assert_eq!(finding["difference"]["context"][3], row);
    assert_eq!((&record["causes"][0]["id"], &record["causes"][0]["rules"]), (&"first-fit".into(), &json!(["R5"])));
}

#[test]
fn an_open_point_is_a_mistake_in_the_strict_profile_only() {
    let bench = Bench::empty();
    let (old, new) = ("return HEADER + align_up(n) >= threshold;", "return HEADER + n >= threshold;");
    let library = bench.reference("libosmem.so", old, new);
    let program = bench.program(
        "edge",
        "int main(void) { void *p = os_malloc(10); os_malloc(131033); os_realloc(p, 131033); return 0; }",
    );
    let mut trace = osmem(&["trace", "--lib", library.to_str().unwrap(), "--"]);
    let (_, text, _) = output(trace.arg(program));

    let (code, record_of_core) = record(&text, &["--profile", "core"]);
    assert_eq!((code, &record_of_core["divergences"]), (Some(0), &0.into()), "{text}");
    assert!(record_of_core["behaves"][0].as_str().unwrap().ends_with("(O1, left open)"), "{record_of_core}");
    let (code, record) = record(&text, &["--profile", "strict"]);
    assert_eq!((code, &record["findings"][0]["difference"]["rule"]), (Some(1), &"R3".into()));
    assert_eq!(record["causes"][0]["id"], "threshold-edge");
}

#[test]
fn a_reading_that_nobody_allows_fails_in_every_profile() {
    for profile in ["core", "strict"] {
        let (code, stdout) = judge(EDGE_TRACE, &["--profile", profile]);
        assert_eq!(code, Some(1), "{profile}");
        assert!(stdout.contains("line 1: os_malloc(131033) breaks R"), "{stdout}");
    }
}

#[test]
fn another_header_is_told_inferred_or_given() {
    let (code, stdout) = judge(HEADER_24_TRACE, &[]);
    assert_eq!(code, Some(1));
    let told = "  library behaves as if HEADER were 24 (the contract: 32)\n";
    assert!(stdout.contains("line 1: os_malloc(100) breaks R4: ") && stdout.contains(told), "{stdout}");
    for options in [&["--infer"][..], &["--header", "24"]] {
        let (code, stdout) = judge(HEADER_24_TRACE, options);
        assert_eq!(code, Some(0), "{options:?}: {stdout}");
        assert!(stdout.contains("headers of 24 bytes") && stdout.contains(told), "{options:?}: {stdout}");
    }
    assert_eq!(judge(HEADER_24_TRACE, &["--header", "40"]).0, Some(1));
    assert_eq!(record(HEADER_24_TRACE, &["--infer"]).1["parameters"]["header"], 24);
}

#[test]
fn inferring_does_not_excuse_a_mistake() {
    let (code, stdout) = judge(FIRST_FIT_TRACE, &["--infer"]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains("line 9: ") && stdout.contains("first-fit"), "{stdout}");
}

#[test]
fn the_page_size_is_that_of_the_traced_machine() {
    let text = "os_calloc(1, 5000) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nexit 0\n";
    assert_eq!(judge(text, &["--page", "4096"]).0, Some(1));
    assert_eq!(judge(text, &["--page", "16384"]).0, Some(0));
}

#[test]
fn a_run_that_crashed_is_judged_up_to_there() {
    let text = "os_malloc(100) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nos_free(HEAP+0x20) = ?\n  --- SIGSEGV ---\nkilled by SIGSEGV\n";
    let (code, record) = record(text, &[]);
    assert_eq!((code, &record["end"]), (Some(1), &"killed by SIGSEGV".into()));
    assert_eq!(record["findings"][0]["sentence"], "os_free(HEAP+0x20) breaks R14: the call never returned");
    assert!(judge(text, &[]).1.contains("  end     killed by SIGSEGV\n"));
}

#[test]
fn first_fit_of_a_real_library_is_found_in_its_trace() {
    let bench = Bench::empty();
    let source = "int main(void) { void *a = os_malloc(96); os_malloc(8); void *b = os_malloc(8); os_malloc(8);
        os_free(a); os_free(b); os_malloc(8); return 0; }";
    let program = bench.program("fits", source);
    let library = bench.reference("libosmem.so", FIRST_FIT.0, FIRST_FIT.1);
    let mut trace = osmem(&["trace", "--lib", library.to_str().unwrap(), "--"]);
    let (code, record) = record(&output(trace.arg(program)).1, &[]);
    assert_eq!((code, &record["causes"][0]["id"]), (Some(1), &"first-fit".into()));
}
