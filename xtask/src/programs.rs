//! The test programs of the workspace: built by Cargo, run by us, so that two run at a time.
//!
//! Cargo runs one after the other, and a system test waits for processes of others more than it computes. What a program
//! says is kept until it ends: two that speak at once could not be read. Programs that measure run alone, at the end.

use std::collections::VecDeque;
use std::fs::{File, read};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cargo::{cargo, target_dir};

/// Programs at a time: the smallest machine that builds all this in a bearable time has two cores.
const LANES: usize = 2;
/// They measure memory, page times, a link's rate, hold deadlines of seconds on a machine that is theirs, or compute all the
/// time, so that two would take as long as one after the other.
const ALONE: [&str; 6] = ["browser", "frugal", "interest", "mesh_agent", "torture", "wan"];
/// The longest begin first, so that no lane is left with one at the end.
const LONGEST: [&str; 5] = ["backlog", "kafka_connectors", "bad_input", "discovery", "demo"];

/// A program whose tests run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    name: String,
    path: PathBuf,
    /// Where Cargo would start it: the folder of its package.
    folder: PathBuf,
}

/// What one program said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// Its output and that of whatever it started.
    pub(crate) said: String,
    pub(crate) succeeded: bool,
}

/// Builds the test programs that these arguments of Cargo choose; without any, all.
pub(crate) fn built(arguments: &[&str]) -> anyhow::Result<Vec<Program>> {
    let mut command = cargo(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let mut child =
        command.args(arguments).stdout(Stdio::piped()).stdin(Stdio::null()).spawn().context("start `cargo test`")?;
    let output = child.stdout.take().expect("stdout was asked to be a pipe");
    let mut programs = Vec::new();
    for line in BufReader::new(output).lines() {
        programs.extend(program(&line.context("read the output of `cargo test`")?));
    }
    let status = child.wait().context("wait for `cargo test`")?;
    if !status.success() {
        bail!("the tests cannot be built ({status}): see the first error above");
    }
    Ok(programs)
}

/// The test program that Cargo speaks of in this line.
fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["profile"]["test"] != true {
        return None;
    }
    Some(Program {
        name: message["target"]["name"].as_str()?.to_owned(),
        path: message["executable"].as_str()?.into(),
        folder: Path::new(message["manifest_path"].as_str()?).parent()?.to_owned(),
    })
}

/// Runs them all, and tells of each when it has ended.
pub(crate) fn run(programs: Vec<Program>, setting: &[(&str, &str)], tell: impl Fn(Ran) + Sync) -> anyhow::Result<()> {
    let (alone, together): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| ALONE.contains(&program.name.as_str()));
    let waiting = Mutex::new(VecDeque::from(longest_first(together)));
    let lane = || -> anyhow::Result<()> {
        loop {
            let next = waiting.lock().expect("no panic while held").pop_front();
            let Some(program) = next else { return Ok(()) };
            tell(program.run(setting)?);
        }
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().try_for_each(|lane| lane.join().expect("a lane does not panic"))
    })?;
    alone.iter().try_for_each(|program| {
        tell(program.run(setting)?);
        Ok(())
    })
}

fn longest_first(mut programs: Vec<Program>) -> Vec<Program> {
    let place = |name: &str| LONGEST.iter().position(|longest| *longest == name).unwrap_or(LONGEST.len());
    programs.sort_by_key(|program| place(&program.name));
    programs
}

impl Program {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As Cargo would start it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    fn run(&self, setting: &[(&str, &str)]) -> anyhow::Result<Ran> {
        let began = Instant::now();
        let file = target_dir().join("test-output").join(self.path.file_name().context("a program has a name")?);
        let folder = file.parent().expect("it was just joined");
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let output = File::create(&file).with_context(|| format!("write {}", file.display()))?;
        let mut command = self.command();
        command
            .envs(setting.iter().copied())
            .stdin(Stdio::null())
            .stderr(output.try_clone().context("share the output")?)
            .stdout(output);
        let status = command.status().with_context(|| format!("start {}", self.path.display()))?;
        let said = read(&file).with_context(|| format!("read {}", file.display()))?;
        Ok(Ran {
            name: self.name.clone(),
            took: began.elapsed(),
            said: String::from_utf8_lossy(&said).into_owned(),
            succeeded: status.success(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Program {
        Program { name: name.to_owned(), path: format!("/target/{name}-1").into(), folder: "/work/agent".into() }
    }

    #[test]
    fn test_programs_are_found_among_what_cargo_says() {
        let said = |test: bool, executable: &str| {
            format!(
                r#"{{"target":{{"name":"wan"}},"profile":{{"test":{test}}},"manifest_path":"/work/agent/Cargo.toml","executable":{executable}}}"#
            )
        };
        assert_eq!(program(&said(true, r#""/target/wan-1""#)), Some(named("wan")));
        assert_eq!(program(&said(false, r#""/target/wan-1""#)), None);
        assert_eq!(program(&said(true, "null")), None);
        assert_eq!(program("   Compiling mesh-agent"), None);
    }

    #[test]
    fn the_longest_begin_first_and_the_others_keep_their_order() {
        let programs = ["access", "kafka_connectors", "wan", "backlog"].map(named).to_vec();
        let names: Vec<String> = longest_first(programs).into_iter().map(|program| program.name).collect();
        assert_eq!(names, ["backlog", "kafka_connectors", "access", "wan"]);
    }

    #[test]
    fn every_program_runs_and_one_that_fails_is_told() {
        let shell = |name: &str, code: u8| Program {
            name: name.to_owned(),
            path: if code == 0 { "/bin/true" } else { "/bin/false" }.into(),
            folder: "/".into(),
        };
        let programs = vec![shell("one", 0), shell("wan", 0), shell("two", 1)];
        let told = Mutex::new(Vec::new());
        run(programs, &[], |ran| told.lock().expect("held").push((ran.name, ran.succeeded))).expect("they start");
        let mut told = told.into_inner().expect("held");
        assert_eq!(told.pop(), Some(("wan".to_owned(), true)), "alone, at the end");
        told.sort();
        assert_eq!(told, [("one".to_owned(), true), ("two".to_owned(), false)]);
    }
}
