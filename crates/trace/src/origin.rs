//! Where a system call came from: which file's code made it, and whether the C library's allocator led there.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use object::{Object, ObjectSegment, ObjectSymbol};

/// Whose code made a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file that the instruction lies in.
    pub module: Module,
    /// The function of the C library's own allocator that called it, inside the `os_*` call.
    pub through: Option<&'static str>,
    /// A stream of the C library needed memory: something printed, or opened a file.
    pub stream: bool,
}

/// A file that code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Module {
    /// The program.
    Program,
    /// The library under test.
    Library,
    /// The probe.
    Probe,
    /// The C library, its loader included.
    C,
    /// Another one, by its name.
    Other(String),
    /// Code that comes from no file.
    Memory,
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("the program"),
            Self::Library => f.write_str("the library"),
            Self::Probe => f.write_str("the probe"),
            Self::C => f.write_str("the C library"),
            Self::Other(name) => f.write_str(name),
            Self::Memory => f.write_str("code that comes from no file"),
        }
    }
}

/// `the C library, called by its malloc`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.through {
            Some(function) if self.stream => {
                write!(f, "{}, called by its {function} for a stream (printf, fopen)", self.module)
            }
            Some(function) => write!(f, "{}, called by its {function}", self.module),
            None => self.module.fmt(f),
        }
    }
}

/// The functions of the C library that allocate, as its users know them.
const ALLOCATING: [&str; 11] = [
    "malloc",
    "calloc",
    "realloc",
    "free",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "reallocarray",
    "valloc",
    "pvalloc",
    "malloc_trim",
];

/// Those through which a stream gets its memory.
const STREAMS: [&str; 8] =
    ["_IO_file_doallocate", "_IO_doallocbuf", "fopen", "fdopen", "fopen64", "setvbuf", "open_memstream", "popen"];

/// Where those of a file lie, as addresses within it, with their names.
type Functions = Vec<(Range<u64>, &'static str)>;

/// The mapped files of a process that have code.
#[derive(Debug, Default)]
pub struct Modules(Vec<Mapped>);

#[derive(Debug)]
struct Mapped {
    code: Range<u64>,
    path: PathBuf,
    /// Where the beginning of the file would lie.
    base: u64,
    module: Module,
    /// Of the C library.
    functions: Option<(Arc<Functions>, u64)>,
}

impl Modules {
    /// As `/proc/ID/maps` tells; `program` and `library` are the files that are known by these names.
    pub fn of(process: i32, program: Option<&Path>, library: Option<&Path>) -> Self {
        let text = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        let executable = fs::read_link(format!("/proc/{process}/exe")).ok();
        let mut modules = Vec::new();
        for line in text.lines() {
            let Some((code, offset, path)) = executable_mapping(line) else { continue };
            let module = module(path, executable.as_deref().or(program), library);
            let functions = (module == Module::C).then(|| functions(Path::new(path))).flatten();
            let base = code.start.wrapping_sub(offset);
            let functions = functions.map(|functions| (functions, base));
            modules.push(Mapped { code, path: path.into(), base, module, functions });
        }
        Self(modules)
    }

    /// Where the code of these files lies.
    pub fn code(&self, wanted: &[Module]) -> Vec<Range<u64>> {
        let mapped = self.0.iter().filter(|mapped| wanted.contains(&mapped.module));
        mapped.map(|mapped| mapped.code.clone()).collect()
    }

    /// The path of a file with code, and where its beginning lies.
    pub fn file(&self, wanted: &Module) -> Option<(&Path, u64)> {
        let mapped = self.0.iter().find(|mapped| mapped.module == *wanted)?;
        Some((&mapped.path, mapped.base))
    }

    fn find(&self, address: u64) -> Option<&Mapped> {
        self.0.iter().find(|mapped| mapped.code.contains(&address))
    }

    /// Whether it is known what lies there.
    pub fn knows(&self, address: u64) -> bool {
        self.find(address).is_some()
    }

    /// Where a call came from whose instruction lies before `at`; `stack` is what lay on the stack, the innermost first.
    pub fn origin(&self, at: u64, stack: &[u64]) -> Origin {
        let Some(mapped) = self.find(at) else {
            return Origin { module: Module::Memory, through: None, stream: false };
        };
        let (through, stream) = if mapped.module == Module::C { self.passed(stack) } else { (None, false) };
        Origin { module: mapped.module.clone(), through, stream }
    }
}

impl Modules {
    /// The allocating function of the C library that a return address on the stack lies in, and whether a stream called it.
    fn passed(&self, stack: &[u64]) -> (Option<&'static str>, bool) {
        let code = |wanted: Module| self.0.iter().filter(move |mapped| mapped.module == wanted);
        let c: Vec<&Mapped> = code(Module::C).filter(|mapped| mapped.functions.is_some()).collect();
        let probe: Vec<&Mapped> = code(Module::Probe).collect();
        let lies_in = |mapped: &[&Mapped], word: u64| mapped.iter().any(|mapped| mapped.code.contains(&word));
        // What lies beyond the probe's own frame was there before the call.
        let inside = stack.iter().take_while(|word| !lies_in(&probe, **word));
        let functions = inside.filter_map(|word| {
            c.iter().filter(|mapped| mapped.code.contains(word)).find_map(|mapped| mapped.function(*word))
        });
        let functions: Vec<&str> = functions.collect();
        let through = functions.iter().copied().find(|name| ALLOCATING.contains(name));
        (through, functions.iter().any(|name| STREAMS.contains(name)))
    }
}

impl Mapped {
    /// The function of interest that a return address lies in.
    fn function(&self, address: u64) -> Option<&'static str> {
        let (functions, base) = self.functions.as_ref()?;
        let place = address.wrapping_sub(*base);
        functions.iter().find(|(range, _)| range.contains(&place)).map(|(_, name)| *name)
    }
}

/// A line of `maps` that stands for code of a file: where, at which offset of the file, its path.
fn executable_mapping(line: &str) -> Option<(Range<u64>, u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (flags, rest) = rest.split_once(' ')?;
    let (offset, _) = rest.split_once(' ')?;
    let path = &line[line.find('/')?..];
    let (start, end) = range.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    flags.contains('x').then_some((number(start)?..number(end)?, number(offset)?, path))
}

fn module(path: &str, program: Option<&Path>, library: Option<&Path>) -> Module {
    let path = Path::new(path);
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let is_c =
        ["libc.so", "libc-", "ld-linux", "ld-musl", "ld-2", "libc.musl"].iter().any(|start| name.starts_with(start));
    match () {
        () if program == Some(path) => Module::Program,
        () if library == Some(path) || name == crate::stage::LIBRARY => Module::Library,
        () if name == crate::stage::PROBE => Module::Probe,
        () if is_c => Module::C,
        () => Module::Other(name.into_owned()),
    }
}

/// The functions of interest of a C library, read once for each file.
fn functions(path: &Path) -> Option<Arc<Functions>> {
    static KNOWN: OnceLock<Mutex<HashMap<PathBuf, Option<Arc<Functions>>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(path.to_owned()).or_insert_with(|| read_functions(path).map(Arc::new)).clone()
}

fn read_functions(path: &Path) -> Option<Functions> {
    let data = fs::read(path).ok()?;
    let file = object::File::parse(&*data).ok()?;
    // Symbols have addresses, mappings offsets in the file.
    let shift = |address: u64| {
        let part = file.segments().find(|part| (part.address()..part.address() + part.size()).contains(&address))?;
        Some(address - part.address() + part.file_range().0)
    };
    let mut functions = Functions::new();
    for symbol in file.dynamic_symbols() {
        let Some(name) = ALLOCATING.into_iter().chain(STREAMS).find(|name| symbol.name() == Ok(name)) else { continue };
        if let (Some(start), 1..) = (shift(symbol.address()), symbol.size()) {
            // A return address lies behind a call, so that the last one may be the end of the function.
            functions.push((start + 1..start + symbol.size() + 1, name));
        }
    }
    Some(functions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read() {
        let line = "7f2861692000-7f28617e8000 r-xp 00026000 fe:00 1234  /usr/lib/x86 64/libc.so.6";
        let (code, offset, path) = executable_mapping(line).unwrap();
        assert_eq!((code, offset, path), (0x7f28_6169_2000..0x7f28_617e_8000, 0x26000, "/usr/lib/x86 64/libc.so.6"));
        assert!(executable_mapping("7f2861692000-7f28617e8000 r--p 00026000 fe:00 1234 /lib/libc.so.6").is_none());
        assert!(executable_mapping("7ffd0-7ffd1 r-xp 00000000 00:00 0 [vdso]").is_none());
        assert_eq!(module("/lib/libc.so.6", None, None), Module::C);
        assert_eq!(module("/x/my.so", None, Some(Path::new("/x/my.so"))), Module::Library);
    }

    #[test]
    fn the_c_library_allocates() {
        let own = Modules::of(std::process::id().cast_signed(), None, None);
        let libc = own.0.iter().find_map(|mapped| mapped.functions.as_ref()).unwrap();
        assert!(libc.0.iter().any(|(_, name)| *name == "malloc"), "{libc:?}");
    }
}
