//! Programs in boxes: what each of them sees and may do.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use osmem_sandbox::host::{Line, Network};
use osmem_sandbox::policy::{Idle, Message, Reached};
use osmem_sandbox::{Limits, Policy, Tier, view};
use osmem_trace::run::{Finish, Instruction, Refused, Start, Started, Starter};

use super::workshop::{Bench, Workshop, hand_over};

/// Where programs of the system are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts programs in boxes.
#[derive(Clone, Debug)]
pub struct Boxed {
    /// `osmem-box`.
    pub launcher: PathBuf,
    /// How they are kept in.
    pub tier: Tier,
    /// When they are ended.
    pub limits: Limits,
    /// What they may read besides the system's own.
    pub readable: Vec<PathBuf>,
    /// Paths below the readable ones that stay hidden.
    pub hidden: Vec<PathBuf>,
    /// The network namespace of all boxes, if they share one.
    pub network: Option<PathBuf>,
    /// The user they run as.
    pub user: Option<u32>,
    /// A folder without anything, on which boxes are built.
    pub root: PathBuf,
    /// A folder that others may pass through but not read, for logs and what is written.
    pub runs: PathBuf,
    /// A build: where it takes place.
    pub build: Option<PathBuf>,
    /// Where programs are looked for before those of the system.
    pub path: Vec<PathBuf>,
}

impl Boxed {
    /// For the submission on `bench`.
    pub fn new(launcher: &Path, tier: Tier, limits: Limits, shop: &Workshop, bench: &Bench) -> Self {
        Self {
            launcher: launcher.to_owned(),
            tier,
            limits,
            readable: vec![bench.folder.join("library")],
            hidden: shop.hidden.clone(),
            network: shop.network.as_ref().map(Network::path),
            user: bench.user,
            root: bench.folder.join("root"),
            runs: bench.folder.join("runs"),
            build: None,
            path: Vec::new(),
        }
    }

    /// The same for its build, with a toolchain that lies elsewhere than the system's.
    pub fn building(&self, source: &Path, toolchain: &[PathBuf]) -> Self {
        let path = toolchain.iter().map(|folder| folder.join("bin")).collect();
        Self { build: Some(source.to_owned()), readable: toolchain.to_vec(), path, ..self.clone() }
    }

    /// Whether this machine has a program nowhere that a program in this box would look for it.
    pub fn lacks(&self, program: &str) -> bool {
        let mut folders = self.path.iter().cloned().chain(std::env::split_paths(PATH));
        !folders.any(|folder| folder.join(program).is_file())
    }

    /// As what starts programs.
    pub fn starter(&self) -> Arc<dyn Starter> {
        Arc::new(self.clone())
    }

    fn environment(&self, start: &Start<'_>, temporary: &Path) -> io::Result<Vec<(OsString, OsString)>> {
        let mut path: Vec<PathBuf> = self.path.clone();
        path.extend(std::env::split_paths(PATH));
        let path = std::env::join_paths(path).map_err(io::Error::other)?;
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), path),
            ("HOME".into(), temporary.into()),
            ("TMPDIR".into(), temporary.into()),
            ("SHELL".into(), "/bin/sh".into()),
        ];
        variables.extend(start.variables.iter().map(|(name, value)| (OsString::from(name), value.clone())));
        let mut folders = Vec::new();
        if let Some(probe) = start.probe {
            variables.push(("LD_PRELOAD".into(), probe.file_name().unwrap_or_default().into()));
            folders.extend(probe.parent());
        }
        folders.extend(start.library.and_then(Path::parent));
        if !folders.is_empty() {
            variables.push(("LD_LIBRARY_PATH".into(), std::env::join_paths(folders).map_err(io::Error::other)?));
        }
        if self.build.is_some() {
            variables.push(("CARGO_NET_OFFLINE".into(), "true".into()));
            variables.push(("CARGO_TERM_COLOR".into(), "never".into()));
        }
        Ok(variables)
    }
}

impl Starter for Boxed {
    fn folder(&self) -> &Path {
        &self.runs
    }

    fn start(&self, start: &Start<'_>) -> io::Result<Started> {
        let given = |folder: &Path| hand_over(folder, self.user).map_err(|error| io::Error::other(error.to_string()));
        let mut writable: Vec<OsString> = Vec::new();
        for folder in start.writable {
            given(folder)?;
            writable.push(folder.into());
        }
        if let Some(folder) = &self.build {
            // An earlier program may have taken all rights from the folder, which is ours, and no link.
            fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        }
        writable.extend(self.build.iter().map(|folder| folder.clone().into()));
        // A box with namespaces has a /tmp of its own.
        let own = match self.tier {
            Tier::Namespaces => None,
            Tier::Landlock | Tier::None => Some(tempfile::Builder::new().prefix("tmp-").tempdir_in(&self.runs)?),
        };
        let temporary = own.as_ref().map_or(Path::new("/tmp"), |own| own.path()).to_owned();
        if let Some(own) = &own {
            given(own.path())?;
            writable.push(own.path().into());
        }
        // Of the kit a program sees itself and the probe.
        let place = start.program.parent().filter(|_| self.build.is_none());
        let kit = place.into_iter().chain(start.probe.and_then(Path::parent));
        let policy = Policy {
            tier: self.tier,
            program: start.program.into(),
            args: start.args.to_vec(),
            environment: self.environment(start, &temporary)?,
            folder: self.build.clone().unwrap_or_else(|| temporary.clone()).into(),
            readable: view::system()
                .into_iter()
                .chain(self.readable.iter().map(Into::into))
                .chain(kit.map(Into::into))
                .collect(),
            hidden: self.hidden.iter().map(Into::into).collect(),
            writable,
            root: self.root.clone().into(),
            network: self.network.clone().map(Into::into),
            user: self.user,
            build: self.build.is_some(),
            idle: start.idle.map(|call| match call {
                Refused::Brk => Idle::Brk,
                Refused::Mmap => Idle::Mmap,
            }),
            filter: start.filter.map(<[Instruction]>::to_vec),
            limits: self.limits,
        };
        let (line, input) = Line::open(&policy)?;
        let ender = line.ender();
        let finish = move || {
            if let Some(own) = own {
                super::folder::remove(&own.keep());
            }
            match line.message() {
                None => Finish::Ran,
                Some(Message::Limit(Reached::Memory)) => Finish::Limit("memory"),
                Some(Message::Limit(Reached::Disk)) => Finish::Limit("disk"),
                Some(Message::Limit(Reached::Processes)) => Finish::Limit("processes"),
                Some(Message::Failed(why)) => Finish::Failed(why),
            }
        };
        Ok(Started {
            command: vec![self.launcher.clone().into()],
            input,
            stop: Box::new(|| ender.end()),
            finish: Box::new(finish),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_lacking_where_nobody_has_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("osmem-test-tool"), "").unwrap();
        let boxed = |path: &[&Path]| Boxed {
            launcher: PathBuf::new(),
            tier: Tier::Namespaces,
            limits: Limits { cpu: 1, memory: 1, processes: 1, file: 1, open_files: 1, disk: 1 },
            readable: Vec::new(),
            hidden: Vec::new(),
            network: None,
            user: None,
            root: PathBuf::new(),
            runs: PathBuf::new(),
            build: None,
            path: path.iter().map(|folder| folder.to_path_buf()).collect(),
        };
        assert!(boxed(&[]).lacks("osmem-test-tool"));
        assert!(!boxed(&[folder.path()]).lacks("osmem-test-tool"));
        assert!(!boxed(&[]).lacks("sh"));
    }
}
