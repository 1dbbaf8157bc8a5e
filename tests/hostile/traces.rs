//! What a class leaves behind: files, mounts, processes, shared memory. There must be nothing.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::place::{Place, output};

/// What submissions of the tests call the files that they leave.
const MARK: &str = "osmem-hostile";
/// Files longer than this are known by their length.
const LONG: u64 = 1 << 24;

/// Everything that must stay as it is.
pub struct Traces {
    /// Path to length, mode and hash.
    files: BTreeMap<PathBuf, (u64, u32, u64)>,
    mounts: Vec<String>,
    /// Shared memory, semaphores, queues.
    shared: Vec<String>,
}

impl Traces {
    /// As it is now.
    pub fn of(place: &Place) -> Self {
        let root = place.root();
        let mut files = BTreeMap::new();
        for folder in [root.join("fixtures"), root.join("tests"), place.class(), place.home(), place.decoy()] {
            walk(&folder, &mut files, usize::MAX);
        }
        walk(&root, &mut files, 1);
        walk(&output(), &mut files, 1);
        Self { files, mounts: lines("/proc/self/mountinfo"), shared: shared() }
    }

    /// What differs from before.
    pub fn since(&self, before: &Self) -> Vec<String> {
        let mut problems = Vec::new();
        for (path, state) in &self.files {
            match before.files.get(path) {
                None => problems.push(format!("{} is new", path.display())),
                Some(old) if old != state => problems.push(format!("{} has changed", path.display())),
                Some(_) => {}
            }
        }
        let gone = before.files.keys().filter(|path| !self.files.contains_key(*path));
        problems.extend(gone.map(|path| format!("{} is gone", path.display())));
        problems.extend(new("mount", &before.mounts, &self.mounts));
        problems.extend(new("piece of shared memory", &before.shared, &self.shared));
        problems
    }
}

/// Processes and files that are left.
pub fn left(place: &Place) -> Vec<String> {
    let mut problems = Vec::new();
    // A process that was killed may take a moment to go.
    let mut processes = Vec::new();
    for _ in 0..20 {
        processes = leftover_processes(place);
        if processes.is_empty() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    problems.extend(processes.iter().map(|process| format!("a process is left: {process}")));
    let in_tmp = fs::read_dir(place.tmp()).unwrap().flatten();
    problems.extend(in_tmp.map(|entry| format!("{} is left", entry.path().display())));
    for folder in ["/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/usr/lib", "/"] {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(MARK));
        problems.extend(ours.map(|entry| format!("{} is left", entry.path().display())));
    }
    problems
}

/// Processes that speak of the folder, or that descend from this one.
fn leftover_processes(place: &Place) -> Vec<String> {
    let folder = place.folder().to_str().expect("UTF-8");
    let mut parents = BTreeMap::new();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name stands in brackets and may hold anything.
        let mut rest = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let (state, parent) = (rest.next().unwrap_or_default(), rest.next().and_then(|id| id.parse::<u32>().ok()));
        if matches!(state, "Z" | "X") || id == std::process::id() {
            continue;
        }
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let at = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        parents.insert(id, parent.unwrap_or_default());
        found.push((id, command, at));
    }
    let descends = |mut id: u32| {
        while let Some(parent) = parents.get(&id) {
            if *parent == std::process::id() {
                return true;
            }
            id = *parent;
        }
        false
    };
    let speaks = |command: &str, at: &Path| command.contains(folder) || at.starts_with(folder);
    found.retain(|(id, command, at)| descends(*id) || speaks(command, at));
    found.into_iter().map(|(id, command, at)| format!("{id} {command} in {}", at.display())).collect()
}

/// Every regular file below a folder, with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = BTreeMap::new();
    walk(folder, &mut found, usize::MAX);
    found
        .into_keys()
        .filter(|path| path.is_file())
        .filter_map(|path| Some((path.clone(), fs::read(path).ok()?)))
        .collect()
}

fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, (u64, u32, u64)>, depth: usize) {
    if depth == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            // A folder's length changes with what is in it for a while.
            files.insert(path.clone(), (0, meta.mode(), 0));
            walk(&path, files, depth - 1);
            continue;
        }
        let mut hasher = DefaultHasher::new();
        if meta.is_file() && meta.len() <= LONG {
            fs::read(&path).unwrap_or_default().hash(&mut hasher);
        }
        files.insert(path, (meta.len(), meta.mode(), hasher.finish()));
    }
}

fn lines(path: &str) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// By key and number; how much of it is in use changes.
fn shared() -> Vec<String> {
    let kinds = ["shm", "sem", "msg"];
    let all = kinds.iter().flat_map(|kind| {
        let rows = lines(&format!("/proc/sysvipc/{kind}"));
        rows.into_iter().skip(1).map(move |row| {
            let words: Vec<_> = row.split_whitespace().take(2).collect();
            format!("{kind} {}", words.join(" "))
        })
    });
    all.collect()
}

fn new(what: &str, before: &[String], now: &[String]) -> Vec<String> {
    now.iter().filter(|line| !before.contains(line)).map(|line| format!("a {what} is new: {line}")).collect()
}
