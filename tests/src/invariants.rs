//! The test of `docs/invariants.md`: every invariant names tests, and every test that is named is in the sources.
//!
//! A promise whose test was renamed or removed would go on looking kept. What is checked is that a function of this name
//! stands in the file with `#[test]` or `#[tokio::test]` above it; whether it tests what it says is for people to judge.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

/// The page.
pub const PAGE: &str = "docs/invariants.md";

/// Everything wrong with the page of the workspace at `root`, one line each.
///
/// # Errors
/// The page cannot be read.
pub fn check_workspace(root: &Path) -> anyhow::Result<Vec<String>> {
    let page = fs::read_to_string(root.join(PAGE)).with_context(|| format!("read {PAGE}"))?;
    complaints_about(&page, |file| fs::read_to_string(root.join(file)).ok())
}

/// The same for a page and a way to read sources.
///
/// # Errors
/// The page has no invariants.
pub fn complaints_about(page: &str, source: impl Fn(&str) -> Option<String>) -> anyhow::Result<Vec<String>> {
    let mut tests: BTreeMap<&str, usize> = BTreeMap::new();
    let mut complaints = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match *cells {
            [invariant, _] if is_invariant(invariant) => {
                tests.entry(invariant).or_default();
            }
            [invariant, file, test] if is_invariant(invariant) => {
                let (file, test) = (file.trim_matches('`'), test.trim_matches('`'));
                match tests.get_mut(invariant) {
                    Some(count) => *count += 1,
                    None => complaints.push(format!("{invariant} has tests and is not listed")),
                }
                match source(file) {
                    None => complaints.push(format!("{invariant}: there is no file {file}")),
                    Some(text) if !has_test(&text, test) => {
                        complaints.push(format!("{invariant}: {file} has no test {test}"));
                    }
                    Some(_) => {}
                }
            }
            _ => {}
        }
    }
    ensure!(!tests.is_empty(), "{PAGE} has no invariants");
    let untested = tests.iter().filter(|(_, count)| **count == 0);
    complaints.extend(untested.map(|(invariant, _)| format!("{invariant} names no test")));
    Ok(complaints)
}

fn is_invariant(cell: &str) -> bool {
    cell.strip_prefix('I').is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Whether a function of this name stands there as a test.
fn has_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let is_function = line.strip_prefix("async ").unwrap_or(line).starts_with(&head);
        // Attributes and comments may stand between.
        let mut above = lines[..at].iter().rev().take_while(|line| line.starts_with('#') || line.starts_with("//"));
        is_function && above.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "#[test]\nfn it_holds() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\n// Why.\nasync fn it_waits() {}\n\nfn helper() {}\n";

    fn complaints(rows: &str) -> Vec<String> {
        let page = format!("| | invariant |\n| --- | --- |\n| I1 | it holds |\n\n{rows}");
        complaints_about(&page, |file| (file == "a.rs").then(|| SOURCE.to_owned())).expect("it has invariants")
    }

    #[test]
    fn tests_that_are_there_are_no_complaint() {
        assert_eq!(complaints("| I1 | `a.rs` | `it_holds` |\n| I1 | `a.rs` | `it_waits` |\n"), [""; 0]);
    }

    #[test]
    fn whatever_is_missing_is_named() {
        for (rows, complaint) in [
            ("| I1 | `a.rs` | `it_held` |", "I1: a.rs has no test it_held"),
            ("| I1 | `a.rs` | `helper` |", "I1: a.rs has no test helper"),
            ("| I1 | `b.rs` | `it_holds` |", "I1: there is no file b.rs"),
            ("| I1 | `a.rs` | `it_holds` |\n| I2 | `a.rs` | `it_holds` |", "I2 has tests and is not listed"),
            ("", "I1 names no test"),
        ] {
            assert_eq!(complaints(rows), [complaint]);
        }
        assert!(complaints_about("nothing", |_| None).is_err());
    }
}
