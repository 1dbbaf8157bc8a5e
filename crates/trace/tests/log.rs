//! strace's log, line by line.

use osmem_trace::log::{Reply, Step, What, arguments, decode, read, relabel};
use proptest::prelude::*;

fn steps(log: &str) -> Vec<Step<'_>> {
    read(log.as_bytes(), false).unwrap_or_else(|error| panic!("{error}"))
}

/// The only step of a log: name, arguments, reply.
fn system(log: &str) -> (String, String, Reply<'_>) {
    let [Step { what: What::System(system), .. }] = &steps(log)[..] else { panic!("{log}") };
    (system.name.into(), system.arguments.to_string(), system.reply)
}

#[test]
fn system_calls_with_all_kinds_of_arguments() {
    for (line, name, list, reply) in [
        ("brk(NULL)      = 0x555c03e80000", "brk", "NULL", Reply::Address(0x555c_03e8_0000)),
        ("brk(0x555c03e80000) = 0x555c03e00000 (INJECTED)", "brk", "0x555c03e80000", Reply::Address(0x555c_03e0_0000)),
        (
            "mmap(NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0) = -1 ENOMEM (Cannot allocate memory) (INJECTED)",
            "mmap",
            "NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0",
            Reply::Failed("ENOMEM"),
        ),
        ("munmap(0x7f00, 10) = 0", "munmap", "0x7f00, 10", Reply::Number(0)),
        (
            "mmap(NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0x26000) = -1 ENOMEM (Cannot allocate memory)",
            "mmap",
            "NULL, 8, PROT_READ, MAP_PRIVATE, 3, 0x26000",
            Reply::Failed("ENOMEM"),
        ),
        (
            "madvise(0x7f00, 4096, 0x63 /* MADV_??? */) = -1 EINVAL (Invalid argument)",
            "madvise",
            "0x7f00, 4096, 0x63 /* MADV_??? */",
            Reply::Failed("EINVAL"),
        ),
        (
            "madvise(0x7f00, 4096, MADV_FREE) = -1 (errno 528)",
            "madvise",
            "0x7f00, 4096, MADV_FREE",
            Reply::Failed("528"),
        ),
        (
            "execve(\"./a (b)\", [\"./a\", \"\\\")\"], 0x7ffd /* 35 vars */) = 0",
            "execve",
            "\"./a (b)\", [\"./a\", \"\\\")\"], 0x7ffd /* 35 vars */",
            Reply::Number(0),
        ),
        (
            "write(-1, \"x) = 5 <unfinished ...>\"..., 300) = -1 EBADF (Bad file descriptor)",
            "write",
            "-1, \"x) = 5 <unfinished ...>\"..., 300",
            Reply::Failed("EBADF"),
        ),
        (
            "clone3({flags=CLONE_VM, stack=0x7f} => {parent_tid=[5911]}, 88) = 5911",
            "clone3",
            "{flags=CLONE_VM, stack=0x7f} => {parent_tid=[5911]}, 88",
            Reply::Number(5911),
        ),
        (
            "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = 12",
            "wait4",
            "-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL",
            Reply::Number(12),
        ),
        (
            "wait4(-1, NULL, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
            "wait4",
            "-1, NULL, 0, NULL",
            Reply::Never,
        ),
        ("exit_group(0)  = ?", "exit_group", "0", Reply::Never),
        ("exit_group(0 <unfinished ...>) = ?", "exit_group", "0", Reply::Never),
        ("brk(0x5000) = ? <unavailable>", "brk", "0x5000", Reply::Never),
        ("vfork()         = 17", "vfork", "", Reply::Number(17)),
        (
            "membarrier(MEMBARRIER_CMD_QUERY, 0) = 0x1ff (MEMBARRIER_CMD_GLOBAL|MEMBARRIER_CMD_SHARED)",
            "membarrier",
            "MEMBARRIER_CMD_QUERY, 0",
            Reply::Address(0x1ff),
        ),
        (
            "syscall_0x1f4(0x1, 0x2) = -1 ENOSYS (Function not implemented)",
            "syscall_0x1f4",
            "0x1, 0x2",
            Reply::Failed("ENOSYS"),
        ),
        ("????( <unfinished ...>", "????", "", Reply::Never),
    ] {
        let log = format!("5910  [00007f801b9eead7] {line}\n");
        assert_eq!(system(&log), (name.into(), list.into(), reply), "{line}");
        // With neither a process id nor an instruction pointer, and with one that strace does not know.
        assert_eq!(system(&format!("{line}\n")), (name.into(), list.into(), reply), "{line}");
        assert_eq!(system(&format!("1 [????????????????] {line}\n")), (name.into(), list.into(), reply), "{line}");
    }
}

#[test]
fn the_columns_are_read() {
    let log =
        "5910  [00007f801b9eead7] brk(NULL) = 0x1\n77 [????????????????] +++ exited with 3 +++\nbrk(NULL) = 0x1\n";
    let columns: Vec<_> = steps(log).iter().map(|step| (step.line, step.thread, step.at)).collect();
    assert_eq!(columns, [(1, 5910, Some(0x7f80_1b9e_ead7)), (2, 77, None), (3, 0, None)]);
}

#[test]
fn signals_and_ends() {
    let log = "\
1 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} ---
1 --- SIGRT_2 {si_signo=SIGRT_2, si_code=SI_TKILL, si_pid=1, si_uid=0} ---
1 --- SIGCHLD (Child exited) ---
1 --- stopped by SIGSTOP ---
1 +++ exited with 3 +++
1 +++ killed by SIGSEGV (core dumped) +++
1 +++ killed by SIGKILL +++
";
    let whats: Vec<_> = steps(log).into_iter().map(|step| step.what).collect();
    assert_eq!(
        whats,
        [
            What::Signal("SIGSEGV"),
            What::Signal("SIGRT_2"),
            What::Signal("SIGCHLD"),
            What::Exited(3),
            What::Killed("SIGSEGV"),
            What::Killed("SIGKILL"),
        ]
    );
}

#[test]
fn halves_are_joined_as_both_generations_write_them() {
    // 5.x leaves blanks before the closing parenthesis, 6.x does not.
    for second in
        ["<... mmap resumed> )    = 0x7f00", "<... mmap resumed>) = 0x7f00", "<... mmap resumed>)     = 0x7f00"]
    {
        let log = format!("1 mmap(NULL, 8, PROT_READ, MAP_PRIVATE, -1, 0 <unfinished ...>\n1 {second}\n");
        let expected = ("mmap".into(), "NULL, 8, PROT_READ, MAP_PRIVATE, -1, 0".into(), Reply::Address(0x7f00));
        assert_eq!(system(&log), expected);
    }
    for second in ["<... wait4 resumed>NULL, 0, NULL) = 5", "<... wait4 resumed> NULL, 0, NULL) = 5"] {
        let log = format!("1 wait4(-1,  <unfinished ...>\n1 {second}\n");
        let (_, list, reply) = system(&log);
        assert_eq!((arguments(&list), reply), (vec!["-1", "NULL", "0", "NULL"], Reply::Number(5)));
    }
    let log = "1 wait4(-1,  <unfinished ...>\n1 <... wait4 resumed> <unfinished ...>) = ?\n";
    assert_eq!(system(log), ("wait4".into(), "-1,".into(), Reply::Never));
    let log =
        "1 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n1 <... clone resumed>, child_tidptr=0x7f) = 7\n";
    assert_eq!(system(log).1, "child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f");
}

#[test]
fn a_call_that_made_a_task_has_its_number_even_if_its_maker_never_heard_of_it() {
    let log = "\
10    brk(NULL) = 0x1000
10    clone3({flags=CLONE_THREAD}, 88) = 11
10    clone3({flags=CLONE_THREAD} <unfinished ...>
11    brk(NULL) = 0x1000
12    exit_group(0) = ?
11    clone3({flags=CLONE_THREAD} <unfinished ...>
11    +++ exited with 0 +++
12    +++ exited with 0 +++
13    +++ exited with 0 +++
10    <... clone3 resumed> <unfinished ...>) = ?
10    +++ exited with 0 +++
";
    let replies: Vec<_> = steps(log)
        .iter()
        .filter_map(|step| match &step.what {
            What::System(system) if system.name == "clone3" => Some((step.thread, system.reply)),
            _ => None,
        })
        .collect();
    // Of 13 nothing was seen that it did.
    assert_eq!(replies, [(10, Reply::Number(11)), (10, Reply::Number(12)), (11, Reply::Never)]);
}

#[test]
fn a_number_that_is_given_out_again_begins_anew() {
    let log = "\
1 wait4(-1,  <unfinished ...>
2 brk(0x5000 <unfinished ...>
2 +++ killed by SIGKILL +++
2 brk(0x6000 <unfinished ...>
1 <... wait4 resumed>NULL, 0, NULL) = 2
2 <... brk resumed>) = 0x6000
";
    let replies = steps(log).into_iter().filter_map(|step| match step.what {
        What::System(system) => Some(system.reply),
        _ => None,
    });
    assert_eq!(replies.collect::<Vec<_>>(), [Reply::Number(2), Reply::Never, Reply::Address(0x6000)]);
}

#[test]
fn a_new_address_counts_from_the_second_half_any_other_call_from_the_first() {
    let log = "\
1 munmap(0x7000, 10 <unfinished ...>
2 mmap(NULL, 20, PROT_READ, MAP_PRIVATE, -1, 0 <unfinished ...>
3 brk(NULL) = 0x1
2 <... mmap resumed>) = 0x7000
1 <... munmap resumed>) = 0
";
    let threads: Vec<_> = steps(log).iter().map(|step| step.thread).collect();
    assert_eq!(threads, [1, 3, 2]);
}

#[test]
fn an_execve_in_another_thread_goes_on_under_the_number_of_the_process() {
    let changed = "\
1 brk(NULL) = 0x1
2 execve(\"/bin/true\", [\"true\"], 0x7f /* 3 vars */ <pid changed to 1 ...>
1 +++ superseded by execve in pid 2 +++
1 <... execve resumed>) = 12
";
    let resumed = "\
1 wait4(-1,  <unfinished ...>
2 execve(\"/bin/true\", [\"true\"], 0x7f /* 3 vars */ <unfinished ...>
1 <... wait4 resumed> <unfinished ...>) = ?
1 +++ superseded by execve in pid 2 +++
1 <... execve resumed>) = 0
";
    for log in [changed, resumed] {
        let steps = steps(log);
        let What::System(exec) = &steps[1].what else { panic!("{steps:?}") };
        assert!(exec.name == "execve" && matches!(exec.reply, Reply::Number(_)), "{exec:?}");
    }
}

#[test]
fn any_other_line_is_an_error_with_its_number() {
    for line in [
        "",
        "hello",
        "12345",
        "1 ",
        "99999999999999 brk(NULL) = 0x1",
        "1 [xyz] brk(NULL) = 0x1",
        "1 brk(NULL)",
        "1 brk(NULL) = ",
        "1 brk(NULL) = five",
        "1 brk(NULL) = 0xzz",
        "1 brk(NULL) = 99999999999999999999",
        "1 brk(NULL) = -1 enomem (x)",
        "1 brk(NULL) = 0 (x",
        "1 brk(NULL = 0",
        "1 write(1, \"abc, 3) = 3",
        "1 Brk(NULL) = 0",
        "1 (NULL) = 0",
        "1 +++ exited with x +++",
        "1 +++ exited with 1",
        "1 +++ killed by 9 +++",
        "1 +++ vanished +++",
        "1 --- hello ---",
        "1 --- SIGSEGV",
        "1 <... brk resumed>) = 0",
        "1 <... brk",
        "strace: Process 5 attached",
        "1 brk(NULL) = 0x1\r",
    ] {
        let log = format!("1 brk(NULL) = 0x1\n{line}\n");
        let error = read(log.as_bytes(), false).expect_err(line);
        assert_eq!(error.line, 2, "{line}");
    }
    let interrupted = "1 brk(NULL <unfinished ...>\n";
    for line in [
        "1 brk(NULL <unfinished ...>",
        "1 <... mmap resumed>) = 0",
        "1 <... brk resumed> = 0",
        "2 <... brk resumed>) = 0",
    ] {
        let log = format!("{interrupted}{line}\n");
        assert_eq!(read(log.as_bytes(), false).expect_err(line).line, 2);
    }
    let error = read(format!("1 {}\n", "é".repeat(500)).as_bytes(), false).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

#[test]
fn only_a_log_that_was_cut_may_end_within_a_line() {
    let log = b"1 brk(NULL) = 0x1\n1 mmap(NULL, 5";
    assert_eq!(read(log, true).unwrap().len(), 1);
    let error = read(log, false).unwrap_err();
    assert_eq!((error.line, error.problem), (2, "the line is cut off"));
    // Whole lines have to be right all the same.
    assert!(read(b"nonsense\n1 mmap(NULL, 5", true).is_err());
}

#[test]
fn arguments_are_cut_at_the_outer_commas() {
    assert_eq!(
        arguments("NULL, 8, {a, b}, [c, d], f(e, f), \"g, \\\" h\", 0x1 /* i, j */"),
        ["NULL", "8", "{a, b}", "[c, d]", "f(e, f)", "\"g, \\\" h\"", "0x1 /* i, j */"]
    );
    assert!(arguments("").is_empty());
}

#[test]
fn strings_are_decoded() {
    assert_eq!(decode(r#""a\n\t\r\v\f\\\"b""#).unwrap(), b"a\n\t\r\x0b\x0c\\\"b");
    assert_eq!(decode(r#""\0\1\12\377\x41\0019""#).unwrap(), b"\0\x01\n\xff\x41\x019");
    for no_string in ["", "\"", "abc", "\"abc", "\"abc\"...", "\"a\"b\"", r#""\q""#, r#""\777""#, r#""\""#, r#""\x""#] {
        assert_eq!(decode(no_string), None, "{no_string}");
    }
}

#[test]
fn addresses_are_replaced_outside_strings_and_comments() {
    let see = |address| format!("<{address:x}>");
    assert_eq!(
        relabel("0x70000, 0x63, \"0x70000\", {a=0x80000}, 0x90000 /* 0x90000 */, x0x70000", 0x1_0000, see),
        "<70000>, 0x63, \"0x70000\", {a=<80000>}, <90000> /* 0x90000 */, x0x70000"
    );
    assert_eq!(relabel("0x, 0xffffffffffffffffff", 0, see), "0x, 0xffffffffffffffffff");
}

const VALID: &str = include_str!("support/threads.log");

#[test]
fn a_log_of_a_threaded_program_is_read_whole() {
    let steps = steps(VALID);
    assert!(steps.len() > 30);
    assert!(matches!(steps.last().unwrap().what, What::Exited(3)));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(log in any::<Vec<u8>>(), cut: bool) {
        let _ = read(&log, cut);
    }

    #[test]
    fn no_line_makes_it_panic(line in "[0-9]{0,3} ?(\\[[0-9a-f?]{0,16}\\] )?[a-z<+?.(-]{0,12}[ -~]{0,40}") {
        let _ = read(format!("{line}\n").as_bytes(), false);
        let _ = (arguments(&line), decode(&line), relabel(&line, 0, |_| String::new()));
    }

    /// A damaged log gives an error or steps, and an error names a line that exists.
    #[test]
    fn no_damage_makes_it_panic(
        at in any::<prop::sample::Index>(),
        length in 0..200_usize,
        with in "[ -~\n\u{e9}]{0,12}",
        cut: bool,
    ) {
        let mut log = VALID.to_string();
        let at = at.index(log.len());
        log.replace_range(at..(at + length).min(log.len()), &with);
        if let Err(error) = read(log.as_bytes(), cut) {
            prop_assert!((1..=log.lines().count()).contains(&error.line));
        }
    }

    #[test]
    fn any_string_strace_writes_is_decoded(bytes in any::<Vec<u8>>()) {
        let quoted: String = bytes.iter().map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\{byte:03o}"),
        }).collect();
        prop_assert_eq!(decode(&format!("\"{quoted}\"")), Some(bytes));
    }
}
