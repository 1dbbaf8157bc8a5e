//! Which system calls are recorded: the same with every tracer, or their traces could not be compared.

/// Those that concern nothing but memory, and are of interest only inside a call. `brk` is none of them: where the break is must be known
/// from the beginning.
pub const MEMORY: &[&str] = &[
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "pkey_mprotect",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "mlockall",
    "munlockall",
    "msync",
    "mincore",
    "remap_file_pages",
    "shmat",
    "shmdt",
];

/// The others: the break, output (what a library prints inside a call is of interest), processes.
pub const OTHERS: &[&str] = &[
    "brk",
    "write",
    "writev",
    "clone",
    "clone3",
    "fork",
    "vfork",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "wait4",
    "waitid",
    "kill",
    "tkill",
    "tgkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
];

/// All of them, by the kernel's names.
pub fn names() -> impl Iterator<Item = &'static str> {
    OTHERS.iter().chain(MEMORY).copied()
}

/// Whether a call makes a thread or a process.
pub fn makes_task(name: &str) -> bool {
    matches!(name, "clone" | "clone3" | "fork" | "vfork")
}

/// How many bytes of a text are recorded: enough for a mark.
pub const LONGEST_TEXT: usize = 160;

/// Calls whose arguments lie in memory as structures, or are of no use to a reader: traces write them as `...`.
pub fn is_opaque(name: &str) -> bool {
    matches!(
        name,
        "clone"
            | "clone3"
            | "wait4"
            | "waitid"
            | "mincore"
            | "execve"
            | "execveat"
            | "writev"
            | "rt_sigqueueinfo"
            | "rt_tgsigqueueinfo"
    )
}
