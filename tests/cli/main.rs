//! The command `osmem`, through the real binary: what it says, and the exit code it says it with.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests find the probe as people do, through the command")]
mod support;

mod bad_library;
mod bad_place;
mod bad_program;
mod bad_suite;
mod bench;
mod beside;
mod bless;
mod brief;
mod check;
mod doctor;
mod fuzz;
mod fuzz_right;
mod fuzz_wrong;
mod grade;
mod grade_bad;
mod grade_busy;
mod grade_course;
mod grade_fair;
mod grade_feigned;
mod grade_intake;
mod grade_many;
mod grade_plain;
mod grade_shared;
mod grade_unsteady;
mod inject;
mod interrupt;
mod judge;
mod judge_bad;
mod new;
mod oracle;
mod own_folder;
mod replay;
mod replay_add;
mod replay_bad;
mod shell;
mod show;
mod sizes;
mod stats;
mod subject;
mod trace;
mod tracer;
