//! Our own library passes, in both modes, with every kind of op; and the marks that a tracer sees.

use std::fs;
use std::process::Command;

use osmem_replay::Pointer::{Null, Slot, Stack};
use osmem_replay::{Op, Refusal};

use crate::job::{Job, KEY};
use crate::support::built;

/// Calls, misuse, moves of the break and refusals, mixed.
fn mixed() -> Vec<Op> {
    vec![
        Op::malloc(0, 100),
        Op::malloc(1, 5000),
        Op::calloc(2, 100, 70),
        Op::free(Slot(1, 0)),
        // Twice; then from a slot that never got anything, within a block, of no block, of nothing.
        Op::free(Slot(1, 0)),
        Op::free(Slot(7, 16)),
        Op::free(Slot(0, 8)),
        Op::free(Stack(0)),
        Op::free(Null),
        Op::realloc(3, Stack(8), 10),
        Op::realloc(3, Slot(1, 0), 10),
        // The memory of slot 1 is used again: the dead slot frees the new block.
        Op::malloc(4, 5000),
        Op::free(Slot(1, 0)),
        Op::free(Slot(4, 0)),
        Op::realloc(3, Null, 300),
        Op::realloc(0, Slot(0, 0), 200_000),
        Op::move_break(10_003),
        Op::malloc(5, 120_000),
        Op::realloc(5, Slot(5, 0), 125_000),
        // No longer where it was left: skipped.
        Op::move_break(-10_003),
        Op::refuse(Refusal::Break),
        Op::move_break(4096),
        Op::malloc(6, 130_000),
        Op::refuse(Refusal::Nothing),
        Op::refuse(Refusal::Mappings),
        Op::realloc(0, Slot(0, 0), 300_000),
        Op::malloc(6, 1_000_000),
        Op::refuse(Refusal::Nothing),
        Op::realloc(0, Slot(0, 0), 50),
        Op::move_break(64),
        Op::move_break(i64::MAX),
        Op::move_break(-1),
        Op::malloc(6, 0),
        Op::malloc(6, u64::MAX),
        Op::calloc(6, u64::MAX, 16),
        Op::realloc(2, Slot(2, 0), 0),
        Op::realloc(2, Slot(2, 0), 0),
    ]
}

#[test]
fn our_own_library_passes_in_both_modes() {
    let ops = mixed();
    for thorough in [0, 1] {
        let job = Job::changed(&[&ops, &[], &ops], |header| header.thorough = thorough);
        job.all(None);
        assert!((0..3).all(|index| job.sequence(index).passed()), "{:?}", job.sequence(0));
        let count = u32::try_from(ops.len()).unwrap();
        let done: Vec<_> = (0..count).map(|op| job.op(op)).collect();
        assert!(done.iter().all(|op| op.done == 1));
        let given = |index: usize| done[index].result;
        assert_eq!(given(11), given(1), "the freed block is used again");
        for null in [9, 10, 22, 25, 26, 32, 33, 34, 35, 36] {
            assert_eq!(given(null), 0, "op {null}: {:?}", done[null]);
        }
        assert_eq!(given(20), given(23), "a refusal has no result");
        assert_eq!((given(21), given(30)), (given(19), given(29)), "the break was not moved");
        assert_eq!(given(31), given(29) - 64, "the move was taken back");
        for index in [0, 2] {
            let output = job.one(None, index);
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert!(job.sequence(index).passed());
        }
    }
}

#[test]
fn only_moves_up_are_refused() {
    let refuse = Op::refuse(Refusal::Break);
    let ops = [Op::malloc(0, 8), Op::move_break(4096), refuse, Op::move_break(-4096), Op::move_break(8)];
    let job = Job::new(&[&ops]);
    job.all(None);
    assert!(job.sequence(0).passed(), "{:?}", job.sequence(0));
    let given = |op: u32| job.op(op).result;
    assert_eq!((given(3), given(4)), (given(1) - 4096, given(3)));
}

#[test]
#[ignore = "needs strace"]
fn marks_frame_what_the_tracer_sees() {
    let ops = [
        Op::malloc(0, 10).marked(),
        Op::free(Slot(0, 0)),
        Op::move_break(4096).marked(),
        Op::malloc(0, 200_000).marked(),
    ];
    let job = Job::new(&[&ops, &[]]);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new("strace");
    command.args(["-f", "-s", "80", "-e", "trace=%memory,write", "-e", "signal=none", "-o"]).arg(&log);
    let status = command.arg(&built().replayer).arg(job.path()).arg("all").status().unwrap();
    assert!(status.success());
    let text = fs::read_to_string(log).unwrap();
    let key = format!("{KEY:016x} ");
    // Of every line the mark or the name of the system call, from the first mark on.
    let lines = text.lines().filter(|line| !line.contains("+++")).map(|line| {
        let call = line.split_once(' ').unwrap().1.trim();
        let mark = call.strip_prefix("write(-1, \"").and_then(|rest| rest.strip_prefix(&key));
        mark.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| call.split('(').next().unwrap())
    });
    let mut seen: Vec<_> = lines.skip_while(|line| !line.starts_with("ready 0x")).collect();
    let ring = u64::from_str_radix(seen.remove(0).trim_start_matches("ready 0x"), 16).unwrap();
    assert!(ring > 0 && ring.is_multiple_of(64), "there is no ring at {ring:#x}");
    let expected = "sequence 0|op 0|brk|brk|op 2|program|brk|brk|brk|done|op 3|mmap|end|sequence 1|end|over";
    assert_eq!(seen.join("|"), expected, "{text}");
}

#[test]
fn the_installed_replayer_finds_the_installed_library() {
    let prefix = tempfile::tempdir().unwrap();
    let folder = prefix.path().join("lib/osmem");
    fs::create_dir_all(&folder).unwrap();
    // By a process of its own: a file that this one holds open for writing, even in a child about to exec, cannot be run.
    assert!(Command::new("cp").arg(&built().replayer).arg(&folder).status().unwrap().success());
    let job = Job::new(&[&mixed()]);
    let run =
        || Command::new(folder.join("osmem-replayer")).env_clear().arg(job.path()).arg("all").output().unwrap().status;
    assert_eq!(run().code(), Some(127), "there is no library yet");
    fs::copy(&built().library, prefix.path().join("lib/libosmem.so")).unwrap();
    assert!(run().success() && job.sequence(0).passed());
}
