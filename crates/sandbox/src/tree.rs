//! The processes of a box: how much memory they take, ending them.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::sys;

/// All processes below `ancestor`, as /proc tells.
pub fn below(ancestor: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![ancestor.as_raw()];
    while let Some(id) = open.pop() {
        let ids = children.remove(&id).unwrap_or_default();
        found.extend(ids.iter().copied().map(Pid::from_raw));
        open.extend(ids);
    }
    found
}

fn parent(id: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// Memory and files that processes hold; sizes are in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Memory, files in memory and page tables included.
    pub memory: u64,
    /// Files on disk that have no name any more, which no folder shows.
    pub nameless: u64,
    /// Processes and threads.
    pub tasks: u64,
}

/// Returns what the processes below `ancestor` hold for themselves.
pub fn held(ancestor: Pid) -> Held {
    let (mut own, mut shared, mut tasks, mut files) = (0, 0, 0, BTreeMap::new());
    for process in below(ancestor) {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        // Pages mapped from files do not count.
        own += ["RssAnon:", "VmSwap:", "VmPTE:"].into_iter().filter_map(field).sum::<u64>() * 1024;
        shared += field("RssShmem:").unwrap_or(0) * 1024;
        tasks += field("Threads:").unwrap_or(1);
        nameless(process, &mut files);
    }
    let of =
        |in_memory: bool| files.values().filter(|(kind, _)| *kind == in_memory).map(|(_, bytes)| bytes).sum::<u64>();
    // Files in memory may be mapped as well, and by several.
    Held { memory: own + shared.max(of(true)), nameless: of(false), tasks }
}

/// The open files of a process that have no name, by device and number: whether each lies in memory, and its bytes.
fn nameless(process: Pid, files: &mut BTreeMap<(u64, u64), (bool, u64)>) {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;
    for entry in fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten() {
        // Follows the link, which leads to the file itself.
        let Ok(file) = fs::metadata(entry.path()) else { continue };
        if file.is_file() && file.nlink() == 0 {
            let name = fs::read_link(entry.path()).unwrap_or_default();
            let in_memory = name.as_os_str().as_bytes().starts_with(b"/memfd:");
            files.insert((file.dev(), file.ino()), (in_memory, file.blocks() * 512));
        }
    }
}

/// Lets this process look into a folder whose program has taken that right from itself, unless a link is on the way.
fn open_up(folder: &Path) {
    let way = ResolveFlag::RESOLVE_NO_SYMLINKS;
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).resolve(way);
    // It may be gone already.
    if let Ok(opened) = openat2(AT_FDCWD, folder, how) {
        let name = format!("/proc/self/fd/{}", opened.as_raw_fd());
        let _ = fs::set_permissions(name, fs::Permissions::from_mode(0o700));
    }
}

/// Bytes on disk of all that lies in `folder`; counting stops beyond `enough`.
pub fn disk(folder: &Path, enough: u64) -> u64 {
    use std::os::unix::fs::MetadataExt;
    /// The owner's rights to list a folder and to look at what lies in it.
    const RIGHTS: u32 = 0o500;
    let mut total = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if fs::symlink_metadata(&folder).is_ok_and(|there| there.mode() & RIGHTS != RIGHTS) {
            open_up(&folder);
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Does not follow links.
            let Ok(there) = entry.metadata() else { continue };
            total += there.blocks() * 512;
            if total > enough {
                return total;
            }
            if there.is_dir() {
                open.push(entry.path());
            }
        }
    }
    total
}

/// How often everything is killed before anything is stopped.
const KILLING_ROUNDS: u32 = 40;

/// Ends everything below this process, which must be a subreaper, and does not return before all of it is gone. `user`: whom all of it
/// belongs to, and nothing else.
pub fn sweep(user: Option<u32>) {
    if gone() {
        return;
    }
    if let Some(user) = user {
        match sys::split() {
            // All at once: whoever forks meanwhile is killed with its child.
            Ok(None) => {
                let _ = sys::become_user(user).map(|()| kill(Pid::from_raw(-1), Signal::SIGKILL));
                sys::leave(0);
            }
            Ok(Some(killer)) => while waitpid(killer, None) == Err(Errno::EINTR) {},
            // One by one, then.
            Err(_) => {}
        }
    }
    for round in 0_u32.. {
        if gone() {
            return;
        }
        // Some make others as fast as they are killed, and have to be stopped first. Not unless it must be: of a process that is killed
        // right after it was stopped, strace may think that it has failed itself (seen with 6.1), and ends.
        let signals: &[Signal] = if round < KILLING_ROUNDS {
            &[Signal::SIGKILL]
        } else {
            &[Signal::SIGSTOP, Signal::SIGSTOP, Signal::SIGKILL]
        };
        for signal in signals {
            for process in below(Pid::this()) {
                // It may have ended just now.
                let _ = kill(process, *signal);
            }
        }
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
}

/// Reaps what has ended. Whether nothing is left: whoever loses its parent becomes a child of a subreaper.
fn gone() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return true,
            Err(Errno::EINTR) => {}
            Ok(WaitStatus::StillAlive) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}
