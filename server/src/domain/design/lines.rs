//! The difference of two texts, line by line, as a reader wants it: what goes, what comes, and a little around it.
//!
//! It is the shortest one (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986) as long as the texts have
//! much in common. Texts that differ in more than [`EDITS_MAX`] lines are shown as replaced in their middle: nobody
//! reads a longer list line by line, and time and memory stay bounded whatever is compared.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Unchanged lines shown around each change.
pub const CONTEXT_LINES: usize = 3;
/// Most lines removed and added for which the shortest difference is looked for.
const EDITS_MAX: usize = 500;

/// One step of a difference. Lines stand without their line feed; a text that ends with one has an empty last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Line {
    /// So many lines are the same and not shown.
    Skipped(usize),
    /// A line that stays.
    Kept(String),
    /// A line that goes.
    Removed(String),
    /// A line that comes.
    Added(String),
}

/// What becomes of a line, before it is known which ones are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    Remove,
    Add,
}

/// The steps from one text to another; empty when they are equal.
#[must_use]
pub fn compare(before: &str, after: &str) -> Vec<Line> {
    if before == after {
        return Vec::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let mut numbers = HashMap::new();
    let (a, b) = (numbered(&old, &mut numbers), numbered(&new, &mut numbers));
    shown(&steps(&a, &b), &old, &new)
}

/// The text that the steps make of another; none when they were not made from it.
#[must_use]
pub fn apply(before: &str, steps: &[Line]) -> Option<String> {
    if steps.is_empty() {
        return Some(before.to_owned());
    }
    let mut rest = before.split('\n');
    let mut after = Vec::new();
    for step in steps {
        match step {
            Line::Skipped(count) => {
                for _ in 0..*count {
                    after.push(rest.next()?);
                }
            }
            Line::Kept(line) => after.push(rest.next().filter(|next| next == line)?),
            Line::Removed(line) => drop(rest.next().filter(|next| next == line)?),
            Line::Added(line) => after.push(line),
        }
    }
    rest.next().is_none().then(|| after.join("\n"))
}

/// Equal lines get equal numbers, which compare faster.
fn numbered<'a>(lines: &[&'a str], numbers: &mut HashMap<&'a str, usize>) -> Vec<usize> {
    let mut number = |line: &&'a str| {
        let next = numbers.len();
        *numbers.entry(line).or_insert(next)
    };
    lines.iter().map(&mut number).collect()
}

fn steps(a: &[usize], b: &[usize]) -> Vec<Step> {
    let head = a.iter().zip(b).take_while(|(one, other)| one == other).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(one, other)| one == other).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    let middle = shortest(a, b).unwrap_or_else(|| replaced(a.len(), b.len()));
    [vec![Step::Keep; head], middle, vec![Step::Keep; tail]].concat()
}

fn replaced(removed: usize, added: usize) -> Vec<Step> {
    [vec![Step::Remove; removed], vec![Step::Add; added]].concat()
}

/// Myers' greedy search. `reach[k]` is how far along `a` one gets on the diagonal `x - y = k` with the edits so far;
/// one copy of it is kept for each edit, to find the way back.
fn shortest(a: &[usize], b: &[usize]) -> Option<Vec<Step>> {
    let (n, m) = (a.len().cast_signed(), b.len().cast_signed());
    let at = |k: isize| (k + EDITS_MAX.cast_signed() + 1).cast_unsigned();
    let mut reach = vec![0_isize; 2 * EDITS_MAX + 3];
    let mut trace = Vec::new();
    for edits in 0..=EDITS_MAX.cast_signed() {
        trace.push(reach[at(-edits - 1)..=at(edits + 1)].to_vec());
        for k in (-edits..=edits).step_by(2) {
            let mut x = if comes_down(&reach, at(k), k, edits) { reach[at(k + 1)] } else { reach[at(k - 1)] + 1 };
            // Beyond either end there are no lines: such a diagonal leads nowhere.
            if x > n || x - k > m {
                reach[at(k)] = x;
                continue;
            }
            while x < n && x - k < m && a[x.cast_unsigned()] == b[(x - k).cast_unsigned()] {
                x += 1;
            }
            reach[at(k)] = x;
            if (x, x - k) == (n, m) {
                return Some(way_back(&trace, n, m));
            }
        }
    }
    None
}

/// Whether the best way to a diagonal is to add a line, rather than to remove one.
fn comes_down(reach: &[isize], at: usize, k: isize, edits: isize) -> bool {
    k == -edits || (k != edits && reach[at - 1] < reach[at + 1])
}

fn way_back(trace: &[Vec<isize>], n: isize, m: isize) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut x, mut y) = (n, m);
    for (edits, reach) in trace.iter().enumerate().rev() {
        let (k, edits) = (x - y, edits.cast_signed());
        let at = (k + edits + 1).cast_unsigned();
        let (from_x, from_y, step) = match edits {
            0 => (0, 0, None),
            _ if comes_down(reach, at, k, edits) => (reach[at + 1], reach[at + 1] - k - 1, Some(Step::Add)),
            _ => (reach[at - 1], reach[at - 1] - k + 1, Some(Step::Remove)),
        };
        let kept = (x - from_x).min(y - from_y);
        steps.extend((0..kept).map(|_| Step::Keep));
        steps.extend(step);
        (x, y) = (from_x, from_y);
    }
    steps.reverse();
    steps
}

/// Lines that stay are shown only near one that does not.
fn shown(steps: &[Step], old: &[&str], new: &[&str]) -> Vec<Line> {
    let changes: Vec<usize> =
        steps.iter().enumerate().filter(|(_, step)| **step != Step::Keep).map(|(i, _)| i).collect();
    let near = |index: usize| {
        let next = changes.partition_point(|change| *change < index);
        let around = [next.checked_sub(1), Some(next)].into_iter().flatten();
        around.filter_map(|i| changes.get(i)).any(|change| change.abs_diff(index) <= CONTEXT_LINES)
    };
    let (mut old, mut new) = (old.iter(), new.iter());
    let mut lines: Vec<Line> = Vec::new();
    let text = |line: Option<&&str>| (*line.expect("each step takes a line that is there")).to_owned();
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Remove => lines.push(Line::Removed(text(old.next()))),
            Step::Add => lines.push(Line::Added(text(new.next()))),
            Step::Keep => {
                let line = (old.next(), new.next()).0;
                match lines.last_mut() {
                    _ if near(index) => lines.push(Line::Kept(text(line))),
                    Some(Line::Skipped(count)) => *count += 1,
                    _ => lines.push(Line::Skipped(1)),
                }
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_is_near_a_change_is_shown() {
        let before: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
        let after = before.join("\n").replace("\n10\n", "\nten\n");
        let lines = compare(&before.join("\n"), &after);
        assert_eq!(lines[0], Line::Skipped(6));
        assert_eq!(lines[3..6], [Line::Kept("9".into()), Line::Removed("10".into()), Line::Added("ten".into())]);
        assert_eq!(lines[9..], [Line::Skipped(7)]);
    }

    #[test]
    fn a_last_line_feed_is_a_difference() {
        assert_eq!(compare("a", "a\n"), [Line::Kept("a".into()), Line::Added(String::new())]);
        assert_eq!(apply("a", &compare("a", "a\n")).as_deref(), Some("a\n"));
    }

    #[test]
    fn steps_that_were_made_from_another_text_do_not_fit() {
        let steps = compare("a\nb", "a\nc");
        assert_eq!(apply("a\nx", &steps), None);
        assert_eq!(apply("a\nb\nc", &steps), None);
        assert_eq!(apply("a", &steps), None);
    }

    #[test]
    fn texts_with_nothing_in_common_are_replaced_as_a_whole() {
        let text = |sign: &str| (0..2_000).map(|n| format!("{sign}{n}\n")).collect::<String>();
        let (before, after) = (text("a"), text("b"));
        let lines = compare(&before, &after);
        assert_eq!(lines.iter().filter(|line| matches!(line, Line::Removed(_))).count(), 2_000);
        assert_eq!(apply(&before, &lines), Some(after));
    }

    /// The length of the longest common subsequence, by the table everybody knows.
    fn common(a: &[&str], b: &[&str]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (j, y) in b.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
                diagonal = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn a_difference_applied_gives_the_other_text(before in "[ab\n]{0,40}", after in "[abc\n]{0,40}") {
            prop_assert_eq!(apply(&before, &compare(&before, &after)), Some(after));
        }

        #[test]
        fn a_text_does_not_differ_from_itself(text in "[ab\n]{0,40}") {
            prop_assert_eq!(compare(&text, &text), []);
        }

        #[test]
        fn it_is_the_shortest(before in "[ab\n]{0,40}", after in "[abc\n]{0,40}") {
            let lines = compare(&before, &after);
            let changed = lines.iter().filter(|line| matches!(line, Line::Removed(_) | Line::Added(_))).count();
            let (a, b): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
            prop_assert_eq!(changed, a.len() + b.len() - 2 * common(&a, &b));
        }
    }
}
