//! `osmem replay` of scripts and malloc-lab traces, and their other forms.

use serde_json::Value;

use crate::bench::{Bench, FIRST_FIT, malloc_body, osmem, output, processes_about};
use crate::support::built;

/// Every kind of step, and none that leaves the contract.
const EVERYTHING: &str = "\
# a comment
b1 = malloc 1000
b2 = calloc 10 20
b1 = realloc b1 2000
b3 = realloc NULL 100
realloc b1 0
free b2
free b2
free b3+16
free NULL
free stack
b4 = malloc 0
b4 = malloc 200000
b4 = realloc b4 50
b5 = malloc 18446744073709551615
move break 4096
move break -4096
refuse break
b6 = malloc 131000
refuse mappings
b6 = malloc 131072
refuse nothing
b6 = malloc 131072
free b6
";

/// A block of 96 bytes is free, and one of 8 that fits better.
const FITS: &str = "b1 = malloc 96\nb2 = malloc 8\nb3 = malloc 8\nb4 = malloc 8\nfree b1\nfree b3\nb5 = malloc 8\n";

/// A trace as the malloc lab writes them.
const REP: &str = "20000\n3\n8\n1\na 0 512\na 1 128\nr 0 640\na 2 2000000\nf 1\nr 2 100\nf 0\nf 2\n";

fn record(command: &mut assert_cmd::Command) -> (Option<i32>, Value) {
    let (code, stdout, stderr) = output(command.args(["--format", "json"]));
    assert_eq!(stderr, "", "{stdout}");
    (code, serde_json::from_str(&stdout).unwrap())
}

/// `osmem replay` of this script through standard input.
fn replay(script: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    output(osmem(&["replay", "-"]).args(arguments).write_stdin(script))
}

#[test]
fn our_own_library_keeps_the_contract_at_every_kind_of_step() {
    let bench = Bench::empty();
    let file = bench.write("script.osmem", EVERYTHING);
    let (code, stdout, stderr) = output(osmem(&["replay"]).arg(&file));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let begin = format!("{}: 18 calls with ", file.display());
    assert!(stdout.starts_with(&begin), "{stdout}");
    assert!(stdout.contains("(profile strict, headers of 32 bytes)"), "{stdout}");
    assert!(stdout.contains("\n    os_malloc(1000) = HEAP+0x20\n      brk(HEAP+0x20000) = HEAP+0x20000\n"), "{stdout}");
    assert!(stdout.ends_with("\nthe library kept the contract\n"), "{stdout}");
    let (code, record) = record(osmem(&["replay"]).arg(&file));
    assert_eq!((code, &record["calls"], &record["finding"]), (Some(0), &18.into(), &Value::Null));
    assert_eq!(record["script"], file.to_str().unwrap());
}

#[test]
fn what_the_contract_demands_is_what_happens() {
    let (_, record) = record(osmem(&["replay", "-"]).write_stdin(EVERYTHING));
    let (code, demanded, stderr) = replay(EVERYTHING, &["--print", "trace"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(record["trace"].as_str().unwrap(), demanded);
    assert_eq!(record["script"], "standard input");
}

#[test]
fn places_outside_of_all_memory_are_demanded_as_they_are_seen() {
    let mut scripts = vec!["move break 100\nb1 = malloc 8\nfree b1+131040\nfree b1+1000000\nfree b1-8\n".to_owned()];
    scripts.push("b1 = malloc 200000\nfree b1+199999\nfree b1+200000\nfree b1\nfree b1\nfree b1+200000\n".to_owned());
    scripts.push("move break 4096\nfree b1\n".replace("b1", "stack"));
    // The library begins below where it was first refused.
    scripts
        .push("move break 4096\nrefuse break\nb1 = malloc 8\nmove break -4096\nrefuse nothing\nb1 = malloc 8\n".into());
    scripts.push("move break 100\nrefuse break\nb1 = malloc 8\nb2 = malloc 8\nrefuse nothing\nb1 = malloc 8\n".into());
    for script in scripts {
        let (code, record) = record(osmem(&["replay", "-"]).write_stdin(script.clone()));
        assert_eq!((code, &record["finding"]), (Some(0), &Value::Null), "{script}{record}");
        assert_eq!(record["trace"].as_str().unwrap(), replay(&script, &["--print", "trace"]).1, "{script}");
    }
}

#[test]
fn a_wrong_library_is_told_with_the_call_and_the_cause() {
    let bench = Bench::empty();
    let library = bench.reference("libosmem.so", FIRST_FIT.0, FIRST_FIT.1);
    let (code, stdout, stderr) = replay(FITS, &["--lib", library.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    for expected in [
        "standard input: 7 calls with ",
        "(profile core, headers of 32 bytes)",
        "\nfail: os_malloc(8) breaks R5: it gave another block\n",
        "  ~ os_malloc(8) = HEAP+0xc8 │ os_malloc(8) = HEAP+0x20\n",
        "  rule    R5 best fit. ",
        "  cause   first-fit (R5). ",
    ] {
        assert!(stdout.contains(expected), "{expected}\n-- not in --\n{stdout}");
    }
    assert_eq!(replay(FITS, &["--lib", built().library.to_str().unwrap()]).0, Some(0));
}

#[test]
fn libraries_that_never_return_end_at_the_time_limit() {
    let bench = Bench::empty();
    let library = bench.library("libosmem.so", &malloc_body("for (;;);"));
    let mut replay = osmem(&["replay", "-", "--timeout", "0.5", "--lib"]);
    let (code, stdout, stderr) = output(replay.arg(library).write_stdin(FITS).env("TMPDIR", bench.path("seen")));
    assert_eq!((code, stderr.as_str()), (Some(1), ""), "{stdout}");
    assert!(stdout.contains("did not end within ") && stdout.contains("  cause   timeout"), "{stdout}");
    assert_eq!(processes_about(&bench.path("")), Vec::<String>::new());
    assert_eq!(bench.names("seen"), Vec::<String>::new());
}

#[test]
fn another_header_is_measured_or_given() {
    let bench = Bench::empty();
    let text = "struct block_meta *prev, *next;\n};";
    let library = bench.reference("libosmem.so", text, &text.replace("};", "size_t spare;\n};"));
    let library = ["--lib", library.to_str().unwrap()];
    let (code, stdout, _) = replay(FITS, &library);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("headers of 40 bytes") && stdout.contains("HEADER were 40"), "{stdout}");
    assert_eq!(replay(FITS, &[&library[..], &["--header", "40"]].concat()).0, Some(0));
    assert_eq!(replay(FITS, &[&library[..], &["--header", "32"]].concat()).0, Some(1));
}

#[test]
fn an_open_point_is_a_mistake_in_the_strict_profile_only() {
    let bench = Bench::empty();
    let (old, new) = ("return HEADER + align_up(n) >= threshold;", "return HEADER + n >= threshold;");
    let library = bench.reference("libosmem.so", old, new);
    let library = library.to_str().unwrap();
    let script = "b1 = malloc 131033\n";
    assert_eq!(replay(script, &["--lib", library]).0, Some(0));
    let (code, stdout, _) = replay(script, &["--lib", library, "--profile", "strict"]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains("breaks R3"), "{stdout}");
}

#[test]
fn traces_of_the_malloc_lab_are_replayed() {
    let bench = Bench::empty();
    let file = bench.write("short.rep", REP);
    let (code, record_of_own) = record(osmem(&["replay"]).arg(&file));
    assert_eq!((code, &record_of_own["calls"]), (Some(0), &8.into()), "{record_of_own}");
    let trace = record_of_own["trace"].as_str().unwrap();
    assert!(
        trace.contains("os_malloc(2000000) = MAP1+0x20\n") && trace.contains("os_realloc(HEAP+0x20, 640)"),
        "{trace}"
    );
    let library = bench.reference("libosmem.so", "return HEADER + align_up(n) >= threshold;", "return true;");
    let (code, record) = record(osmem(&["replay"]).arg(&file).arg("--lib").arg(library));
    assert_eq!((code, &record["finding"]["causes"][0]["id"]), (Some(1), &"maps-everything".into()));
}

#[test]
fn a_malloc_lab_trace_may_need_many_megabytes() {
    let bench = Bench::empty();
    let mut lines = vec!["0".to_owned(), "200".into(), "600".into(), "1".into()];
    lines.extend((0..200).map(|id| format!("a {id} 100000")));
    lines.extend((0..200).rev().map(|id| format!("r {id} {}", 90_000 + 100 * id)));
    lines.extend((0..200).map(|id| format!("f {id}")));
    let file = bench.write("large.rep", &lines.join("\n"));
    let (code, record) = record(osmem(&["replay", "--timeout", "120"]).arg(&file));
    assert_eq!((code, &record["calls"], &record["finding"]), (Some(0), &600.into(), &Value::Null), "{record}");
    let (code, stdout, _) = output(osmem(&["replay", "--timeout", "120"]).arg(&file));
    assert_eq!(code, Some(0));
    // The text shows the beginning only.
    assert!(stdout.contains(" more lines (--format json has them all)\n") && stdout.lines().count() < 80, "{stdout}");
}

#[test]
fn a_script_prints_as_itself_in_c_and_in_rust() {
    let bench = Bench::empty();
    let file = bench.write("short.rep", REP);
    let print = |form: &str| {
        let (code, stdout, stderr) = output(osmem(&["replay"]).arg(&file).args(["--print", form]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        stdout
    };
    let script = print("script");
    assert!(script.contains(" = malloc 512\n") && script.contains(" 2000000\n"), "{script}");
    assert_eq!(replay(&script, &["--print", "script"]).1, script);
    assert_eq!(replay(&script, &["--print", "trace"]).1, print("trace"));
    let (code, _, stderr) = output(osmem(&["replay"]).arg(&file).args(["--print", "rust"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("step 6 resizes 2000000 bytes") && stderr.contains("resize 524288 at most"), "{stderr}");
    let (code, rust, _) = replay(FITS, &["--print", "rust"]);
    assert_eq!(code, Some(0));
    assert!(rust.contains("\nscenario!(|| {\n    let b1 = malloc(96);\n"), "{rust}");

    let source = print("c");
    assert!(source.contains("os_malloc(512);") && source.contains("gives MAP1+0x20"), "{source}");
    let program = bench.path("short");
    let file = bench.write("short.c", &source);
    let mut cc = std::process::Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program).arg(file).arg(&built().library);
    assert!(cc.status().unwrap().success());
    let (code, trace, stderr) = output(osmem(&["trace", "--"]).arg(program));
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(trace, print("trace"));
}
