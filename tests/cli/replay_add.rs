//! `osmem replay --add`: a script becomes a test of the battery, or nothing changes.

use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;

use crate::bench::{Bench, TINY, TINY_TRACE, osmem, output};
use crate::support::built;

/// With a break that the program moved before, and an address outside of all memory.
const SCRIPT: &str =
    "move break 4096\nb1 = malloc 8\nb1 = realloc b1 200000\nfree b1\nb2 = calloc 3 7\nfree b2+1000000\n";

const SCRIPT_TRACE: &str = "\
program: brk(HEAP) = HEAP
os_malloc(8) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_realloc(HEAP+0x20, 200000) = MAP1+0x20
  mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
os_free(MAP1+0x20)
  munmap(MAP1, 200032) = 0
os_calloc(3, 7) = HEAP+0x20
os_free(FOREIGN)
exit 0
";

/// A suite of one test in what looks like a source tree.
fn tree() -> Bench {
    let mut bench = Bench::empty();
    bench.add("tiny", "core", 100, TINY, Some(TINY_TRACE));
    fs::create_dir_all(bench.path("test-programs/src/bin")).unwrap();
    bench.write("script.osmem", SCRIPT);
    bench
}

fn add(bench: &Bench, script: &str, name: &str) -> (Option<i32>, String, String) {
    let mut replay = osmem(&["replay"]);
    replay.arg(bench.path(script)).args(["--add", name, "--fixtures"]).arg(bench.path("fixtures"));
    output(&mut replay)
}

/// What an addition could change.
fn state(bench: &Bench) -> (Vec<String>, Vec<String>, String) {
    let suite = fs::read_to_string(bench.path("fixtures/suite.toml")).unwrap();
    (bench.names("test-programs/src/bin"), bench.names("fixtures/traces"), suite)
}

#[test]
fn program_entry_and_golden_trace_are_added() {
    let bench = tree();
    let (code, stdout, stderr) = add(&bench, "script.osmem", "found-1");
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let (programs, traces, suite) = state(&bench);
    assert_eq!((programs, traces), (vec!["found-1.rs".to_owned()], vec!["found-1.trace".into(), "tiny.trace".into()]));
    for name in ["test-programs/src/bin/found-1.rs", "fixtures/suite.toml", "fixtures/traces/found-1.trace"] {
        assert!(stdout.contains(name), "{name}: {stdout}");
    }
    let source = fs::read_to_string(bench.path("test-programs/src/bin/found-1.rs")).unwrap();
    assert!(source.starts_with("//! R4, R5, R8, R12, R16: found-1, "), "{source}");
    let trace = fs::read_to_string(bench.path("fixtures/traces/found-1.trace")).unwrap();
    let trace: String = trace.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(trace, SCRIPT_TRACE);
    assert!(suite.contains("name = \"tiny\"") && suite.contains("name = \"found-1\""), "{suite}");

    // The battery takes it: a program that makes these calls has this trace.
    let calls = "int main(void) { sbrk(4096); void *a = os_malloc(8); a = os_realloc(a, 200000); os_free(a);
        os_free((char *)os_calloc(3, 7) + 1000000); return 0; }";
    bench.program("programs/found-1", calls);
    let (code, stdout, stderr) = output(&mut bench.check(&["found-1"]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let (code, stdout, _) = output(&mut bench.check(&["--list"]));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("found-1"), "{stdout}");
}

#[test]
fn the_added_program_compiles_and_passes() {
    // The source tree of this very project, without its build output.
    let bench = Bench::empty();
    let tree = bench.path("tree");
    fs::create_dir_all(&tree).unwrap();
    let root = &built().root;
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "benches",
        "build.rs",
        "clippy.toml",
        "examples",
        "src",
        "crates",
        "test-programs",
        "fixtures",
        "tests",
    ] {
        let status = Process::new("cp").arg("-R").arg(root.join(name)).arg(&tree).status().unwrap();
        assert!(status.success(), "{name}");
    }
    let script = bench.write("script.osmem", SCRIPT);
    let mut replay = osmem(&["replay"]);
    replay.arg(script).args(["--add", "added-by-a-test", "--fixtures"]).arg(tree.join("fixtures"));
    let (code, _, stderr) = output(&mut replay);
    assert_eq!(code, Some(0), "{stderr}");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("added");
    let mut cargo = Process::new(env!("CARGO"));
    cargo.args(["build", "--offline", "-q", "-p", "osmem-test-programs", "--bin", "added-by-a-test"]);
    cargo.current_dir(&tree).env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
    let result = cargo.output().unwrap();
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    // The whole battery, and the new one.
    for file in fs::read_dir(tree.join("test-programs/src/bin")).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_owned();
        let built = if name == "added-by-a-test" { target.join("debug") } else { built().dir.clone() };
        std::os::unix::fs::symlink(built.join(&name), bench.path("programs").join(name)).unwrap();
    }
    let mut check = osmem(&["check", "--all", "added-by-a-test", "--fixtures"]);
    check.arg(tree.join("fixtures")).arg("--programs").arg(bench.path("programs"));
    check.arg("--traces").arg(bench.path("seen"));
    let (code, stdout, stderr) = output(&mut check);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("pass        added-by-a-test"), "{stdout}");
}

#[test]
fn a_name_that_will_not_do_is_refused_and_nothing_changes() {
    let bench = tree();
    bench.write("test-programs/src/bin/there.rs", "");
    bench.write("fixtures/traces/golden.trace", "exit 0\n");
    let before = state(&bench);
    let long = "a".repeat(41);
    for (name, expected) in [
        ("", "small letters"),
        ("../evil", "small letters"),
        ("Upper", "small letters"),
        ("1st", "begins with a letter"),
        ("ends-", "does not end in a hyphen"),
        ("a b", "small letters"),
        (long.as_str(), "at most 40"),
        ("tiny", "has a test or a program of that name"),
        ("there", "there.rs exists"),
        ("golden", "golden.trace exists"),
    ] {
        let (code, stdout, stderr) = add(&bench, "script.osmem", name);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{name}: {stderr}");
        assert!(stderr.contains(expected), "{name}: {stderr}");
        assert!(state(&bench) == before, "{name}");
    }
}

#[test]
fn a_script_that_makes_no_test_is_refused_and_nothing_changes() {
    let bench = tree();
    bench.write("empty.osmem", "move break 16\n");
    bench.write("foreign.osmem", "b1 = malloc 200000\nfree b1\nb2 = malloc 200000\nfree b1\n");
    bench.write("bad.osmem", "mallok\n");
    let before = state(&bench);
    for (script, expected) in
        [("empty.osmem", "makes no call"), ("foreign.osmem", "step 4 "), ("bad.osmem", "bad.osmem:1: ")]
    {
        let (code, stdout, stderr) = add(&bench, script, "new");
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        assert!(state(&bench) == before, "{script}");
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing_half() {
    // Not a source tree.
    let bench = tree();
    fs::remove_dir_all(bench.path("test-programs")).unwrap();
    let (code, _, stderr) = add(&bench, "script.osmem", "new");
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("does not lie beside") && stderr.contains("--fixtures"), "{stderr}");
    assert_eq!(bench.names("fixtures/traces"), ["tiny.trace"]);

    // A file stands where the traces should lie.
    let bench = tree();
    fs::remove_dir_all(bench.path("fixtures/traces")).unwrap();
    bench.write("fixtures/traces", "");
    let suite = fs::read_to_string(bench.path("fixtures/suite.toml")).unwrap();
    let (code, _, stderr) = add(&bench, "script.osmem", "new");
    assert!(matches!(code, Some(2 | 5)), "{code:?}: {stderr}");
    assert!(stderr.contains("traces"), "{stderr}");
    assert_eq!(bench.names("test-programs/src/bin"), Vec::<String>::new());
    assert_eq!(fs::read_to_string(bench.path("fixtures/suite.toml")).unwrap(), suite);
}

#[test]
fn a_disk_that_is_full_under_the_suite_leaves_it_whole() {
    let bench = tree();
    let suite = bench.path("fixtures/suite.toml");
    let text = fs::read_to_string(&suite).unwrap() + &"# a long comment\n".repeat(4000);
    fs::write(&suite, text).unwrap();
    let before = state(&bench);
    // No file of more than 8 KiB can be written: the suite is the only one that is longer.
    let mut shell = Process::new("sh");
    shell.args(["-c", "trap '' XFSZ && ulimit -f 16 && exec \"$@\"", "sh"]).arg(&built().osmem).arg("replay");
    shell.arg(bench.path("script.osmem")).args(["--add", "new", "--fixtures"]).arg(bench.path("fixtures"));
    let result = shell.output().unwrap();
    let stderr = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot write ") && stderr.contains("suite.toml: "), "{stderr}");
    assert!(state(&bench) == before);
    assert_eq!(bench.names("fixtures"), ["suite.toml", "traces"]);
}
