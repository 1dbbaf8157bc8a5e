//! `osmem::Osmem` in a program whose C parts call the C library's malloc, which moves the break.
#![expect(unsafe_code, reason = "calls the C library")]
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "the runner needs only the folders")]
mod support;

#[path = "support/run.rs"]
#[expect(dead_code, reason = "no C program is compiled here")]
mod run;

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, thread};

use run::{Ran, bare, run, tool};

#[global_allocator]
static ALLOCATOR: osmem::Osmem = osmem::Osmem;

const BLOCKS: usize = 4000;
const SIZE: usize = 40_000;
/// The bytes that fill the blocks of each allocator.
const OURS: u8 = 0xbb;
const THEIRS: u8 = 0xaa;

/// The number of processes in which both allocate.
const RUNS: usize = 6;

/// The variable with the number of blocks that `takes_blocks` takes.
const COUNT: &str = "OSMEM_TEST_BLOCKS";

/// Takes a block of the C library's own malloc, and fills it.
fn theirs() -> *mut u8 {
    // SAFETY: only asks.
    let block = unsafe { libc::malloc(SIZE) }.cast::<u8>();
    assert!(!block.is_null());
    // SAFETY: a block of this size.
    unsafe { block.write_bytes(THEIRS, SIZE) };
    block
}

/// Takes blocks of Rust in one thread and blocks of the C library in another.
#[test]
fn blocks_beside_the_c_librarys_malloc_keep_their_contents() {
    // SAFETY: only sets numbers: each block comes from the break, and no more than that.
    unsafe {
        assert_eq!(libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 25), 1);
        assert_eq!(libc::mallopt(libc::M_TOP_PAD, 0), 1);
    }
    let other = thread::spawn(|| (0..BLOCKS).map(|_| vec![OURS; SIZE]).collect::<Vec<_>>());
    let of_c: Vec<_> = (0..BLOCKS).map(|_| theirs()).collect();
    let of_rust = other.join().unwrap();
    let lost_by_rust = of_rust.iter().filter(|block| block[..] != [OURS; SIZE]).count();
    // SAFETY: blocks of this size that are live.
    let bytes = |block: &*mut u8| unsafe { std::slice::from_raw_parts(*block, SIZE) };
    let lost_by_c = of_c.iter().filter(|block| *bytes(block) != [THEIRS; SIZE]).count();
    // A damaged block must not be freed.
    std::mem::forget(of_rust);
    assert_eq!((lost_by_rust, lost_by_c), (0, 0), "blocks of Rust's and of C's that have lost their contents");
}

/// Adds the arguments for one test of this program, without others beside it.
fn only<'a>(command: &'a mut Command, test: &str) -> &'a mut Command {
    command.args(["--exact", test, "--test-threads=1"])
}

/// Whether the process has run its one test, and the test has passed.
fn has_passed(ran: &Ran) -> bool {
    assert!(ran.out.contains("running 1 test\n"), "{ran:?}");
    ran.status.success()
}

fn this_program() -> PathBuf {
    env::current_exe().unwrap()
}

/// All threads of the processes share the C library's heap at the break.
#[test]
fn blocks_in_every_process_keep_their_contents() {
    let mut wrong = Vec::new();
    for _ in 0..RUNS {
        let mut command = bare(&this_program());
        command.env("MALLOC_ARENA_MAX", "1");
        let ran = run(only(&mut command, "blocks_beside_the_c_librarys_malloc_keep_their_contents"));
        if !has_passed(&ran) {
            wrong.push(ran);
        }
    }
    assert!(wrong.is_empty(), "{} of {RUNS} runs: {:?}", wrong.len(), wrong.first());
}

/// Takes blocks of all sizes in a process that is told their number.
#[test]
fn takes_blocks() {
    let count: usize = env::var(COUNT).map_or(0, |count| count.parse().unwrap());
    let blocks: Vec<Vec<u8>> = (0..count).map(|number| vec![OURS; number * 37 % 3000 + 1]).collect();
    assert_eq!(blocks.iter().map(|block| block[block.len() - 1]).filter(|byte| *byte == OURS).count(), count);
}

/// Counts the calls of brk that strace sees.
fn break_calls(count: &str) -> usize {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = bare(&tool("strace"));
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", "trace=brk", "-o"]).arg(log.path());
    let ran = run(only(strace.arg(this_program()).env(COUNT, count), "takes_blocks"));
    assert!(has_passed(&ran), "{ran:?}");
    fs::read_to_string(log.path()).unwrap().lines().filter(|line| line.contains("brk(")).count()
}

/// The loader and the C library make the same few calls in either run. The symbols prove nothing here: `os_malloc` is part of
/// the same package, and needs `sbrk`.
#[test]
fn the_break_under_blocks_of_rust_stays() {
    let [none, many] = ["0", "60000"].map(break_calls);
    assert!(none > 0, "the calls are seen");
    assert_eq!(none, many, "calls of brk without blocks and with 90 MB of them");
}
