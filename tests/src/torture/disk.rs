//! A small file system of its own for one agent, so that it can be full without hurting anybody else. Needs the right to
//! mount; without it there is none, and the fault is left out.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Room for the state of an agent above what it leaves free, and that.
const MIB: u64 = 1_400;
/// What an agent leaves free (`docs/operations.md`).
const RESERVE_BYTES: u64 = 1 << 30;
/// Full means so much below the reserve.
const BELOW_BYTES: u64 = 4 << 20;

/// Unmounted when dropped.
#[derive(Debug)]
pub(super) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// A file system at `folder`, which is made.
    ///
    /// # Errors
    /// This user may not mount one; with what `mount` said.
    pub(super) fn mount(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let options = format!("size={MIB}m,mode=0700");
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "meshport-torture"]).arg(folder).output();
        let output = output.context("start mount")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        fs::set_permissions(folder, Permissions::from_mode(0o700)).context("close the folder to others")?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Fills it up to a little below the agent's reserve.
    ///
    /// # Errors
    /// It cannot be filled.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        let free = free_bytes(&self.folder)?;
        let length = free.saturating_sub(RESERVE_BYTES - BELOW_BYTES);
        let output = Command::new("fallocate").args(["-l", &length.to_string()]).arg(self.filler()).output();
        let output = output.context("start fallocate")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) fn free(&self) -> anyhow::Result<()> {
        fs::remove_file(self.filler()).context("remove what fills the disk")
    }

    /// Copies what is on it beside it, so that it outlives the mount.
    ///
    /// # Errors
    /// It cannot be copied.
    pub(super) fn keep(&self) -> anyhow::Result<PathBuf> {
        let _gone = fs::remove_file(self.filler());
        let copy = self.folder.with_extension("copy");
        let status = Command::new("cp").arg("-a").arg(&self.folder).arg(&copy).status().context("start cp")?;
        ensure!(status.success(), "cp ended with {status}");
        Ok(copy)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open on it keeps it until then.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

fn free_bytes(folder: &Path) -> anyhow::Result<u64> {
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().context("start df")?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.lines().nth(1).and_then(|line| line.trim().parse().ok()).with_context(|| format!("read what df says: {told}"))
}
