//! What a library may do to its process, short of a wrong result: it is written down, and the next sequence runs.

use osmem_replay::{NO_SLOT, Op, State};

use crate::job::{Job, library};

#[test]
fn crash_hang_stop_and_early_exit_are_written_down() {
    let wrong = library("replayer/wrong.c", &[]);
    let crash = [Op::malloc(0, 8), Op::malloc(1, 1001), Op::malloc(2, 8)];
    let [hang, stop, exit] = [1002, 1003, 1006].map(|size| [Op::malloc(0, size)]);
    let fine = [Op::malloc(0, 8)];
    let sequences: [&[Op]; 6] = [&crash, &hang, &stop, &exit, &fine, &[]];
    let job = Job::changed(&sequences, |header| header.time_limit = 300);
    job.all(Some(wrong.path()));
    assert_eq!(job.end(0), (State::Signalled, 6));
    assert_eq!((job.sequence(0).at, job.sequence(0).inside, job.sequence(0).block), (1, 1, NO_SLOT));
    assert_eq!([0, 1, 2].map(|op| job.op(op).done), [1, 0, 0]);
    assert_eq!(job.end(1), (State::TimedOut, 9));
    assert_eq!(job.end(2), (State::Stopped, 19));
    assert_eq!(job.end(3), (State::Exited, 0));
    assert!((0..4).all(|index| !job.sequence(index).passed()));
    assert!((4..6).all(|index| job.sequence(index).passed()));
    assert_eq!(job.header.progress, 0);
    let header = osmem_replay::examine(&job.bytes()).unwrap();
    assert_eq!(header.progress, 6);
}

#[test]
fn a_block_that_cannot_be_read_crashes_outside_of_the_call() {
    let wrong = library("replayer/wrong.c", &[]);
    let job = Job::new(&[&[Op::malloc(0, 100), Op::malloc(1, 1012)]]);
    job.all(Some(wrong.path()));
    assert_eq!(job.end(0), (State::Signalled, 11));
    assert_eq!((job.sequence(0).at, job.sequence(0).inside), (2, 0));
}

#[test]
fn nothing_is_left_running() {
    let wrong = library("replayer/wrong.c", &[]);
    let fine = [Op::malloc(0, 8)];
    let job = Job::new(&[&[Op::malloc(0, 1004)], &fine, &[Op::malloc(0, 1005)], &fine]);
    job.all(Some(wrong.path()));
    assert!((0..4).all(|index| job.sequence(index).passed()));
}

#[test]
fn a_spoilt_file_harms_no_other_sequence() {
    let wrong = library("replayer/wrong.c", &[]);
    let job = Job::new(&[&[Op::malloc(0, 8)], &[Op::malloc(0, 1008)], &[Op::malloc(0, 8), Op::malloc(7, 16)]]);
    job.all(Some(wrong.path()));
    assert!(job.bytes().starts_with(&[0xff; 8]), "the file was not spoilt");
    assert_eq!(job.end(2), (State::Exited, 0));
    assert_eq!([2, 3].map(|op| job.op(op).done), [1, 1]);
}
