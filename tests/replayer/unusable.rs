//! A file or arguments that mean nothing: one line, status 70, and nothing was run.

use std::fs;
use std::process::Command;

use osmem_replay::Pointer::Slot;
use osmem_replay::{Op, check};

use crate::job::Job;
use crate::support::built;

fn assert_refused(command: &mut Command, reason: &str) {
    let output = command.env_clear().output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(check::UNUSABLE), "{message}");
    assert!(message.starts_with("osmem-replayer: ") && message.ends_with('\n'), "{message}");
    assert!(message.contains(reason) && message.lines().count() == 1, "{message}");
}

/// Both modes refuse the file and leave it as it is.
fn assert_unusable(job: &Job, reason: &str) {
    let before = job.bytes();
    for mode in [&["all"][..], &["one", "0"]] {
        assert_refused(&mut job.command(None, mode), reason);
    }
    assert_eq!(job.bytes(), before);
}

#[test]
fn wrong_arguments_are_refused() {
    let job = Job::new(&[&[Op::malloc(0, 8)]]);
    for mode in [&[][..], &["some"], &["one"], &["all", "0"], &["one", "0", "1"]] {
        assert_refused(&mut job.command(None, mode), "usage: osmem-replayer FILE");
    }
    for index in ["1", "x", "", "-1", "4294967296"] {
        assert_refused(&mut job.command(None, &["one", index]), "there is no such sequence");
    }
    assert_refused(Command::new(&built().replayer).args(["/nowhere/file", "all"]), "cannot be opened");
    assert_refused(Command::new(&built().replayer).args(["/dev/null", "all"]), "not a regular one");
    assert_refused(&mut Command::new(&built().replayer), "usage");
}

#[test]
fn garbage_is_refused() {
    let job = Job::new(&[&[Op::malloc(0, 8)]]);
    let bytes = job.bytes();
    for length in [1, 55] {
        fs::write(job.path(), &bytes[..length]).unwrap();
        assert_unusable(&job, "too short");
    }
    fs::write(job.path(), []).unwrap();
    assert_unusable(&job, "empty");
    fs::write(job.path(), vec![0x5a; bytes.len()]).unwrap();
    assert_unusable(&job, "not a file of sequences");
    for length in [56, bytes.len() - 1] {
        fs::write(job.path(), &bytes[..length]).unwrap();
        assert_unusable(&job, "the length is not what the header says");
    }
    fs::write(job.path(), [&bytes[..], &[0]].concat()).unwrap();
    assert_unusable(&job, "the length is not what the header says");
}

#[test]
fn numbers_out_of_range_are_refused() {
    let change = |change: fn(&mut osmem_replay::FileHeader), reason: &str| {
        let job = Job::new(&[&[Op::malloc(0, 8)]]);
        let (mut header, mut bytes) = (job.header, job.bytes());
        change(&mut header);
        bytes[..header.to_bytes().len()].copy_from_slice(&header.to_bytes());
        fs::write(job.path(), bytes).unwrap();
        assert_unusable(&job, reason);
    };
    change(|header| header.version = 2, "another version");
    change(|header| header.time_limit = 0, "the time limit is 0");
    change(|header| header.ops = u32::MAX, "the length is not");
    change(|header| header.sequences = u32::MAX, "the length is not");
    change(|header| header.slots = 0, "names a slot that does not exist");

    let strange = |op: Op| assert_unusable(&Job::new(&[&[Op::malloc(0, 8), op]]), "an op is of no known kind");
    strange(Op::malloc(8, 1));
    strange(Op::calloc(u32::MAX, 1, 1));
    strange(Op::realloc(8, Slot(0, 0), 1));
    strange(Op::realloc(0, Slot(8, 0), 1));
    strange(Op::free(Slot(8, 0)));
    strange(Op { kind: 0, ..Op::malloc(0, 1) });
    strange(Op { kind: 7, ..Op::malloc(0, 1) });
    strange(Op { pointer: 3, ..Op::free(Slot(0, 0)) });
    strange(Op { a: 3, ..Op::refuse(osmem_replay::Refusal::Nothing) });

    for (first, count) in [(0, 3), (2, 1), (u32::MAX, 2), (3, 0)] {
        let job = Job::new(&[&[Op::malloc(0, 8), Op::malloc(1, 8)]]);
        let mut bytes = job.bytes();
        let start = usize::try_from(job.header.sequence_at(0)).unwrap();
        let sequence = osmem_replay::Sequence::new(first, count).to_bytes();
        bytes[start..start + sequence.len()].copy_from_slice(&sequence);
        fs::write(job.path(), bytes).unwrap();
        assert_unusable(&job, "a sequence has ops that do not exist");
    }
}
