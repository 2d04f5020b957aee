//! What is fetched once into the user's cache and shared by the demo, the tests and the benchmarks.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use anyhow::Context;

/// The folder of that name in the cache; made by `make`, in a folder that it is given, when it is not there yet.
///
/// # Errors
/// There is no cache folder, or it cannot be made.
pub async fn folder(name: &str, make: impl AsyncFnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let cache = root()?;
    let done = cache.join(name);
    if !done.is_dir() {
        // Made beside its place and renamed when it is whole: a broken download never looks like a finished one.
        let partial = cache.join(format!("{name}.{}", process::id()));
        fs::create_dir_all(&partial).with_context(|| format!("create {}", partial.display()))?;
        make(&partial).await?;
        let renamed = fs::rename(&partial, &done);
        if !done.is_dir() {
            renamed.with_context(|| format!("move what was fetched to {}", done.display()))?;
        }
        let _ = fs::remove_dir_all(&partial);
    }
    Ok(done)
}

fn root() -> anyhow::Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    Ok(base.context("find a cache folder: neither XDG_CACHE_HOME nor HOME is set")?.join("meshport"))
}
