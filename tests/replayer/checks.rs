//! Every check is seen to fail, in both modes, and not to fail without a reason.

use std::path::Path;

use osmem_replay::Pointer::{Slot, Stack};
use osmem_replay::{NO_SLOT, Op, Sequence, State, check};

use crate::job::{Job, library};

/// Runs a sequence in both modes; the check must fail at this op with these details, and `one` must say so in one line.
fn assert_fails(library: &Path, ops: &[Op], check: i32, at: u32, line: &str) -> Sequence {
    let job = Job::new(&[ops, &[]]);
    let all = job.all(Some(library)).sequence(0);
    assert_eq!((job.end(0), all.check, all.at), ((State::Exited, check), check, at), "{all:?}");
    assert!(job.sequence(1).passed() && !all.passed());
    let alone = Job::new(&[ops]);
    let output = alone.one(Some(library), 0);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(check), "{message}");
    let start = format!("check failed: {}: ", check::sentence(check).unwrap());
    assert!(message.starts_with(&start) && message.ends_with('\n') && message.lines().count() == 1, "{message}");
    assert!(message.contains(line), "{message}");
    let one = alone.sequence(0);
    let place = |sequence: &Sequence| (sequence.state, sequence.status, sequence.at, sequence.block);
    assert_eq!(place(&one), place(&all));
    one
}

#[test]
fn wrong_results_are_noticed() {
    let broken = library("programs/broken.c", &["-DFAULT=MISALIGNED"]);
    let found = assert_fails(broken.path(), &[Op::malloc(3, 100)], check::MISALIGNED, 0, "op 0, slot 3: 0x");
    assert_eq!(found.details[0] % 8, 4);
    let broken = library("programs/broken.c", &["-DFAULT=OVERLAP"]);
    let ops = [Op::malloc(1, 100), Op::malloc(2, 50)];
    let found = assert_fails(broken.path(), &ops, check::OVERLAP, 1, "op 1, slot 1: 50 bytes at 0x");
    assert_eq!((found.block, found.details[1], found.details[0] - found.details[2]), (1, 50, 96));
}

#[test]
fn blocks_where_none_can_be_are_noticed() {
    let wrong = library("replayer/wrong.c", &[]);
    for size in [u64::MAX - 7, i64::MAX.unsigned_abs()] {
        let found = assert_fails(wrong.path(), &[Op::malloc(0, size)], check::OVERLAP, 0, "over 0x0");
        assert_eq!(found.block, NO_SLOT);
    }
    let size = 1010;
    assert_fails(wrong.path(), &[Op::realloc(0, Stack(0), size)], check::OVERLAP, 0, "op 0: 1010 bytes at 0x7");
    let ops = [Op::move_break(5000), Op::malloc(0, 1011)];
    assert_eq!(assert_fails(wrong.path(), &ops, check::OVERLAP, 1, "op 1: 1011 bytes").block, NO_SLOT);
    let ops = [Op::malloc(0, 10), Op::malloc(0, 20), Op::malloc(5, 1013)];
    assert_fails(wrong.path(), &ops, check::OVERLAP, 2, "op 2, slot 0: 1013 bytes");
}

#[test]
fn wrong_contents_are_noticed() {
    let calloc = [Op::malloc(0, 8), Op::calloc(1, 10, 10)];
    let broken = library("programs/broken.c", &["-DFAULT=NO_ZERO"]);
    let found =
        assert_fails(broken.path(), &calloc, check::NOT_ZEROED, 1, "op 1, slot 1: byte 0 is 0xa5, it must be 0x0");
    assert_eq!(found.details, [0, 0xa5, 0]);
    let broken = library("programs/broken.c", &["-DFAULT=ALMOST_ZERO"]);
    assert_fails(broken.path(), &calloc, check::NOT_ZEROED, 1, "byte 99 is 0xa5");
    // In the middle of a large one too.
    assert_fails(broken.path(), &[Op::calloc(0, 1000, 100)], check::NOT_ZEROED, 0, "byte 99999 is 0xa5");
    let broken = library("programs/broken.c", &["-DFAULT=NO_COPY"]);
    let grow = |from, to| [Op::malloc(0, from), Op::realloc(0, Slot(0, 0), to)];
    assert_fails(broken.path(), &grow(100, 200), check::CONTENTS_LOST, 1, "op 1, slot 0: byte 0 is 0xa5");
    let broken = library("programs/broken.c", &["-DFAULT=SHORT_COPY"]);
    assert_fails(broken.path(), &grow(103, 200), check::CONTENTS_LOST, 1, "byte 102 is 0xa5");
    assert_fails(broken.path(), &grow(200, 103), check::CONTENTS_LOST, 1, "byte 102 is 0xa5");
    assert_fails(broken.path(), &grow(30001, 40000), check::CONTENTS_LOST, 1, "byte 30000 is 0xa5");
    assert_fails(broken.path(), &grow(40001, 800), check::CONTENTS_LOST, 1, "byte 799 is 0xa5");
}

#[test]
fn only_what_was_written_is_demanded() {
    let broken = library("programs/broken.c", &["-DFAULT=SHORT_COPY"]);
    // The byte that is lost lies where nothing was written, unless the run is thorough.
    let ops = [Op::malloc(0, 40_000), Op::realloc(1, Slot(0, 0), 20_000), Op::free(Slot(1, 0))];
    let job = Job::new(&[&ops]);
    assert!(job.all(Some(broken.path())).sequence(0).passed());
    let job = Job::changed(&[&ops], |header| header.thorough = 1);
    assert_eq!(job.all(Some(broken.path())).end(0), (State::Exited, check::CONTENTS_LOST));
    assert_eq!(job.sequence(0).details[0], 19_999);
}

#[test]
fn damage_is_noticed() {
    let broken = library("programs/broken.c", &["-DFAULT=SCRIBBLE_ON_FREE"]);
    let ops = [Op::malloc(0, 100), Op::malloc(1, 50), Op::free(Slot(0, 0))];
    let free = [&ops[..], &[Op::free(Slot(1, 0))]].concat();
    let found = assert_fails(broken.path(), &free, check::WRITTEN_INTO, 3, "op 3, slot 1: byte 3 is");
    assert_eq!((found.block, found.details[0], found.details[1]), (1, 3, found.details[2] + 1));
    let resize = [&ops[..], &[Op::realloc(2, Slot(1, 0), 0)]].concat();
    assert_fails(broken.path(), &resize, check::WRITTEN_INTO, 3, "op 3, slot 1: byte 3 is");
    assert_fails(broken.path(), &ops, check::WRITTEN_INTO, 3, "at the end, slot 1: byte 3 is");
    // The slot has another block by now; the old one is alive all the same.
    let ops = [Op::malloc(0, 100), Op::malloc(1, 50), Op::free(Slot(0, 0)), Op::malloc(1, 10)];
    assert_fails(broken.path(), &ops, check::WRITTEN_INTO, 4, "at the end, slot 1: byte 3 is");
}

#[test]
fn damage_to_the_break_is_noticed() {
    let wrong = library("replayer/wrong.c", &[]);
    let ops = [Op::move_break(1000), Op::malloc(0, 1007)];
    let found = assert_fails(wrong.path(), &ops, check::BREAK_WRITTEN_INTO, 2, "at the end: byte 999 is");
    assert_eq!(found.details[1], found.details[2] ^ 1);
    let ops = [Op::move_break(20_000), Op::malloc(0, 1007), Op::move_break(-1), Op::malloc(0, 8)];
    assert_fails(wrong.path(), &ops, check::BREAK_WRITTEN_INTO, 2, "op 2: byte 19999 is");
}

#[test]
fn without_a_mistake_nothing_is_noticed() {
    let broken = library("programs/broken.c", &["-DFAULT=NONE"]);
    let ops = [
        Op::malloc(0, 1),
        Op::malloc(1, 30_011),
        Op::calloc(2, 17, 3),
        Op::calloc(3, 30_000, 3),
        Op::realloc(1, Slot(1, 0), 50_000),
        Op::realloc(4, Slot(1, 0), 20_013),
        Op::realloc(4, Slot(4, 0), 9),
        Op::realloc(4, Slot(4, 0), 100_000),
        Op::realloc(0, Slot(0, 0), 70_000_000),
        Op::realloc(0, Slot(0, 0), 0),
        Op::free(Slot(2, 0)),
    ];
    for thorough in [0, 1] {
        let job = Job::changed(&[&ops], |header| header.thorough = thorough);
        assert!(job.all(Some(broken.path())).sequence(0).passed(), "{:?}", job.sequence(0));
        assert_eq!(job.op(8).result, 0, "the old block stays and is verified at the next op");
        assert!(job.one(Some(broken.path()), 0).status.success());
    }
}
