//! The header that stands in front of every block's payload.

/// Waits for reuse.
pub const STATUS_FREE: i32 = 0;
/// In use, on the heap.
pub const STATUS_ALLOC: i32 = 1;
/// In use, a mapping of its own.
pub const STATUS_MAPPED: i32 = 2;

/// 32 bytes; the payload follows.
#[repr(C)]
pub struct BlockMeta {
    /// Of the payload, a multiple of 8.
    pub size: usize,
    pub status: i32,
    pub prev: *mut BlockMeta,
    pub next: *mut BlockMeta,
}
