//! Rebuilds the crate when a migration is added: `include_dir!` embeds the folder.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
