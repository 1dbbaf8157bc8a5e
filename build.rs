//! Gives the shared library its name, so that whoever links against it asks the loader for `libosmem.so`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libosmem.so");
}
