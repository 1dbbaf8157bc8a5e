//! The entries of `fixtures/hostile`: how a submission differs from the reference, and how it must end.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::grade::Tier;
use crate::place::{BUILD, Place};

/// What the statements of the entries need beyond the includes of the reference.
const INCLUDES: [&str; 34] = [
    "dirent.h",
    "dlfcn.h",
    "fcntl.h",
    "malloc.h",
    "pthread.h",
    "sched.h",
    "setjmp.h",
    "signal.h",
    "stdarg.h",
    "stdio.h",
    "sys/auxv.h",
    "sys/ioctl.h",
    "sys/ipc.h",
    "sys/msg.h",
    "sys/mount.h",
    "sys/personality.h",
    "sys/prctl.h",
    "sys/ptrace.h",
    "sys/resource.h",
    "sys/sem.h",
    "sys/shm.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/syscall.h",
    "sys/sysmacros.h",
    "sys/time.h",
    "sys/types.h",
    "sys/uio.h",
    "sys/un.h",
    "sys/wait.h",
    "termios.h",
    "netinet/in.h",
    "arpa/inet.h",
    "time.h",
];

/// After the last include of the reference.
const LAST_INCLUDE: &str = "#include <unistd.h>\n";
/// The start of the reference's os_malloc.
const OS_MALLOC: &str = "void *os_malloc(size_t size)\n{\n";
/// Where the reference decides whether to split, and how a wrong one decides.
const SPLIT: (&str, &str) = ("    if (rest < HEADER + ALIGNMENT)\n", "    if (rest < HEADER + ALIGNMENT || size)\n");

/// One word, or a list of which each is right.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Any(Vec<String>),
}

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name in the class.
    pub id: String,
    /// What it does, in half a sentence.
    what: String,
    outcome: Words,
    landlock: Option<Words>,
    reason: Option<String>,
    tier: Option<String>,
    arch: Option<String>,
    /// It might take others with it.
    #[serde(default)]
    pub worst: bool,
    #[serde(default)]
    mistake: bool,
    #[serde(default)]
    top: String,
    #[serde(default)]
    append: String,
    third: Option<String>,
    every: Option<String>,
    #[serde(default)]
    replace: Vec<(String, String)>,
    makefile: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    bare: bool,
}

/// How a submission must end.
#[derive(Debug)]
pub struct Demand {
    /// Its name in the class, or, for a name that cannot be printed, a part of it.
    pub id: String,
    /// What it does.
    pub what: String,
    /// The outcomes of which each is right.
    pub outcomes: Vec<String>,
    /// What the reason must contain, unless it passes.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    submission: Vec<Entry>,
}

/// Every entry, file by file.
pub fn load(folder: &Path) -> Vec<Entry> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "toml") && !file.ends_with("course.toml"));
    files.sort();
    let parse = |file: &Path| -> Vec<Entry> {
        let text = fs::read_to_string(file).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        file.submission
    };
    files.iter().flat_map(|file| parse(file)).collect()
}

impl Demand {
    /// Without a reason.
    pub fn new(id: &str, what: &str, outcomes: &[&str]) -> Self {
        let outcomes = outcomes.iter().map(|word| (*word).to_owned()).collect();
        Self { id: id.to_owned(), what: what.to_owned(), outcomes, reason: None }
    }
}

impl Entry {
    /// What is demanded of it in a box of this tier.
    pub fn demand(&self, tier: Tier) -> Demand {
        let words = match (tier, &self.landlock) {
            (Tier::Landlock, Some(words)) => words,
            _ => &self.outcome,
        };
        let outcomes = match words.clone() {
            Words::One(word) => vec![word],
            Words::Any(words) => words,
        };
        Demand { id: self.id.clone(), what: self.what.clone(), outcomes, reason: self.reason.clone() }
    }

    /// Whether this machine, in a box of this tier, can have it.
    pub fn fits(&self, tier: Tier) -> bool {
        self.tier.as_deref().is_none_or(|only| only == tier.name())
            && self.arch.as_deref().is_none_or(|only| only == ARCH)
    }

    /// Whether it is one C source that must compile as it is.
    pub fn is_plain_c(&self) -> bool {
        let may_fail = matches!(&self.outcome, Words::One(word) if word == "no-build")
            || matches!(&self.outcome, Words::Any(words) if words.iter().any(|word| word == "no-build"));
        self.makefile.is_none() && !self.bare && !may_fail && self.fits(Tier::Namespaces)
    }

    /// Writes its files.
    pub fn write(&self, place: &Place, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        if !self.bare && !self.files.contains_key("osmem.c") {
            fs::write(folder.join("osmem.c"), place.fill(&self.source(place.reference()))).unwrap();
        }
        if let Some(makefile) = &self.makefile {
            fs::write(folder.join("Makefile"), place.fill(&makefile.replace("@BUILD@", BUILD))).unwrap();
        }
        for (name, text) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).unwrap();
            fs::write(path, place.fill(text)).unwrap();
        }
    }

    /// The reference with its changes.
    fn source(&self, reference: &str) -> String {
        let includes: String = INCLUDES.iter().map(|name| format!("#include <{name}>\n")).collect();
        let put = |text: &str, old: &str, new: &str| {
            assert_eq!(text.matches(old).count(), 1, "{}: {old}", self.id);
            text.replace(old, new)
        };
        let mut text = reference.to_owned();
        for (old, new) in &self.replace {
            text = put(&text, old, new);
        }
        if self.mistake {
            text = put(&text, SPLIT.0, SPLIT.1);
        }
        if let Some(statements) = &self.every {
            text = put(&text, OS_MALLOC, &format!("{OS_MALLOC}    {statements}\n"));
        }
        if let Some(statements) = &self.third {
            let inside = format!("{OS_MALLOC}    static int calls;\n    if (++calls == 3) {{\n{statements}\n    }}\n");
            text = put(&text, OS_MALLOC, &inside);
        }
        // Last, since it may itself contain what is looked for.
        text = put(&text, LAST_INCLUDE, &format!("{LAST_INCLUDE}{includes}{}", self.top));
        text + &self.append
    }
}
