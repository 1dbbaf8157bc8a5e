//! What the tests of the whole share: the built artefacts and where they lie.
#![expect(clippy::expect_used, reason = "in a test a panic is the report")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The build output, brought up to date once per test process.
pub struct Built {
    /// The project's top folder.
    pub root: PathBuf,
    /// The folder of the build output, `target/release`.
    pub dir: PathBuf,
    /// The command, or another build of it: the one in this folder that [`COMMAND`] names.
    pub osmem: PathBuf,
    /// Our own shared library.
    pub library: PathBuf,
    /// The library that stands in for the C library's malloc.
    pub malloc_library: PathBuf,
    /// The probe.
    pub probe: PathBuf,
    /// The program that replays sequences of calls.
    pub replayer: PathBuf,
}

/// The variable that puts another build of the command under test: the name of a program in `target/release`, where what the
/// command looks for lies beside it. `make own` sets it.
pub const COMMAND: &str = "OSMEM_TEST_COMMAND";

/// Builds the workspace optimised, as `make build` does, then names the artefacts.
///
/// Cargo itself decides what is stale, and locks its folder, so that test processes may do this side by side. Never in the
/// tests' own profile: cargo would put an `osmem` that aborts where the tests look for theirs, which unwinds.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let executable = std::env::current_exe().expect("the test knows its own path");
        let target = executable.ancestors().nth(3).expect("tests lie in target/PROFILE/deps");
        let dir = target.join("release");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&root)
            .args(["build", "--quiet", "--workspace", "--exclude", "osmem-bench", "--release"])
            .env("CARGO_TARGET_DIR", target);
        let status = cargo.status().expect("cargo starts");
        assert!(status.success(), "cargo build --workspace --release failed: {status}");
        Built {
            osmem: dir.join(std::env::var_os(COMMAND).unwrap_or_else(|| "osmem".into())),
            library: dir.join("libosmem.so"),
            malloc_library: dir.join("libosmem_malloc.so"),
            probe: dir.join("libosmem_probe.so"),
            replayer: dir.join("osmem-replayer"),
            root,
            dir,
        }
    })
}
