//! The layout of a header: its numbers, and the places of its fields.

use super::{Base, Block, Status};
use std::fmt;

/// The layout of a header: two exist, [`Full`](super::Full) and [`Compact`](super::Compact).
pub trait Header: Fields {
    /// Bytes of the header.
    const BYTES: usize;
    /// Every payload address and every block's size is a multiple of this many bytes.
    const ALIGNMENT: usize;
    /// Maximum span of the heap, from its first block to its end, in bytes. Growth beyond is refused (R15), as if by the
    /// system.
    const SPAN: usize;
    /// The smallest block there is (R6).
    const SMALLEST_BLOCK: usize = Self::BYTES + Self::ALIGNMENT;
}

/// Reads and writes the fields of a header in one layout. The methods of [`Block`] say the same of any layout.
///
/// Each reaches single fields of one header, through its place. Size and status are read without the lock as well, so
/// they are atomics; a reference to a whole header does not exist.
pub trait Fields: fmt::Debug + Sized + 'static {
    /// Whether the header of a pending block has room for a link to another one, beside all it has otherwise.
    const HAS_ROOM: bool;

    /// Writes the header of a free block of the heap, field by field.
    fn write_free(block: Block<Self>, size: usize, prev: Option<Block<Self>>, next: Option<Block<Self>>, base: Base);
    /// Writes the header of a mapping that is linked to no other, field by field.
    fn write_mapping(block: Block<Self>, size: usize);

    fn size(block: Block<Self>) -> usize;
    fn heap_size(block: Block<Self>) -> usize;
    fn set_size(block: Block<Self>, size: usize);

    fn status(block: Block<Self>) -> Status;
    fn is_free(block: Block<Self>) -> bool;
    fn is_live(block: Block<Self>) -> bool;
    fn is_cached(block: Block<Self>) -> bool;
    fn is_pending(block: Block<Self>) -> bool;
    fn set_live(block: Block<Self>);
    fn set_cached(block: Block<Self>);
    fn set_free(block: Block<Self>, pending: bool);

    /// Marks a block as free and pending, linked in its header to the block of that number, or to none if it is 0.
    fn set_waiting(block: Block<Self>, behind: u32);
    /// Returns the link that `set_waiting` wrote; `None` if the block is not linked in its header.
    fn waiting(block: Block<Self>) -> Option<u32>;

    fn prev(block: Block<Self>, base: Base) -> Option<Block<Self>>;
    fn next(block: Block<Self>, base: Base) -> Option<Block<Self>>;
    fn set_prev(block: Block<Self>, prev: Option<Block<Self>>, base: Base);
    fn set_next(block: Block<Self>, next: Option<Block<Self>>, base: Base);

    fn can_map(address: usize) -> bool;
    fn left(block: Block<Self>) -> Option<Block<Self>>;
    fn right(block: Block<Self>) -> Option<Block<Self>>;
    fn set_left(block: Block<Self>, left: Option<Block<Self>>);
    fn set_right(block: Block<Self>, right: Option<Block<Self>>);
}
