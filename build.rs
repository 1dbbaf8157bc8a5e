//! Gives the shared library its name, by which the loader finds it for programs that are linked with it, and keeps it loaded.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // For every target of this package and not for shared libraries alone: those options cargo also passes on to the
    // shared libraries of packages that depend on this one, and they have names of their own. Programs have none.
    println!("cargo:rustc-link-arg=-Wl,-soname,libosmem.so");
    // Blocks and fork handlers outlive a dlclose.
    println!("cargo:rustc-link-arg=-Wl,-z,nodelete");
}
