use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::prelude::*;

use super::*;
use crate::grade::record::Outcome;

/// An entry of a tar archive, as bytes.
fn tar_entry(name: &[u8], kind: u8, contents: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(b"0004755");
    header[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
    header[156] = kind;
    header[157..163].copy_from_slice(b"target");
    header[257..265].copy_from_slice(b"ustar\x0000");
    checked(header, contents)
}

/// With its checksum, its contents and what rounds them up.
fn checked(mut header: Vec<u8>, contents: &[u8]) -> Vec<u8> {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend(contents);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn tar_of(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        entries.iter().flat_map(|(name, kind, body)| tar_entry(name.as_bytes(), *kind, body)).collect();
    bytes.extend([0; 1024]);
    bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An entry of a zip archive.
#[derive(Clone, Default)]
struct ZipEntry {
    name: Vec<u8>,
    body: Vec<u8>,
    deflate: bool,
    mode: u32,
    flags: u16,
    method: Option<u16>,
}

fn zip_file(name: &str, body: &[u8]) -> ZipEntry {
    ZipEntry { name: name.into(), body: body.to_vec(), mode: 0o100_644, ..ZipEntry::default() }
}

fn two(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

fn four(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

fn zip_of(entries: &[ZipEntry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let data = if entry.deflate {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&entry.body).unwrap();
            encoder.finish().unwrap()
        } else {
            entry.body.clone()
        };
        let mut crc = flate2::Crc::new();
        crc.update(&entry.body);
        let mut common = Vec::new();
        for number in [20, entry.flags, entry.method.unwrap_or(if entry.deflate { 8 } else { 0 }), 0, 0x21] {
            common.extend(number.to_le_bytes());
        }
        common.extend(crc.sum().to_le_bytes());
        common.extend(four(data.len()));
        common.extend(four(entry.body.len()));
        common.extend(two(entry.name.len()));
        common.extend([0, 0]);
        let start = four(bytes.len());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(&entry.name);
        bytes.extend(data);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(common);
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(start);
        directory.extend(&entry.name);
    }
    let start = four(bytes.len());
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        bytes.extend(two(entries.len()));
    }
    bytes.extend(four(directory.len()));
    bytes.extend(start);
    bytes.extend([0, 0]);
    bytes
}

fn taken(shape: Shape, bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let (mut bundle, mut notes) = (Bundle::default(), Vec::new());
    take(shape, bytes, &mut bundle, &mut notes)?;
    Ok((bundle.paths(), notes))
}

/// The archive is refused with that outcome and those words.
#[track_caller]
fn refused(shape: Shape, bytes: &[u8], outcome: Outcome, words: &str) {
    let refusal = taken(shape, bytes).unwrap_err();
    assert_eq!(refusal.outcome(), outcome, "{refusal}");
    assert!(refusal.to_string().contains(words), "{refusal}");
}

#[test]
fn good_archives_are_taken_without_their_top_folder_and_litter() {
    let tar = tar_of(&[
        ("pax_global_header", b'g', b"19 comment=abcdefg\n"),
        ("./", b'5', b""),
        ("./alice/", b'5', b""),
        ("./alice/a.c", b'0', b"int x;"),
        ("./alice/src//b.c", b'0', b""),
        ("./alice/._a.c", b'0', b"x"),
        ("./alice/target/debug/x.o", b'0', b"x"),
        ("__MACOSX/alice/a.c", b'0', b"x"),
        (".DS_Store", b'0', b"x"),
    ]);
    for (shape, bytes) in [(Shape::Tar, tar.clone()), (Shape::TarGz, gz(&tar)), (Shape::TarXz, xz(&tar))] {
        let (paths, notes) = taken(shape, &bytes).unwrap();
        assert_eq!(paths, ["a.c", "src/b.c"]);
        assert_eq!(notes, ["not looked into: alice/target"]);
    }
    let folder = ZipEntry { mode: 0o40_755, ..zip_file("alice/", b"") };
    let deflated = ZipEntry { deflate: true, ..zip_file("alice/b.c", b"int x;") };
    let zip = zip_of(&[folder, deflated, zip_file("alice/c/d.h", b"x"), zip_file("__MACOSX/x", b"")]);
    assert_eq!(taken(Shape::Zip, &zip).unwrap().0, ["b.c", "c/d.h"]);
    assert_eq!(taken(Shape::Zip, &zip_of(&[])).unwrap().0, [""; 0]);
    let two = tar_of(&[("a/x.c", b'0', b""), ("b/x.c", b'0', b"")]);
    assert_eq!(taken(Shape::Tar, &two).unwrap().0, ["a/x.c", "b/x.c"]);
}

#[test]
fn gzip_and_xz_in_several_pieces_are_one_archive() {
    let tar = tar_of(&[("a.c", b'0', b"1"), ("b.c", b'0', b"2")]);
    let (one, other) = tar.split_at(700);
    assert_eq!(taken(Shape::TarGz, &[gz(one), gz(other)].concat()).unwrap().0, ["a.c", "b.c"]);
    assert_eq!(taken(Shape::TarXz, &[xz(one), xz(other)].concat()).unwrap().0, ["a.c", "b.c"]);
}

#[test]
fn what_is_neither_file_nor_folder_is_refused() {
    let kinds = [
        (b'1', "a hard link"),
        (b'2', "a symbolic link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'6', "a named pipe"),
        (b'Z', "an entry of an unknown kind"),
    ];
    for (kind, words) in kinds {
        refused(Shape::Tar, &tar_of(&[("x", kind, b"")]), Outcome::Forbidden, words);
        // Also where nothing would be taken from.
        refused(Shape::Tar, &tar_of(&[("target/x", kind, b"")]), Outcome::Forbidden, words);
    }
    refused(Shape::Tar, &tar_of(&[("x/", b'0', b"y")]), Outcome::Forbidden, "a file with the name of a folder");
    let sparse = tar_of(&[("h", b'x', b"22 GNU.sparse.major=1\n"), ("x", b'0', b"y")]);
    refused(Shape::Tar, &sparse, Outcome::Forbidden, "a sparse file");
    for (mode, words) in
        [(0o120_777, "a symbolic link"), (0o10_644, "neither"), (0o60_644, "neither"), (0o40_755, "neither")]
    {
        refused(Shape::Zip, &zip_of(&[ZipEntry { mode, ..zip_file("x", b"/etc") }]), Outcome::Forbidden, words);
    }
    refused(Shape::Zip, &zip_of(&[zip_file("x/", b"")]), Outcome::Forbidden, "neither");
}

#[test]
fn paths_that_lead_out_are_refused() {
    let long = "x".repeat(256);
    let deep = "x/".repeat(40) + "x";
    let cases = [
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("a/..", "leads out"),
        ("/etc/passwd", "absolute"),
        ("//x", "absolute"),
        ("a\0b", "a zero byte"),
        (long.as_str(), "a name of more than 255 bytes"),
        ("a\\..\\..\\x", "a backslash"),
    ];
    for (name, words) in cases {
        refused(Shape::Zip, &zip_of(&[zip_file(name, b"")]), Outcome::Forbidden, words);
        if name.len() < 100 && !name.contains(['\0', '\\']) {
            refused(Shape::Tar, &tar_of(&[(name, b'0', b"")]), Outcome::Forbidden, words);
            let long_name = tar_of(&[("././@LongLink", b'L', name.as_bytes()), ("x", b'0', b"")]);
            refused(Shape::Tar, &long_name, Outcome::Forbidden, words);
        }
    }
    let pax = tar_of(&[("h", b'x', b"16 path=../../x\n"), ("x", b'0', b"")]);
    refused(Shape::Tar, &pax, Outcome::Forbidden, "leads out");
    let zero = tar_of(&[("././@LongLink", b'L', b"a\0/../b\0"), ("x", b'0', b"")]);
    refused(Shape::Tar, &zero, Outcome::Forbidden, "a zero byte");
    let bad = ZipEntry { name: b"\xff\n".to_vec(), ..zip_file("", b"") };
    refused(Shape::Zip, &zip_of(&[bad]), Outcome::Forbidden, "\u{fffd}\\n, which is not UTF-8");
    refused(Shape::Tar, &[tar_entry(b"\xff", b'0', b""), vec![0; 1024]].concat(), Outcome::Forbidden, "not UTF-8");
    refused(Shape::Zip, &zip_of(&[zip_file(&deep, b"")]), Outcome::Limit, "folders deep");
    refused(Shape::Zip, &zip_of(&[zip_file("", b"")]), Outcome::Forbidden, "no name");
    refused(Shape::Tar, &tar_of(&[(".", b'0', b"")]), Outcome::Forbidden, "without a name");
}

#[test]
fn what_is_there_twice_is_refused() {
    let pairs = [("a/b", "a/b"), ("a/b", "a//b"), ("a/b", "./a/b"), ("./a/./b", "a/b")];
    for (one, other) in pairs {
        refused(Shape::Tar, &tar_of(&[(one, b'0', b""), (other, b'0', b"")]), Outcome::Forbidden, "holds a/b twice");
        refused(Shape::Zip, &zip_of(&[zip_file(one, b""), zip_file(other, b"")]), Outcome::Forbidden, "twice");
    }
    let clashes: [&[(&str, u8, &[u8])]; 4] = [
        &[("a", b'0', b""), ("a/b", b'0', b"")],
        &[("a/b", b'0', b""), ("a", b'0', b"")],
        &[("a", b'0', b""), ("a", b'5', b"")],
        &[("a/", b'5', b""), ("a", b'0', b"")],
    ];
    for entries in clashes {
        refused(Shape::Tar, &tar_of(entries), Outcome::Forbidden, "a as a file and as a folder");
    }
    let cases = tar_of(&[("a.c", b'0', b""), ("A.c", b'0', b"")]);
    assert_eq!(taken(Shape::Tar, &cases).unwrap().0, ["A.c", "a.c"]);
}

#[test]
fn bombs_are_refused_by_what_comes_out_of_them() {
    let zeros = vec![0; 3 << 19];
    let ratio = "more than 200 times its size";
    let tar = tar_of(&[("zeros", b'0', &zeros)]);
    refused(Shape::TarGz, &gz(&tar), Outcome::Limit, ratio);
    refused(Shape::TarXz, &xz(&tar), Outcome::Limit, ratio);
    // Also where it would not be taken.
    refused(Shape::TarGz, &gz(&tar_of(&[("target/zeros", b'0', &zeros)])), Outcome::Limit, ratio);
    // Also as a name.
    refused(Shape::TarGz, &gz(&tar_of(&[("x", b'L', &zeros), ("x", b'0', b"")])), Outcome::Limit, ratio);
    // Also after the end.
    refused(Shape::TarGz, &gz(&[tar_of(&[]), zeros.clone()].concat()), Outcome::Limit, ratio);
    let entry = ZipEntry { deflate: true, ..zip_file("zeros", &zeros) };
    refused(Shape::Zip, &zip_of(std::slice::from_ref(&entry)), Outcome::Limit, ratio);
    // Where the sizes in the headers are lies, the reading ends there.
    let mut lying = zip_of(&[entry]);
    let size = four(zeros.len());
    for start in 0..lying.len() - 4 {
        if lying[start..start + 4] == size {
            lying[start..start + 4].copy_from_slice(&10_u32.to_le_bytes());
        }
    }
    refused(Shape::Zip, &lying, Outcome::Unsupported, "larger than its declared");

    let large = vec![0; 33 << 20];
    let two = tar_of(&[("a", b'0', &large), ("b", b'0', &large)]);
    refused(Shape::Tar, &two, Outcome::Limit, "more than 64 MiB");
    let names: Vec<String> = (0..10_001).map(|number| format!("{number}.c")).collect();
    let files = |count: usize, kind| -> Vec<(&str, u8, &[u8])> {
        names.iter().take(count).map(|name| (name.as_str(), kind, &b""[..])).collect()
    };
    assert_eq!(taken(Shape::Tar, &tar_of(&files(2_000, b'0'))).unwrap().0.len(), 2_000);
    refused(Shape::Tar, &tar_of(&files(2_001, b'0')), Outcome::Limit, "more than 2000 files");
    refused(Shape::Tar, &tar_of(&files(10_001, b'5')), Outcome::Limit, "more than 10000 entries");
    let zip: Vec<ZipEntry> = names.iter().map(|name| zip_file(name, b"")).collect();
    refused(Shape::Zip, &zip_of(&zip), Outcome::Limit, "more than 10000 entries");
    refused(Shape::Zip, &zip_of(&zip[..2_001]), Outcome::Limit, "more than 2000 files");
}

#[test]
fn a_size_beyond_all_bounds_is_refused() {
    let mut header = tar_entry(b"x", b'0', b"");
    header[124..136].copy_from_slice(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    let refusal = taken(Shape::Tar, &[checked(header, b""), vec![0; 1024]].concat()).unwrap_err();
    assert!(matches!(refusal, Refusal::Limit(_) | Refusal::Unsupported(_)), "{refusal}");
    let mut header = tar_entry(b"x", b'0', b"");
    header[124..135].copy_from_slice(b"77777777777");
    refused(Shape::Tar, &[checked(header, b""), vec![0; 1024]].concat(), Outcome::Limit, "more than 64 MiB");
}

#[test]
fn encrypted_and_strange_zips_are_refused() {
    refused(
        Shape::Zip,
        &zip_of(&[ZipEntry { flags: 1, ..zip_file("a.c", b"0123456789abcdef") }]),
        Outcome::Unsupported,
        "encrypted",
    );
    let strange = ZipEntry { method: Some(9), ..zip_file("a.c", b"x") };
    refused(Shape::Zip, &zip_of(&[strange]), Outcome::Unsupported, "with deflate");
    let mut bad = zip_of(&[zip_file("a.c", b"int x;")]);
    let body = bad.windows(4).position(|window| window == b"int ").unwrap();
    bad[body] = b'?';
    refused(Shape::Zip, &bad, Outcome::Unsupported, "damaged");
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    let noise: Vec<u8> = (0..700_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let tar = tar_of(&[("a.c", b'0', &noise), ("b.c", b'0', b"2")]);
    // Without its second block of zeros it is still whole, and the last file is.
    for length in 0..tar.len() - 1024 + 512 {
        refused(Shape::Tar, &tar[..length], Outcome::Unsupported, "damaged");
    }
    let zip = zip_of(&[ZipEntry { deflate: true, ..zip_file("a.c", &noise) }, zip_file("b.c", b"2")]);
    for (shape, bytes) in [(Shape::TarGz, gz(&tar)), (Shape::TarXz, xz(&tar)), (Shape::Zip, zip)] {
        for length in 0..bytes.len() {
            refused(shape, &bytes[..length], Outcome::Unsupported, "damaged");
        }
    }
    for shape in [Shape::Tar, Shape::TarGz, Shape::TarXz, Shape::Zip] {
        refused(shape, &noise, Outcome::Unsupported, "damaged");
    }
    refused(Shape::Tar, &[tar.clone(), tar].concat(), Outcome::Unsupported, "something after its end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is changed, nothing panics, and nothing is taken from outside.
    #[test]
    fn changed_archives_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let tar = tar_of(&[
            ("././@LongLink", b'L', b"long/name\0"),
            ("x", b'0', b"int x;"),
            ("h", b'x', b"12 path=a/b\n"),
            ("y", b'0', b"y"),
            ("d/", b'5', b""),
        ]);
        let zip = zip_of(&[ZipEntry { deflate: true, ..zip_file("a/b.c", &tar) }, zip_file("c", b"x")]);
        for (shape, mut bytes) in [(Shape::Tar, tar.clone()), (Shape::TarGz, gz(&tar)), (Shape::TarXz, xz(&tar)), (Shape::Zip, zip)] {
            for (index, byte) in &changes {
                let at = index.index(bytes.len());
                bytes[at] = *byte;
            }
            if let Ok((paths, _)) = taken(shape, &bytes) {
                prop_assert!(paths.iter().all(|path| !path.starts_with('/') && !path.split('/').any(|part| part == "..")));
            }
        }
    }
}
