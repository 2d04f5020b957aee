//! The test of the layering: which crate and which module may import what.
//!
//! Directions decide what can be changed alone, and they erode one convenient import at a time. The rules are a table
//! (`rules`), the imports are read from the sources (`imports`); neither needs a build, so a broken direction shows
//! within a second. Written for the directions of ARCHITECTURE.md.

mod imports;
mod rules;

use std::fs;
use std::path::Path;

use anyhow::Context;

pub use rules::complaints_about;

/// Every broken rule in the workspace at `root`, one line each.
///
/// # Errors
/// A source cannot be read.
pub fn check_workspace(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    for member in rules::MEMBERS {
        let folder = root.join(member.folder);
        let manifest = read(&folder.join("Cargo.toml"))?;
        complaints.extend(rules::complaints_about_manifest(member, &manifest));
        let mut open = vec![folder.join("src")];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
                let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
                // A module's tests put together what the module itself may not: their imports build nothing that ships.
                if path.file_stem().is_some_and(|stem| stem == "tests") {
                    continue;
                }
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(root).expect("it was found below the root").display().to_string();
                    complaints.extend(complaints_about(&name, &read(&path)?));
                }
            }
        }
    }
    complaints.sort();
    Ok(complaints)
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}
