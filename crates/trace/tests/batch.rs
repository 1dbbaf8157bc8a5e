//! What many sequences did, from real children under every tracer that works here, and from text.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a panic here is the report")]

mod tracers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use osmem_trace::Spec;
use osmem_trace::batch::{Batch, Fact, Mark, read};
use osmem_trace::log::{self, LogError, Step};
use osmem_trace::mark::Key;
use osmem_trace::model::End;
use osmem_trace::run::{Cancel, Limits, Recording, RunError, Seen, Tracer, Watch};
use proptest::prelude::*;
use tracers::tracers;

const BITS: u64 = 0x0123_4567_89ab_cdef;
const PAGE: u64 = 0x1000;

fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let compile = || {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("traced-batch");
        // Another test process may be running the file: it gets a new one, in one step.
        let new = file.with_extension(std::process::id().to_string());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/batch.c");
        let command = Command::new("cc").args(["-O1", "-w", "-pthread", source, "-o"]).arg(&new).status();
        assert!(command.expect("a C compiler").success());
        fs::rename(&new, &file).unwrap();
        file
    };
    BUILT.get_or_init(compile).clone()
}

fn spec(sequences: usize, operations: usize, odd: &str) -> Spec {
    Spec {
        args: vec![
            Key::new(BITS).as_str().into(),
            sequences.to_string().into(),
            operations.to_string().into(),
            odd.into(),
        ],
        limits: Limits { time: Duration::from_secs(60), log: 1 << 30, ..Limits::default() },
        cpu: Some(0),
        ..Spec::new(program(), "/no/such/probe")
    }
}

fn record(tracer: &dyn Tracer, spec: &Spec) -> Result<Recording, RunError> {
    tracer.record(spec, Watch::Marks(Some(&Key::new(BITS))), &Cancel::new())
}

/// By each tracer.
fn run(spec: &Spec) -> Vec<Result<Recording, RunError>> {
    tracers().iter().map(|tracer| record(&**tracer, spec)).collect()
}

/// By each tracer.
fn recorded(sequences: usize, operations: usize, odd: &str) -> Vec<Recording> {
    let recorded = |run: Result<Recording, RunError>| run.unwrap_or_else(|error| panic!("{odd}: {error}"));
    run(&spec(sequences, operations, odd)).into_iter().map(recorded).collect()
}

fn batch<'a>(steps: &'a [Step<'a>]) -> Batch<'a> {
    read(steps, &Key::new(BITS)).unwrap_or_else(|error| panic!("{error}"))
}

fn steps(log: &str) -> Vec<Step<'_>> {
    log::read(log.as_bytes(), false).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a log as a batch.
fn read_log(log: &[u8], cut: bool) -> Result<(), LogError> {
    read(&log::read(log, cut)?, &Key::new(BITS)).map(drop)
}

/// What the program plays by `operations` operations, its mappings at `starts`.
fn played(mut heap: u64, operations: u64, starts: &[u64]) -> Vec<Fact<'static>> {
    let mut facts = Vec::new();
    for operation in 0..operations {
        facts.push(Fact::Mark(Mark::Op(operation)));
        let start = starts[usize::try_from(operation / 4).unwrap().min(starts.len() - 1)];
        let mut moved = |by: u64| {
            heap += by;
            Fact::Brk { to: heap, now: Some(heap) }
        };
        match operation % 4 {
            0 => facts.push(moved(PAGE)),
            1 => facts.push(Fact::Mmap { address: 0, length: 200_032, plain: true, start: Some(start) }),
            2 => facts.push(Fact::Munmap { address: start, length: 200_032, ok: true }),
            _ => facts.extend([Fact::Mark(Mark::Program), moved(16), Fact::Mark(Mark::Done)]),
        }
    }
    facts
}

fn starts(facts: &[Fact<'_>]) -> Vec<u64> {
    let start = |fact: &Fact<'_>| if let Fact::Mmap { start, .. } = fact { *start } else { None };
    facts.iter().filter_map(start).collect()
}

#[test]
fn every_sequence_gives_its_facts_in_order() {
    for recording in ["", "p"].into_iter().flat_map(|odd| recorded(20, 7, odd)) {
        assert_eq!(recording.stopped, None);
        let steps = recording.steps().unwrap();
        if matches!(recording.seen, Seen::Log(_)) {
            assert!(steps.iter().all(|step| step.at.is_none()), "instruction pointers cost time");
        }
        let batch = batch(&steps);
        assert_eq!((batch.ready, batch.over, batch.end), (true, true, Some(End::Exit(5))));
        assert_eq!((batch.moves.as_slice(), batch.forged.as_slice()), (&[][..], &[][..]));
        assert_eq!(batch.sequences.keys().copied().collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
        let heap = batch.heap.unwrap();
        for sequence in batch.sequences.values() {
            assert_eq!(sequence.heap, Some(heap));
            let mut expected = played(heap, 7, &starts(&sequence.facts));
            expected.extend([Fact::Mark(Mark::End), Fact::Exited(0)]);
            assert_eq!(sequence.facts, expected);
        }
    }
}

#[test]
fn what_is_odd_about_a_child_is_among_its_facts() {
    for recording in recorded(8, 2, "kxtgfolb") {
        odd_children(&batch(&recording.steps().unwrap()));
    }
}

fn odd_children(batch: &Batch<'_>) {
    assert_eq!((batch.over, batch.forged.as_slice()), (true, &[][..]));
    let mapped =
        |pages: u64| move |fact: &Fact<'_>| matches!(fact, Fact::Mmap { length, .. } if *length == pages * PAGE);
    let rest = |number: u64| {
        let facts = &batch.sequences[&number].facts;
        let expected = played(batch.heap.unwrap(), 2, &starts(facts));
        assert_eq!(facts[..expected.len()], expected, "{number}");
        &facts[expected.len()..]
    };
    let end = Fact::Mark(Mark::End);
    assert_eq!(rest(1), [Fact::Signal("SIGSEGV"), Fact::Killed("SIGSEGV")]);
    assert_eq!(rest(2), [Fact::Exited(7)]);
    assert!(rest(3).iter().any(mapped(777)), "{:?}", rest(3));
    assert!(rest(3).contains(&Fact::Other { name: "madvise" }) && rest(3).ends_with(&[end, Fact::Exited(0)]));
    assert!(!rest(4).iter().any(mapped(555)) && !rest(4).contains(&Fact::Forged), "{:?}", rest(4));
    assert!(rest(4).contains(&Fact::Signal("SIGCHLD")) && rest(4).contains(&Fact::Other { name: "wait4" }));
    assert_eq!(rest(5), [[Fact::Forged; 6].as_slice(), &[end, Fact::Exited(0)]].concat());
    let other = rest(6);
    assert!(matches!(other[0], Fact::Mmap { plain: false, start: Some(_), .. }), "{other:?}");
    assert_eq!(other[1], Fact::Munmap { address: 1, length: PAGE, ok: false });
    assert_eq!(other[2], Fact::Brk { to: 8, now: Some(batch.heap.unwrap() + PAGE) });
    assert!(matches!(other[3], Fact::Mmap { plain: true, start: None, .. }), "{other:?}");
    assert_eq!(other[5..7], [Fact::Other { name: "mremap" }, Fact::Other { name: "write" }]);
    assert_eq!(rest(7), [end, Fact::Forged, Fact::Exited(0)]);
    assert_eq!(batch.sequences[&8].facts[0], Fact::Forged);
}

#[test]
fn what_the_program_itself_does_is_told() {
    for recording in recorded(2, 1, "c") {
        let steps = recording.steps().unwrap();
        let batch = batch(&steps);
        let [moved] = batch.moves[..] else { panic!("{:?}", batch.moves) };
        assert_eq!((moved.from + 0x3000, moved.to), (moved.now, moved.now));
        assert_eq!(batch.heap, Some(moved.now));
        assert_eq!(batch.sequences[&1].heap, Some(moved.now));
    }
    for recording in recorded(2, 1, "e") {
        let steps = recording.steps().unwrap();
        let batch = batch(&steps);
        assert_eq!((batch.ready, batch.over, batch.forged.len()), (false, false, 1));
        assert!(batch.sequences.is_empty());
    }
    for recording in recorded(3, 1, "-2") {
        let steps = recording.steps().unwrap();
        let batch = batch(&steps);
        assert_eq!((batch.sequences.keys().copied().collect::<Vec<_>>(), batch.forged.len()), (vec![1, 3], 1));
        assert_eq!(batch.sequences[&1].facts.last(), Some(&Fact::Forged));
    }
}

#[test]
fn a_run_that_is_stopped_gives_what_there_is_and_one_that_cannot_start_an_error() {
    let mut stopped = spec(1_000_000, 4, "");
    stopped.limits.log = 1 << 18;
    for recording in run(&stopped) {
        let recording = recording.unwrap();
        assert!(recording.stopped.is_some());
        let steps = recording.steps().unwrap();
        let batch = batch(&steps);
        assert!(batch.ready && !batch.over && batch.sequences.len() > 10);
    }

    for error in run(&Spec { program: "/no/such/program".into(), ..spec(1, 1, "") }) {
        assert!(matches!(error, Err(RunError::ProgramNotFound { .. })), "{error:?}");
    }
    for error in run(&Spec { library: Some("/no/such/library".into()), ..spec(1, 1, "") }) {
        assert!(matches!(error, Err(RunError::Library { .. })), "{error:?}");
    }
    // No format that the system knows.
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/batch.c");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-program");
    let script = "cp \"$0\" \"$1\" && chmod 755 \"$1\"";
    assert!(Command::new("sh").args(["-c", script, text]).arg(&copy).status().unwrap().success());
    for error in run(&Spec { program: copy, ..spec(1, 1, "") }) {
        assert!(matches!(error, Err(RunError::NotExecutable { .. })), "{error:?}");
    }
}

#[test]
fn the_program_sees_neither_probe_nor_key() {
    let mut printing = spec(0, 0, "");
    (printing.program, printing.args) = ("env".into(), Vec::new());
    for recording in run(&printing) {
        let text = String::from_utf8(recording.unwrap().stdout).unwrap();
        let names: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert!(names.contains(&"LD_LIBRARY_PATH"), "{text}");
        assert!(!names.contains(&"LD_PRELOAD") && !names.contains(&"OSMEM_PROBE_KEY"), "{text}");
    }
}

#[test]
fn halves_are_joined_and_numbers_may_be_given_out_again() {
    let log = "\
1 execve(\"p\", [\"p\"], 0x7f /* 1 var */) = 0
1 brk(NULL) = 0x5000
1 write(-1, \"0123456789abcdef ready 0x7f10\", 29) = -1 EBADF (Bad file descriptor)
1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
2 write(-1, \"0123456789abcdef sequence 40\", 28 <unfinished ...>
1 <... clone resumed>, child_tidptr=0x7f) = 2
2 <... write resumed>) = -1 EBADF (Bad file descriptor)
1 wait4(-1,  <unfinished ...>
2 brk(0x6000 <unfinished ...>
2 +++ killed by SIGKILL +++
1 <... wait4 resumed>NULL, 0, NULL) = 2
1 fork() = 2
2 write(4294967295, \"0123456789abcdef sequence 41\", 28) = -1 EBADF (Bad file descriptor)
2 brk(0x5000) = 0x5000
2 exit_group(0) = ?
2 +++ exited with 0 +++
";
    let steps = steps(log);
    let batch = batch(&steps);
    let facts: Vec<_> = batch.sequences.iter().map(|(number, sequence)| (*number, sequence.facts.clone())).collect();
    assert_eq!(
        facts,
        [(40, vec![Fact::Brk { to: 0x6000, now: None }, Fact::Killed("SIGKILL")]), (41, vec![Fact::Exited(0)]),]
    );
    assert_eq!((batch.sequences[&40].line, batch.end), (5, None));
}

const SHORT: &str = "\
1 execve(\"p\", [\"p\"], 0x7f /* 1 var */) = 0
1 write(-1, \"0123456789abcdef ready 0x7f10\", 29) = -1 EBADF (Bad file descriptor)
1 fork() = 2
";

#[test]
fn marks_that_are_nearly_right_are_forged() {
    for text in [
        "\"0123456789abcdef op 1\"..., 200",
        "\"0123456789abcdef op 1\\n\", 22",
        "\"0123456789abcdef op +1\", 22",
        "\"0123456789abcdef op \", 20",
        "\"0123456789abcdef op 99999999999999999999\", 40",
        "\"0123456789abcdefop 1\", 20",
        "\"0123456789abcdeg op 1\", 21",
        "\"\", 0",
        "NULL, 5",
    ] {
        let log = format!(
            "{SHORT}2 write(-1, \"0123456789abcdef sequence 1\", 27) = -1 EBADF (Bad)\n2 write(-1, {text}) = -1 EBADF (Bad)\n"
        );
        assert_eq!(batch(&steps(&log)).sequences[&1].facts, [Fact::Forged], "{text}");
    }
}

#[test]
fn arguments_that_the_kernel_does_not_know_are_an_error() {
    for call in ["brk(five)", "brk()", "mmap(NULL, 5)", "mmap(NULL, x, P, M, -1, 0)", "munmap(0x7f)", "munmap(7, 5)"] {
        let error = read_log(format!("{SHORT}2 {call} = 0\n").as_bytes(), false).unwrap_err();
        assert_eq!((error.line, error.text.as_str()), (4, call));
    }
    assert_eq!(batch(&[]), Batch::default());
}

fn real() -> &'static str {
    static LOG: OnceLock<String> = OnceLock::new();
    LOG.get_or_init(|| record(&*tracers()[0], &spec(8, 6, "kxtgfolbp")).unwrap().seen.raw(1))
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(log in any::<Vec<u8>>(), cut: bool) {
        let _ = read_log(&log, cut);
    }

    /// A damaged log gives an error or facts, and an error names a line that exists.
    #[test]
    fn no_damage_makes_it_panic(
        at in any::<prop::sample::Index>(),
        length in 0..200_usize,
        with in "[ -~\n\u{e9}]{0,12}",
        cut: bool,
    ) {
        let mut log = real().to_string();
        let at = at.index(log.len());
        log.replace_range(at..(at + length).min(log.len()), &with);
        if let Err(error) = read_log(log.as_bytes(), cut) {
            prop_assert!((1..=log.lines().count()).contains(&error.line));
        }
    }

    /// So do lines left out, doubled and in another order.
    #[test]
    fn no_disorder_makes_it_panic(picks in prop::collection::vec(any::<prop::sample::Index>(), 0..200)) {
        let lines: Vec<&str> = real().lines().collect();
        let log: String = picks.iter().flat_map(|pick| [*pick.get(&lines), "\n"]).collect();
        if let Err(error) = read_log(log.as_bytes(), false) {
            prop_assert!((1..=picks.len()).contains(&error.line));
        }
    }
}
