//! What things of a document are called in the catalog: as near to their names as its rules allow, each once.

use std::collections::BTreeSet;

use crate::domain::registry::object_name;

/// Names of one kind in one document.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name for a thing; a second thing of the same name gets a number.
    pub(super) fn of(&mut self, raw: &str, word: &str) -> String {
        let raw = spaced(raw);
        let has_letters = raw.chars().any(|c| c.is_ascii_alphanumeric());
        let name = object_name(if has_letters { &raw } else { word }, |name| self.0.contains(name));
        self.0.insert(name.clone());
        name
    }
}

/// Words that only capitals hold apart, held apart by `-`: `OrderPlaced` is `Order-Placed`.
fn spaced(raw: &str) -> String {
    let mut spaced = String::new();
    let mut before = ' ';
    for c in raw.trim().chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            spaced.push('-');
        }
        spaced.push(c);
        before = c;
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_catalog_takes() {
        let mut names = Names::default();
        let all = ["OrderPlaced", "order-placed", "shop.Order v2", "HTTPStatus", "„“", "Till of the shop"];
        let named = all.map(|raw| names.of(raw, "event"));
        assert_eq!(
            named,
            ["order-placed", "order-placed-2", "shop.order-v2", "httpstatus", "event", "till-of-the-shop"]
        );
    }
}
