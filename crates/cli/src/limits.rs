//! Pins the resource limits that traced programs inherit from this command, so that a run here is a run anywhere.

use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};

const MIB: rlim_t = 1 << 20;
const GIB: rlim_t = 1 << 30;

/// A limit that cannot be pinned.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// The hard limit is below what the battery needs.
    #[error(
        "the hard limit on {what} is {hard} bytes, and the battery needs {needed}; raise it (ulimit -H{flag} unlimited, as root or in the container's settings)"
    )]
    TooLow {
        /// What is limited, in words.
        what: &'static str,
        /// The option of the shell's `ulimit`.
        flag: char,
        /// The hard limit, in bytes.
        hard: rlim_t,
        /// What the battery needs, in bytes.
        needed: rlim_t,
    },
    /// The system refused.
    #[error("cannot set the limit on {what}: {source}")]
    Refused {
        /// What is limited, in words.
        what: &'static str,
        /// What the system said.
        source: Errno,
    },
}

/// Sets the soft limits of this process, which every traced program inherits. Hard limits stay as they are.
pub fn pin() -> Result<(), LimitError> {
    // The kernel lays out mappings below the largest possible stack; an unlimited one turns the layout upside down.
    at(Resource::RLIMIT_STACK, "the stack", 's', 8 * MIB)?;
    // Overcommit differs between machines: without this bound an absurd request is granted on one and refused on another.
    at(Resource::RLIMIT_AS, "the address space", 'v', 16 * GIB)?;
    // On Linux the data limit counts the heap and private mappings: a low soft limit would refuse what the tests ask for.
    highest(Resource::RLIMIT_DATA, "data", 'd', GIB)?;
    // Crashing is one of the things submissions do; nobody wants a core file of each crash.
    set(Resource::RLIMIT_CORE, "core files", 0, hard(Resource::RLIMIT_CORE, "core files")?)
}

fn at(resource: Resource, what: &'static str, flag: char, soft: rlim_t) -> Result<(), LimitError> {
    let hard = hard(resource, what)?;
    require(what, flag, hard, soft)?;
    set(resource, what, soft, hard)
}

fn highest(resource: Resource, what: &'static str, flag: char, needed: rlim_t) -> Result<(), LimitError> {
    let hard = hard(resource, what)?;
    require(what, flag, hard, needed)?;
    set(resource, what, hard, hard)
}

fn require(what: &'static str, flag: char, hard: rlim_t, needed: rlim_t) -> Result<(), LimitError> {
    if hard != RLIM_INFINITY && hard < needed {
        return Err(LimitError::TooLow { what, flag, hard, needed });
    }
    Ok(())
}

fn hard(resource: Resource, what: &'static str) -> Result<rlim_t, LimitError> {
    getrlimit(resource).map(|(_, hard)| hard).map_err(|source| LimitError::Refused { what, source })
}

fn set(resource: Resource, what: &'static str, soft: rlim_t, hard: rlim_t) -> Result<(), LimitError> {
    setrlimit(resource, soft, hard).map_err(|source| LimitError::Refused { what, source })
}
