//! For whoever wants a program boxed: which tiers work here, how to hand over a policy.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;

use crate::landlocked;
use crate::policy::{Message, Policy};

pub use landlocked::{Kept, available as landlock};

/// A network namespace without anything in it, for all boxes of a process of root's: to make one takes a good part of the time that a
/// box takes. There are no sockets in boxes, so that they can share it.
#[derive(Debug)]
pub struct Network(File);

impl Network {
    /// Makes one; `None` where this process may not, and each box has to make its own.
    pub fn new() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        // The thread alone is in it, and ends.
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).ok()?;
            File::open("/proc/thread-self/ns/net").ok()
        });
        made.join().ok().flatten().map(Self)
    }

    /// Where a box finds it, while this lives.
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()).into()
    }
}

/// Our end of the line to an `osmem-box`. When it is dropped, the box is ended.
#[derive(Debug)]
pub struct Line(Arc<UnixStream>);

/// Ends the box of a [`Line`].
#[derive(Debug)]
pub struct Ender(Arc<UnixStream>);

impl Ender {
    /// Does so; what `osmem-box` says afterwards is lost.
    pub fn end(self) {
        // It may have ended already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Line {
    /// Hands over a policy; the other end is to be the standard input of `osmem-box`.
    pub fn open(policy: &Policy) -> io::Result<(Self, OwnedFd)> {
        let (mut ours, theirs) = UnixStream::pair()?;
        // A policy is far smaller than what the kernel takes without a reader.
        ours.set_nonblocking(true)?;
        ours.write_all(&serde_json::to_vec(policy)?)?;
        ours.shutdown(Shutdown::Write)?;
        ours.set_nonblocking(false)?;
        Ok((Self(Arc::new(ours)), theirs.into()))
    }

    /// What ends the box.
    pub fn ender(&self) -> Ender {
        Ender(Arc::clone(&self.0))
    }

    /// What `osmem-box` said, once it is gone.
    pub fn message(self) -> Option<Message> {
        let mut text = Vec::new();
        // Whoever holds the other end beyond its time is not waited for.
        self.0.set_read_timeout(Some(std::time::Duration::from_secs(1))).ok()?;
        let _ = Read::take(&*self.0, 1 << 16).read_to_end(&mut text);
        serde_json::Deserializer::from_slice(&text).into_iter().next()?.ok()
    }
}
