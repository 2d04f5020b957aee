//! What Maven fetches, whole or not at all.
//!
//! Maven keeps what it fetched in the user's repository and does not look at it again: what one interrupted run left broken
//! there, every later one copies without a word. So what came is looked at, and fetched past that repository when it is broken.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::process::Process;

/// How archives begin: zip (jars are) and gzip.
const BEGINNINGS: [(&str, &[u8]); 2] = [("jar", b"PK"), ("gz", &[0x1f, 0x8b])];

/// Runs Maven with these arguments, which are to bring archives into a folder.
///
/// # Errors
/// Maven is missing or fails, with what it said; or what it brings is broken.
pub async fn fetch(what: &str, folder: &Path, arguments: &[String]) -> anyhow::Result<()> {
    // What is broken there may be a part of Maven itself.
    if run(what, folder, arguments).await.is_ok() && broken(folder)?.is_none() {
        return Ok(());
    }
    let own = folder.join("repository");
    let mut arguments = arguments.to_vec();
    arguments.push(format!("-Dmaven.repo.local={}", own.display()));
    run(what, folder, &arguments).await?;
    fs::remove_dir_all(&own).with_context(|| format!("remove {}", own.display()))?;
    let broken = broken(folder)?;
    anyhow::ensure!(broken.is_none(), "fetch {what} by Maven: what came is broken: {broken:?}");
    Ok(())
}

async fn run(what: &str, folder: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let mut command = Command::new("mvn");
    command.args(["-q", "-B"]).args(arguments);
    let maven = Process::start("maven", &command, folder)?.done();
    maven.await.with_context(|| format!("fetch {what} by Maven: is the package `maven` installed?"))
}

/// The first archive in a folder that is none.
fn broken(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder).with_context(|| format!("look into {}", folder.display()))? {
        let path = entry.context("look at what was fetched")?.path();
        let extension = path.extension().unwrap_or_default();
        let Some((_, expected)) = BEGINNINGS.iter().find(|(name, _)| extension == *name) else { continue };
        let mut beginning = [0; 2];
        let read = File::open(&path).and_then(|mut file| file.read_exact(&mut beginning));
        if read.is_err() || beginning != **expected {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_that_are_none_are_found() {
        let folder = std::env::temp_dir().join(format!("meshport-maven-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("whole.jar"), b"PK\x03\x04").expect("written");
        fs::write(folder.join("whole.tar.gz"), [0x1f, 0x8b, 8]).expect("written");
        fs::write(folder.join("maven.log"), "").expect("written");
        assert_eq!(broken(&folder).expect("read"), None);
        for content in [&b""[..], b"P", b"<html>"] {
            fs::write(folder.join("broken.jar"), content).expect("written");
            assert_eq!(broken(&folder).expect("read"), Some(folder.join("broken.jar")), "{content:?}");
        }
        fs::remove_dir_all(&folder).expect("removed");
    }
}
