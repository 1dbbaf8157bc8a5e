//! System calls as strace writes them: what both tracers see must read the same.

use std::borrow::Cow;
use std::fmt::Write;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use super::kernel::Tid;
use super::memory;
use crate::log::Reply;
use crate::traced::LONGEST_TEXT;

/// The arguments of a call.
pub fn arguments(tid: Tid, name: &str, arguments: [u64; 6]) -> Cow<'static, str> {
    let [a, b, c, d, e, f] = arguments;
    let text = match name {
        "brk" | "shmdt" => pointer(a),
        "mmap" => {
            let (protection, flags) = (protection(c), mapping_flags(d));
            format!("{}, {b}, {protection}, {flags}, {}, {}", pointer(a), int(e), offset(f))
        }
        "munmap" | "mlock" | "munlock" => format!("{}, {b}", pointer(a)),
        "mprotect" => format!("{}, {b}, {}", pointer(a), protection(c)),
        "pkey_mprotect" => format!("{}, {b}, {}, {}", pointer(a), protection(c), int(d)),
        "madvise" => format!("{}, {b}, {}", pointer(a), advice(c)),
        "mlock2" => format!("{}, {b}, {}", pointer(a), flags(c & INT, LOCK, "MLOCK_???")),
        "mlockall" => flags(a & INT, LOCK_ALL, "MCL_???"),
        "msync" => format!("{}, {b}, {}", pointer(a), flags(c & INT, SYNC, "MS_???")),
        "mremap" => {
            let mut text = format!("{}, {b}, {c}, {}", pointer(a), flags(d, REMAP, "MREMAP_???"));
            // The new address is an argument only where the kernel may look at it.
            if d & 3 == 3 {
                let _ = write!(text, ", {}", pointer(e));
            }
            text
        }
        "remap_file_pages" => {
            format!("{}, {b}, {}, {d}, {}", pointer(a), protection(c), mapping_flags(e))
        }
        "shmat" => format!("{}, {}, {}", int(a), pointer(b), flags(c & INT, ATTACH, "SHM_???")),
        "write" => format!("{}, {}, {c}", int(a), text(tid, b, c)),
        "exit" | "exit_group" => int(a).to_string(),
        "kill" | "tkill" => format!("{}, {}", int(a), signal_number(b)),
        "tgkill" => format!("{}, {}, {}", int(a), int(b), signal_number(c)),
        "clone" if a & THREAD != 0 => return Cow::Borrowed("flags=CLONE_THREAD"),
        // Structures in memory, which traces leave out.
        _ => return Cow::Borrowed(""),
    };
    Cow::Owned(text)
}

/// The flag of clone that makes a thread.
pub const THREAD: u64 = 0x1_0000;

/// What is an int for the kernel.
const INT: u64 = 0xffff_ffff;

#[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the lower half alone")]
fn int(argument: u64) -> i32 {
    argument as i32
}

/// The answer of a call.
pub fn reply(name: &str, (result, failed): (i64, bool)) -> Reply<'static> {
    if failed {
        return match result.checked_neg().and_then(|number| i32::try_from(number).ok()).and_then(errno) {
            Some(name) => Reply::Failed(name),
            // It is made once more, or was cut off by a signal.
            None => Reply::Never,
        };
    }
    match name {
        "brk" | "mmap" | "mremap" | "shmat" => Reply::Address(result.cast_unsigned()),
        _ => Reply::Number(result),
    }
}

/// The name of an error; `None` for what only the kernel itself sees.
pub fn errno(number: i32) -> Option<&'static str> {
    Some(match Errno::from_raw(number) {
        Errno::UnknownErrno => return None,
        Errno::EPERM => "EPERM",
        Errno::ENOENT => "ENOENT",
        Errno::ESRCH => "ESRCH",
        Errno::EINTR => "EINTR",
        Errno::EIO => "EIO",
        Errno::E2BIG => "E2BIG",
        Errno::ENOEXEC => "ENOEXEC",
        Errno::EBADF => "EBADF",
        Errno::ECHILD => "ECHILD",
        Errno::EAGAIN => "EAGAIN",
        Errno::ENOMEM => "ENOMEM",
        Errno::EACCES => "EACCES",
        Errno::EFAULT => "EFAULT",
        Errno::EBUSY => "EBUSY",
        Errno::EEXIST => "EEXIST",
        Errno::ENODEV => "ENODEV",
        Errno::ENOTDIR => "ENOTDIR",
        Errno::EISDIR => "EISDIR",
        Errno::EINVAL => "EINVAL",
        Errno::ENFILE => "ENFILE",
        Errno::EMFILE => "EMFILE",
        Errno::ETXTBSY => "ETXTBSY",
        Errno::EFBIG => "EFBIG",
        Errno::ENOSPC => "ENOSPC",
        Errno::ESPIPE => "ESPIPE",
        Errno::EROFS => "EROFS",
        Errno::EPIPE => "EPIPE",
        Errno::ENAMETOOLONG => "ENAMETOOLONG",
        Errno::ENOSYS => "ENOSYS",
        Errno::ELOOP => "ELOOP",
        Errno::EOVERFLOW => "EOVERFLOW",
        Errno::EILSEQ => "EILSEQ",
        Errno::EOPNOTSUPP => "EOPNOTSUPP",
        Errno::ECONNRESET => "ECONNRESET",
        Errno::EDQUOT => "EDQUOT",
        // No call that is recorded gives any other.
        _ => "EOTHER",
    })
}

/// A signal's name, with those of real time as strace counts them.
pub fn signal(number: i32) -> &'static str {
    const FIRST: i32 = 32;
    const REAL_TIME: [&str; 33] = [
        "SIGRT_0", "SIGRT_1", "SIGRT_2", "SIGRT_3", "SIGRT_4", "SIGRT_5", "SIGRT_6", "SIGRT_7", "SIGRT_8", "SIGRT_9",
        "SIGRT_10", "SIGRT_11", "SIGRT_12", "SIGRT_13", "SIGRT_14", "SIGRT_15", "SIGRT_16", "SIGRT_17", "SIGRT_18",
        "SIGRT_19", "SIGRT_20", "SIGRT_21", "SIGRT_22", "SIGRT_23", "SIGRT_24", "SIGRT_25", "SIGRT_26", "SIGRT_27",
        "SIGRT_28", "SIGRT_29", "SIGRT_30", "SIGRT_31", "SIGRT_32",
    ];
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str(),
        Err(_) => usize::try_from(number - FIRST).ok().and_then(|place| REAL_TIME.get(place)).unwrap_or(&"SIGRT_?"),
    }
}

fn signal_number(argument: u64) -> Cow<'static, str> {
    match int(argument) {
        number @ 1..=64 => Cow::Borrowed(signal(number)),
        number => Cow::Owned(number.to_string()),
    }
}

fn pointer(address: u64) -> String {
    if address == 0 { "NULL".into() } else { format!("{address:#x}") }
}

fn offset(offset: u64) -> String {
    if offset == 0 { "0".into() } else { format!("{offset:#x}") }
}

/// A text in the memory of a thread, quoted; no more of it than is recorded.
fn text(tid: Tid, address: u64, length: u64) -> String {
    let whole = usize::try_from(length).unwrap_or(usize::MAX);
    let wanted = whole.min(LONGEST_TEXT);
    let bytes = memory::read_some(tid, address, wanted);
    if address == 0 || bytes.len() < wanted {
        return pointer(address);
    }
    let mut text = String::with_capacity(wanted + 8);
    text.push('"');
    for (place, byte) in bytes.iter().enumerate() {
        quote(&mut text, *byte, bytes.get(place + 1).copied());
    }
    text.push_str(if whole > wanted { "\"..." } else { "\"" });
    text
}

/// A byte of a text; `next` decides how many octal digits are needed.
fn quote(text: &mut String, byte: u8, next: Option<u8>) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\t' => b't',
        b'\r' => b'r',
        0x0b => b'v',
        0x0c => b'f',
        b' '..=b'~' => return text.push(byte.into()),
        _ => {
            let digits = if next.is_some_and(|next| next.is_ascii_digit()) { 3 } else { 1 };
            let _ = write!(text, "\\{byte:0digits$o}");
            return;
        }
    };
    text.push('\\');
    text.push(letter.into());
}

/// Bits and their names, in strace's order.
type Names = &'static [(u64, &'static str)];

const PROTECTION: Names = &[
    (1, "PROT_READ"),
    (2, "PROT_WRITE"),
    (4, "PROT_EXEC"),
    (8, "PROT_SEM"),
    (0x100_0000, "PROT_GROWSDOWN"),
    (0x200_0000, "PROT_GROWSUP"),
];

const MAPPING: Names = &[
    (0x10, "MAP_FIXED"),
    (0x20, "MAP_ANONYMOUS"),
    #[cfg(target_arch = "x86_64")]
    (0x40, "MAP_32BIT"),
    (0x4000, "MAP_NORESERVE"),
    (0x8000, "MAP_POPULATE"),
    (0x1_0000, "MAP_NONBLOCK"),
    (0x100, "MAP_GROWSDOWN"),
    (0x800, "MAP_DENYWRITE"),
    (0x1000, "MAP_EXECUTABLE"),
    (0x2000, "MAP_LOCKED"),
    (0x2_0000, "MAP_STACK"),
    (0x4_0000, "MAP_HUGETLB"),
    (0x8_0000, "MAP_SYNC"),
    (0x10_0000, "MAP_FIXED_NOREPLACE"),
];

const REMAP: Names = &[(1, "MREMAP_MAYMOVE"), (2, "MREMAP_FIXED"), (4, "MREMAP_DONTUNMAP")];
const LOCK: Names = &[(1, "MLOCK_ONFAULT")];
const LOCK_ALL: Names = &[(1, "MCL_CURRENT"), (2, "MCL_FUTURE"), (4, "MCL_ONFAULT")];
const SYNC: Names = &[(4, "MS_SYNC"), (1, "MS_ASYNC"), (2, "MS_INVALIDATE")];
const ATTACH: Names = &[(0o10000, "SHM_RDONLY"), (0o20000, "SHM_RND"), (0o40000, "SHM_REMAP"), (0o100_000, "SHM_EXEC")];

/// The names of the bits of `value`, and what is left.
fn named(value: u64, names: Names) -> (Vec<&'static str>, u64) {
    let (mut found, mut rest) = (Vec::new(), value);
    for (bits, name) in names {
        if rest & bits == *bits {
            found.push(*name);
            rest &= !bits;
        }
    }
    (found, rest)
}

fn flags(value: u64, names: Names, unknown: &str) -> String {
    let (found, rest) = named(value, names);
    let mut text = found.join("|");
    match (found.is_empty(), rest) {
        (_, 0) if !found.is_empty() => {}
        (_, 0) => text.push('0'),
        (true, rest) => text = format!("{rest:#x} /* {unknown} */"),
        (false, rest) => text = format!("{text}|{rest:#x}"),
    }
    text
}

fn protection(value: u64) -> Cow<'static, str> {
    match value {
        0 => Cow::Borrowed("PROT_NONE"),
        3 => Cow::Borrowed("PROT_READ|PROT_WRITE"),
        _ => Cow::Owned(flags(value, PROTECTION, "PROT_???")),
    }
}

fn mapping_flags(value: u64) -> Cow<'static, str> {
    const KIND: u64 = 0xf;
    if value == 0x22 {
        return Cow::Borrowed("MAP_PRIVATE|MAP_ANONYMOUS");
    }
    let kind = match value & KIND {
        1 => Cow::Borrowed("MAP_SHARED"),
        2 => Cow::Borrowed("MAP_PRIVATE"),
        3 => Cow::Borrowed("MAP_SHARED_VALIDATE"),
        0 => Cow::Borrowed("MAP_FILE"),
        kind => Cow::Owned(format!("{kind:#x} /* MAP_??? */")),
    };
    let (found, rest) = named(value & !KIND, MAPPING);
    let mut text = kind.into_owned();
    for name in found {
        text.push('|');
        text.push_str(name);
    }
    // The size of huge pages, by its exponent.
    let exponent = rest >> 26 & 0x3f;
    if exponent != 0 {
        let _ = write!(text, "|{exponent}<<MAP_HUGE_SHIFT");
    }
    let rest = rest & !(0x3f << 26);
    if rest != 0 {
        let _ = write!(text, "|{rest:#x}");
    }
    Cow::Owned(text)
}

fn advice(value: u64) -> Cow<'static, str> {
    let name = match value & INT {
        0 => "MADV_NORMAL",
        1 => "MADV_RANDOM",
        2 => "MADV_SEQUENTIAL",
        3 => "MADV_WILLNEED",
        4 => "MADV_DONTNEED",
        8 => "MADV_FREE",
        9 => "MADV_REMOVE",
        10 => "MADV_DONTFORK",
        11 => "MADV_DOFORK",
        12 => "MADV_MERGEABLE",
        13 => "MADV_UNMERGEABLE",
        14 => "MADV_HUGEPAGE",
        15 => "MADV_NOHUGEPAGE",
        16 => "MADV_DONTDUMP",
        17 => "MADV_DODUMP",
        18 => "MADV_WIPEONFORK",
        19 => "MADV_KEEPONFORK",
        20 => "MADV_COLD",
        21 => "MADV_PAGEOUT",
        22 => "MADV_POPULATE_READ",
        23 => "MADV_POPULATE_WRITE",
        24 => "MADV_DONTNEED_LOCKED",
        25 => "MADV_COLLAPSE",
        100 => "MADV_HWPOISON",
        101 => "MADV_SOFT_OFFLINE",
        other => return Cow::Owned(format!("{other:#x} /* MADV_??? */")),
    };
    Cow::Borrowed(name)
}
