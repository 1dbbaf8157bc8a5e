//! Where everything of a run lies: the class, the results, a home with a secret, a copy of the fixtures that may be lost.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// How a make file builds the library.
pub const BUILD: &str = "cc -std=gnu11 -O1 -fPIC -shared -o libosmem.so osmem.c";
/// What stands in the home and in the environment of whoever grades, and must stand in no result.
pub const SECRET: &str = "f3a9c1d7-nobody-may-know-this";

/// The folders of a run; they go away with it.
pub struct Place {
    folder: TempDir,
    reference: String,
    listener: TcpListener,
}

impl Place {
    /// Makes them.
    pub fn new() -> Self {
        // Not in the temporary folder, of which a box may have its own.
        let kept = env::var_os("OSMEM_HOSTILE_DIR");
        let mut builder = tempfile::Builder::new();
        builder.prefix("hostile-").disable_cleanup(kept.is_some());
        let folder = builder.tempdir_in(kept.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into())).unwrap();
        for name in ["class", "home", "tmp", "decoy"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("home/secret"), format!("{SECRET}\n")).unwrap();
        let root = root();
        for name in ["suite.toml", "hostile/README.md"] {
            let copy = folder.path().join("decoy").join(name);
            fs::create_dir_all(copy.parent().expect("below the decoy")).unwrap();
            fs::copy(root.join("fixtures").join(name), copy).unwrap();
        }
        let reference = fs::read_to_string(root.join("fixtures/submissions/reference/osmem.c")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { folder, reference, listener }
    }

    /// Above all others.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Of the submissions.
    pub fn class(&self) -> PathBuf {
        self.folder().join("class")
    }

    /// Of the results.
    pub fn out(&self) -> PathBuf {
        self.folder().join("out")
    }

    /// For what the command needs for a while.
    pub fn tmp(&self) -> PathBuf {
        self.folder().join("tmp")
    }

    /// Of whoever grades.
    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// A copy of some fixtures.
    pub fn decoy(&self) -> PathBuf {
        self.folder().join("decoy")
    }

    /// The project's top folder.
    pub fn root(&self) -> PathBuf {
        root()
    }

    /// The source of the right allocator.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Whether somebody has connected to the port.
    pub fn was_called(&self) -> bool {
        self.listener.accept().is_ok()
    }

    /// `text` with all that it names by `@NAME@`.
    pub fn fill(&self, text: &str) -> String {
        let output = output();
        let port = self.listener.local_addr().unwrap().port().to_string();
        let shown = |path: PathBuf| path.to_str().expect("UTF-8").to_owned();
        let names = [
            ("@ROOT@", shown(root())),
            ("@PROGRAMS@", shown(output.clone())),
            ("@LIBRARY@", shown(output.join("libosmem.so"))),
            ("@CLASS@", shown(self.class())),
            ("@OUT@", shown(self.out())),
            ("@HOME@", shown(self.home())),
            ("@DECOY@", shown(self.decoy())),
            ("@PORT@", port),
            ("@REFERENCE@", self.reference.clone()),
        ];
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// Where the test programs lie once they are built.
pub fn output() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp").join("release")
}
