//! The file system of a box with namespaces: nothing but what the policy names, at the same paths as outside.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

use crate::policy::Policy;
use crate::{sys, view};

/// Bytes of all that is neither bound nor `/tmp`: empty folders and links.
const SKELETON: &str = "size=1m,mode=755";
/// Where the old root hangs until it is let go.
const OLD: &str = ".old";

/// Makes the file system of the box this process's own. It must be in a mount namespace of its own, and first in one of processes.
pub fn build(policy: &Policy) -> io::Result<()> {
    let root = PathBuf::from(&policy.root);
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    temporary(&root, SKELETON)?;
    let limit = format!("size={},mode=1777", policy.limits.disk);
    for folder in ["tmp", "dev"] {
        fs::create_dir_all(root.join(folder))?;
    }
    temporary(&root.join("tmp"), &limit)?;
    fs::create_dir(root.join("dev/shm"))?;
    temporary(&root.join("dev/shm"), &limit)?;
    for device in view::DEVICES {
        bind(&root, Path::new(device), false, true)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, root.join("dev").join(name))?;
    }
    // Some of these lie below /tmp, hence after it.
    for path in &policy.readable {
        bind(&root, Path::new(path), true, false)?;
    }
    for path in &policy.hidden {
        cover(&root, Path::new(path))?;
    }
    for path in &policy.writable {
        bind(&root, Path::new(path), false, false)?;
    }
    fs::create_dir(root.join("proc"))?;
    // Read-only, or a process could write into code of its own through /proc/self/mem.
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    // Where parts of /proc are masked, as in some containers, the kernel gives no new one; most programs do without.
    let _ = mount(Some("proc"), &root.join("proc"), Some("proc"), quiet, None::<&str>);

    fs::create_dir(root.join(OLD))?;
    pivot_root(&root, &root.join(OLD))?;
    chdir("/")?;
    let old = Path::new("/").join(OLD);
    umount2(&old, MntFlags::MNT_DETACH)?;
    fs::remove_dir(&old)?;
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        None::<&str>,
    )?;
    Ok(())
}

fn temporary(path: &Path, options: &str) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options))?)
}

/// Puts nothing in the place of what stands below `root` at `path`: an empty folder, or a file without bytes.
fn cover(root: &Path, path: &Path) -> io::Result<()> {
    let Ok(below) = path.strip_prefix("/") else { return Ok(()) };
    let place = root.join(below);
    // A link shows what it leads to, which is covered by itself.
    let Ok(kind) = fs::symlink_metadata(&place).map(|there| there.file_type()) else { return Ok(()) };
    if kind.is_symlink() {
        return Ok(());
    }
    if kind.is_dir() {
        temporary(&place, "size=4k,mode=555")?;
    } else {
        mount(Some("/dev/null"), &place, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    }
    sys::harden(&place, true, false)
}

/// Makes `path` appear below `root` as it is outside; what does not exist is left out, links are made anew.
fn bind(root: &Path, path: &Path, read_only: bool, device: bool) -> io::Result<()> {
    let Ok(kind) = fs::symlink_metadata(path).map(|there| there.file_type()) else { return Ok(()) };
    let Ok(below) = path.strip_prefix("/") else { return Ok(()) };
    let place = root.join(below);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    if kind.is_symlink() {
        return if place.is_symlink() { Ok(()) } else { symlink(fs::read_link(path)?, &place) };
    }
    if kind.is_dir() {
        fs::create_dir_all(&place)?;
    } else if !place.exists() {
        fs::File::create(&place)?;
    }
    mount(Some(path), &place, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?;
    sys::harden(&place, read_only, device)
}
