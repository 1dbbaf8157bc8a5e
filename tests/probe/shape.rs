//! What the file libosmem_probe.so is: how it is loaded, what it stands in for, what it leans on.

use std::collections::BTreeSet;
use std::fs;

use object::elf::{DF_1_INITFIRST, DF_1_NOW, DT_FLAGS_1, DT_NEEDED, DT_SONAME};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSymbol};

use crate::lab::text;
use crate::support;

fn probe() -> Vec<u8> {
    fs::read(&support::built().probe).expect("the probe is built")
}

#[test]
fn it_is_initialised_first_and_bound_at_once() {
    let data = probe();
    let file = ElfFile64::<object::Endianness>::parse(data.as_slice()).expect("an ELF file");
    let table = file.elf_section_table().dynamic_table(file.endian(), data.as_slice()).expect("a dynamic section");
    let flags = table.iter().find(|entry| entry.tag == DT_FLAGS_1).expect("DT_FLAGS_1").val;
    let wanted = (DF_1_INITFIRST | DF_1_NOW).0;
    assert_eq!(flags & wanted, wanted);
    let name = table.iter().find(|entry| entry.tag == DT_SONAME).expect("DT_SONAME");
    assert_eq!(text(name.string(table.strings()).expect("a name")), "libosmem_probe.so");
    let needed = table.iter().filter(|entry| entry.tag == DT_NEEDED);
    let needed: Vec<_> = needed.map(|entry| text(entry.string(table.strings()).expect("a name"))).collect();
    // Older C libraries come in several files.
    let of_c = |name: &&str| ["libc.", "libdl.", "libpthread."].iter().any(|start| name.starts_with(start));
    assert!(needed.iter().all(of_c), "{needed:?}");
}

/// The names that it defines for others, and those that it wants from others.
fn symbols() -> (BTreeSet<String>, BTreeSet<String>) {
    let data = probe();
    let file = object::File::parse(data.as_slice()).expect("an ELF file");
    let (defined, wanted): (Vec<_>, Vec<_>) = file.dynamic_symbols().partition(ObjectSymbol::is_definition);
    let names = |symbols: Vec<object::Symbol>| symbols.iter().map(|s| s.name().expect("a name").to_string()).collect();
    (names(defined), names(wanted))
}

#[test]
fn it_stands_in_for_nine_functions() {
    let (names, _) = symbols();
    let wanted = [
        "_Exit",
        "__libc_start_main",
        "_exit",
        "exit",
        "os_calloc",
        "os_free",
        "os_malloc",
        "os_realloc",
        "quick_exit",
    ];
    assert_eq!(names, BTreeSet::from(wanted.map(String::from)));
}

/// What it cannot call it cannot do: nothing of this allocates, prints or starts a thread.
#[test]
fn it_calls_little_of_the_c_library() {
    let (_, mut names) = symbols();
    let weak_ones_of_the_c_runtime =
        ["_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize", "__gmon_start__"];
    let called = [
        "__environ",
        "bcmp",
        "dladdr",
        "dlsym",
        "environ",
        "getauxval",
        "memcmp",
        "memcpy",
        "memmove",
        "memset",
        "pthread_getspecific",
        "pthread_key_create",
        "pthread_setspecific",
        "setvbuf",
        "stdout",
        "strlen",
        "write",
    ];
    for name in weak_ones_of_the_c_runtime.iter().chain(&called) {
        names.remove(*name);
    }
    assert!(names.is_empty(), "the probe also calls {names:?}");
}
