//! The numbers of the contract, as parameters: another header size or threshold is another set of them.

/// Where a heap begins that nobody has placed: HEAP of a trace. A multiple of every alignment and page size.
pub const HEAP: u64 = 1 << 40;

/// R2: the largest request, `PTRDIFF_MAX`.
pub const LARGEST: u64 = i64::MAX as u64;

/// What the rules count with, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// What lies in front of every payload.
    pub header: u64,
    /// Payload addresses and sizes are multiples of it.
    pub alignment: u64,
    /// R4: what the first heap request moves the break by, header included.
    pub preallocation: u64,
    /// R3: compared with header + aligned size for malloc and realloc.
    pub mmap_threshold: u64,
    /// R3: the same for calloc; the contract takes the page size.
    pub calloc_threshold: u64,
    /// The machine's page.
    pub page: u64,
}

impl Params {
    /// The contract's, on a machine with pages of 4096 bytes.
    pub const CONTRACT: Self = Self::with_page(4096);

    /// The contract's, on a machine with such pages.
    pub const fn with_page(page: u64) -> Self {
        Self {
            header: 32,
            alignment: 8,
            preallocation: 128 << 10,
            mmap_threshold: 128 << 10,
            calloc_threshold: page,
            page,
        }
    }

    /// A size rounded up to the alignment; one that is too large for any allocator (R2) as if it were the largest.
    pub const fn align(&self, size: u64) -> u64 {
        let size = if size > LARGEST { LARGEST } else { size };
        size.next_multiple_of(self.alignment)
    }

    /// Header and payload of a request: what the contract calls `need(n)`.
    pub const fn need(&self, size: u64) -> u64 {
        self.header + self.align(size)
    }

    /// R6: the least that is worth a block of its own.
    pub const fn smallest_block(&self) -> u64 {
        self.header + self.alignment
    }
}
