//! Where the programs of this build lie: beside the one that runs.

use std::env;
use std::path::PathBuf;

use anyhow::Context;

/// The path of `meshport`, `mesh-agent` or another program of the workspace.
///
/// # Errors
/// It was not built: a single package was built or tested without the rest.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = env::current_exe().context("find the running program")?;
    // Test programs lie one folder deeper.
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.with_context(|| format!("find the program {name} beside {}: run `cargo xtask build` first", own.display()))
}
