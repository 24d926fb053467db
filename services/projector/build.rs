//! A new migration makes this crate be compiled anew: they are embedded.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
