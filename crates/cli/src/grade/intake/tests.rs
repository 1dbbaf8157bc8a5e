use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::*;
use crate::grade::course::{Overlay, OverlayFile};
use crate::grade::record::Outcome;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Something to make at a path, and the words for it.
type Made = (&'static str, fn(&Path));

fn found(path: &Path, shape: Shape) -> Found {
    Found { name: "alice".to_owned(), path: path.to_owned(), shape }
}

/// The paths and notes of what is unpacked.
fn unpacked(path: &Path, course: &Course) -> Result<(TempDir, Vec<String>), Refusal> {
    let to = tempfile::tempdir().unwrap();
    let unpacked = unpack(&found(path, Shape::Folder), course, &[], to.path())?;
    Ok((to, unpacked.notes))
}

fn files_in(path: &Path) -> Vec<String> {
    let tree = tree::Tree::list(path).unwrap();
    let files = tree.items.iter().filter(|item| item.kind == tree::Kind::File);
    files.map(|item| item.path.to_string_lossy().into_owned()).collect()
}

fn course(text: &str) -> Course {
    let folder = folder(&[("osmem.toml", text)]);
    Course::load(&folder.path().join("osmem.toml")).unwrap()
}

fn overlay(files: &[(&str, &str)]) -> Overlay {
    let file = |(path, text): &(&str, &str)| OverlayFile {
        path: path.into(),
        bytes: text.as_bytes().to_vec(),
        executable: false,
    };
    Overlay { files: files.iter().map(file).collect() }
}

#[test]
fn a_folder_is_copied_without_ballast_and_special_bits() {
    let from = folder(&[("a.c", "1"), ("src/b.c", "2"), (".git/config", ""), ("src/target/x", ""), (".DS_Store", "")]);
    fs::write(from.path().join("target"), "a file").unwrap();
    fs::set_permissions(from.path().join("a.c"), fs::Permissions::from_mode(0o6711)).unwrap();
    let (to, notes) = unpacked(from.path(), &Course::default()).unwrap();
    assert_eq!(files_in(to.path()), ["a.c", "src/b.c", "target"]);
    assert_eq!(fs::metadata(to.path().join("a.c")).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(fs::metadata(to.path().join("target")).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(notes, ["not looked into: .git, src/target"]);
}

#[test]
fn links_pipes_and_sockets_are_left_out_and_told() {
    let make: [Made; 5] = [
        ("symbolic links", |path| symlink("/etc/passwd", path).unwrap()),
        ("symbolic links", |path| symlink("..", path).unwrap()),
        ("symbolic links", |path| symlink("nowhere", path).unwrap()),
        ("named pipes", |path| mkfifo(path, Mode::S_IRWXU).unwrap()),
        ("sockets", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    for (words, make) in make {
        let from = folder(&[("a.c", ""), ("src/b.c", "")]);
        make(&from.path().join("src/x\n"));
        let (to, notes) = unpacked(from.path(), &Course::default()).unwrap();
        assert_eq!(
            (files_in(to.path()), notes),
            (vec!["a.c".to_owned(), "src/b.c".to_owned()], vec![format!("left out, {words}: src/x\\n")],)
        );
        assert!(digest(&found(from.path(), Shape::Folder), &Course::default()).is_ok());
    }
    // Nothing else is there.
    let from = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", from.path().join("osmem.c")).unwrap();
    let (to, notes) = unpacked(from.path(), &Course::default()).unwrap();
    assert_eq!(notes, ["left out, symbolic links: osmem.c"]);
    let refusal = recognise(to.path(), &Course::default(), true).unwrap_err();
    assert!(refusal.to_string().starts_with("there is no file"), "{refusal}");
    // The folder itself, a folder on the way, and a file that has become a link.
    let from = folder(&[("real/a.c", "")]);
    symlink("real", from.path().join("alice")).unwrap();
    assert!(unpacked(&from.path().join("alice"), &Course::default()).is_err());
    assert!(tree::read_submitted(&from.path().join("alice")).unwrap_err().to_string().contains("symbolic link"));
    let root = tree::open_root(from.path()).unwrap();
    let open =
        |path: &str| tree::open_below(std::os::fd::AsFd::as_fd(&root), Path::new(path), nix::fcntl::OFlag::empty());
    assert_eq!(open("alice/a.c").unwrap_err(), tree::Barrier::Link);
    assert_eq!(open("alice").unwrap_err(), tree::Barrier::Link);
    assert_eq!(open("real/a.c/x").unwrap_err(), tree::Barrier::Missing);
    assert_eq!(open("real/../real/a.c").unwrap_err(), tree::Barrier::Missing);
    assert!(open("real/a.c").is_ok());
}

#[test]
fn too_many_and_too_large_are_refused_with_the_numbers() {
    let from = folder(&[("a.c", "")]);
    fs::File::create(from.path().join("big")).unwrap().set_len(1 << 30).unwrap();
    let refusal = unpacked(from.path(), &Course::default()).unwrap_err();
    assert_eq!(refusal.outcome(), Outcome::Limit);
    assert!(refusal.to_string().contains("it holds 1024 MiB, and at most 64 are taken"), "{refusal}");
    assert!(
        digest(&found(from.path(), Shape::Folder), &Course::default()).unwrap_err().to_string().contains("1024 MiB")
    );
    let file = digest(&found(&from.path().join("big"), Shape::Zip), &Course::default()).unwrap_err();
    assert!(file.to_string().contains("big has 1024 MiB"), "{file}");
    assert!(refusal.to_string().contains("the largest: big (1024 MiB), a.c (0 MiB); leave out"), "{refusal}");
    // What the course does not take does not count.
    let c_only = course("files = [\"*.c\"]");
    assert!(digest(&found(from.path(), Shape::Folder), &c_only).is_ok());
    let (to, notes) = unpacked(from.path(), &course("files = [\"*.c\"]")).unwrap();
    assert_eq!(
        (files_in(to.path()), notes),
        (vec!["a.c".to_owned()], vec!["the course does not take: big".to_owned()])
    );

    let from = tempfile::tempdir().unwrap();
    for number in 0..2_001 {
        fs::write(from.path().join(number.to_string()), "").unwrap();
    }
    let refusal = unpacked(from.path(), &Course::default()).unwrap_err();
    assert!(refusal.to_string().contains("it holds 2001 files, and at most 2000 are taken"), "{refusal}");
    let from = tempfile::tempdir().unwrap();
    fs::create_dir_all(from.path().join("x/".repeat(40))).unwrap();
    assert_eq!(unpacked(from.path(), &Course::default()).unwrap_err().outcome(), Outcome::Limit);
}

#[test]
fn what_builds_and_crashes_leave_behind_is_left_out() {
    let from = folder(&[
        ("osmem.c", "int x;"),
        ("libosmem.so", "old"),
        ("src/libosmem.so", "old"),
        ("libosmem.so.1", "old"),
        ("src/osmem.o", "old"),
        ("libfoo.a", "old"),
        ("osmem.d", "old"),
        ("core", "dump"),
        ("src/core.4711", "dump"),
        ("core.c", "int y;"),
        ("core.4x", "text"),
        (".o", "text"),
    ]);
    let (to, notes) = unpacked(from.path(), &Course::default()).unwrap();
    assert_eq!(files_in(to.path()), [".o", "core.4x", "core.c", "libosmem.so", "osmem.c"]);
    let made = "libfoo.a, libosmem.so.1, osmem.d, src/libosmem.so, src/osmem.o";
    assert_eq!(
        notes,
        ["left out, core files: core, src/core.4711".to_owned(), format!("left out, what earlier builds made: {made}")]
    );
    // The library at the top is of use only where there is nothing to build.
    let mut notes = Vec::new();
    let recipe = recognise(to.path(), &Course::default(), true).unwrap();
    clear(to.path(), &recipe, &mut notes).unwrap();
    assert_eq!(files_in(to.path()), [".o", "core.4x", "core.c", "osmem.c"]);
    assert_eq!(notes, ["left out, what earlier builds made: libosmem.so"]);
    let prebuilt = folder(&[("libosmem.so", "x")]);
    let recipe = recognise(prebuilt.path(), &Course::default(), true).unwrap();
    clear(prebuilt.path(), &recipe, &mut notes).unwrap();
    assert_eq!((files_in(prebuilt.path()), notes.len()), (vec!["libosmem.so".to_owned()], 1));
}

#[test]
fn ten_thousand_objects_are_no_obstacle() {
    let from = folder(&[("osmem.c", "")]);
    for number in 0..10_000 {
        fs::write(from.path().join(format!("{number:04}.o")), "x").unwrap();
    }
    let (to, notes) = unpacked(from.path(), &Course::default()).unwrap();
    assert_eq!(files_in(to.path()), ["osmem.c"]);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("left out, what earlier builds made: 0000.o, ") && notes[0].ends_with(" and 9990 more"),
        "{notes:?}"
    );
    let one = folder(&[("osmem.c", "")]);
    let of = |folder: &TempDir| digest(&found(folder.path(), Shape::Folder), &Course::default()).unwrap();
    assert_eq!(of(&from), of(&one));
}

#[test]
fn cpp_files_are_recognised_with_the_c_files_beside_them() {
    let from = folder(&[("osmem.cpp", ""), ("list.cc", ""), ("src/sys.cxx", ""), ("page.c", ""), ("a.h", "")]);
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
    let recipe = recognise(from.path(), &Course::default(), false).unwrap();
    let expected = Recipe::Cxx { files: paths(&["list.cc", "osmem.cpp", "src/sys.cxx"]), c: paths(&["page.c"]) };
    assert_eq!((recipe.kind(), recipe), ("c++", expected));
}

#[test]
fn digests_tell_names_bytes_and_bits_apart() {
    let of = |files: &[(&str, &str)]| digest(&found(folder(files).path(), Shape::Folder), &Course::default()).unwrap();
    let all =
        [of(&[("ab", "c")]), of(&[("a", "bc")]), of(&[("ab", "")]), of(&[("ab/c", "")]), of(&[]), of(&[("a/b", "c")])];
    assert!((0..all.len()).all(|one| (0..one).all(|other| all[one] != all[other])));
    assert_eq!(of(&[("ab", "c"), (".git/x", "y")]), all[0]);
    let from = folder(&[("ab", "c")]);
    fs::set_permissions(from.path().join("ab"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(digest(&found(from.path(), Shape::Folder), &Course::default()).unwrap(), all[0]);
    let empty = folder(&[("a.c", "")]);
    let digest = digest(&found(&empty.path().join("a.c"), Shape::C), &Course::default()).unwrap();
    assert_eq!(digest, Course::default().digest);
}

#[test]
fn what_the_course_builds_by_is_not_bypassed() {
    let from = folder(&[
        ("GNUmakefile", "mine"),
        ("Makefile", "mine"),
        ("Cargo.toml", "mine"),
        ("src/makefile", "mine"),
        ("lib/Makefile", "mine"),
        ("osmem.c", ""),
    ]);
    let to = tempfile::tempdir().unwrap();
    let mut course = Course::default();
    course.over = overlay(&[("Makefile", "theirs")]);
    let unpacked = unpack(&found(from.path(), Shape::Folder), &course, &[], to.path()).unwrap();
    assert_eq!(files_in(to.path()), ["Makefile", "lib/Makefile", "osmem.c"]);
    assert_eq!(fs::read_to_string(to.path().join("Makefile")).unwrap(), "theirs");
    let note = "left out, since the course says how to build: Cargo.toml, GNUmakefile, src/makefile";
    assert!(unpacked.notes.iter().any(|told| told == note), "{:?}", unpacked.notes);
}

#[test]
fn what_is_compiled_is_left_out_whatever_it_is_called() {
    let from =
        folder(&[("a.c", "x"), ("data.dat", "\x7fELF..."), ("notes.txt", "!<arch>\nx"), ("libosmem.so", "\x7fELF")]);
    let to = tempfile::tempdir().unwrap();
    let unpacked = unpack(&found(from.path(), Shape::Folder), &Course::default(), &[], to.path()).unwrap();
    assert_eq!(files_in(to.path()), ["a.c", "libosmem.so"]);
    assert_eq!(unpacked.notes, ["left out, compiled files: data.dat, notes.txt"]);
}

#[test]
fn overlays_replace_and_fill_gaps() {
    let from = folder(&[("Makefile", "mine"), ("test", "a file"), ("lib/x.h", "h"), ("a.c", "")]);
    let over = overlay(&[("Makefile", "theirs"), ("lib", "now a file"), ("test/run.c", "now a folder"), ("new", "")]);
    let under = overlay(&[("a.c", "gap"), ("b.c", "gap"), ("a.c/x", "no way")]);
    let mut course = Course::default();
    (course.over, course.under) = (over, under);
    let to = tempfile::tempdir().unwrap();
    let built_in: [(PathBuf, &[u8]); 2] = [("b.c".into(), b"late"), ("inc/osmem.h".into(), b"face")];
    let unpacked = unpack(&found(from.path(), Shape::Folder), &course, &built_in, to.path()).unwrap();
    assert_eq!(unpacked.notes, ["replaced by the course: Makefile, lib, test/run.c"]);
    assert_eq!(files_in(to.path()), ["Makefile", "a.c", "b.c", "inc/osmem.h", "lib", "new", "test/run.c"]);
    let text = |path: &str| fs::read_to_string(to.path().join(path)).unwrap();
    assert_eq!((text("Makefile"), text("a.c"), text("b.c")), ("theirs".into(), String::new(), "gap".into()));
}

#[test]
fn single_files_get_a_name_that_is_known() {
    let from = folder(&[("x.c", "int x;"), ("x.so", "ELF")]);
    for (file, shape, name) in [("x.c", Shape::C, "alice.c"), ("x.so", Shape::Library, "libosmem.so")] {
        let to = tempfile::tempdir().unwrap();
        unpack(&found(&from.path().join(file), shape), &Course::default(), &[], to.path()).unwrap();
        assert_eq!(files_in(to.path()), [name]);
    }
    let to = tempfile::tempdir().unwrap();
    let missing = unpack(&found(&from.path().join("no.zip"), Shape::Zip), &Course::default(), &[], to.path());
    assert_eq!(missing.unwrap_err().outcome(), Outcome::InfraError);
    let nowhere = unpack(&found(from.path(), Shape::Folder), &Course::default(), &[], Path::new("/no/such"));
    assert_eq!(nowhere.unwrap_err().outcome(), Outcome::InfraError);
}

#[test]
fn recipes_are_recognised_in_their_order() {
    let kind = |files: &[(&str, &str)]| recognise(folder(files).path(), &Course::default(), true).unwrap();
    assert_eq!(kind(&[("Cargo.toml", ""), ("Makefile", "")]), Recipe::Cargo);
    assert_eq!(kind(&[("makefile", ""), ("a.c", "")]), Recipe::Makefile { dir: "".into() });
    assert_eq!(kind(&[("src/Makefile", ""), ("a.c", "")]), Recipe::Makefile { dir: "src".into() });
    let c = kind(&[
        ("b.c", ""),
        ("src/a.c", ""),
        ("src/x/c.c", ""),
        ("src/x/y/d.c", ""),
        ("tests/t.c", ""),
        ("src/test/t.c", ""),
        ("demo/d.c", ""),
        ("-o.c", ""),
        ("@o.c", ""),
        ("a.h", ""),
        ("libosmem.so", ""),
    ]);
    let files = ["./-o.c", "./@o.c", "b.c", "src/a.c", "src/x/c.c"].map(PathBuf::from).to_vec();
    assert_eq!(c, Recipe::C { files });
    assert_eq!(kind(&[("os/a.c", ""), ("readme", "")]), Recipe::C { files: vec!["os/a.c".into()] });
    let prebuilt = folder(&[("libosmem.so", "x")]);
    assert_eq!(recognise(prebuilt.path(), &Course::default(), true).unwrap().kind(), "prebuilt");
    let refusal = recognise(prebuilt.path(), &Course::default(), false).unwrap_err();
    assert!(refusal.to_string().contains("--allow-prebuilt") && refusal.outcome() == Outcome::Unsupported);
    for (files, words) in [(&[][..], "there is no file; looked for"), (&[("a.py", "")], "nothing to build was found")] {
        let refusal = recognise(folder(files).path(), &Course::default(), true).unwrap_err();
        assert!(refusal.to_string().contains(words) && refusal.outcome() == Outcome::Unsupported, "{refusal}");
    }
    let own = course("[build]\ncommand = \"sh build.sh\"");
    assert_eq!(recognise(prebuilt.path(), &own, false).unwrap().kind(), "course");
}

#[test]
fn the_library_is_found_where_each_build_puts_it() {
    let make = |dir: &str| Recipe::Makefile { dir: dir.into() };
    let copied = |files: &[(&str, &str)], course: &Course, recipe: &Recipe| {
        let (from, to) = (folder(files), tempfile::tempdir().unwrap());
        artifact(from.path(), course, recipe, &to.path().join("lib.so"))?;
        assert_eq!(fs::metadata(to.path().join("lib.so")).unwrap().permissions().mode() & 0o7777, 0o644);
        Ok::<_, Refusal>(fs::read_to_string(to.path().join("lib.so")).unwrap())
    };
    let none = Course::default();
    let both = [("src/libosmem.so", "src"), ("libosmem.so", "root")];
    assert_eq!(copied(&both, &none, &make("src")).unwrap(), "src");
    assert_eq!(copied(&both, &none, &make("")).unwrap(), "root");
    assert_eq!(copied(&[("build/libosmem.so", "b")], &none, &make("")).unwrap(), "b");
    // A script of the name of a folder that is looked into.
    let refusal = copied(&[("build", "x")], &none, &make("")).unwrap_err();
    let looked = "no library; looked for libosmem.so, src/libosmem.so, build/libosmem.so";
    assert!(refusal.to_string().contains(looked) && refusal.outcome() == Outcome::NoBuild, "{refusal}");
    let set = course("[build]\nlibrary = \"out/x.so\"");
    assert_eq!(copied(&[("out/x.so", "x"), ("libosmem.so", "")], &set, &make("")).unwrap(), "x");
    let rust = [("target/release/liba.so", "a"), ("target/release/liba.d", "")];
    assert_eq!(copied(&rust, &none, &Recipe::Cargo).unwrap(), "a");
    let two = [("target/release/liba.so", "a"), ("target/release/libb.so", "b")];
    assert!(copied(&two, &none, &Recipe::Cargo).unwrap_err().to_string().contains("liba.so, libb.so; name the one"));
    let named = [("target/release/liba.so", "a"), ("target/release/libosmem.so", "o")];
    assert_eq!(copied(&named, &none, &Recipe::Cargo).unwrap(), "o");
    assert!(copied(&[("target/release/x", "")], &none, &Recipe::Cargo).unwrap_err().to_string().contains("cdylib"));
}

#[test]
fn a_library_in_disguise_is_no_library() {
    let disguises: [Made; 7] = [
        ("is reached by a symbolic link", |path| symlink("/etc/passwd", path).unwrap()),
        ("is a named pipe", |path| mkfifo(path, Mode::S_IRWXU).unwrap()),
        ("is a socket or a device", |path| drop(UnixListener::bind(path).unwrap())),
        ("is a folder", |path| fs::create_dir(path).unwrap()),
        ("is empty", |path| fs::write(path, "").unwrap()),
        ("has more than 64 MiB", |path| fs::File::create(path).unwrap().set_len((64 << 20) + 1).unwrap()),
        ("is reached by a symbolic link", |path| {
            fs::remove_dir(path.parent().unwrap()).unwrap();
            symlink("/etc", path.parent().unwrap()).unwrap();
        }),
    ];
    let course = course("[build]\nlibrary = \"out/libosmem.so\"");
    for (words, make) in disguises {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("out")).unwrap();
        make(&from.path().join("out/libosmem.so"));
        let refusal = artifact(from.path(), &course, &Recipe::Cargo, &to.path().join("lib.so")).unwrap_err();
        assert_eq!(refusal.outcome(), Outcome::NoBuild, "{refusal}");
        assert!(refusal.to_string().contains(&format!("out/libosmem.so {words}")), "{refusal}");
        assert!(!to.path().join("lib.so").exists());
    }
}
