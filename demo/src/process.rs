//! Child processes that never outlive us.
//!
//! A mesh is a dozen processes. One that stays behind after a crash holds a port and a data folder and breaks the next
//! start in confusing ways, so each child is tied to this process twice: it is ended when its handle is dropped, and
//! the kernel ends it when we die without dropping anything (SIGKILL, a test run that is aborted). The kernel's promise
//! (`PR_SET_PDEATHSIG`) is bound to the *thread* that made the child; children are therefore made by one thread that
//! lives as long as the process. Children have process groups of their own, so that the terminal's Ctrl-C reaches only
//! us and we decide on the order of the end.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::time::sleep;

/// Between two looks at a process that will end soon.
const LOOK: Duration = Duration::from_millis(10);

/// A child, its name for people, and the file its output goes to.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; its output is appended to `<logs>/<name>.log`.
    ///
    /// # Errors
    /// The log cannot be written or the program cannot be started.
    pub fn start(name: &str, command: &Command, logs: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(logs).with_context(|| format!("create {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("open {}", log.display()))?;
        let child = spawn(tied(command, output)?).with_context(|| format!("start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// What it was called at its start.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, when it has.
    ///
    /// # Errors
    /// The kernel does not know the child.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("ask for the state of {}", self.name))
    }

    /// Sends a signal by name, such as `TERM` or `STOP`.
    ///
    /// # Errors
    /// The process has ended already.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let status =
            Command::new("kill").args([&format!("-{signal}"), &self.id().to_string()]).stderr(Stdio::null()).status();
        anyhow::ensure!(status.context("start kill")?.success(), "{} has ended and takes no {signal}", self.name);
        Ok(())
    }

    /// Asks the process to end and waits; past `limit` it is killed. Says whether it ended by itself.
    pub fn stop(mut self, limit: Duration) -> bool {
        let asked = self.signal("TERM").is_ok();
        asked && self.wait(limit)
        // Dropping kills what is left.
    }

    /// Ends it at once, as a power cut would (SIGKILL), and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    /// Waits for the end, at most `limit`; says whether it came.
    pub fn wait(&mut self, limit: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(LOOK);
        }
        false
    }

    /// Waits until it has done its work. Whoever stops waiting ends it.
    ///
    /// # Errors
    /// It says that it failed; with the end of its log.
    pub async fn done(mut self) -> anyhow::Result<()> {
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(_) => return self.check(),
                None => sleep(LOOK).await,
            }
        }
    }

    /// Fails with the end of the log when the process has ended.
    ///
    /// # Errors
    /// The process has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended with {status}; its last lines:\n{}", self.name, self.tail(30)),
        }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    fn end(&mut self) {
        // The whole group: a browser's driver has children of its own, which nobody else would end.
        if matches!(self.child.try_wait(), Ok(None)) {
            let group = format!("-{}", self.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- {} ({}), last lines:\n{}", self.name, self.log.display(), self.tail(40));
        }
        self.end();
    }
}

/// The same command, ended by the kernel when we are.
fn tied(command: &Command, output: File) -> anyhow::Result<Command> {
    let mut tied = Command::new("setpriv");
    tied.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        tied.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    let errors = output.try_clone().context("use the log for errors too")?;
    // The last lines of a log are to say what went wrong; where an error was made is told by panics alone.
    tied.env("RUST_LIB_BACKTRACE", "0");
    tied.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
    Ok(tied)
}

type Order = (Command, Sender<io::Result<Child>>);

/// Starts a command on the thread that lives as long as this process.
fn spawn(command: Command) -> anyhow::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        let run = move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        };
        thread::Builder::new().name("spawner".into()).spawn(run).expect("a process can have a second thread");
        orders
    });
    let (answer, result) = channel();
    spawner.send((command, answer)).context("reach the spawning thread")?;
    Ok(result.recv().context("hear from the spawning thread")??)
}

/// Several processes that end together. Whoever starts them and whoever watches them share it.
#[derive(Debug, Default)]
pub struct Processes(Mutex<Vec<Process>>);

impl Processes {
    /// Takes one more under its care.
    pub fn push(&self, process: Process) {
        self.all().push(process);
    }

    /// Fails when one has ended by itself.
    ///
    /// # Errors
    /// Names the process and shows its last lines.
    pub fn check(&self) -> anyhow::Result<()> {
        self.all().iter_mut().try_for_each(Process::check)
    }

    /// Asks all to end, the youngest first, and waits for all together; what is left after `limit` is killed.
    pub fn stop(self, limit: Duration) {
        let mut all = self.all();
        for process in all.iter().rev() {
            let _ = process.signal("TERM");
        }
        let began = Instant::now();
        for process in all.iter_mut().rev() {
            process.wait(limit.saturating_sub(began.elapsed()));
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Process>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Duration, Path, Process, fs, thread};

    fn sleeper(name: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", "echo ready; exec sleep 60"]);
        Process::start(name, &command, &std::env::temp_dir().join("meshport-demo-tests")).expect("sh starts")
    }

    fn exists(id: u32) -> bool {
        Path::new(&format!("/proc/{id}")).exists()
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let process = sleeper("dropped");
        let id = process.id();
        assert!(exists(id));
        drop(process);
        assert!(!exists(id));
    }

    #[test]
    fn a_process_outlives_the_thread_that_asked_for_it() {
        let mut process = thread::spawn(|| sleeper("moved")).join().expect("the thread ends well");
        thread::yield_now();
        assert!(process.ended().expect("it is ours").is_none());
    }

    #[test]
    fn output_is_kept_and_an_early_end_is_told_with_it() {
        let folder = std::env::temp_dir().join(format!("meshport-demo-tests-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo port is taken; exit 3"]);
        let mut process = Process::start("short", &command, &folder).expect("sh starts");
        assert!(process.wait(Duration::from_secs(20)));
        let error = process.check().expect_err("it has ended").to_string();
        assert!(error.contains("port is taken") && error.contains('3'), "{error}");
        fs::remove_dir_all(folder).expect("the folder is ours");
    }

    #[tokio::test]
    async fn work_is_waited_for_and_ended_when_nobody_waits_any_more() {
        let mut command = Command::new("sh");
        let logs = std::env::temp_dir().join("meshport-demo-tests");
        let done = Process::start("done", command.args(["-c", "exit 0"]), &logs).expect("sh starts").done();
        done.await.expect("it did what it should");
        let mut command = Command::new("sh");
        let failed = Process::start("failed", command.args(["-c", "exit 4"]), &logs).expect("sh starts").done();
        assert!(failed.await.expect_err("it failed").to_string().contains('4'));

        let endless = sleeper("endless");
        let id = endless.id();
        let waited = tokio::time::timeout(Duration::from_millis(50), endless.done()).await;
        assert!(waited.is_err() && !exists(id), "it goes with who waited");
    }
}
