//! How the library is linked, so that it can do without the standard library.

fn main() {
    let options = [
        "-Wl,-soname,libosmem_callers.so",
        // Every symbol is bound at load time.
        "-Wl,-z,now",
        // Rust's core library names the function that unwinds the stack after a panic. There are no panics here.
        "-Wl,--defsym,rust_eh_personality=0",
    ];
    for option in options {
        println!("cargo::rustc-cdylib-link-arg={option}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
