//! Names that a submission's library must not define: the loader would take its definition for what the test programs, the probe or the C
//! library itself use.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSymbol, ObjectSymbolTable, RelocationTarget, SymbolFlags};

use crate::error::Error;

/// The four functions.
const OURS: [&str; 4] = ["os_malloc", "os_calloc", "os_realloc", "os_free"];
/// Functions that compilers call without being told to.
const COMPILERS: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];
/// How many names a message lists.
const MOST_NAMES: usize = 8;
/// `STT_GNU_IFUNC`: a function that chooses its own address, by code that runs before anything else does.
const INDIRECT: u8 = 10;

/// All names that `files` use of others or the probe defines, and that the system's libraries look up among all libraries.
pub fn reserved(files: &[&Path], probe: &Path) -> Result<BTreeSet<String>, Error> {
    let mut names: BTreeSet<String> = COMPILERS.map(str::to_owned).into();
    let files = files.iter().map(|file| file.to_path_buf());
    for file in files.chain(system_libraries()) {
        let read = |source| Error::Stage { path: file.clone(), source };
        let data = fs::read(&file).map_err(read)?;
        let parsed = object::File::parse(&*data).map_err(|error| read(std::io::Error::other(error)))?;
        let table = parsed.dynamic_symbol_table();
        let used = parsed.dynamic_relocations().into_iter().flatten().filter_map(|(_, relocation)| {
            let RelocationTarget::Symbol(index) = relocation.target() else { return None };
            table.as_ref()?.symbol_by_index(index).ok()?.name().ok().map(str::to_owned)
        });
        names.extend(used);
        let lacks = parsed.dynamic_symbols().filter(|symbol| symbol.is_undefined() || file == probe);
        names.extend(lacks.filter_map(|symbol| symbol.name().ok().map(str::to_owned)));
    }
    names.retain(|name| !name.is_empty() && !OURS.contains(&name.as_str()));
    Ok(names)
}

/// The libraries of the system that this process itself has loaded: the C library, the loader and their kin.
fn system_libraries() -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let files = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| Path::new("/").join(path)));
    files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so"))).collect()
}

/// Why the library at `path` is refused, if it is.
pub fn refused(path: &Path, reserved: &BTreeSet<String>) -> Option<String> {
    let data = fs::read(path).ok()?;
    let file = object::File::parse(&*data).ok()?;
    let defined = || file.dynamic_symbols().filter(|symbol| !symbol.is_undefined() && !symbol.is_local());
    let indirect = defined()
        .find(|symbol| matches!(symbol.flags(), SymbolFlags::Elf { st_info, .. } if st_info.0 & 0xf == INDIRECT));
    if let Some(name) = indirect.and_then(|symbol| symbol.name().ok()) {
        return Some(format!(
            "the library defines \"{}\" as an indirect function, whose code would run before any test begins; define it as a plain one",
            name.escape_debug()
        ));
    }
    let taken: BTreeSet<&str> =
        defined().filter_map(|symbol| symbol.name().ok()).filter(|name| reserved.contains(*name)).collect();
    let names: Vec<_> = taken.iter().take(MOST_NAMES).map(|name| format!("\"{}\"", name.escape_debug())).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the library defines {}, which the C library, the compiler or the test programs use; make it static, or give it another name",
            names.join(", ")
        )
    })
}
