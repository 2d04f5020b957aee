//! Rules about the sources that neither rustfmt nor clippy know.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::cargo::root;

/// A longer file must say in its module documentation why it is long, with these words.
const LINES_MAX: usize = 500;
const EXCUSE: &str = "Long because";

/// Words that mark unfinished work. Written in halves, so that this file does not break its own rule.
const UNFINISHED: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("to", "do!(")];

/// Checks every text file that git tracks or would track.
pub(crate) fn tidy() -> anyhow::Result<()> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("start git")?;
    if !listed.status.success() {
        bail!("`git ls-files` failed: {}", String::from_utf8_lossy(&listed.stderr));
    }
    let listed = String::from_utf8(listed.stdout).context("read file names from git")?;
    let mut complaints = Vec::new();
    for name in listed.split_terminator('\0') {
        // What is not there was deleted, what is not UTF-8 is no source.
        let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
        complaints.extend(complaints_about(name, &text));
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        number => bail!("{number} places to tidy"),
    }
}

fn complaints_about(name: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !matches!(extension, "rs" | "css" | "sql" | "toml" | "sh" | "md") || name.contains("vendor/") {
        return complaints;
    }
    for (number, line) in (1..).zip(text.lines()) {
        let mut complain = |what: &str| complaints.push(format!("{name}:{number}: {what}"));
        if UNFINISHED.iter().any(|word| line.contains(word)) {
            complain("unfinished work is an issue, not a comment");
        }
        if line.ends_with(' ') || line.contains('\t') {
            complain("a space at the end of the line, or a tab");
        }
        if line.trim_start().starts_with(concat!("#[", "ignore")) {
            complain("a test that does not run proves nothing");
        }
        if line.trim_start().starts_with(concat!("#[", "allow(")) {
            complain("use expect(lint, reason = \"...\"), it tells when it is no longer needed");
        }
    }
    if extension == "rs" {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        // A file of tests is introduced by what it tests.
        if head.is_empty() && !name.ends_with("/tests.rs") {
            complaints.push(format!("{name}:1: the file does not begin with its documentation (`//! why it is so`)"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX && !head.iter().any(|line| line.contains(EXCUSE)) {
            let rule = format!("more than {LINES_MAX}: split it, or say why in its head (`//! {EXCUSE} ...`)");
            complaints.push(format!("{name}:{lines}: {lines} lines, {rule}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::{EXCUSE, LINES_MAX, UNFINISHED, complaints_about};

    #[test]
    fn a_documented_file_is_tidy() {
        assert!(complaints_about("a/src/b.rs", "//! Why.\n\nfn main() {}\n").is_empty());
        assert!(complaints_about("a/src/b/tests.rs", "use super::*;\n").is_empty());
    }

    #[test]
    fn each_rule_can_be_broken() {
        let unfinished = format!("//! Why.\n// {}\n", UNFINISHED[0]);
        let broken = [
            unfinished.as_str(),
            "fn main() {}\n",
            "//! Why. \n",
            concat!("//! Why.\n    #[", "ignore = \"slow\"]\n"),
            concat!("//! Why.\n#[", "allow(dead_code)]\n"),
        ];
        for text in broken {
            assert_eq!(complaints_about("a/src/b.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_long_file_needs_a_reason() {
        let body = "//\n".repeat(LINES_MAX);
        assert_eq!(complaints_about("a.rs", &format!("//! Why.\n{body}")).len(), 1);
        assert!(complaints_about("a.rs", &format!("//! {EXCUSE} it is one table.\n{body}")).is_empty());
    }

    #[test]
    fn what_is_not_a_source_is_left_alone() {
        assert!(complaints_about("assets/x.svg", "<svg>\t</svg> \n").is_empty());
    }
}
