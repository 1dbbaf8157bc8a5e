//! Why an allocator is wrong: a closed list, in words for the one who wrote it.

mod list;
mod more;

use list::FIRST;
use more::MORE;

/// All of them, by subject.
pub static CAUSES: [Cause; FIRST.len() + MORE.len()] = {
    let mut all = [FIRST[0]; FIRST.len() + MORE.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < FIRST.len() { FIRST[place] } else { MORE[place - FIRST.len()] };
        place += 1;
    }
    all
};

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
