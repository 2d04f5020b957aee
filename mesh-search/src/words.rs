//! Words of texts and names.

/// Longest word that is told from another, in bytes.
const TOKEN_BYTES_MAX: usize = 200;
/// A part inside a word is looked for from this many characters on.
pub(crate) const INNER_CHARS_MIN: usize = 3;
/// Inside words that are longer than this, in characters, nothing is looked for: they are ids and hashes.
const INNER_WORD_CHARS_MAX: usize = 24;

/// The runs of letters and digits of a text, in lower case: what a query is taken apart into.
pub(crate) fn runs(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()).map(lower)
}

/// The words a text can be found by: its runs, and what upper case parts of them (`orderCreated`, `HTTPServer`).
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        tokens.push(lower(run));
        let parts = parts(run);
        if parts.len() > 1 {
            tokens.extend(parts.into_iter().map(lower));
        }
    }
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// What stands inside the words of a name, from every character but the first on.
#[must_use]
pub fn inner(name: &str) -> Vec<String> {
    let mut inner = Vec::new();
    for run in runs(name) {
        let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).collect();
        if starts.len() > INNER_WORD_CHARS_MAX {
            continue;
        }
        let last = starts.len().saturating_sub(INNER_CHARS_MIN - 1);
        inner.extend(starts.iter().take(last).skip(1).map(|at| run[*at..].to_owned()));
    }
    inner.sort_unstable();
    inner.dedup();
    inner
}

/// Words are kept by each of their beginnings up to so many characters: what is short begins many words, and is found at once.
pub(crate) const START_CHARS_MAX: usize = 5;

/// The beginnings of words, from `least` characters up to [`START_CHARS_MAX`].
pub(crate) fn starts(words: &[String], least: usize) -> Vec<String> {
    let mut starts: Vec<String> = Vec::new();
    for word in words {
        let ends = word.char_indices().map(|(at, c)| at + c.len_utf8()).take(START_CHARS_MAX).skip(least - 1);
        starts.extend(ends.map(|end| word[..end].to_owned()));
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// What the path of a field can be found by: the path from each of its levels on, and its words.
#[must_use]
pub fn of_field(path: &str) -> Vec<String> {
    let path = lower_all(path);
    let mut found: Vec<String> = path
        .char_indices()
        .filter(|(_, c)| *c == '.')
        .map(|(at, _)| path[at + 1..].to_owned())
        .filter(|rest| !rest.is_empty())
        .collect();
    found.push(path);
    found
}

fn lower(run: &str) -> String {
    let mut lower = lower_all(run);
    if lower.len() > TOKEN_BYTES_MAX {
        let end = (0..=TOKEN_BYTES_MAX).rev().find(|at| lower.is_char_boundary(*at)).unwrap_or(0);
        lower.truncate(end);
    }
    lower
}

fn lower_all(text: &str) -> String {
    text.to_lowercase()
}

/// Where upper case begins a part: after a small letter or digit, and before the last of several that a small one follows.
fn parts(run: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for i in 1..chars.len() {
        let (at, here) = chars[i];
        let before = chars[i - 1].1;
        let next_is_small = chars.get(i + 1).is_some_and(|(_, next)| next.is_lowercase());
        if here.is_uppercase() && (!before.is_uppercase() || next_is_small) {
            parts.push(&run[start..at]);
            start = at;
        }
    }
    parts.push(&run[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_machines_come_apart_into_words() {
        assert_eq!(tokens("orders/{country}/created"), ["country", "created", "orders"]);
        assert_eq!(tokens("orderCreated.v2"), ["created", "order", "ordercreated", "v2"]);
        assert_eq!(tokens("HTTPServer"), ["http", "httpserver", "server"]);
        assert_eq!(tokens("Größe_ÄNDERN"), ["größe", "ändern"]);
        assert!(tokens(" /-. ").is_empty());
    }

    #[test]
    fn what_stands_inside_a_word_has_three_characters_at_least() {
        assert_eq!(inner("dev777/ab"), ["777", "ev777", "v777"]);
        assert!(inner("0123456789abcdef0123456789abcdef").is_empty(), "an id");
        assert_eq!(inner("größe"), ["röße", "öße"]);
    }

    #[test]
    fn words_begin_shortly() {
        let words = ["orders".to_owned(), "öl".to_owned()];
        assert_eq!(starts(&words, 1), ["o", "or", "ord", "orde", "order", "ö", "öl"]);
        assert_eq!(starts(&words, 3), ["ord", "orde", "order"]);
    }

    #[test]
    fn a_field_is_found_from_each_of_its_levels_on() {
        assert_eq!(of_field("Order.lines[].sku"), ["lines[].sku", "sku", "order.lines[].sku"]);
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let long = "ö".repeat(300);
        assert_eq!(tokens(&long), ["ö".repeat(100)]);
    }
}
