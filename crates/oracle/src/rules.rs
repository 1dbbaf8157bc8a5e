//! An allocator, decision by decision: the contract under a list of patches.
//!
//! Each decision stands in the table below, and how the contract takes it in `rules/contract.rs`. A [`Patch`] takes some of them
//! otherwise; a mistaken allocator is the contract under one patch or several: see [`crate::hypotheses`].

mod contract;
mod resize;

use crate::call::{Address, Function};
use crate::cx::Cx;
use crate::heap::{Found, Heap};
use crate::run::{Call, Run, Trouble};

/// The contract under patches, the first of them on top.
///
/// A decision is taken by the first patch that changes it. That patch may ask those below it, down to the contract, by the
/// `next` that it is given; whatever is decided on the way is decided from the [top](Rules::top) again.
#[derive(Clone, Copy)]
pub struct Rules<'p> {
    patches: &'p [&'p dyn Patch],
    /// Where among them the next decision is looked for.
    at: usize,
}

impl<'p> Rules<'p> {
    /// The contract as it stands.
    pub const CONTRACT: Rules<'static> = Rules { patches: &[], at: 0 };

    /// The contract under these patches.
    pub const fn patched(patches: &'p [&'p dyn Patch]) -> Self {
        Self { patches, at: 0 }
    }

    /// The whole allocator, whichever patch is asked.
    pub const fn top(self) -> Self {
        Self { at: 0, ..self }
    }

    /// The next patch, and what lies below it.
    fn below(self) -> Option<(&'p dyn Patch, Self)> {
        let patch = *self.patches.get(self.at)?;
        Some((patch, Self { at: self.at + 1, ..self }))
    }

    /// Whether a call is as such an allocator makes it: `own` is what this model made of it.
    pub fn explains(self, own: &Call, seen: &Call, heap: &Heap) -> bool {
        let otherwise = self.patches.iter().find_map(|patch| patch.explains(own, seen, heap));
        otherwise.unwrap_or_else(|| own == seen)
    }

    /// Whether a call that is not as this model makes it is what a mistake may lead to, and nothing that follows can be foretold.
    pub fn gives_up(self, own: &Call, seen: &Call, heap: &Heap) -> bool {
        self.patches.iter().any(|patch| patch.gives_up(own, seen, heap))
    }

    /// Whether such an allocator may end a run so; `heap` is its state after the last call. The contract's never does.
    pub fn excuses(self, trouble: &Trouble<'_>, heap: &Heap) -> bool {
        self.patches.iter().any(|patch| patch.excuses(trouble, heap))
    }
}

/// Writes one method for each decision of the table: in [`Rules`], which asks patch after patch and then the contract, and in
/// [`Patch`], which leaves it to those below.
macro_rules! decisions {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl Rules<'_> {
            $(
                #[doc = concat!("Decides `", stringify!($name), "`, by the first patch that changes it.")]
                pub fn $name(self, $($argument: $type),*) $(-> $result)? {
                    match self.below() {
                        Some((patch, next)) => patch.$name(next, $($argument),*),
                        None => contract::$name(self.top(), $($argument),*),
                    }
                }
            )*
        }

        /// Some decisions, taken otherwise than the contract takes them.
        pub trait Patch: Sync {
            $(
                #[doc = concat!("Decides `", stringify!($name), "`; `next` is what lies below.")]
                fn $name(&self, next: Rules<'_>, $($argument: $type),*) $(-> $result)? {
                    next.$name($($argument),*)
                }
            )*

            /// Whether a run can prove that the allocator is such a one; one of all runs must.
            fn may_have_made(&self, _run: &Run) -> bool {
                true
            }

            /// Whether a call is as such an allocator makes it, if that is not for the model to say.
            fn explains(&self, _own: &Call, _seen: &Call, _heap: &Heap) -> Option<bool> {
                None
            }

            /// Whether a call that is not as this model makes it is what the mistake may lead to.
            fn gives_up(&self, _own: &Call, _seen: &Call, _heap: &Heap) -> bool {
                false
            }

            /// Whether such an allocator may end a run so.
            fn excuses(&self, _trouble: &Trouble<'_>, _heap: &Heap) -> bool {
                false
            }
        }
    };
}

decisions! {
    malloc(cx: &mut Cx<'_>, size: u64) -> Address;
    calloc(cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address;
    realloc(cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address;
    free(cx: &mut Cx<'_>, pointer: Address);
    allocate(cx: &mut Cx<'_>, function: Function, size: u64) -> Address;
    align(cx: &Cx<'_>, size: u64) -> u64;
    is_mapped(cx: &mut Cx<'_>, function: Function, size: u64) -> bool;
    take(cx: &mut Cx<'_>, size: u64) -> Option<usize>;
    hand_out(cx: &mut Cx<'_>, index: usize, size: u64) -> usize;
    preallocate(cx: &mut Cx<'_>, size: u64) -> bool;
    before_search(cx: &mut Cx<'_>);
    merge(heap: &mut Heap);
    next_is_free(heap: &Heap, index: usize) -> bool;
    join(heap: &mut Heap, index: usize);
    choose(cx: &mut Cx<'_>, size: u64) -> Option<usize>;
    split(cx: &mut Cx<'_>, index: usize, size: u64);
    grow(cx: &mut Cx<'_>, size: u64) -> Option<usize>;
    can_extend(cx: &Cx<'_>, index: usize) -> bool;
    extend(cx: &mut Cx<'_>, index: usize, size: u64) -> bool;
    append(cx: &mut Cx<'_>, size: u64) -> Option<usize>;
    map(cx: &mut Cx<'_>, size: u64) -> Address;
    release(cx: &mut Cx<'_>, found: Found);
    release_block(cx: &mut Cx<'_>, index: usize);
    release_mapping(cx: &mut Cx<'_>, index: usize);
    resizable(cx: &mut Cx<'_>, pointer: Address) -> Option<Found>;
    freeable(cx: &mut Cx<'_>, pointer: Address) -> Option<Found>;
    resize(cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address;
    shrink(cx: &mut Cx<'_>, index: usize, size: u64);
    extends_last(cx: &Cx<'_>, index: usize) -> bool;
    extend_resized(cx: &mut Cx<'_>, index: usize, size: u64) -> bool;
    absorb(cx: &mut Cx<'_>, index: usize, size: u64) -> usize;
    split_grown(cx: &mut Cx<'_>, index: usize, size: u64);
    heap_to_mapping(cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address;
    resize_mapping(cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address;
    relocate(cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address;
    zero(cx: &mut Cx<'_>, index: usize);
    copy(cx: &mut Cx<'_>, from: Found, bytes: u64);
    load(cx: &mut Cx<'_>);
}
