//! Runs one program in a box; the policy comes on standard input. See the library.

fn main() {
    std::process::exit(osmem_sandbox::outside::run());
}
