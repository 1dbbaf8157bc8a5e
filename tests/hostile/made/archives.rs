//! Archives: right ones, and those that reach out of their folder, lie, burst or are none.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use liblzma::write::XzEncoder;
use tar::{EntryType, Header};

use super::zip::{self, Member};
use super::{LEFT_OUT, NOTHING, REFUSED, TOO_MUCH};
use crate::entry::Demand;
use crate::place::Place;

/// What a file is called that must never come to be.
const MARK: &str = "osmem-hostile-was-here";

/// Puts them into the class.
pub fn all(place: &Place) -> Vec<Demand> {
    let mut demands = Vec::new();
    zips(place, &mut demands);
    tars(place, &mut demands);
    demands
}

fn put(place: &Place, demands: &mut Vec<Demand>, name: &str, what: &str, outcomes: &[&str], bytes: &[u8]) {
    fs::write(place.class().join(name), bytes).unwrap();
    let id = name.split('.').next().expect("a name");
    demands.push(Demand::new(id, what, outcomes));
}

fn zips(place: &Place, demands: &mut Vec<Demand>) {
    let source = || Member::new("osmem.c", place.reference().as_bytes());
    let home = place.home().to_str().expect("UTF-8").to_owned();
    let mut put =
        |name: &str, what: &str, outcomes: &[&str], bytes: Vec<u8>| put(place, demands, name, what, outcomes, &bytes);
    let with = |other: Member| zip::archive(&[source(), other]);
    let link = |name: &str, to: &str| Member { mode: zip::LINK, ..Member::new(name, to.as_bytes()) };

    put("zip-right.zip", "a right one", &["pass"], zip::archive(&[source()]));
    let inside = Member { name: b"allocator/osmem.c".to_vec(), ..source() };
    put("zip-right-in-a-folder.zip", "a right one in a folder", &["pass"], zip::archive(&[inside]));
    put("zip-above.zip", "a member above the folder", LEFT_OUT, with(Member::new(format!("../{MARK}"), b"x")));
    let far = format!("a/../../../../../../../../../../../..{home}/{MARK}");
    put("zip-far-above.zip", "a member in the home of whoever grades", LEFT_OUT, with(Member::new(far, b"x")));
    put(
        "zip-absolute.zip",
        "a member with an absolute name",
        LEFT_OUT,
        with(Member::new(format!("{home}/{MARK}"), b"x")),
    );
    put(
        "zip-backslash.zip",
        "a member above the folder, by backslashes",
        LEFT_OUT,
        with(Member::new(format!("..\\{MARK}"), b"x")),
    );
    put("zip-nul.zip", "a name with a zero in it", LEFT_OUT, with(Member::new("a.c\0.txt", b"#error\n")));
    put("zip-nameless.zip", "a member without a name", LEFT_OUT, with(Member::new("", b"x")));
    put("zip-long-name.zip", "a name of sixty thousand letters", LEFT_OUT, with(Member::new("n".repeat(60_000), b"x")));
    put("zip-link.zip", "a link to the passwords", LEFT_OUT, with(link("notes.h", "/etc/shadow")));
    put(
        "zip-link-as-source.zip",
        "its source is a link to a secret",
        NOTHING,
        zip::archive(&[link("osmem.c", &format!("{home}/secret"))]),
    );
    let through = [source(), link("way", &home), Member::new(format!("way/{MARK}"), b"x")];
    put("zip-through-a-link.zip", "a member behind a link", LEFT_OUT, zip::archive(&through));
    let twice = [source(), Member::new("osmem.c", b"#error the second\n")];
    put("zip-twice.zip", "two members of one name", LEFT_OUT, zip::archive(&twice));
    let both = [source(), Member::new("x", b"a file"), Member::new("x/y", b"and a folder")];
    put("zip-file-and-folder.zip", "a name that is a file and a folder", LEFT_OUT, zip::archive(&both));
    let secret = Member { flags: zip::ENCRYPTED, ..source() };
    put("zip-encrypted.zip", "an encrypted one", REFUSED, zip::archive(&[secret]));
    put(
        "zip-unknown-method.zip",
        "compressed in a way that nobody knows",
        REFUSED,
        zip::archive(&[Member { method: 77, ..source() }]),
    );
    put(
        "zip-wrong-sum.zip",
        "a member whose checksum is wrong",
        REFUSED,
        zip::archive(&[Member { crc: 1, ..source() }]),
    );
    put(
        "zip-wrong-length.zip",
        "a member that is longer than it says",
        REFUSED,
        zip::archive(&[Member { length: 7, ..source() }]),
    );
    put("zip-bomb.zip", "a thousand members of sixteen megabytes, out of one", TOO_MUCH, zip_bomb());
    let many: Vec<_> = (0..50_000).map(|number| Member::new(format!("f{number}"), b"")).collect();
    put("zip-many.zip", "fifty thousand members", TOO_MUCH, zip::archive(&many));
    let whole = zip::archive(&[source()]);
    put("zip-truncated.zip", "one that ends in the middle", REFUSED, whole[..whole.len() / 2].to_vec());
    put("zip-empty.zip", "an archive of nothing", NOTHING, zip::archive(&[]));
    put("zip-of-nothing.zip", "an empty file", REFUSED, Vec::new());
    put(
        "zip-garbage.zip",
        "no archive at all",
        REFUSED,
        (0..10_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
    );
    put("zip-in-a-zip.zip", "an archive in an archive", NOTHING, zip::archive(&[Member::new("inner.zip", &whole)]));
}

/// Sixteen megabytes of nothing, deflated once and listed a thousand times.
fn zip_bomb() -> Vec<u8> {
    let nothing = vec![0; 1 << 24];
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(&nothing).unwrap();
    let small = Member { bytes: deflate.finish().unwrap(), method: 8, ..Member::new("osmem.c", &nothing) };
    let listed: Vec<_> =
        (0..1000).map(|number| Member { name: format!("{number}.c").into_bytes(), ..small.clone() }).collect();
    zip::overlapping(&[small], &listed)
}

/// A member of a tar archive; its name and link are written as they are.
fn member(kind: EntryType, name: &str, link: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o6777);
    header.set_size(bytes.len() as u64);
    header.set_device_major(1).unwrap();
    header.set_device_minor(5).unwrap();
    header.set_cksum();
    let mut all = header.as_bytes().to_vec();
    all.extend(bytes);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tars(place: &Place, demands: &mut Vec<Demand>) {
    let end = vec![0; 1024];
    let source = member(EntryType::Regular, "osmem.c", "", place.reference().as_bytes());
    // The names of a plain header are short; what lies far away is reached by the root instead.
    let with = |other: Vec<u8>| [source.clone(), other, end.clone()].concat();
    let plain = with(Vec::new());
    let mut put =
        |name: &str, what: &str, outcomes: &[&str], bytes: &[u8]| put(place, demands, name, what, outcomes, bytes);

    put("tar-right.tar", "a right one", &["pass"], &plain);
    put("tar-right-gz.tar.gz", "a right one, compressed", &["pass"], &gz(&plain));
    put("tar-right-xz.tar.xz", "a right one, compressed otherwise", &["pass"], &xz(&plain));
    let mark = format!("/tmp/{MARK}");
    let up = format!("../{MARK}");
    put("tar-above.tar", "a member above the folder", LEFT_OUT, &with(member(EntryType::Regular, &up, "", b"x")));
    put(
        "tar-absolute.tar",
        "a member with an absolute name",
        LEFT_OUT,
        &with(member(EntryType::Regular, &mark, "", b"x")),
    );
    put(
        "tar-link.tar",
        "a link to the passwords",
        LEFT_OUT,
        &with(member(EntryType::Symlink, "notes.h", "/etc/shadow", b"")),
    );
    let link = member(EntryType::Symlink, "osmem.c", "/etc/passwd", b"");
    put("tar-link-as-source.tar", "its source is a link", NOTHING, &[link, end.clone()].concat());
    put(
        "tar-hard-link.tar",
        "a hard link to the passwords",
        LEFT_OUT,
        &with(member(EntryType::Link, "notes.h", "/etc/shadow", b"")),
    );
    let through =
        [member(EntryType::Symlink, "way", "/tmp", b""), member(EntryType::Regular, &format!("way/{MARK}"), "", b"x")];
    put("tar-through-a-link.tar", "a member behind a link", LEFT_OUT, &with(through.concat()));
    let hard =
        [member(EntryType::Symlink, "way", "/tmp", b""), member(EntryType::Link, "x", &format!("way/{MARK}"), b"")];
    put("tar-hard-link-through-a-link.tar", "a hard link to what is behind a link", LEFT_OUT, &with(hard.concat()));
    put("tar-device.tar", "a device", LEFT_OUT, &with(member(EntryType::Char, "zero.c", "", b"")));
    put("tar-pipe.tar", "a pipe", LEFT_OUT, &with(member(EntryType::Fifo, "pipe.c", "", b"")));
    let second = member(EntryType::Regular, "osmem.c", "", b"#error the second\n");
    put("tar-twice.tar", "two members of one name", LEFT_OUT, &with(second));
    put("tar-truncated.tar.gz", "one that ends in the middle", REFUSED, &gz(&plain)[..1000]);
    put("tar-cut.tar", "one that ends in a member", REFUSED, &plain[..2000]);
    put("tar-garbage.tar.gz", "no archive at all", REFUSED, &gz(b"garbage".repeat(1000).as_slice()));
    put("tar-bomb.tar.gz", "three gigabytes of nothing in a few megabytes", TOO_MUCH, &tar_bomb());
    put("tar-endless-name.tar", "a name that takes the whole archive", TOO_MUCH, &endless_name());
}

/// A member that says it has three gigabytes, and has them: one piece of them, compressed once, again and again.
fn tar_bomb() -> Vec<u8> {
    let (piece, pieces) = (1 << 24, 192);
    let mut header = Header::new_gnu();
    header.set_path("osmem.c").unwrap();
    header.set_entry_type(EntryType::Regular);
    header.set_size(piece * pieces);
    header.set_cksum();
    let nothing = gz(&vec![0; 1 << 24]);
    let mut all = gz(header.as_bytes());
    for _ in 0..pieces {
        all.extend(&nothing);
    }
    all
}

/// A long name of eight exabytes.
fn endless_name() -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(1 << 62);
    header.set_cksum();
    let mut all = header.as_bytes().to_vec();
    all.resize(all.len() + 4096, b'n');
    all
}
