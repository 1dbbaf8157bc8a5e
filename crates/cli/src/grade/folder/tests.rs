//! Owners and sweepers: step by step in the order that would hurt, and many at once.

use std::os::unix::fs::symlink;
use std::thread;

use tempfile::TempDir;

use super::*;

fn top() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn names(top: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(top.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Leaves what a killed owner would: the lock file, and a folder with these files.
fn left(top: &TempDir, name: &str, files: Option<&[&str]>) -> PathBuf {
    let path = top.path().join(format!("{PREFIX}{name}"));
    fs::write(path.with_extension("lock"), "").unwrap();
    if let Some(files) = files {
        fs::create_dir(&path).unwrap();
        files.iter().for_each(|file| fs::write(path.join(file), "").unwrap());
    }
    path
}

#[test]
fn an_owner_has_folder_and_lock_until_it_ends() {
    let top = top();
    let folder = Folder::make(top.path()).unwrap();
    let lock = folder.lock.path.clone();
    fs::write(folder.path().join("file"), "").unwrap();
    sweep(top.path());
    assert!(folder.path().join("file").exists() && lock.exists());
    assert_eq!(lock.to_str().unwrap(), format!("{}{LOCK}", folder.path().display()));
    drop(folder);
    assert_eq!(names(&top), Vec::<String>::new());
}

#[test]
fn an_owner_whose_file_is_swept_before_it_is_locked_sees_it() {
    let top = top();
    let file = LockFile::make(top.path()).unwrap();
    // Here the owner pauses, and another starts.
    let other = Folder::make(top.path()).unwrap();
    assert!(!file.path.exists());
    assert!(file.claim().unwrap().is_none());
    assert!(other.path().exists());
}

#[test]
fn an_owner_whose_file_is_being_swept_leaves_it() {
    let top = top();
    let file = LockFile::make(top.path()).unwrap();
    let path = file.path.clone();
    let sweeper = LockFile::open(&path).unwrap().claim().unwrap();
    assert!(sweeper.is_some());
    assert!(file.claim().unwrap().is_none());
    drop(sweeper);
    assert!(!path.exists());
}

#[test]
fn a_sweeper_that_comes_late_takes_nothing() {
    let top = top();
    let owner = Folder::make(top.path()).unwrap();
    let path = owner.path().to_owned();
    let lock = owner.lock.path.clone();
    let late = [(); 2].map(|()| LockFile::open(&lock).unwrap());
    // Here the sweepers pause, and the owner ends.
    drop(owner);
    let [first, second] = late;
    assert!(first.claim().unwrap().is_none());
    // Even if the name is given again.
    fs::write(&lock, "").unwrap();
    let again = LockFile::open(&lock).unwrap().claim().unwrap().unwrap();
    fs::create_dir(&path).unwrap();
    assert!(second.claim().unwrap().is_none());
    assert!(path.exists() && lock.exists());
    drop(again);
    assert_eq!(names(&top), Vec::<String>::new());
}

#[test]
fn of_two_sweepers_one_removes() {
    let top = top();
    let path = left(&top, "a", Some(&["file"]));
    let lock = path.with_extension("lock");
    let [first, second, third] = [(); 3].map(|()| LockFile::open(&lock).unwrap());
    let first = first.claim().unwrap();
    assert!(first.is_some());
    // While it removes, the lock keeps others out.
    assert!(second.claim().unwrap().is_none());
    assert!(path.join("file").exists() && lock.exists());
    drop(first);
    assert!(third.claim().unwrap().is_none());
    assert_eq!(names(&top), Vec::<String>::new());
}

#[test]
fn all_that_a_killed_owner_leaves_is_swept() {
    let top = top();
    // Before the lock or the folder, after it, amid work or removal.
    left(&top, "a", None);
    left(&top, "b", Some(&[]));
    left(&top, "c", Some(&["file", "other"]));
    drop(Folder::make(top.path()).unwrap());
    assert_eq!(names(&top), Vec::<String>::new());
}

#[test]
fn files_of_others_stay() {
    let top = top();
    let kept = top.path().join("kept");
    fs::create_dir(&kept).unwrap();
    let link = left(&top, "link", None);
    symlink(&kept, &link).unwrap();
    let file = left(&top, "file", None);
    fs::write(&file, "").unwrap();
    symlink(top.path().join("other.lock"), top.path().join(format!("{PREFIX}x{LOCK}"))).unwrap();
    fs::create_dir(top.path().join(format!("{PREFIX}unlocked"))).unwrap();
    fs::write(top.path().join(format!("other{LOCK}")), "").unwrap();
    drop(Folder::make(top.path()).unwrap());
    let mut left = names(&top);
    left.sort();
    let ours = ["file", "link", "unlocked", "x.lock"].map(|name| format!("{PREFIX}{name}"));
    assert_eq!(left, [&["kept".to_owned()], &ours[..], &["other.lock".into()]].concat());
}

#[test]
fn many_owners_at_once_keep_theirs() {
    let top = top();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..60 {
                    let folder = Folder::make(top.path()).unwrap();
                    let file = folder.path().join("file");
                    fs::write(&file, "").unwrap();
                    thread::yield_now();
                    assert!(file.exists() && folder.lock.path.exists());
                }
            });
        }
    });
    assert_eq!(names(&top), Vec::<String>::new());
}
