//! What is fetched once into the user's cache and shared by the demo, the tests and the benchmarks.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context;

/// The folder of that name in the cache; made by `make`, in a folder that it is given, when it is not there yet.
///
/// # Errors
/// There is no cache folder, or it cannot be made.
pub async fn folder(name: &str, make: impl AsyncFnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let cache = root()?;
    let done = cache.join(name);
    if done.is_dir() {
        return Ok(done);
    }
    fs::create_dir_all(&cache).with_context(|| format!("create {}", cache.display()))?;
    let _alone = alone(cache.join("lock")).await?;
    if done.is_dir() {
        return Ok(done);
    }
    // Made beside its place and renamed when it is whole: a broken download never looks like a finished one.
    let partial = cache.join(format!("{name}.partial"));
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).with_context(|| format!("create {}", partial.display()))?;
    make(&partial).await?;
    fs::rename(&partial, &done).with_context(|| format!("move what was fetched to {}", done.display()))?;
    Ok(done)
}

/// Where a folder of that name is or would be.
///
/// # Errors
/// There is no cache folder.
pub fn place(name: &str) -> anyhow::Result<PathBuf> {
    Ok(root()?.join(name))
}

/// Waits until nobody else makes anything, in this process or another one: tests begin together, and what they fetch with (Maven,
/// pip) has a cache of its own that bears no two writers.
async fn alone(path: PathBuf) -> anyhow::Result<File> {
    let what = format!("lock {}", path.display());
    let lock = move || {
        let file = File::create(path)?;
        file.lock()?;
        std::io::Result::Ok(file)
    };
    tokio::task::spawn_blocking(lock).await?.context(what)
}

fn root() -> anyhow::Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    Ok(base.context("find a cache folder: neither XDG_CACHE_HOME nor HOME is set")?.join("meshport"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_many_want_at_once_is_made_once() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test-{}", uuid::Uuid::new_v4());
        let want = || {
            folder(&name, async |partial: &Path| {
                MADE.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                fs::write(partial.join("file"), "whole").context("write")
            })
        };
        let (one, other, third) = tokio::join!(want(), want(), want());
        for folder in [one, other, third] {
            let folder = folder.expect("made");
            assert_eq!(fs::read_to_string(folder.join("file")).expect("there"), "whole");
        }
        assert_eq!(MADE.load(Ordering::SeqCst), 1);
        let done = root().expect("a cache").join(&name);
        fs::remove_dir_all(&done).expect("removed");
    }

    #[tokio::test]
    async fn what_failed_is_made_anew() {
        let name = format!("test-{}", uuid::Uuid::new_v4());
        let failed = folder(&name, async |partial: &Path| {
            fs::write(partial.join("half"), "")?;
            anyhow::bail!("the line was cut")
        });
        assert!(failed.await.is_err());
        let made = folder(&name, async |partial: &Path| {
            anyhow::ensure!(!partial.join("half").exists(), "nothing of it is left");
            Ok(())
        });
        let done = made.await.expect("made");
        fs::remove_dir_all(&done).expect("removed");
    }
}
