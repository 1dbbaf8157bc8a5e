//! `osmem show`: the heap of a run, call by call.

use std::fs;
use std::path::Path;

use crate::bench::{Bench, FIRST_FIT, TINY, osmem, output};

/// A block of 96 bytes is taken where one of 8 fits better, beside a mapping.
const FIRST_FIT_TRACE: &str = "\
os_malloc(96) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(8) = HEAP+0xa0
os_malloc(8) = HEAP+0xc8
os_malloc(8) = HEAP+0xf0
os_malloc(200000) = MAP1+0x20
  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_free(HEAP+0x20)
os_free(HEAP+0xc8)
os_malloc(8) = HEAP+0x20
os_free(HEAP+0x20)
exit 0
";

/// `osmem show -` of this text, with marks beyond ASCII.
fn show(text: &str, options: &[&str]) -> (Option<i32>, String, String) {
    let mut show = osmem(&["show", "-"]);
    show.env("LC_ALL", "C.UTF-8").args(options).write_stdin(text);
    output(&mut show)
}

/// Returns what `osmem show -` draws of a text.
fn drawn(text: &str, options: &[&str]) -> String {
    let (code, stdout, stderr) = show(text, options);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    stdout
}

#[test]
fn the_first_difference_is_drawn_with_what_is_expected() {
    let stdout = drawn(FIRST_FIT_TRACE, &["--width", "80"]);
    let expected = "\
standard input: 9 calls, headers of 32 bytes

call 8: b6 = os_malloc(8) at HEAP+0x20
  R5 best fit: it gave another block
  wanted  HEAP+0xc8
  seen    HEAP+0x20
";
    assert!(stdout.starts_with(expected), "{stdout}");
    let rows: Vec<&str> = stdout.lines().filter(|line| line.contains('▓') && !line.contains("header")).collect();
    assert_eq!(
        rows.iter().map(|row| row.split_whitespace().next()).collect::<Vec<_>>(),
        [Some("before"), Some("expected"), Some("actual")]
    );
    let labels: Vec<&str> = stdout.lines().filter(|line| line.contains("b2 8")).map(str::trim).collect();
    assert!(labels[0].starts_with("free 96 ") && labels[1].contains(" *b6 8 "), "{stdout}");
    assert!(labels[2].starts_with("*b6 8") && labels[2].contains("free 56 b2 8 free 8"), "{stdout}");
    assert!(stdout.contains("  cause   The first block that is large enough is taken (first fit)"), "{stdout}");
}

#[test]
fn any_call_and_every_call_can_be_drawn() {
    let stdout = drawn(FIRST_FIT_TRACE, &["--call", "5"]);
    assert!(stdout.contains("call 5: b5 = os_malloc(200000) at MAP1+0x20\n  system  mmap(NULL, 200032, "), "{stdout}");
    assert!(stdout.contains("before") && stdout.contains("after") && stdout.contains("MAP1+0x20"), "{stdout}");
    let stdout = drawn(FIRST_FIT_TRACE, &["--all"]);
    assert_eq!(stdout.matches("\ncall ").count(), 9, "{stdout}");
    assert_eq!((stdout.matches("  expected").count(), stdout.matches("  actual").count()), (1, 1), "{stdout}");
    // Without a difference it is the last one.
    let right = FIRST_FIT_TRACE.replace("os_malloc(8) = HEAP+0x20\nos_free(HEAP+0x20)\n", "os_malloc(8) = HEAP+0xc8\n");
    assert!(drawn(&right, &[]).contains("\ncall 8: b6 = os_malloc(8) at HEAP+0xc8\n"));
}

#[test]
fn every_width_holds_without_colours_and_in_ascii() {
    for width in ["20", "33", "60", "100", "200"] {
        let stdout = drawn(FIRST_FIT_TRACE, &["--width", width]);
        let most: usize = width.parse().unwrap();
        let bars = stdout.lines().filter(|line| line.contains(['▓', '░']));
        assert!(bars.map(|line| line.chars().count()).max().unwrap() <= most, "{width}: {stdout}");
        assert!(!stdout.contains('\u{1b}'), "{stdout}");
    }
    let with = |name: &str, value: &str| {
        let mut show = osmem(&["show", "-", "--all"]);
        show.env("LC_ALL", "C.UTF-8").env(name, value).write_stdin(FIRST_FIT_TRACE);
        output(&mut show).1
    };
    assert!(with("CLICOLOR_FORCE", "1").contains("\u{1b}[34m█"));
    assert!(!with("NO_COLOR", "1").contains('\u{1b}'));
    let ascii = with("LC_ALL", "C");
    assert!(ascii.is_ascii() && ascii.contains("=#####") && ascii.contains("= header   # in use   . free"), "{ascii}");
}

#[test]
fn drawings_go_to_a_folder_of_the_user_or_where_they_are_sent() {
    let bench = Bench::empty();
    bench.write("run.trace", FIRST_FIT_TRACE);
    for (format, name) in [("svg", "run-call-8.svg"), ("timeline", "run.svg"), ("html", "run.html")] {
        let mut show = osmem(&["show", "run.trace", "--format", format]);
        let (code, stdout, stderr) = output(show.current_dir(bench.path("")));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert_eq!(stdout, format!("drawn: osmem-out/{name}\n"));
        let text = fs::read_to_string(bench.path("osmem-out").join(name)).unwrap();
        assert_eq!(
            drawn(FIRST_FIT_TRACE, &["--format", format, "--out", "-"]).replace("standard input", "run.trace"),
            text
        );
        assert!(text.contains("b6") && !text.contains("href="), "{format}");
    }
    let file = bench.path("own.txt");
    assert_eq!(drawn(FIRST_FIT_TRACE, &["--out", file.to_str().unwrap()]), "");
    assert!(fs::read_to_string(file).unwrap().contains("call 8: "));
}

#[test]
fn a_test_is_drawn_where_it_fails() {
    let bench = Bench::empty();
    let library = bench.reference("libosmem.so", FIRST_FIT.0, FIRST_FIT.1);
    let mut show = osmem(&["show", "--test", "best-fit-many", "--lib", library.to_str().unwrap()]);
    let (code, stdout, stderr) = output(&mut show);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("  R5 best fit: it gave another block\n") && stdout.contains("first fit"), "{stdout}");
    let (code, stdout, _) = output(&mut osmem(&["show", "--test", "best-fit-many"]));
    assert!(code == Some(0) && !stdout.contains("expected"), "{stdout}");
}

#[test]
fn a_program_is_drawn_with_its_library() {
    let bench = Bench::empty();
    let program = bench.program("tiny", TINY);
    let mut show = osmem(&["show", "--"]);
    let (code, stdout, stderr) = output(show.arg(&program));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("call 2: os_free(b1)\n"), "{stdout}");
    let silent = bench.program("silent", "int main(void) { return 0; }");
    let (code, _, stderr) = output(osmem(&["show", "--"]).arg(&silent));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("silent: the program never calls os_*; is it linked with"), "{stderr}");
}

#[test]
fn a_trace_with_a_million_calls_is_cut_and_says_so() {
    let mut text = "os_free(NULL)\n".repeat(1_000_000);
    text.push_str("exit 0\n");
    let stdout = drawn(&text, &["--from", "400"]);
    assert!(stdout.contains("calls 400 to 10399 of "), "{stdout}");
    assert!(
        stdout.contains("are drawn; --from N begins") && stdout.contains("more calls, which are left out"),
        "{stdout}"
    );
}

/// Hundreds of blocks live at a time, as in a trace of the malloc lab.
#[test]
fn a_page_of_ten_thousand_calls_is_small() {
    let (mut steps, mut live, mut ids, mut random) = (Vec::new(), Vec::new(), 0, 1u64);
    while steps.len() < 10_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = usize::try_from(random >> 40).unwrap();
        if !live.is_empty() && drawn % 100 < 45 {
            let id = live.swap_remove(drawn / 100 % live.len());
            steps.push(format!("f {id}"));
        } else {
            steps.push(format!("a {ids} {}", [8, 24, 100, 500, 3000][drawn / 100 % 5]));
            live.push(ids);
            ids += 1;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("long.rep"), format!("1\n{ids}\n10000\n1\n{}\n", steps.join("\n"))).unwrap();
    let mut replay = osmem(&["replay", "long.rep", "--format", "json", "--timeout", "60"]);
    let (code, stdout, stderr) = output(replay.current_dir(folder.path()));
    assert_eq!(code, Some(0), "{stderr}");
    let record: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    fs::write(folder.path().join("long.trace"), record["trace"].as_str().unwrap()).unwrap();
    let (code, _, stderr) = output(osmem(&["show", "long.trace", "--format", "html"]).current_dir(folder.path()));
    assert_eq!(code, Some(0), "{stderr}");
    let page = fs::read(folder.path().join("osmem-out/long.html")).unwrap();
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn a_run_without_a_heap_or_with_foreign_addresses_is_told() {
    let stdout = drawn("os_malloc(8) = FOREIGN\nos_free(FOREIGN)\nexit 0\n", &[]);
    assert!(drawn("os_malloc(0) = NULL\nexit 0\n", &[]).contains("no heap and no mapping yet"));
    assert!(stdout.contains("(FOREIGN), which is not drawn") && stdout.contains("there is no heap"), "{stdout}");
    let text = "os_malloc(100) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nos_free(HEAP+0x20) = ?\n  --- SIGSEGV ---\nkilled by SIGSEGV\n";
    let stdout = drawn(text, &[]);
    assert!(stdout.contains("call 2: os_free(b1) = ?\n") && stdout.contains("killed by SIGSEGV"), "{stdout}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let bench = Bench::empty();
    let path = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    for (text, options, message) in [
        ("exit 0\n", &[][..], "no os_* call is in it"),
        ("hello\n", &[], "standard input: line 1: "),
        ("", &[], "the text stops without an end line"),
        (FIRST_FIT_TRACE, &["--call", "10"], "--call 10: the run has calls 1 to 9 here"),
        (FIRST_FIT_TRACE, &["--call", "0"], "0 is not in 1.."),
        (FIRST_FIT_TRACE, &["--from", "10"], "--from 10: the run has calls 1 to 9 here"),
        (FIRST_FIT_TRACE, &["--width", "19"], "19 is not in 20..=200"),
        (FIRST_FIT_TRACE, &["--all", "--format", "html"], "--all draws text"),
        (FIRST_FIT_TRACE, &["--all", "--call", "2"], "cannot be used with"),
        (FIRST_FIT_TRACE, &["--lib", "."], "cannot be used with"),
        (FIRST_FIT_TRACE, &["--test", "a"], "cannot be used with"),
    ] {
        let (code, stdout, stderr) = show(text, options);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{options:?}: {stderr}");
        assert!(stderr.contains(message), "{options:?}: {stderr}");
    }
    for (arguments, message) in [
        (vec!["show".to_owned(), path("none.trace")], "cannot open the trace "),
        (vec!["show".to_owned(), path("")], "is a directory"),
        (vec!["show".to_owned(), "--test".to_owned(), "no-such-test".to_owned()], "no test is named \"no-such-test\""),
        (vec!["show".to_owned()], "required arguments were not provided"),
    ] {
        let (code, _, stderr) = output(&mut osmem(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
        assert!(code == Some(2) && stderr.contains(message), "{arguments:?}: {stderr}");
    }
    let (code, _, stderr) = show(FIRST_FIT_TRACE, &["--format", "svg", "--out", "/no/such/folder/x.svg"]);
    assert!(code == Some(5) && stderr.contains("cannot write the drawing /no/such/folder/x.svg: "), "{stderr}");
    assert!(!Path::new("/no").exists());
}
