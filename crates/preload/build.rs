//! How the library is linked, so that it can stand in front of any program from the first instruction to the last.

/// What the standard library would call of libgcc_s to unwind the stack. Nothing here unwinds: a panic, if there were one,
/// would end the process. Without them the library needs the C library only, and a program that is run with it starts as
/// much faster as the loader takes for libgcc_s, which is more than it takes for all the rest.
const UNWINDING: [&str; 11] = [
    "_Unwind_Backtrace",
    "_Unwind_DeleteException",
    "_Unwind_GetDataRelBase",
    "_Unwind_GetIP",
    "_Unwind_GetIPInfo",
    "_Unwind_GetLanguageSpecificData",
    "_Unwind_GetRegionStart",
    "_Unwind_GetTextRelBase",
    "_Unwind_Resume",
    "_Unwind_SetGR",
    "_Unwind_SetIP",
];

fn main() {
    let options = [
        // The name by which LD_PRELOAD and the loader know it.
        "-Wl,-soname,libosmem_malloc.so",
        // The os_* functions that the allocator's crate brings along stay inside: exported, they would take the place of
        // those of a libosmem.so in the same program.
        "-Wl,--exclude-libs,ALL",
        // Its constructor runs before every other one. Handlers that other libraries register for fork then come later,
        // which means that they may allocate: they run before ours has taken the lock and after ours has released it.
        "-Wl,-z,initfirst",
        // Every symbol is bound at load time: the loader, which allocates itself, has no work left to do inside a call.
        "-Wl,-z,now",
        // Blocks and fork handlers outlive a dlclose.
        "-Wl,-z,nodelete",
    ];
    for option in options {
        println!("cargo::rustc-cdylib-link-arg={option}");
    }
    for name in UNWINDING {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym,{name}=0");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
