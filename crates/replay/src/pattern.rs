//! What blocks are filled with, so that every wrong byte shows and nothing needs to be remembered of what was written.

/// The `index`-th eight bytes of the pattern `seed`: different for every pair of numbers below 2^32.
///
/// A seed of 0 is not to be used: its first eight bytes are zero, as fresh memory is.
#[must_use]
pub const fn pattern(seed: u64, index: u64) -> [u8; 8] {
    (seed << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_ne_bytes()
}
