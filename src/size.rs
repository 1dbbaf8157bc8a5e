//! Pure numbers: the constants of the contract, and the sizes of one request, rounded and checked for overflow.

/// Every payload address and every block's size is a multiple of this many bytes.
pub const ALIGNMENT: usize = 8;

/// Bytes of the header in front of every payload.
pub const HEADER: usize = 32;

/// Bytes by which the first heap request moves the break (R4), the first block's header included.
pub const PREALLOCATION: usize = 128 * 1024;

/// `malloc` and `realloc` map a block of its own for a request that needs this many bytes or more (R3). For `calloc`
/// the limit is the page size.
pub const MMAP_THRESHOLD: usize = 128 * 1024;

/// The smallest block there is: a header and one unit of payload. What is left over in a split must be this big (R6).
/// So it is with the contract's layout; [`block`](crate::block) has the numbers of the others.
pub const SMALLEST_BLOCK: usize = HEADER + ALIGNMENT;

/// The sizes of one request, known not to overflow (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    bytes: usize,
}

impl Request {
    /// A request of `bytes` bytes; `None` if that is more than `PTRDIFF_MAX` (R2).
    ///
    /// Below that limit neither [`size`](Self::size) nor [`need`](Self::need) can overflow.
    #[must_use]
    pub const fn new(bytes: usize) -> Option<Self> {
        if bytes > isize::MAX.unsigned_abs() {
            return None;
        }
        Some(Self { bytes })
    }

    /// A request of `count` elements of `size` bytes each; `None` if the product overflows or is more than
    /// `PTRDIFF_MAX` (R2).
    #[must_use]
    pub const fn array(count: usize, size: usize) -> Option<Self> {
        match count.checked_mul(size) {
            Some(bytes) => Self::new(bytes),
            None => None,
        }
    }

    /// The bytes the caller asked for.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// The payload's size with the contract's alignment: the bytes asked for, rounded up to [`ALIGNMENT`].
    #[must_use]
    pub const fn size(self) -> usize {
        self.size_in(ALIGNMENT)
    }

    /// The payload's size in a layout that aligns to `alignment` bytes, a power of two.
    #[must_use]
    #[inline]
    pub const fn size_in(self, alignment: usize) -> usize {
        (self.bytes + (alignment - 1)) & !(alignment - 1)
    }

    /// The whole block's size with the contract's layout: header and payload.
    #[must_use]
    pub const fn need(self) -> usize {
        HEADER + self.size()
    }

    /// Whether the request gets a mapping of its own with the contract's layout (R3).
    #[must_use]
    pub const fn is_mapped(self, threshold: usize) -> bool {
        self.need() >= threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_the_alignment() {
        for (bytes, size) in [(1, 8), (7, 8), (8, 8), (9, 16), (131_033, 131_040)] {
            let request = Request::new(bytes).expect("small");
            assert_eq!((request.bytes(), request.size(), request.need()), (bytes, size, size + HEADER));
        }
    }

    #[test]
    fn the_threshold_is_compared_with_the_need() {
        let is_mapped = |bytes| Request::new(bytes).expect("small").is_mapped(MMAP_THRESHOLD);
        assert!(!is_mapped(131_032));
        assert!(is_mapped(131_033));
    }

    #[test]
    fn the_largest_request_does_not_overflow_and_the_next_is_refused() {
        let largest = isize::MAX.unsigned_abs();
        assert_eq!(Request::new(largest).map(Request::need), Some((1 << 63) + HEADER));
        assert_eq!(Request::new(largest + 1), None);
        assert_eq!(Request::new(usize::MAX), None);
    }

    #[test]
    fn a_product_that_overflows_is_refused() {
        assert_eq!(Request::array(1 << 32, 1 << 32), None);
        assert_eq!(Request::array(usize::MAX, 2), None);
        assert_eq!(Request::array(1 << 62, 2), None, "above PTRDIFF_MAX without overflow");
        assert_eq!(Request::array(10, 20), Request::new(200));
    }
}
