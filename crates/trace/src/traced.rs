//! Which system calls are recorded: the same with every tracer, or their traces could not be compared.

/// The system calls, by the kernel's names: memory, processes, and output, since what a library prints inside a call is of interest.
pub const NAMES: &[&str] = &[
    "brk",
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
