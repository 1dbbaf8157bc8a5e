//! `osmem replay` of what is no script and no malloc-lab trace: exit code 2, with the file and the line.

use std::fs;
use std::process::Command as Process;

use crate::bench::{Bench, osmem, output, refusal_of_an_endless_line};
use crate::support::built;

/// What `osmem replay` says of a file that it must refuse, after the file's name.
fn refusal(bench: &Bench, name: &str, bytes: &[u8]) -> String {
    let file = bench.path(name);
    fs::write(&file, bytes).unwrap();
    let (code, stdout, stderr) = output(osmem(&["replay"]).arg(&file));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let begin = format!("error: {}:", file.display());
    assert!(stderr.starts_with(&begin), "{stderr}");
    assert!(stderr.len() < begin.len() + 400 && !stderr.contains('\u{1b}'), "{stderr}");
    stderr[begin.len()..].to_owned()
}

#[test]
fn a_step_that_is_none_is_named_with_its_line() {
    let bench = Bench::empty();
    let library = fs::read(&built().library).unwrap();
    let cases: [(&[u8], usize, &str); 20] = [
        (b"b1 = malloc 8\nmallok 8\n", 2, "mallok"),
        (b"b1 = malloc\n", 1, ""),
        (b"b1 = malloc eight\n", 1, "eight"),
        (b"b1 = malloc -1\n", 1, "-1"),
        (b"b1 = malloc 18446744073709551616\n", 1, "18446744073709551616"),
        (b"b1 = malloc 8 8\n", 1, ""),
        (b"b1 = calloc 8\n", 1, ""),
        (b"b65536 = malloc 8\n", 1, "65536"),
        (b"b99999999999999999999 = malloc 8\n", 1, ""),
        (b"free b1\n", 1, "b1"),
        (b"b1 = malloc 8\nfree b2\n", 2, "b2"),
        (b"b1 = malloc 8\nfree b1+99999999999999999999\n", 2, ""),
        (b"b1 = realloc b1 8\n", 1, "b1"),
        (b"free\n", 1, ""),
        (b"refuse everything\n", 1, "everything"),
        (b"move break far\n", 1, "far"),
        (b"b1 = malloc 8\n\xff\xfe\n", 2, "UTF-8"),
        (b"b1 = malloc 8\n\0\0\n", 2, ""),
        (b"\x1b[31mred\n", 1, ""),
        (&library, 1, ""),
    ];
    for (bytes, line, expected) in cases {
        let message = refusal(&bench, "bad.osmem", bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(message.starts_with(&format!("{line}: ")), "{shown:?}: {message}");
        assert!(message.contains(expected), "{shown:?}: {message}");
    }
}

#[test]
fn a_malloc_lab_trace_that_is_none_is_named_with_its_line() {
    let bench = Bench::empty();
    for (text, line) in [
        ("", 1),
        ("20000\n", 1),
        ("20000\n1\n1\n", 3),
        ("heap\n1\n1\n1\na 0 8\n", 1),
        ("20000\nmany\n1\n1\na 0 8\n", 2),
        ("20000\n1\n1\n1\na 1 8\n", 5),
        ("20000\n1\n2\n1\na 0 8\na 0 8\n", 6),
        ("20000\n1\n1\n1\nf 0\n", 5),
        ("20000\n1\n3\n1\na 0 8\nf 0\nf 0\n", 7),
        ("20000\n1\n3\n1\na 0 8\nf 0\nr 0 8\n", 7),
        ("20000\n1\n2\n1\na 0 8\n", 5),
        ("20000\n1\n1\n1\na 0 8\nf 0\n", 6),
        ("20000\n1\n1\n1\na 0\n", 5),
        ("20000\n1\n1\n1\nx 0 8\n", 5),
        ("20000\n1\n1\n1\na 0 9223372036854775808\n", 5),
        ("20000\n99999999999999999999\n1\n1\na 0 8\n", 2),
        ("20000\n1\n99999999999999999999\n1\na 0 8\n", 3),
    ] {
        let message = refusal(&bench, "bad.rep", text.as_bytes());
        assert!(message.starts_with(&format!("{line}: ")), "{text:?}: {message}");
    }
}

#[test]
fn a_malloc_lab_trace_that_was_cut_off_is_refused_wherever_it_ends() {
    let bench = Bench::empty();
    let whole = "20000\n2\n5\n1\na 0 512\na 1 16\nr 0 640\nf 0\nf 1\n";
    // Without the last line break it would still be whole.
    for length in 0..whole.len() - 1 {
        let message = refusal(&bench, "cut.rep", &whole.as_bytes()[..length]);
        let line: usize = message.split(':').next().unwrap().parse().unwrap();
        let last = whole[..length].lines().count().max(1);
        assert!((1..=last).contains(&line), "{length}: {message}");
    }
    osmem(&["replay"]).arg(bench.write("cut.rep", whole.trim_end())).assert().code(0);
}

#[test]
fn a_huge_file_without_a_line_is_refused_in_little_memory() {
    let bench = Bench::empty();
    for name in ["zeros.osmem", "zeros.rep"] {
        let path = bench.path(name);
        fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
        // 90 MB of address space: it cannot be read as a whole.
        let mut shell = Process::new("sh");
        shell.args(["-c", "ulimit -v 90000 && exec \"$@\"", "sh"]).arg(&built().osmem).arg("replay").arg(&path);
        let result = shell.output().unwrap();
        let stderr = String::from_utf8_lossy(&result.stderr);
        assert_eq!(result.status.code(), Some(2), "{stderr}");
        assert!(stderr.starts_with(&format!("error: {}:1: the line is longer than", path.display())), "{stderr}");
    }
}

#[test]
fn a_library_or_surroundings_that_will_not_do_are_named() {
    let bench = Bench::empty();
    let lacking = bench.library("lacking.so", "void *os_malloc(size_t n) { return NULL; }");
    let replay = || osmem(&["replay", "-"]);
    for (path, expected) in [(bench.path("none.so"), "cannot read the library"), (lacking, "os_calloc")] {
        let (code, stdout, stderr) = output(replay().arg("--lib").arg(&path).write_stdin("free NULL\n"));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains(path.to_str().unwrap()), "{stderr}");
    }
    for (variable, tracer, expected) in
        [("PATH", "strace", "strace is not on the PATH"), ("TMPDIR", "builtin", "set TMPDIR to one you may write to")]
    {
        let mut replay = replay();
        replay.args(["--tracer", tracer]).env(variable, bench.path("none"));
        let (code, stdout, stderr) = output(replay.write_stdin("free NULL\n"));
        assert_eq!((code, stdout.as_str()), (Some(5), ""), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn line_breaks_of_other_systems_are_read() {
    let bench = Bench::empty();
    for (name, text) in [("dos.osmem", "b1 = malloc 8\r\nfree b1\r\n"), ("dos.rep", "9\r\n1\r\n1\r\n1\r\na 0 8\r\n")] {
        let file = bench.write(name, text);
        osmem(&["replay"]).arg(file).assert().code(0);
    }
}

#[test]
fn a_script_without_a_step_is_refused() {
    let (code, stdout, stderr) = output(osmem(&["replay", "-"]).write_stdin("# nothing\n"));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.starts_with("error: the script standard input has no steps"), "{stderr}");
}

#[test]
fn what_cannot_be_opened_is_named_with_the_remedy() {
    let bench = Bench::empty();
    for (path, expected) in [(bench.path("none.osmem"), "No such file"), (bench.path("programs"), "Is a directory")] {
        let (code, stdout, stderr) = output(osmem(&["replay"]).arg(&path));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(path.to_str().unwrap()) && stderr.contains(expected), "{stderr}");
        assert!(stderr.contains("name a file you may read, or - for standard input"), "{stderr}");
    }
}

#[test]
fn a_line_without_end_is_refused_early() {
    let stderr = refusal_of_an_endless_line(&["replay", "-"]);
    assert!(stderr.starts_with("error: standard input:1: ") && stderr.len() < 300, "{stderr}");
}

#[test]
fn too_many_steps_are_refused_and_the_most_are_read() {
    let bench = Bench::empty();
    let message = refusal(&bench, "long.osmem", "free NULL\n".repeat(1_000_001).as_bytes());
    assert!(message.starts_with("1000001: ") && message.contains("1000000"), "{message}");
    let script = "free NULL\n".repeat(1_000_000);
    let (code, stdout, stderr) = output(osmem(&["replay", "-", "--print", "script"]).write_stdin(script.clone()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout == script);
}

#[test]
fn the_command_line_of_replay_is_checked() {
    for arguments in [
        &[][..],
        &["-", "--print", "pascal"],
        &["-", "--print", "c", "--lib", "."],
        &["-", "--print", "c", "--add", "name"],
        &["-", "--add", "name", "--lib", "."],
        &["-", "--fixtures", "."],
        &["-", "--header", "12"],
        &["-", "--timeout", "0"],
        &["-", "--profile", "robust"],
        &["-", "-"],
    ] {
        let (code, stdout, stderr) = output(osmem(&["replay"]).args(arguments).write_stdin("free NULL\n"));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(!stderr.is_empty());
    }
}
