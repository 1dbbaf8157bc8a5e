//! From strace's log to a trace: which calls, whose system calls, which labels, which end.

#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

use osmem_trace::label::label;
use osmem_trace::log;
use osmem_trace::mark::Key;
use osmem_trace::model::{End, Function, Trace};
use osmem_trace::window::{EndProof, Forgery, Window};

const KEY: u64 = 0x0011_2233_4455_66ff;

/// A log in short: `m TEXT` is a mark of thread 1, `mN TEXT` of thread N; other lines are as strace writes them, `1 ` for the
/// thread added where none stands. All marks come from the same instruction.
fn log_of(script: &str) -> String {
    let mut log = "1 [0000000000000001] execve(\"./x\", [\"./x\"], 0x7f /* 1 var */) = 0\n1 [0000000000000002] brk(NULL) = 0x1000000\n".to_string();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (first, rest) = line.split_once(' ').unwrap();
        log += &match first.strip_prefix('m').map(|thread| if thread.is_empty() { Ok(1) } else { thread.parse() }) {
            Some(Ok(thread)) => mark(thread, 0xabc, KEY, rest),
            _ if first.bytes().all(|byte| byte.is_ascii_digit()) => format!("{line}\n"),
            _ => format!("1 {line}\n"),
        };
    }
    log
}

fn mark(thread: u32, at: u64, key: u64, text: &str) -> String {
    format!(
        "{thread} [{at:016x}] write(-1, \"{key:016x} {text}\", {}) = -1 EBADF (Bad file descriptor)\n",
        17 + text.len()
    )
}

fn with_window<T>(log: &str, see: impl FnOnce(&Window<'_>) -> T) -> T {
    let steps = log::read(log.as_bytes(), false).unwrap_or_else(|error| panic!("{error}"));
    see(&Window::cut(&steps, &Key::new(KEY)))
}

/// The trace's text of a script that begins, and how its end is proven.
fn seen(script: &str) -> (String, Option<EndProof>) {
    with_window(&log_of(&format!("m begin 2 0x7f0000\nm main\n{script}")), |window| {
        assert_eq!(window.forged, []);
        let entries = label(&window.steps).unwrap();
        let end = window.end.clone().unwrap_or(End::Killed("SIGNONE".into()));
        let trace = Trace { entries, end };
        assert_eq!(trace.to_string().parse::<Trace>().as_ref(), Ok(&trace));
        (trace.to_string(), window.proof)
    })
}

#[track_caller]
fn check(script: &str, expected: &str) {
    let (text, _) = seen(&format!("{script}\nm end return 0\n+++ exited with 0 +++"));
    let expected: String =
        expected.lines().map(|line| format!("{}\n", line.strip_prefix("        ").unwrap_or(line))).collect();
    assert_eq!(text, format!("{}\nexit 0\n", expected.trim()));
}

#[test]
fn heap_and_mappings_get_labels() {
    check(
        "
        m call os_malloc 1000
        brk(NULL) = 0x1000000
        brk(0x1020000) = 0x1020000
        m done 0x1000020
        m call os_realloc 0x1000020 200000
        mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, 7, 0x1000) = 0x7f0000000000
        m done 0x7f0000000020
        m call os_free 0x7f0000000020
        munmap(0x7f0000000000, 200032) = 0
        m done
        m call os_free 0x7f0000000020
        m done
        m call os_calloc 3 5
        m done 0x1020000
        m call os_free 0x1020001
        m done
        ",
        "
        os_malloc(1000) = HEAP+0x20
          brk(HEAP+0x20000) = HEAP+0x20000
        os_realloc(HEAP+0x20, 200000) = MAP1+0x20
          mmap(NULL, 200032, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
        os_free(MAP1+0x20)
          munmap(MAP1, 200032) = 0
        os_free(MAP1+0x20)
        os_calloc(3, 5) = HEAP+0x20000
        os_free(FOREIGN)
        ",
    );
}

#[test]
fn a_reused_address_gets_a_new_number_and_the_programs_own_mappings_none() {
    check(
        "
        mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000100000
        m call os_malloc 200000
        mmap(NULL, 200032, PROT_READ, MAP_PRIVATE, 3, 0x26000) = 0x7f0000000000
        m done 0x7f0000000020
        m call os_free 0x7f0000000020
        munmap(0x7f0000000000, 200032) = 0
        m done
        m call os_malloc 200000
        mmap(NULL, 200032, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
        m done 0x7f0000000020
        m call os_free 0x7f0000100000
        m done
        munmap(0x7f0000000000, 200032) = 0
        mmap(NULL, 200032, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
        m call os_free 0x7f0000000020
        m done
        ",
        "
        os_malloc(200000) = MAP1+0x20
          mmap(NULL, 200032, PROT_READ, MAP_PRIVATE, 3, 0x26000) = MAP1
        os_free(MAP1+0x20)
          munmap(MAP1, 200032) = 0
        os_malloc(200000) = MAP2+0x20
          mmap(NULL, 200032, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP2
        os_free(FOREIGN)
        os_free(FOREIGN)
        ",
    );
}

#[test]
fn a_mapping_that_moves_gets_a_new_number_one_that_stays_does_not() {
    check(
        "
        m call os_realloc 0x0 100
        mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
        mremap(0x7f0000000000, 4096, 8192, MREMAP_MAYMOVE) = 0x7f0000000000
        mremap(0x7f0000000000, 8192, 16384, MREMAP_MAYMOVE) = 0x7f0000100000
        mremap(0x7f0000100000, 8192, 1152921504606846976, MREMAP_MAYMOVE) = -1 ENOMEM (Cannot allocate memory)
        madvise(0x7f0000100100, 4096, 0x63 /* MADV_??? */) = -1 (errno 528)
        m done 0x7f0000001800
        ",
        "
        os_realloc(NULL, 100) = MAP1+0x1800
          mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
          mremap(MAP1, 4096, 8192, MREMAP_MAYMOVE) = MAP1
          mremap(MAP1, 8192, 16384, MREMAP_MAYMOVE) = MAP2
          mremap(MAP2, 8192, 1152921504606846976, MREMAP_MAYMOVE) = -ENOMEM
          madvise(MAP2+0x100, 4096, 0x63 /* MADV_??? */) = -E528
        ",
    );
}

#[test]
fn heap_is_where_the_first_move_inside_a_call_began() {
    check(
        "
        brk(0x1000800) = 0x1000800
        brk(0x1001000) = 0x1001000
        m call os_malloc 1
        brk(NULL) = 0x1001000
        brk(0x1001000) = 0x1001000
        brk(0x1021000) = 0x1021000
        m done 0x1001020
        brk(NULL) = 0x1021000
        brk(0x1022000) = 0x1022000
        brk(0x1023000) = 0x1022000
        m call os_malloc 2
        brk(0x1030000) = 0x1022000
        m done 0x0
        m call os_malloc 3
        brk(0x1021000) = 0x1021000
        m done 0x1000020
        m call os_free 0x1022000
        m done
        m call os_free 0x1022001
        m done
        ",
        "
        program: brk(FOREIGN) = FOREIGN
        program: brk(HEAP) = HEAP
        os_malloc(1) = HEAP+0x20
          brk(HEAP+0x20000) = HEAP+0x20000
        program: brk(HEAP+0x21000) = HEAP+0x21000
        os_malloc(2) = NULL
          brk(HEAP+0x2f000) = HEAP+0x21000
        os_malloc(3) = FOREIGN
          brk(HEAP+0x20000) = HEAP+0x20000
        os_free(HEAP+0x21000)
        os_free(FOREIGN)
        ",
    );
}

#[test]
fn heap_is_where_the_first_granted_move_began_if_that_lies_lower() {
    check(
        "
        brk(0x1001000) = 0x1001000
        m call os_malloc 1
        brk(0x1021000) = 0x1001000
        m done 0x0
        brk(0x1000000) = 0x1000000
        m call os_malloc 1
        brk(0x1020000) = 0x1020000
        m done 0x1000020
        ",
        "
        program: brk(HEAP+0x1000) = HEAP+0x1000
        os_malloc(1) = NULL
          brk(HEAP+0x21000) = HEAP+0x1000
        program: brk(HEAP) = HEAP
        os_malloc(1) = HEAP+0x20
          brk(HEAP+0x20000) = HEAP+0x20000
        ",
    );
}

#[test]
fn a_heap_that_was_always_refused_is_labelled_too() {
    check(
        "
        m call os_malloc 1
        brk(0x1020000) = 0x1000000
        brk(0x1020000) = -1 EPERM (Operation not permitted)
        m done 0x0
        ",
        "
        os_malloc(1) = NULL
          brk(HEAP+0x20000) = HEAP
          brk(HEAP+0x20000) = -EPERM
        ",
    );
}

#[test]
fn what_happens_between_calls_is_not_shown_what_happens_inside_is() {
    check(
        "
        write(1, \"hi\", 2) = 2
        --- SIGCHLD {si_signo=SIGCHLD} ---
        m call os_malloc 1
        write(2, \"0x7f00000000 \\\"\", 15) = 15
        --- SIGALRM {si_signo=SIGALRM} ---
        tgkill(1, 1, SIGUSR1) = 0
        clone(child_stack=NULL, flags=SIGCHLD) = 77
        wait4(77, NULL, 0, NULL) = 77
        m done 0x0
        77 brk(NULL) = 0x1
        ",
        "
        os_malloc(1) = NULL
          write(2, \"0x7f00000000 \\\"\", 15) = 15
          --- SIGALRM ---
          tgkill(PID, PID, SIGUSR1) = 0
          clone(...) = PID
          wait4(...) = PID
        ",
    );
}

#[test]
fn threads_keep_their_own_system_calls_and_other_processes_are_dropped() {
    check(
        "
        3 brk(NULL) = 0x1000000
        m3 call os_malloc 3
        clone3({flags=CLONE_VM|CLONE_THREAD} => {parent_tid=[2]}, 88) = 2
        m call os_malloc 1
        2 clone(flags=CLONE_THREAD <unfinished ...>
        1 mmap(NULL, 10, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>
        2 <... clone resumed>) = 3
        m2 call os_free 0x0
        3 mmap(NULL, 30, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000300000
        1 <... mmap resumed>) = 0x7f0000100000
        m2 done
        m3 done 0x7f0000300000
        m done 0x7f0000100000
        clone(child_stack=NULL, flags=SIGCHLD) = 9
        m9 call os_malloc 9
        m9 done 0x0
        m9 nonsense
        9 +++ exited with 1 +++
        ",
        "
        os_malloc(3) = MAP1
          mmap(NULL, 30, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP1
        os_malloc(1) = MAP2
          mmap(NULL, 10, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = MAP2
        os_free(NULL)
        ",
    );
}

#[test]
fn a_call_that_never_returns_shows_how_far_it_came() {
    let script = "
        m call os_free 0x10
        mmap(NULL, 10, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>
        +++ killed by SIGKILL +++";
    let expected =
        "os_free(FOREIGN) = ?\n  mmap(NULL, 10, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ?\nkilled by SIGKILL\n";
    assert_eq!(seen(script), (expected.into(), None));
}

#[test]
fn the_end_is_proven_by_the_program_and_by_the_process() {
    let proof = |script: &str| seen(script).1;
    assert_eq!(proof("m end return 259\n+++ exited with 3 +++"), Some(EndProof::Return(259)));
    assert_eq!(proof("m end exit -1\n+++ exited with 255 +++"), Some(EndProof::Exit(-1)));
    // Calls of exit handlers do not take it away.
    assert_eq!(proof("m end exit 0\nm call os_free 0x0\nm done\n+++ exited with 0 +++"), Some(EndProof::Exit(0)));
    // The last word counts: an exit handler may call exit.
    assert_eq!(proof("m end return 0\nm end exit 4\n+++ exited with 4 +++"), Some(EndProof::Exit(4)));
    // Another thread may be inside a call.
    let threads = "clone3({flags=CLONE_THREAD}, 88) = 2\nm2 call os_malloc 1\nm end return 0\n2 +++ exited with 0 +++\n+++ exited with 0 +++";
    assert_eq!(proof(threads), Some(EndProof::Return(0)));

    assert_eq!(proof("+++ exited with 0 +++"), None);
    assert_eq!(proof("m end return 0\n+++ exited with 1 +++"), None);
    assert_eq!(proof("m end return 0\n+++ killed by SIGKILL +++"), None);
    assert_eq!(proof("m end return 0"), None);
    // The library ends the process inside a call of an exit handler.
    assert_eq!(proof("m end return 0\nm call os_free 0x0\n+++ exited with 0 +++"), None);
    // The end of another process proves nothing.
    assert_eq!(proof("m2 end return 0\n2 +++ exited with 0 +++\n+++ exited with 0 +++"), None);
    // Another program took over.
    assert_eq!(proof("m end return 0\nexecve(\"/bin/true\", [\"true\"], 0x7f) = 0\n+++ exited with 0 +++"), None);
    // A failed attempt changes nothing.
    let failed =
        "execve(\"/x\", [\"x\"], 0x7f) = -1 ENOENT (No such file or directory)\nm end return 0\n+++ exited with 0 +++";
    assert_eq!(proof(failed), Some(EndProof::Return(0)));
}

/// The forgeries of a log that begins with a genuine mark.
fn forgeries(tail: &str) -> Vec<(String, Forgery)> {
    with_window(&(log_of("m begin 2 0x7f0000\nm main") + tail), |window| {
        window.forged.iter().map(|forged| (forged.text.clone(), forged.why)).collect()
    })
}

#[test]
fn forged_marks_are_told_by_key_place_words_and_order() {
    let one = |tail: &str, text: &str, why| assert_eq!(forgeries(tail), [(text.into(), why)], "{tail}");
    one(&mark(1, 0xabc, KEY + 1, "call os_malloc 1"), "call os_malloc 1", Forgery::Key);
    one(&mark(1, 0xabd, KEY, "call os_malloc 1"), "call os_malloc 1", Forgery::Origin);
    one(&mark(1, 0xabc, KEY, "call os_malloc -1"), "call os_malloc -1", Forgery::Unreadable);
    one(&mark(1, 0xabc, KEY, "call os_malloc 1 2"), "call os_malloc 1 2", Forgery::Unreadable);
    one(&mark(1, 0xabc, KEY, "done 0x0"), "done 0x0", Forgery::Order);
    one(&mark(1, 0xabc, KEY, "begin 2 0x7f0000"), "begin 2 0x7f0000", Forgery::Order);
    let call = mark(1, 0xabc, KEY, "call os_malloc 1");
    one(&format!("{call}{call}"), "call os_malloc 1", Forgery::Order);
    one(&(call.clone() + &mark(1, 0xabc, KEY, "done")), "done", Forgery::Order);
    one(&(call + &mark(1, 0xabc, KEY, "end exit 0")), "end exit 0", Forgery::Order);
    let exec = "1 execve(\"/bin/true\", [\"true\"], 0x7f) = 0\n".to_string();
    one(&(exec + &mark(1, 0xabc, KEY, "call os_malloc 1")), "call os_malloc 1", Forgery::AfterExec);
    let cut = format!(
        "1 [0000000000000abc] write(-1, \"{KEY:016x} call os_malloc 1\"..., 300) = -1 EBADF (Bad file descriptor)\n"
    );
    one(&cut, "call os_malloc 1...", Forgery::Unreadable);
    assert_eq!(forgeries("1 write(-1, \"hello, world, how are you\", 25) = -1 EBADF (Bad file descriptor)\n"), []);
    assert_eq!(forgeries(&mark(1, 0xabc, KEY, "x").replace("-1, \"", "1, \"")), []);
}

#[test]
fn nobody_speaks_before_the_probe() {
    let log = log_of("m call os_malloc 1\nm begin 2 0x7f0000\nm missing os_calloc\n+++ exited with 127 +++");
    with_window(&log, |window| {
        assert_eq!(window.forged.iter().map(|forged| forged.why).collect::<Vec<_>>(), [Forgery::Order]);
        assert_eq!(window.missing, [Function::Calloc]);
        assert_eq!((window.calls, window.began.clone()), (0, Some((4, "2".into()))));
    });
}

#[test]
fn a_log_without_a_word_of_the_probe_has_an_end_and_nothing_else() {
    let log = log_of("brk(0x1001000) = 0x1001000\n+++ exited with 5 +++");
    with_window(&log, |window| {
        assert_eq!(window.end, Some(End::Exit(5)));
        assert_eq!((window.calls, window.began.clone(), window.proof), (0, None, None));
        assert_eq!(label(&window.steps).unwrap(), []);
    });
    assert!(with_window("", |window| window.end.is_none()));
}

#[test]
fn arguments_that_the_kernel_does_not_know_are_an_error() {
    for call in [
        "brk(x) = 0x1",
        "mmap(NULL, 5) = 0x1",
        "mmap(NULL, x, P, M, -1, 0) = 0x1",
        "munmap(0x5) = 0",
        "mmap(NULL, 1, P, M, x, 0) = 0x1",
        "mremap(NULL, 1, x) = 0x1",
    ] {
        let log = log_of(&format!("m begin 2 0x7f0000\n{call}"));
        let error = with_window(&log, |window| label(&window.steps).expect_err(call));
        assert_eq!(error.line, 4, "{call}: {error}");
    }
}
