//! What of the system a compiler and its programs need to see.

use std::ffi::OsString;

/// Files and folders that every box may read: programs, libraries, headers, and how the loader finds them.
pub fn system() -> Vec<OsString> {
    const SYSTEM: [&str; 15] = [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/alternatives",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/nix/store",
        "/gnu/store",
    ];
    SYSTEM.iter().map(OsString::from).collect()
}

/// Devices that every box has; the first may be written to.
pub const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
