//! Modes and times of files, where Landlock does not see who changes them, and the box runs as the user who owns what lies outside.
//!
//! The kernel puts such calls of a build to this process, which does what is asked if the file lies in a folder of the submission's. What
//! decides is the file itself, which is held open meanwhile: neither a link nor a change of names can put another in its place. Nothing
//! outside gets into such a folder, since Landlock lets a program link and move only what it may write.

use std::ffi::{CString, OsStr};
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::stat::{FchmodatFlags, Mode, UtimensatFlags, fchmodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use crate::filter;
use crate::sys::notify::{self, Asked};

/// Bits of a mode that a program may set: not those that lend its user's rights to others.
const BITS: u64 = 0o1777;
/// The longest path, its end included.
const LONGEST: usize = 4096;
/// No piece of memory that is read goes beyond a page.
const PAGE: usize = 4096;

/// Answers calls.
#[derive(Debug)]
pub struct Clerk {
    listener: OwnedFd,
    /// Folders of the submission's, without links on the way.
    own: Vec<PathBuf>,
}

/// Hands the descriptor at which calls are answered to the process that answers them.
pub fn hand_over(listener: &OwnedFd, to: &UnixStream) -> io::Result<()> {
    let descriptors = [listener.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    sendmsg::<()>(to.as_raw_fd(), &[IoSlice::new(&[0])], &rights, MsgFlags::empty(), None)?;
    Ok(())
}

impl Clerk {
    /// Waits for the descriptor; `None` if there is none to come.
    pub fn hired(from: &UnixStream, own: &[std::ffi::OsString]) -> Option<Self> {
        let (mut byte, mut space) = ([0], cmsg_space!(RawFd));
        let mut pieces = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(from.as_raw_fd(), &mut pieces, Some(&mut space), flags).ok()?;
        let rights = message.cmsgs().ok()?.find_map(|part| match part {
            ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
            _ => None,
        })?;
        let own = own.iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect();
        Some(Self { listener: crate::sys::owned(rights), own })
    }

    /// Returns what becomes readable with a call.
    pub fn desk(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers the next call.
    pub fn answer(&self) {
        // Its thread may have been ended meanwhile.
        let Ok(asked) = notify::receive(self.desk()) else { return };
        let error = self.decide(&asked).err().map_or(0, |error| error as i32);
        notify::reply(self.desk(), &asked, error);
    }

    fn decide(&self, asked: &Asked) -> nix::Result<()> {
        let [first, second, third, fourth, ..] = asked.arguments;
        let thread = asked.thread;
        let here = AT_FDCWD.as_raw_fd();
        let path = |address| text(thread, address);
        match filter::name(asked.call).unwrap_or_default() {
            "chmod" => self.change_mode(asked, &found(thread, here, &path(first)?, 0)?, second),
            "fchmod" => self.change_mode(asked, &base(thread, number(first))?, second),
            "fchmodat" => self.change_mode(asked, &found(thread, number(first), &path(second)?, 0)?, third),
            "fchmodat2" => {
                self.change_mode(asked, &found(thread, number(first), &path(second)?, number(fourth))?, third)
            }
            "utimensat" => {
                let file = match second {
                    0 => base(thread, number(first))?,
                    name => found(thread, number(first), &path(name)?, number(fourth))?,
                };
                self.change_times(asked, &file, times(thread, third)?)
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    /// Returns the name of a file by which this process changes it, if the submission may.
    fn name(&self, asked: &Asked, file: &OwnedFd) -> nix::Result<PathBuf> {
        let name = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let place = fs::read_link(&name).map_err(|_| Errno::EPERM)?;
        let is_own = self.own.iter().any(|own| place.starts_with(own));
        // Otherwise the number of the thread may have been another's already.
        if is_own && notify::waits(self.desk(), asked) { Ok(name) } else { Err(Errno::EPERM) }
    }

    fn change_mode(&self, asked: &Asked, file: &OwnedFd, mode: u64) -> nix::Result<()> {
        let mode = libc::mode_t::try_from(mode & BITS).map_err(|_| Errno::EINVAL)?;
        let name = self.name(asked, file)?;
        fchmodat(AT_FDCWD, &name, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)
    }

    fn change_times(&self, asked: &Asked, file: &OwnedFd, [access, change]: [TimeSpec; 2]) -> nix::Result<()> {
        utimensat(AT_FDCWD, &self.name(asked, file)?, &access, &change, UtimensatFlags::FollowSymlink)
    }
}

/// Returns an argument as the kernel takes a number of 32 bits.
fn number(argument: u64) -> i32 {
    let [first, second, third, fourth, ..] = argument.to_le_bytes();
    i32::from_le_bytes([first, second, third, fourth])
}

/// Opens what a descriptor of a thread, or its folder, leads to.
fn base(thread: Pid, descriptor: RawFd) -> nix::Result<OwnedFd> {
    let name = match descriptor {
        libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
        number => format!("/proc/{thread}/fd/{number}"),
    };
    open(&*name, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(|error| match error {
        Errno::ENOENT => Errno::EBADF,
        _ => Errno::EPERM,
    })
}

/// Opens what a path means to a thread.
fn found(thread: Pid, descriptor: RawFd, path: &Path, flags: i32) -> nix::Result<OwnedFd> {
    if flags & !(libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    if path.as_os_str().is_empty() {
        let is_descriptor = flags & libc::AT_EMPTY_PATH != 0;
        return if is_descriptor { base(thread, descriptor) } else { Err(Errno::ENOENT) };
    }
    let last = if flags & libc::AT_SYMLINK_NOFOLLOW != 0 { OFlag::O_NOFOLLOW } else { OFlag::empty() };
    // Links of /proc would lead to what is this process's.
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC | last).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    if path.is_absolute() {
        return openat2(AT_FDCWD, path, how);
    }
    openat2(base(thread, descriptor)?, path, how)
}

/// Reads bytes of a thread's memory, within a page.
fn read(thread: Pid, address: usize, bytes: &mut [u8]) -> nix::Result<()> {
    let length = bytes.len();
    let there = [RemoteIoVec { base: address, len: length }];
    let read = process_vm_readv(thread, &mut [IoSliceMut::new(bytes)], &there)?;
    if read == length { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Reads a path.
fn text(thread: Pid, address: u64) -> nix::Result<PathBuf> {
    let mut at = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
    let mut all = Vec::new();
    while all.len() < LONGEST {
        let mut piece = vec![0; PAGE - at % PAGE];
        read(thread, at, &mut piece)?;
        at = at.checked_add(piece.len()).ok_or(Errno::EFAULT)?;
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            all.extend(piece.into_iter().take(end));
            let text = CString::new(all).map_err(|_| Errno::EINVAL)?;
            return Ok(OsStr::from_bytes(text.as_bytes()).into());
        }
        all.extend(piece);
    }
    Err(Errno::ENAMETOOLONG)
}

/// Reads the times of access and change; without an address both are now.
fn times(thread: Pid, address: u64) -> nix::Result<[TimeSpec; 2]> {
    if address == 0 {
        return Ok([TimeSpec::UTIME_NOW; 2]);
    }
    let mut words = [0_i64; 4];
    for (place, word) in words.iter_mut().enumerate() {
        let mut bytes = [0; 8];
        let at = usize::try_from(address).ok().and_then(|start| start.checked_add(place * 8));
        read(thread, at.ok_or(Errno::EFAULT)?, &mut bytes)?;
        *word = i64::from_ne_bytes(bytes);
    }
    let [access, access_part, change, change_part] = words;
    Ok([TimeSpec::new(access, access_part), TimeSpec::new(change, change_part)])
}
