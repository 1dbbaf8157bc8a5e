//! Where things lie: the library, the probe, the test programs and the fixtures, in the build output or as installed.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder, in the current one, for what a user's commands leave behind.
pub const OUT: &str = "osmem-out";

/// File name of the allocator's shared library, which programs name as what they need.
pub const LIBRARY: &str = "libosmem.so";
const PROBE: &str = "libosmem_probe.so";
const CALLERS: &str = "libosmem_callers.so";
const REPLAYER: &str = "osmem-replayer";
const BOX: &str = "osmem-box";
const SUITE: &str = "suite.toml";

/// What belongs to this command: found from the folder of its executable.
#[derive(Debug)]
pub struct Layout {
    /// Our own library.
    pub library: PathBuf,
    /// The probe.
    pub probe: PathBuf,
    /// The library that writes down where calls are made.
    pub callers: PathBuf,
    /// The program that replays sequences of calls.
    pub replayer: PathBuf,
    /// The program that runs others in a box.
    pub launcher: PathBuf,
    /// The folder of the test programs.
    pub programs: PathBuf,
    /// Where the traces of failing tests go; nowhere in an installed layout.
    pub traces: Option<PathBuf>,
    /// Where what `fuzz` found goes; nowhere in an installed layout.
    pub reproducers: Option<PathBuf>,
    /// Where the search for the fixtures starts.
    origin: PathBuf,
    /// The fixtures of an installed layout.
    installed_fixtures: Option<PathBuf>,
}

/// A part that is not where it ought to be.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The command does not know its own path.
    #[error("cannot find the path of this command: {0}")]
    Executable(io::Error),
    /// Neither a build output nor an installation.
    #[error("{PROBE} is neither in {} nor in {}; run `make build`, or install the command with `make install`", build.display(), installed.display())]
    NoProbe {
        /// Where a build puts it.
        build: PathBuf,
        /// Where an installation puts it.
        installed: PathBuf,
    },
    /// Our own library is missing.
    #[error("our own library {} does not exist; run `make build`, or name another with --lib", .0.display())]
    NoLibrary(PathBuf),
    /// The replayer is missing.
    #[error("{} does not exist; run `make build`, or install the command with `make install`", .0.display())]
    NoReplayer(PathBuf),
    /// The program that makes boxes is missing.
    #[error("{} does not exist; run `make build`, or install the command with `make install`", .0.display())]
    NoBox(PathBuf),
    /// No suite anywhere.
    #[error("fixtures/{SUITE} is found neither above {} nor above the current folder; name the folder with --fixtures DIR", .0.display())]
    NoFixtures(PathBuf),
    /// The given folder holds no suite.
    #[error("{} holds no {SUITE}; --fixtures wants the folder with {SUITE} and traces/", .0.display())]
    NoSuite(PathBuf),
    /// The given folder does not exist.
    #[error("--programs {}: not a folder", .0.display())]
    NoPrograms(PathBuf),
}

impl Layout {
    /// Finds what belongs to this command.
    pub fn find() -> Result<Self, LayoutError> {
        let executable = env::current_exe().and_then(fs::canonicalize).map_err(LayoutError::Executable)?;
        let folder = executable.parent().unwrap_or(Path::new("/")).to_path_buf();
        Self::around(folder)
    }

    fn around(folder: PathBuf) -> Result<Self, LayoutError> {
        let prefix = folder.parent().unwrap_or(Path::new("/")).to_path_buf();
        let private = prefix.join("lib/osmem");
        if folder.join(PROBE).is_file() {
            Ok(Self {
                library: folder.join(LIBRARY),
                probe: folder.join(PROBE),
                callers: folder.join(CALLERS),
                replayer: folder.join(REPLAYER),
                launcher: folder.join(BOX),
                programs: folder.clone(),
                traces: Some(prefix.join("traces")),
                reproducers: Some(prefix.join("reproducers")),
                origin: folder,
                installed_fixtures: None,
            })
        } else if private.join(PROBE).is_file() {
            Ok(Self {
                library: prefix.join("lib").join(LIBRARY),
                probe: private.join(PROBE),
                callers: private.join(CALLERS),
                replayer: private.join(REPLAYER),
                launcher: private.join(BOX),
                programs: private.join("test-programs"),
                traces: None,
                reproducers: None,
                origin: folder,
                installed_fixtures: Some(prefix.join("share/osmem/fixtures")),
            })
        } else {
            Err(LayoutError::NoProbe { build: folder, installed: private })
        }
    }

    /// Returns whether the current folder is the top of this project's source tree: wherever it is built, our own library is meant there.
    pub fn is_own_tree() -> bool {
        Path::new("fixtures").join(SUITE).is_file()
    }

    /// Our own library, which must exist.
    pub fn own_library(&self) -> Result<&Path, LayoutError> {
        if self.library.is_file() { Ok(&self.library) } else { Err(LayoutError::NoLibrary(self.library.clone())) }
    }

    /// The replayer, which must exist.
    pub fn replayer(&self) -> Result<&Path, LayoutError> {
        if self.replayer.is_file() { Ok(&self.replayer) } else { Err(LayoutError::NoReplayer(self.replayer.clone())) }
    }

    /// The program that runs others in a box, which must exist.
    pub fn launcher(&self) -> Result<&Path, LayoutError> {
        if self.launcher.is_file() { Ok(&self.launcher) } else { Err(LayoutError::NoBox(self.launcher.clone())) }
    }

    /// The folder of the test programs: the given one, or ours.
    pub fn programs(&self, given: Option<&Path>) -> Result<PathBuf, LayoutError> {
        match given {
            None => Ok(self.programs.clone()),
            Some(folder) if folder.is_dir() => Ok(folder.to_owned()),
            Some(folder) => Err(LayoutError::NoPrograms(folder.to_owned())),
        }
    }

    /// The folder of the fixtures: the given one, the installed one, or `fixtures` above the executable or the current folder.
    pub fn fixtures(&self, given: Option<&Path>) -> Result<PathBuf, LayoutError> {
        if let Some(folder) = given {
            return if folder.join(SUITE).is_file() {
                Ok(folder.to_owned())
            } else {
                Err(LayoutError::NoSuite(folder.to_owned()))
            };
        }
        let here = env::current_dir().unwrap_or_default();
        let above = |start: &Path| start.ancestors().map(|folder| folder.join("fixtures")).collect::<Vec<_>>();
        self.installed_fixtures
            .iter()
            .cloned()
            .chain(above(&self.origin))
            .chain(above(&here))
            .find(|folder| folder.join(SUITE).is_file())
            .ok_or_else(|| LayoutError::NoFixtures(self.origin.clone()))
    }
}

/// The suite in a folder of fixtures.
pub fn suite_file(fixtures: &Path) -> PathBuf {
    fixtures.join(SUITE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn the_build_output_is_one_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("target/debug");
        touch(&folder.join(PROBE));
        touch(&root.path().join("fixtures").join(SUITE));
        let layout = Layout::around(folder.clone()).unwrap();
        assert_eq!(layout.programs, folder);
        assert_eq!(layout.traces, Some(root.path().join("target/traces")));
        assert_eq!(layout.fixtures(None).unwrap(), root.path().join("fixtures"));
        assert!(layout.own_library().unwrap_err().to_string().contains("libosmem.so does not exist"));
    }

    #[test]
    fn an_installation_is_spread_over_its_prefix() {
        let root = tempfile::tempdir().unwrap();
        let prefix = root.path();
        touch(&prefix.join("lib/osmem").join(PROBE));
        touch(&prefix.join("lib").join(LIBRARY));
        touch(&prefix.join("share/osmem/fixtures").join(SUITE));
        let layout = Layout::around(prefix.join("bin")).unwrap();
        assert_eq!(layout.own_library().unwrap(), prefix.join("lib").join(LIBRARY));
        assert_eq!(layout.programs, prefix.join("lib/osmem/test-programs"));
        assert_eq!(layout.traces, None);
        assert_eq!(layout.fixtures(None).unwrap(), prefix.join("share/osmem/fixtures"));
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let root = tempfile::tempdir().unwrap();
        let message = Layout::around(root.path().join("bin")).unwrap_err().to_string();
        assert!(message.contains("bin nor in") && message.contains("make build"), "{message}");
        touch(&root.path().join("bin").join(PROBE));
        let layout = Layout::around(root.path().join("bin")).unwrap();
        assert!(layout.fixtures(Some(root.path())).unwrap_err().to_string().contains("holds no suite.toml"));
        assert!(layout.programs(Some(&root.path().join("none"))).unwrap_err().to_string().contains("not a folder"));
    }
}
