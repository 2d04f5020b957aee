//! Starts, feeds and stops the demo mesh.

fn main() {}
