//! `osmem judge` of what is no trace, and of traces that are huge.

use std::fmt::Write as _;
use std::fs;
use std::process::Command as Process;

use crate::bench::{Bench, TINY_TRACE, osmem, output, refusal_of_an_endless_line};
use crate::support::built;

/// What `osmem judge` says of a file it must refuse.
fn refusal(bench: &Bench, bytes: &[u8]) -> String {
    let file = bench.path("bad.trace");
    fs::write(&file, bytes).unwrap();
    let (code, stdout, stderr) = output(&mut osmem(&["judge", file.to_str().unwrap()]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let begin = format!("error: {}: line ", file.display());
    assert!(stderr.starts_with(&begin), "{stderr}");
    assert!(stderr.ends_with("; `osmem trace` writes traces, docs/design.md describes them\n"), "{stderr}");
    stderr[begin.len()..].to_owned()
}

#[test]
fn what_cannot_be_opened_is_named_with_the_remedy() {
    let bench = Bench::empty();
    for (path, expected) in [(bench.path("none"), "No such file"), (bench.path("programs"), "is a directory")] {
        let (code, stdout, stderr) = output(&mut osmem(&["judge", path.to_str().unwrap()]));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with(&format!("error: cannot open the trace {}: ", path.display())), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains("name a file you may read, or -"), "{stderr}");
    }
}

#[test]
fn the_command_line_of_judge_is_checked() {
    for arguments in [
        &[][..],
        &["-", "--header", "12"],
        &["-", "--header", "auto"],
        &["-", "--header", "32", "--infer"],
        &["-", "--page", "1000"],
        &["-", "--profile", "robust"],
        &["-", "-"],
    ] {
        let (code, stdout, stderr) = output(osmem(&["judge"]).args(arguments).write_stdin(TINY_TRACE));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(!stderr.is_empty());
    }
}

#[test]
fn an_empty_text_and_one_without_its_end_are_no_traces() {
    let bench = Bench::empty();
    for (text, line) in [("", 1), ("# a comment\n", 2), ("\n", 1), (TINY_TRACE.trim_end_matches("exit 0\n"), 4)] {
        let message = refusal(&bench, text.as_bytes());
        assert!(message.starts_with(&format!("{line}: ")), "{text:?}: {message}");
    }
    let mut judge = osmem(&["judge", "-"]);
    let (code, _, stderr) = output(judge.write_stdin(""));
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("error: standard input: line 1: the text stops without an end line"), "{stderr}");
}

#[test]
fn a_text_that_was_cut_off_is_refused_wherever_it_ends() {
    let bench = Bench::empty();
    // What is left without the last line break, or with part of its number, would still be whole.
    for length in 1..TINY_TRACE.len() - 2 {
        let text = &TINY_TRACE[..length];
        let line: usize = refusal(&bench, text.as_bytes()).split(':').next().unwrap().parse().unwrap();
        let last = text.lines().count();
        assert!((last..=last + 1).contains(&line), "{line}: {text}");
    }
    osmem(&["judge", "-"]).write_stdin(TINY_TRACE.trim_end()).assert().code(0);
}

#[test]
fn a_line_that_is_none_of_a_trace_is_named() {
    let bench = Bench::empty();
    let library = fs::read(&built().library).unwrap();
    let crlf = TINY_TRACE.replace('\n', "\r\n");
    let cases: [(&[u8], &str); 8] = [
        (b"\xff\xfe\x01\n", "1: the text is not UTF-8"),
        (&library, "1: "),
        (b"os_free(NULL)\n\0\0\nexit 0\n", "2: `\\u{0}\\u{0}` is no line of a trace"),
        (b"os_free(NULL)\n\x1b[31mexit 0\n", "2: `\\u{1b}[31mexit 0` is no line of a trace"),
        (crlf.as_bytes(), "1: the line ends in CR LF: save the file with plain line breaks (LF)"),
        (b"os_free(NULL)\nexit 0\nos_free(NULL)\n", "3: nothing may follow the end line"),
        (b"os_malloc(8) = HEAP+32\nexit 0\n", "1: "),
        (b"  brk(HEAP+0x20000) = HEAP+0x20000\nexit 0\n", "1: an indented line must stand below a call"),
    ];
    for (bytes, expected) in cases {
        let message = refusal(&bench, bytes);
        assert!(message.starts_with(expected), "{expected}: {message}");
        assert!(message.len() < 1000 && !message.contains('\u{1b}'), "{message}");
    }
}

#[test]
fn a_line_without_end_is_refused_early() {
    let stderr = refusal_of_an_endless_line(&["judge", "-"]);
    assert!(stderr.starts_with("error: standard input: line 1: the line is longer than 65536 bytes"), "{stderr}");
}

#[test]
fn a_huge_trace_is_judged_in_little_memory() {
    let bench = Bench::empty();
    let mut text = "os_malloc(100) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\nos_free(HEAP+0x20)\n".to_owned();
    text.push_str(&"os_malloc(100) = HEAP+0x20\nos_free(HEAP+0x20)\n".repeat(2_100_000));
    text.push_str("exit 0\n");
    let file = bench.write("huge.trace", &text);
    drop(text);
    // 400 MB of address space: what it uses is less.
    let mut shell = Process::new("sh");
    shell.args(["-c", "ulimit -v 400000 && exec \"$@\"", "sh"]).arg(&built().osmem).arg("judge").arg(&file);
    let result = shell.output().unwrap();
    let stdout = String::from_utf8_lossy(&result.stdout);
    assert_eq!(result.status.code(), Some(0), "{stdout}{}", String::from_utf8_lossy(&result.stderr));
    assert!(stdout.contains(": 4200002 calls ") && stdout.ends_with("\nno call leaves the contract\n"), "{stdout}");
}

#[test]
fn a_trace_with_more_blocks_than_can_be_followed_says_where() {
    let bench = Bench::empty();
    let mut text = "os_malloc(32) = HEAP+0x20\n  brk(HEAP+0x20000) = HEAP+0x20000\n".to_owned();
    for block in 1..20_100 {
        let (payload, end) = (0x20 + 64 * block, 64 * (block + 1));
        writeln!(text, "os_malloc(32) = HEAP+{payload:#x}").unwrap();
        if end > 0x20000 {
            writeln!(text, "  brk(HEAP+{end:#x}) = HEAP+{end:#x}").unwrap();
        }
    }
    let file = bench.write("many.trace", &(text + "exit 0\n"));
    let (code, stdout, stderr) = output(&mut osmem(&["judge", file.to_str().unwrap()]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let expected = "more than 20000 blocks in use at a time, which the model cannot follow; judge a shorter run\n";
    assert_eq!(stderr, format!("error: {}: line 37954: {expected}", file.display()));
}
