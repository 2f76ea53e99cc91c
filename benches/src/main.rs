//! Measures the release build beside its peers.
fn main() {}
