//! The grader's working folder: the kit (what of ours a box sees), and a bench for each submission. All of it goes away in the end;
//! what a killed grader left is removed at the next start (`folder`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use osmem_sandbox::host::Network;

use crate::battery::Battery;
use crate::error::Error;
use crate::grade::folder::{Folder, remove};
use crate::grade::{hidden, symbols};
use crate::layout::{LIBRARY, Layout};
use crate::suite::Test;

/// The users that boxes run as where the grader is root: one each, so that all of a user's processes can be ended at once.
const USERS: std::ops::Range<u32> = 64_200..65_500;

/// Name of every program in the kit.
const NEUTRAL: &str = "program";

/// The working folder.
#[derive(Debug)]
pub struct Workshop {
    folder: Folder,
    /// The programs, the probe, the replayer: each in a folder of its own.
    pub kit: PathBuf,
    /// Where the programs lie, by their names. There they are all called the same.
    pub programs: BTreeMap<String, PathBuf>,
    /// Paths that no box shows: the installed files of this project.
    pub hidden: Vec<PathBuf>,
    /// The probe, in the kit.
    pub probe: PathBuf,
    /// The replayer, in the kit.
    pub replayer: PathBuf,
    /// The network that all boxes share.
    pub network: Option<Network>,
    /// What no submission may define.
    pub reserved: BTreeSet<String>,
}

/// The place of one submission.
#[derive(Debug)]
pub struct Bench {
    /// All of it.
    pub folder: PathBuf,
    /// Where it is built.
    pub source: PathBuf,
    /// Where its library lies, as `libosmem.so`.
    pub library: PathBuf,
    /// The user that its boxes run as, where the grader is root.
    pub user: Option<u32>,
    /// Keeps other graders from taking the same user.
    _claim: Option<UnixListener>,
}

impl Workshop {
    /// Makes the folder, and removes what others have left.
    pub fn open(layout: &Layout, battery: &Battery, tests: &[&Test]) -> Result<Self, Error> {
        let top = std::env::temp_dir();
        let top = top.canonicalize().map_err(|source| Error::Stage { path: top, source })?;
        let folder = Folder::make(&top).map_err(|source| Error::Stage { path: top, source })?;
        let kit = folder.path().join("kit");
        let probe = kit.join("probe").join(layout.probe.file_name().unwrap_or_default());
        let mut shop = Self {
            folder,
            replayer: PathBuf::new(),
            kit,
            probe,
            programs: BTreeMap::new(),
            hidden: hidden::installed(),
            network: Network::new(),
            reserved: BTreeSet::new(),
        };
        shop.fill(layout, battery, tests)?;
        Ok(shop)
    }

    fn fill(&mut self, layout: &Layout, battery: &Battery, tests: &[&Test]) -> Result<(), Error> {
        let kit = &self.kit;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| Error::Stage { path, source }
        };
        let folder = |path: &Path| fs::create_dir(path).map_err(failed(path)).and_then(|()| set_mode(path, 0o711));
        folder(kit)?;
        let programs = |tests: &mut dyn Iterator<Item = &Test>| -> BTreeSet<PathBuf> {
            tests.map(|test| battery.program(test)).collect()
        };
        let (chosen, every) = (programs(&mut tests.iter().copied()), programs(&mut battery.suite.tests.iter()));
        let copied = |file: &Path, to: &Path| {
            to.parent().map_or(Ok(()), folder)?;
            fs::copy(file, to).map_err(failed(to))?;
            set_mode(to, 0o555)
        };
        copied(&layout.probe, &self.probe)?;
        // Neither its name nor its place says which program it is.
        let mut programs: Vec<&Path> = chosen.iter().map(PathBuf::as_path).collect();
        programs.push(layout.replayer()?);
        let mut places: Vec<usize> = (0..programs.len()).collect();
        let drawn = RandomState::new();
        places.sort_by_cached_key(|place| drawn.hash_one(place));
        for (file, place) in programs.into_iter().zip(places) {
            let copy = kit.join(place.to_string()).join(NEUTRAL);
            copied(file, &copy)?;
            if file == layout.replayer()? {
                self.replayer = copy;
            } else {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.programs.insert(name, copy);
            }
        }
        // Of every test, so that it does not depend on the course.
        let every: Vec<&Path> =
            every.iter().map(PathBuf::as_path).chain([&*layout.probe, layout.replayer()?]).collect();
        self.reserved = symbols::reserved(&every, &layout.probe)?;
        Ok(())
    }

    /// A bench for a submission.
    pub fn bench(&self) -> Result<Bench, Error> {
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .permissions(Permissions::from_mode(0o711))
            .tempdir_in(self.folder.path())
            .map_err(|source| Error::Stage { path: self.folder.path().to_owned(), source })?
            .keep();
        let (user, claim) = match nix::unistd::geteuid().is_root() {
            false => (None, None),
            true => claim().map(|(user, claim)| (Some(user), Some(claim)))?,
        };
        let (source, library) = (folder.join("source"), folder.join("library").join(LIBRARY));
        let bench = Bench { source, library, user, _claim: claim, folder };
        for (name, mode) in [("source", 0o755), ("library", 0o755), ("root", 0o700), ("runs", 0o711)] {
            let path = bench.folder.join(name);
            fs::create_dir(&path).map_err(|source| Error::Stage { path: path.clone(), source })?;
            set_mode(&path, mode)?;
        }
        Ok(bench)
    }
}

/// A user that no other box on this machine runs as. The name of the socket is free again when this process ends, however it does.
fn claim() -> Result<(u32, UnixListener), Error> {
    let attempt = |user: u32| {
        let name = SocketAddr::from_abstract_name(format!("osmem-box-user-{user}"))?;
        UnixListener::bind_addr(&name)
    };
    let free = USERS.into_iter().find_map(|user| Some((user, attempt(user).ok()?)));
    free.ok_or_else(|| Error::NoBox(format!("all of the users {} to {} are taken", USERS.start, USERS.end - 1)))
}

impl Drop for Bench {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

impl Bench {
    /// Makes an empty folder for a second copy of what was handed in.
    pub fn again(&self) -> Result<PathBuf, Error> {
        let path = self.folder.join("again");
        fs::create_dir(&path).map_err(|source| Error::Stage { path: path.clone(), source })?;
        set_mode(&path, 0o755)?;
        Ok(path)
    }

    /// Gives all of the source to the user of the box.
    pub fn hand_over(&self) -> Result<(), Error> {
        hand_over(&self.source, self.user)
    }
}

/// Gives `folder` and all in it to the user of a box.
pub fn hand_over(folder: &Path, user: Option<u32>) -> Result<(), Error> {
    let Some(user) = user else { return Ok(()) };
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let failed = |source| Error::Stage { path: path.clone(), source };
        // Nothing of the submission has run yet: there are files and folders only.
        chown(&path, Some(user), Some(user)).map_err(failed)?;
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(failed)? {
                open.push(entry.map_err(failed)?.path());
            }
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|source| Error::Stage { path: path.to_owned(), source })
}
