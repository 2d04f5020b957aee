//! A difference while it is written down.

use super::super::{Class, compare};
use super::{Difference, Row, TextChange};

/// Most clauses of one sentence; more are counted.
const CLAUSES_MAX: usize = 3;

/// Most reasons that are given.
const REASONS_MAX: usize = 20;

/// Rows, texts, reasons and clauses so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    texts: Vec<TextChange>,
    reasons: Vec<String>,
    clauses: Vec<String>,
}

impl Table {
    /// Notes a value, if it differs.
    pub(super) fn row(&mut self, path: impl Into<String>, before: Option<String>, after: Option<String>, class: Class) {
        if before != after {
            self.rows.push(Row { path: path.into(), before, after, class });
        }
    }

    /// Notes a text, if it differs.
    pub(super) fn text(&mut self, path: &str, before: &str, after: &str, class: Class) {
        let lines = compare(before, after);
        if !lines.is_empty() {
            self.texts.push(TextChange { path: path.to_owned(), lines, class });
        }
    }

    /// Says why something breaks; the first ones are kept.
    pub(super) fn reasons(&mut self, reasons: impl IntoIterator<Item = String>) {
        self.reasons.extend(reasons);
        self.reasons.truncate(REASONS_MAX);
    }

    /// Adds to the sentence: a clause without a subject.
    pub(super) fn clause(&mut self, clause: String) {
        self.clauses.push(clause);
    }

    /// The whole. A sentence that is given is taken; else it is made of the clauses, or else of the paths.
    pub(super) fn finish(self, subject: &str, sentence: Option<String>) -> Difference {
        let classes = self.rows.iter().map(|row| row.class).chain(self.texts.iter().map(|text| text.class));
        let class = classes.max();
        let sentence = sentence.unwrap_or_else(|| match self.clauses.is_empty() {
            false => format!("{subject} {}.", joined(counted(self.clauses))),
            true if class.is_none() => "Nothing changes.".to_owned(),
            true => {
                let mut paths: Vec<String> = self.rows.iter().map(|row| word(&row.path)).collect();
                paths.extend(self.texts.iter().map(|text| word(&text.path)));
                format!("The two differ only in {}.", joined(paths))
            }
        });
        Difference { sentence, class, reasons: self.reasons, rows: self.rows, texts: self.texts }
    }
}

fn counted(mut clauses: Vec<String>) -> Vec<String> {
    let more = clauses.len().saturating_sub(CLAUSES_MAX);
    if more > 1 {
        clauses.truncate(CLAUSES_MAX);
        clauses.push(format!("changes in {more} more places"));
    }
    clauses
}

fn word(path: &str) -> String {
    if path == "end_of_life_at" { "end of life".to_owned() } else { path.to_owned() }
}

/// A value, none when it is empty.
pub(super) fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `a`, `a and b`, `a, b and c`.
fn joined(mut parts: Vec<String>) -> String {
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}
