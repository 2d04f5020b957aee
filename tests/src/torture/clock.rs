//! The wall clock of one process, moved by a library that is loaded before its own: setting the machine's clock would move
//! everybody's, and a time namespace has no wall clock.
//!
//! The monotonic clock is left alone, as it is when a person or NTP sets a machine's time.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Names the file with the offset.
const VARIABLE: &str = "MESHPORT_TEST_CLOCK";

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long long *offset_s;
__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("MESHPORT_TEST_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(0, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) offset_s = map;
    if (file >= 0) close(file);
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    int failed = syscall(SYS_clock_gettime, clock, time) != 0;
    if (!failed && offset_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += *offset_s;
    return failed ? -1 : 0;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (time) { time->tv_sec = now.tv_sec; time->tv_usec = now.tv_nsec / 1000; }
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"#;

/// Builds the library in a folder, with the C compiler that the workspace needs anyway.
///
/// # Errors
/// There is none, or it fails.
pub(super) fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    fs::write(&source, SOURCE).with_context(|| format!("write {}", source.display()))?;
    let output = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output();
    let output = output.context("start the C compiler")?;
    ensure!(output.status.success(), "the C compiler fails: {}", String::from_utf8_lossy(&output.stderr));
    Ok(library)
}

/// The clock of one process.
#[derive(Debug)]
pub(super) struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// A clock that goes right.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(super) fn new(library: &Path, file: PathBuf) -> anyhow::Result<Self> {
        fs::write(&file, 0_i64.to_ne_bytes()).with_context(|| format!("write {}", file.display()))?;
        Ok(Self { library: library.to_owned(), file })
    }

    /// What the process must have in its environment.
    pub(super) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("LD_PRELOAD", self.library.clone()), (VARIABLE, self.file.clone())]
    }

    /// Lets it be so many seconds ahead from now on; 0 = right.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(super) fn set(&self, ahead_s: i64) -> anyhow::Result<()> {
        // In place: a file that is made shorter would end whoever has mapped it.
        let file =
            OpenOptions::new().write(true).open(&self.file).with_context(|| format!("open {}", self.file.display()))?;
        file.write_all_at(&ahead_s.to_ne_bytes(), 0).with_context(|| format!("write {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_believes_its_clock() {
        let folder = tempfile::tempdir().expect("a folder");
        let library = build(folder.path()).expect("there is a C compiler");
        let clock = Clock::new(&library, folder.path().join("offset")).expect("it is written");
        let told = || {
            let output = Command::new("date").arg("+%s").envs(clock.environment()).output().expect("date starts");
            String::from_utf8_lossy(&output.stdout).trim().parse::<i64>().expect("date tells seconds")
        };
        let right = told();
        clock.set(7_200).expect("it is written");
        let ahead = told() - right;
        assert!((7_200..7_260).contains(&ahead), "{ahead}");
        clock.set(-300).expect("it is written");
        assert!(told() < right, "it goes back too");
    }
}
