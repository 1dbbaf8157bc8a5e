//! Submissions that no text describes: archives, pipes, devices, libraries, many files, large files, odd names.

mod archives;
mod zip;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{geteuid, mkfifo};

use crate::entry::Demand;
use crate::grade::{self, Tier};
use crate::place::Place;

/// What is larger than any submission may be.
const TOO_MUCH: &[&str] = &["limit", "unsupported"];
/// What is no submission at all.
const REFUSED: &[&str] = &["unsupported"];
/// What may be refused, or may turn out to hold nothing that builds.
const NOTHING: &[&str] = &["unsupported", "no-build", "forbidden"];
/// What may be left out, with a note, or refused.
const LEFT_OUT: &[&str] = &["pass", "unsupported", "no-build", "forbidden", "limit"];

/// Puts all of them into the class.
pub fn all(place: &Place) -> Vec<Demand> {
    let class = place.class();
    let mut demands = archives::all(place);
    let mut made = |id: &str, what: &str, outcomes: &[&str], make: &dyn Fn(&Path)| {
        make(&class.join(id));
        demands.push(Demand::new(id, what, outcomes));
    };
    let right = |folder: &Path| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("osmem.c"), place.reference()).unwrap();
    };

    made("made-empty", "an empty folder", NOTHING, &|at| fs::create_dir(at).unwrap());
    made("made-text", "a folder with nothing but text", NOTHING, &|at| {
        fs::create_dir(at).unwrap();
        fs::write(at.join("README.txt"), "I did it, but the computer ate it.\n").unwrap();
    });
    made("made-prebuilt", "a library without a source", REFUSED, &|at| prebuilt(place, at));
    made("made-pipe", "a pipe in place of a source", NOTHING, &|at| {
        fs::create_dir(at).unwrap();
        mkfifo(&at.join("osmem.c"), Mode::S_IRWXU).unwrap();
    });
    made("made-pipe-beside", "a right one with a pipe beside it", LEFT_OUT, &|at| {
        right(at);
        mkfifo(&at.join("notes.txt"), Mode::S_IRWXU).unwrap();
    });
    made("made-socket-beside", "a right one with a socket beside it", LEFT_OUT, &|at| {
        right(at);
        // The way to it may be too long for a socket's name.
        let Ok(_) = UnixListener::bind(at.join("s")) else { return };
    });
    made("made-link-to-a-secret", "a source that is a link to a secret", NOTHING, &|at| {
        fs::create_dir(at).unwrap();
        symlink(place.home().join("secret"), at.join("osmem.c")).unwrap();
    });
    made("made-link-to-a-source", "a source that is a link to that of a neighbour", NOTHING, &|at| {
        fs::create_dir(at).unwrap();
        symlink("../zz-right/osmem.c", at.join("osmem.c")).unwrap();
    });
    made("made-link-to-a-folder", "a right one with a link to the folder of whoever grades", LEFT_OUT, &|at| {
        right(at);
        symlink(place.home(), at.join("home")).unwrap();
        fs::write(at.join("Makefile"), "libosmem.so: osmem.c\n\t-touch home/osmem-hostile-was-here\n\t-cat home/secret\n\tcc -shared -fPIC -o libosmem.so osmem.c\n").unwrap();
    });
    made("made-link-loop", "a right one with links that lead to themselves and above", LEFT_OUT, &|at| {
        right(at);
        symlink("loop", at.join("loop")).unwrap();
        symlink("..", at.join("up")).unwrap();
        symlink(".", at.join("here")).unwrap();
    });
    made("made-hard-link", "a right one with a hard link to the fixtures that may be lost", &["pass"], &|at| {
        right(at);
        fs::hard_link(place.decoy().join("suite.toml"), at.join("mine")).unwrap();
        fs::write(
            at.join("Makefile"),
            "libosmem.so: osmem.c\n\tcc -shared -fPIC -o libosmem.so osmem.c\n\techo gone > mine\n\tchmod 777 mine\n",
        )
        .unwrap();
    });
    made("made-of-many-files", "a right one among ten thousand files", &["pass", "unsupported", "limit"], &|at| {
        right(at);
        for number in 0..10_000 {
            File::create(at.join(format!("file-{number}.txt"))).unwrap();
        }
    });
    made("made-deep", "a right one with folders in folders", &["pass", "unsupported", "limit"], &|at| {
        right(at);
        fs::create_dir_all(at.join("d/".repeat(500))).unwrap();
    });
    made("made-large", "a source of a gigabyte that holds nothing", &["unsupported", "no-build", "limit"], &|at| {
        fs::create_dir(at).unwrap();
        File::create(at.join("osmem.c")).unwrap().set_len(1 << 30).unwrap();
    });
    made(
        "made-large-beside",
        "a right one with a gigabyte of nothing beside it",
        &["pass", "unsupported", "limit"],
        &|at| {
            right(at);
            File::create(at.join("core")).unwrap().set_len(1 << 30).unwrap();
        },
    );
    // To a plain user who grades it is a folder that cannot be read, which is no fault of the submission's.
    if geteuid().is_root() {
        made("made-closed", "a folder that only root may look into", &["pass", "unsupported", "no-build"], &|at| {
            right(at);
            let closed = at.join("private");
            fs::create_dir(&closed).unwrap();
            fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
        });
    }
    made(
        "made-with-set-uid",
        "a right one with a program that would run as its owner",
        &["pass", "unsupported"],
        &|at| {
            right(at);
            fs::copy("/bin/true", at.join("tool")).unwrap();
            fs::set_permissions(at.join("tool"), PermissionsExt::from_mode(0o6755)).unwrap();
        },
    );
    // Only root can make one: /dev/zero, which has no end.
    let device = class.join("made-device");
    fs::create_dir(&device).unwrap();
    if mknod(&device.join("osmem.c"), SFlag::S_IFCHR, Mode::S_IRWXU, makedev(1, 5)).is_ok() {
        demands.push(Demand::new("made-device", "a device in place of a source", NOTHING));
    } else {
        fs::remove_dir(&device).unwrap();
    }

    odd_names(place, &mut demands);
    demands
}

/// Right ones; a `*` stands before the part of the name by which the result is known.
fn odd_names(place: &Place, demands: &mut Vec<Demand>) {
    let names: [(&[u8], &str); 11] = [
        (b"odd name with spaces", "odd name with spaces"),
        (b"odd\nline-break", "*line-break"),
        (b"odd-\xff\xfe-bytes", "*-bytes"),
        (b"-odd-dash", "%2Dodd-dash"),
        (b"--out=odd-option", "%2D-out=odd-option"),
        (b"odd-\x1b[2J-clear", "*-clear"),
        ("odd-žluťoučký-letters".as_bytes(), "*-letters"),
        ("odd-\u{202e}-turned".as_bytes(), "*-turned"),
        (b"odd-'$(touch osmem-hostile)`id`\";-quotes", "*-quotes"),
        (b"odd-<script>&amp;-markup", "*-markup"),
        (b"=odd-formula", "*odd-formula"),
    ];
    for (name, id) in names {
        let folder = place.class().join(OsStr::from_bytes(name));
        // Some file systems know no such names.
        if fs::create_dir(&folder).is_ok() {
            fs::write(folder.join("osmem.c"), place.reference()).unwrap();
            demands.push(Demand::new(id, "a right one with an odd name", &["pass"]));
        }
    }
    let folder = place.class().join("odd-files");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("osmem.c"), place.reference()).unwrap();
    for name in [&b"with space.h"[..], b"line\nbreak.h", b"\xff\xfe.h", b"-Werror", b"@file", b"$(touch x).h", b"'.h"] {
        let _ = fs::write(folder.join(OsStr::from_bytes(name)), "");
    }
    demands.push(Demand::new(
        "odd-files",
        "a right one whose files have odd names",
        &["pass", "no-build", "unsupported"],
    ));
}

/// A folder with a right library and no source.
fn prebuilt(place: &Place, folder: &Path) {
    fs::create_dir(folder).unwrap();
    let source = place.folder().join("prebuilt.c");
    fs::write(&source, place.reference()).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O1", "-fPIC", "-shared", "-o"]).arg(folder.join("libosmem.so")).arg(source);
    assert!(cc.status().expect("cc starts").success());
}

/// A library without a source passes where that is allowed.
pub fn with_permission(tier: Tier, place: &Place) -> Vec<String> {
    let out = place.folder().join("permitted");
    let ended = grade::run(tier, place, &place.class().join("made-prebuilt"), &out, &["--allow-prebuilt"]);
    let outcomes = grade::outcomes(&out);
    if outcomes == ["pass"] && ended.code == Some(0) {
        return Vec::new();
    }
    vec![format!(
        "made-prebuilt with --allow-prebuilt must pass: {:?}, {outcomes:?}, {}",
        ended.code,
        ended.stderr.trim()
    )]
}
