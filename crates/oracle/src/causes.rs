//! Why an allocator is wrong: a closed list, in words for the one who wrote it.

mod list;

pub use list::CAUSES;

/// One cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its name, which does not change.
    pub id: &'static str,
    /// What the allocator does, and what it should do instead.
    pub sentence: &'static str,
    /// The rules it touches, the most important one first.
    pub rules: &'static [u8],
}

/// The cause of this name.
pub fn cause(id: &str) -> Option<&'static Cause> {
    CAUSES.iter().find(|cause| cause.id == id)
}
