//! How the probe is linked, so that it comes first and does nothing late.

fn main() {
    let options = [
        // The name by which LD_PRELOAD and the loader know it.
        "-Wl,-soname,libosmem_probe.so",
        // Its constructor runs before every other one: a call in any constructor is already inside the window.
        "-Wl,-z,initfirst",
        // Every symbol is bound at load time: the loader has no work left to do inside an announced call.
        "-Wl,-z,now",
        // Rust's core library names the function that unwinds the stack after a panic. There are no panics here.
        "-Wl,--defsym,rust_eh_personality=0",
    ];
    for option in options {
        println!("cargo::rustc-cdylib-link-arg={option}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
