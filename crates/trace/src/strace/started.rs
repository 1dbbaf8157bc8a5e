//! The log of a program that something else started: what the starter did on the way is taken out.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::traced::makes_task;

/// The lines from the program's start on without those of the processes that started it, and all others.
///
/// The first thread of the log is the starter. The first other one that calls execve becomes the program; whoever made a system
/// call before that is of the starter's making. Nothing of the program's own making can come before it.
pub fn parted(log: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let lines = || log.split_inclusive(|byte| *byte == b'\n').map(|line| (thread(line), line));
    let starter = lines().next().and_then(|(thread, _)| thread);
    let starts = |(thread, line): &(Option<u32>, &[u8])| *thread != starter && thread.is_some() && is_execve(line);
    let Some(first) = lines().position(|line| starts(&line)) else { return (Vec::new(), log.to_vec()) };
    let mut starters: HashSet<Option<u32>> = lines().take(first).map(|(thread, _)| thread).collect();
    for (program, _) in lines().skip(first).take(1) {
        starters.remove(&program);
    }
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    for (number, (thread, line)) in lines().enumerate() {
        if number >= first && !starters.contains(&thread) {
            kept.push((thread, line));
        } else {
            others.extend_from_slice(line);
        }
    }
    (renumbered(&kept), others)
}

/// How many calls of this name begin in a thread's lines.
pub fn count(lines: &[u8], of: u32, name: &str) -> usize {
    let begins = |line: &&[u8]| call(line).strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"("));
    lines.split_inclusive(|byte| *byte == b'\n').filter(|line| thread(line) == Some(of)).filter(begins).count()
}

/// The lines with what clone and its kin gave back replaced by the numbers that the log's other lines know the new tasks by: in a
/// namespace of processes the two differ.
///
/// strace would tell both (`--decode-pids=pidns`), but goes through all of /proc for each. Both numbers are given out at the same
/// moment and in ascending order, so that the tasks of the log and the numbers given back belong together by their ranks.
fn renumbered(lines: &[(Option<u32>, &[u8])]) -> Vec<u8> {
    let given: BTreeSet<u32> = lines.iter().filter_map(|(_, line)| new_task(line).map(|(_, number)| number)).collect();
    let program = lines.first().and_then(|(thread, _)| *thread).unwrap_or_default();
    // Numbers begin anew when they are used up.
    let age = |task: u32| u64::from(task) + if task < program { 1 << 32 } else { 0 };
    let tasks: BTreeMap<u64, u32> = lines
        .iter()
        .filter_map(|(task, _)| *task)
        .filter(|task| *task != program)
        .map(|task| (age(task), task))
        .collect();
    let known: BTreeMap<u32, u32> = given.into_iter().zip(tasks.into_values()).collect();
    let mut log = Vec::with_capacity(lines.iter().map(|(_, line)| line.len()).sum());
    for (_, line) in lines {
        match new_task(line).and_then(|(before, number)| Some((before, known.get(&number)?))) {
            Some((before, task)) => log.extend(format!("{before}{task}\n").bytes()),
            None => log.extend_from_slice(line),
        }
    }
    log
}

/// A line in which a call made a new task: what stands before its number, and the number.
fn new_task(line: &[u8]) -> Option<(&str, u32)> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let call = call(line);
    let call = call.strip_prefix(b"<... ").unwrap_or(call);
    let end = call.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    if !std::str::from_utf8(&call[..end]).is_ok_and(makes_task) {
        return None;
    }
    let digits = text.rsplit(' ').next()?;
    let before = &text[..text.len() - digits.len()];
    Some((before, digits.parse().ok().filter(|_| before.ends_with("= "))?))
}

/// Whose line it is.
pub fn thread(line: &[u8]) -> Option<u32> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&line[..digits]).ok()?.parse().ok()
}

/// Whether the line is an execve.
fn is_execve(line: &[u8]) -> bool {
    call(line).starts_with(b"execve(")
}

/// What follows the thread, which strace pads, and the instruction pointer.
fn call(line: &[u8]) -> &[u8] {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = line[digits..].trim_ascii_start();
    match rest.iter().position(|byte| *byte == b']').filter(|_| rest.starts_with(b"[")) {
        Some(end) => rest[end + 1..].trim_ascii_start(),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program_only(log: &[u8]) -> Vec<u8> {
        parted(log).0
    }

    #[test]
    fn what_led_to_the_program_is_left_out() {
        let log = "\
10 [0001] execve(\"/box\", [\"/box\"], 0x1 /* 2 vars */) = 0
10 [0001] clone(child_stack=NULL, flags=SIGCHLD) = 11
11 [0001] clone(child_stack=NULL, flags=SIGCHLD) = 2
11 [0001] wait4(-1,  <unfinished ...>
12 [0001] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x1000
12 [0001] execve(\"/program\", [\"/program\"], 0x1 /* 2 vars */ <unfinished ...>
10 [0001] wait4(11,  <unfinished ...>
12 [0001] <... execve resumed>) = 0
12 [0001] clone(child_stack=NULL, flags=SIGCHLD) = 3
13 [0001] brk(NULL) = 0x1000
12 [0001] +++ exited with 0 +++
11 [0001] <... wait4 resumed>NULL, 0, NULL) = 2
11 [0001] +++ exited with 0 +++
";
        let kept = program_only(log.as_bytes());
        let kept = String::from_utf8(kept).unwrap();
        assert_eq!(kept.lines().count(), 5, "{kept}");
        assert!(kept.starts_with("12 [0001] execve(\"/program\""), "{kept}");
        assert!(kept.lines().all(|line| line.starts_with("12") || line.starts_with("13")), "{kept}");
        assert!(kept.contains("12 [0001] clone(child_stack=NULL, flags=SIGCHLD) = 13\n"), "{kept}");
        let short = "310   [0001] execve(\"/box\") = 0\n7     [0001] execve(\"/program\") = 0\n";
        assert_eq!(program_only(short.as_bytes()), b"7     [0001] execve(\"/program\") = 0\n");
        assert_eq!(program_only(b"10 execve(\"/box\") = 0\n10 +++ exited with 125 +++\n"), b"");
        assert_eq!(program_only(b""), b"");
    }

    #[test]
    fn what_the_thread_did_before_it_was_the_program_is_counted() {
        let log = "\
10 [0001] execve(\"/box\") = 0
10 [0001] brk(NULL) = 0x1000
12 [0001] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0 <unfinished ...>
10 [0001] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x1000
12 [0001] <... mmap resumed>) = 0x2000
12 [0001] brk(0x2000) = 0x2000
12 [0001] mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x3000
12 [0001] execve(\"/program\") = 0
12 [0001] brk(NULL) = 0x1000
10 [0001] brk(NULL) = 0x1000
";
        let (program, starter) = parted(log.as_bytes());
        assert_eq!(
            (program.split_inclusive(|byte| *byte == b'\n').count(), program.len() + starter.len()),
            (2, log.len())
        );
        let counts = [(12, "mmap"), (12, "brk"), (10, "brk"), (11, "brk"), (12, "map")];
        assert_eq!(counts.map(|(thread, name)| count(&starter, thread, name)), [2, 1, 2, 0, 0]);
    }

    #[test]
    fn numbers_of_any_length_are_known() {
        for program in [7, 43, 438, 2377, 32767, 4_000_000] {
            for pointer in ["", "[00007f0000000001] "] {
                let kept =
                    format!("{program:<5} {pointer}execve(\"/program\") = 0\n{program:<5} {pointer}brk(NULL) = 0x1\n");
                let log = format!("{:<5} {pointer}execve(\"/box\") = 0\n{kept}", 5);
                assert_eq!(String::from_utf8(program_only(log.as_bytes())).unwrap(), kept);
            }
        }
    }

    #[test]
    fn new_tasks_are_known_by_their_other_numbers() {
        let log = "\
4000000 execve(\"/box\") = 0
4000001 execve(\"/program\") = 0
4000001 clone(child_stack=NULL, flags=CLONE_VM|CLONE_THREAD <unfinished ...>
310 brk(NULL) = 0x1000
310 clone3({flags=CLONE_THREAD}, 88) = 4
4000001 <... clone resumed>) = 3
4000001 vfork() = -1 EAGAIN (Resource temporarily unavailable)
312 +++ exited with 0 +++
4000001 write(1, \"clone( = 3\", 5) = 5
4000001 +++ exited with 0 +++
";
        let kept = String::from_utf8(program_only(log.as_bytes())).unwrap();
        assert!(kept.contains("4000001 <... clone resumed>) = 310\n"), "{kept}");
        assert!(kept.contains("310 clone3({flags=CLONE_THREAD}, 88) = 312\n"), "{kept}");
        assert!(kept.contains("vfork() = -1 EAGAIN") && kept.contains("\"clone( = 3\", 5) = 5\n"), "{kept}");
    }
}
