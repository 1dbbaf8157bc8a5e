//! The groups: which work, under which name, on which allocators.

use super::work::{Growth, Kind, Sizes, Work};
use crate::heaps::crates::{Dlmalloc, LinkedList, Rlsf, Talc};
use crate::heaps::linear::Linear;
use crate::heaps::none::None;
use crate::heaps::ours::{Core, Process};
use crate::heaps::{Heap, System};

/// One measurement.
pub struct Group {
    pub name: String,
    pub kind: Kind,
}

const SMALL: Sizes = Sizes(16, 1024);
const KB: usize = 1024;

/// All groups. The part of the name before the slash is what geometric means are taken over.
pub fn all() -> Vec<Group> {
    let mut groups = Vec::new();
    let mut add = |name: String, kind| groups.push(Group { name, kind });
    for bytes in [16, 64, 256, KB, 4 * KB, 16 * KB] {
        add(format!("pair/{bytes}"), Kind::Pair(bytes));
    }
    for (blocks, name) in [(100, "100"), (1000, "1k"), (10_000, "10k"), (100_000, "100k"), (1_000_000, "1M")] {
        add(format!("random/{name}"), Kind::Random(blocks, SMALL));
    }
    let grow = |buffers, by, limit| Kind::Grow { buffers, by, limit };
    add("realloc/one-by-half".into(), grow(1, Growth::Half, 100 * KB));
    add("realloc/one-by-16".into(), grow(1, Growth::Step(16), 32 * KB));
    add("realloc/8-by-half".into(), grow(8, Growth::Half, 100 * KB));
    add("realloc/8-by-16".into(), grow(8, Growth::Step(16), 4 * KB));
    add("realloc/to-8M".into(), grow(1, Growth::Half, 8 * KB * KB));
    for bytes in [64, KB, 16 * KB, 64 * KB] {
        add(format!("calloc/{bytes}"), Kind::Calloc(bytes));
    }
    add("merge/64".into(), Kind::Merge(64));
    add("merge/1024".into(), Kind::Merge(1024));
    for (bytes, name) in [(200 * KB, "200K"), (KB * KB, "1M"), (4 * KB * KB, "4M")] {
        add(format!("mapped/{name}"), Kind::Pair(bytes));
    }
    add("mapped/1M-written".into(), Kind::Touched(KB * KB));
    add("mapped/16-live".into(), Kind::Random(16, Sizes(200_000, 4_000_000)));
    groups
}

/// Something that can be run for a while, whatever allocator it is. Called once per round, never within the measured loop.
pub trait Runner {
    fn run(&mut self, calls: u64) -> u64;
}

impl<H: Heap> Runner for Work<H> {
    fn run(&mut self, calls: u64) -> u64 {
        Work::run(self, calls)
    }
}

/// A name of an allocator, and how to set `kind` up on it.
pub struct Rival {
    pub name: &'static str,
    pub start: fn(Kind) -> Box<dyn Runner>,
}

/// The name of the allocator that every ratio is to.
pub const SYSTEM: &str = "system";
/// Names that derived figures are about.
pub const EXACT: &str = "osmem-exact";
pub const LINEAR: &str = "linear";

/// A macro, since function pointers cannot capture the constructor.
macro_rules! rival {
    ($name:expr, $heap:expr) => {
        Rival { name: $name, start: |kind| Box::new(Work::new($heap, kind)) }
    };
}

/// The allocators that can do `kind` within reason, the system first.
pub fn rivals(kind: Kind) -> Vec<Rival> {
    let mut rivals = vec![
        rival!(SYSTEM, System),
        rival!(EXACT, Core::exact()),
        rival!("osmem-padded", Core::padded()),
        rival!("osmem-compact", Core::compact()),
        rival!("osmem-process", Process),
        rival!("dlmalloc", Dlmalloc::new()),
        rival!("talc", Talc::new()),
        rival!("rlsf", Rlsf::new()),
    ];
    let live = match kind {
        Kind::Random(live, _) => live,
        _ => 0,
    };
    // These walk a list on every call.
    if live <= 100_000 {
        rivals.push(rival!("linked_list", LinkedList::new()));
    }
    if matches!(kind, Kind::Random(_, Sizes(..=1024, _))) {
        rivals.push(rival!("none", None::new()));
    }
    if live <= 100_000 && matches!(kind, Kind::Random(_, Sizes(..=1024, _))) {
        rivals.push(rival!(LINEAR, Linear::new()));
    }
    rivals
}
