//! `cargo xtask clean`: forget the demo mesh. Build output stays; that is what `cargo clean` is for.

use std::fs;
use std::io::ErrorKind;

use anyhow::Context;

use crate::cargo::root;

pub(crate) fn clean() -> anyhow::Result<()> {
    let data = root().join("data");
    match fs::remove_dir_all(&data) {
        Ok(()) => println!("removed {}", data.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => println!("nothing to remove"),
        Err(error) => return Err(error).with_context(|| format!("remove {}", data.display())),
    }
    Ok(())
}
