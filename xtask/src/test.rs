//! `cargo xtask test`: everything, with one count at the end.
//!
//! A failing part does not stop the others: a run of many minutes should report all it can. The last line is
//! `N passed, N failed`, alone; whoever reads only that line must not be misled, so a check or a test program that
//! breaks without a result counts as a failure. Before it stands what failed and how, since a reader at the end of a long
//! output should not have to search for it.

use std::io::{BufRead, BufReader};
use std::process::{Stdio, exit};
use std::sync::Mutex;

use anyhow::{Context, bail};

use crate::cargo::{cargo, root};
use crate::check;
use crate::postgres::Postgres;
use crate::programs::{self, Program};
use crate::run::{build, steps_of_build};
use crate::step::Steps;

/// The variable that hands the test database server to the tests: the URL of a database from which others can be made.
const POSTGRES_URL: &str = "MESHPORT_TEST_POSTGRES_URL";

/// Runs checks, build and tests; with a filter only the build and the matching tests. Ends the process with the result.
pub(crate) fn test(filter: Option<&str>) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    if filter.is_none() {
        let failed = check::run_all(None);
        tally.failed += failed;
        tally.passed += check::CHECKS.len() - failed;
    }
    if let Err(error) = build_and_run(filter, &mut tally) {
        eprintln!("{error:#}");
        tally.failed += 1;
    }
    tally.failures.iter().for_each(|failure| println!("failed: {failure}"));
    println!("{} passed, {} failed", tally.passed, tally.failed);
    exit(i32::from(tally.failed > 0));
}

fn build_and_run(filter: Option<&str>, tally: &mut Tally) -> anyhow::Result<()> {
    let mut steps = Steps::new(steps_of_build() + 2 + usize::from(filter.is_none()));
    build(&mut steps)?;
    let postgres = steps.step("start PostgreSQL", Postgres::start)?;
    match filter {
        Some(name) if is_program(name) => {
            steps.step("run the tests", || cargo_test(&["--test", name], &postgres, tally))
        }
        Some(name) => steps.step("run the tests", || cargo_test(&[name], &postgres, tally)),
        None => {
            let programs = steps.step("build the tests", || programs::built(&[]))?;
            steps.step("run the tests", || run_all(programs, &postgres, tally))
        }
    }
}

fn run_all(programs: Vec<Program>, postgres: &Postgres, tally: &mut Tally) -> anyhow::Result<()> {
    let shared = Mutex::new(&mut *tally);
    programs::run(programs, &[(POSTGRES_URL, &postgres.url())], |ran| {
        let mut tally = shared.lock().expect("no panic while held");
        println!("-- {} ({:.0} s)\n{}", ran.name, ran.took.as_secs_f64(), ran.said);
        let failed_before = tally.failed;
        ran.said.lines().for_each(|line| tally.count(line));
        if !ran.succeeded && tally.failed == failed_before {
            tally.failed += 1;
            tally.failures.push(format!("{} ended without a result", ran.name));
        }
    })?;
    cargo_test(&["--doc"], postgres, tally)
}

fn cargo_test(arguments: &[&str], postgres: &Postgres, tally: &mut Tally) -> anyhow::Result<()> {
    let mut command = cargo(["test", "--workspace", "--no-fail-fast"]);
    command.args(arguments);
    command.env(POSTGRES_URL, postgres.url()).stdout(Stdio::piped()).stdin(Stdio::null());
    let mut child = command.spawn().context("start `cargo test`")?;
    let output = child.stdout.take().expect("stdout was asked to be a pipe");
    let failed_before = tally.failed;
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("read the output of `cargo test`")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.count(&line);
    }
    let status = child.wait().context("wait for `cargo test`")?;
    if !status.success() && tally.failed == failed_before {
        bail!("`cargo test` ended with {status} though no test failed: see the first error above");
    }
    Ok(())
}

/// Whether this names a program of the system tests, of which all tests are meant.
fn is_program(name: &str) -> bool {
    let tests = root().join("tests/tests");
    tests.join(format!("{name}.rs")).is_file() || tests.join(name).join("main.rs").is_file()
}

/// Sums of what the test programs reported.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    /// What each failed test said, its name first, at most [`LINES_OF_A_FAILURE`] lines.
    failures: Vec<String>,
    /// The lines that the failure at hand may still have; none while no failure is told.
    lines_left: usize,
}

/// The lines repeated of a failed test: its name and the panic with what was compared.
const LINES_OF_A_FAILURE: usize = 8;

impl Tally {
    /// Adds a closing line of a test program (`test result: ok. 3 passed; 0 failed; ...`) to the sums, and keeps what
    /// failed tests said; other lines change nothing.
    fn count(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return self.keep(line) };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }

    fn keep(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.failures.push(name.to_owned());
            self.lines_left = LINES_OF_A_FAILURE - 1;
        } else if line == "failures:" {
            self.lines_left = 0;
        } else if self.lines_left > 0 && !line.is_empty() {
            let failure = self.failures.last_mut().expect("lines are left of a failure only");
            failure.push_str("\n    ");
            failure.push_str(line);
            self.lines_left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, is_program};

    fn tally(lines: &[&str]) -> (usize, usize) {
        let mut tally = Tally::default();
        for line in lines {
            tally.count(line);
        }
        (tally.passed, tally.failed)
    }

    #[test]
    fn closing_lines_of_all_programs_are_summed() {
        let ok = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let bad = "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s";
        assert_eq!(tally(&[ok, bad]), (5, 1));
    }

    #[test]
    fn what_failed_tests_said_is_kept_by_name_and_without_what_follows() {
        let mut tally = Tally::default();
        let said = "test a::b ... FAILED\n\nfailures:\n\n---- a::b stdout ----\n\nthread 'a::b' panicked at a.rs:1:2:\nno\n\n\n\
                    failures:\n    a::b\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured";
        said.lines().for_each(|line| tally.count(line));
        assert_eq!(tally.failures, ["a::b\n    thread 'a::b' panicked at a.rs:1:2:\n    no"]);
        assert_eq!(tally.failed, 1);
    }

    #[test]
    fn a_system_test_is_known_by_its_file_or_folder() {
        assert!(is_program("interest") && is_program("browser") && !is_program("spool"));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(tally(&["running 3 tests", "test a::b ... ok", "3 passed; 1 failed"]), (0, 0));
    }
}
