//! Reads and writes the memory of a traced process.

use std::io::{IoSlice, IoSliceMut};

use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

use super::kernel::Tid;

/// No page is smaller.
const PAGE: u64 = 4096;

/// Reads as many bytes as `buffer` has; false where not all of them can be read.
pub fn read(tid: Tid, address: u64, buffer: &mut [u8]) -> bool {
    let Ok(base) = usize::try_from(address) else { return false };
    let length = buffer.len();
    let remote = [RemoteIoVec { base, len: length }];
    process_vm_readv(Pid::from_raw(tid), &mut [IoSliceMut::new(buffer)], &remote) == Ok(length)
}

/// Reads two stretches at once.
pub fn read_two(tid: Tid, first: (u64, &mut [u8]), second: (u64, &mut [u8])) -> bool {
    let (Ok(one), Ok(other)) = (usize::try_from(first.0), usize::try_from(second.0)) else { return false };
    let length = first.1.len() + second.1.len();
    let remote = [RemoteIoVec { base: one, len: first.1.len() }, RemoteIoVec { base: other, len: second.1.len() }];
    let mut local = [IoSliceMut::new(first.1), IoSliceMut::new(second.1)];
    process_vm_readv(Pid::from_raw(tid), &mut local, &remote) == Ok(length)
}

/// Reads up to `length` bytes, as far as they can be read.
pub fn read_some(tid: Tid, address: u64, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let Some(at) = address.checked_add(bytes.len() as u64) else { break };
        // Up to the end of the page: the next one may not be there.
        let here = usize::try_from(PAGE - at % PAGE).unwrap_or(0).min(length - bytes.len());
        let start = bytes.len();
        bytes.resize(start + here, 0);
        if !read(tid, at, &mut bytes[start..]) {
            bytes.truncate(start);
            break;
        }
    }
    bytes
}

/// A number of 64 bits.
pub fn read_number(tid: Tid, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    read(tid, address, &mut bytes).then(|| u64::from_ne_bytes(bytes))
}

/// Writes a number of 64 bits; false where that cannot be done.
pub fn write_number(tid: Tid, address: u64, number: u64) -> bool {
    write(tid, address, &number.to_ne_bytes())
}

/// Writes bytes; false where not all of them can be written.
pub fn write(tid: Tid, address: u64, bytes: &[u8]) -> bool {
    let Ok(base) = usize::try_from(address) else { return false };
    let remote = [RemoteIoVec { base, len: bytes.len() }];
    process_vm_writev(Pid::from_raw(tid), &[IoSlice::new(bytes)], &remote) == Ok(bytes.len())
}
