//! What is selected in a list that many things can be done about at once.

use std::collections::BTreeSet;

use leptos::prelude::*;

/// What is selected. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    /// These rows, by their ids.
    pub(super) ids: RwSignal<BTreeSet<String>>,
    /// All that the list has, whatever its pages.
    pub(super) all: RwSignal<bool>,
}

impl Selection {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { ids: RwSignal::new(BTreeSet::new()), all: RwSignal::new(false) }
    }

    /// Nothing, and from now on nothing again whenever another list is shown: what is selected belongs to the list it was
    /// selected in; another page of it is the same list.
    pub(super) fn of_list<L: PartialEq + Clone + Send + Sync + 'static>(list: Memo<L>) -> Self {
        let selection = Self::new();
        Effect::new(move |last: Option<L>| {
            let now = list.get();
            if last.is_some_and(|last| last != now) {
                selection.clear();
            }
            now
        });
        selection
    }

    pub(super) fn clear(self) {
        self.ids.update(BTreeSet::clear);
        self.all.set(false);
    }

    pub(super) fn has(self, id: &str) -> bool {
        self.all.get() || self.ids.with(|ids| ids.contains(id))
    }

    /// How many of a list with this total are.
    pub(super) fn count(self, total: u64) -> u64 {
        if self.all.get() { total } else { self.ids.with(|ids| ids.len() as u64) }
    }

    /// Selects one row, or no longer.
    pub(super) fn set(self, id: String, on: bool) {
        self.all.set(false);
        self.ids.update(|ids| {
            if on {
                ids.insert(id)
            } else {
                ids.remove(&id)
            };
        });
    }

    /// Selects these rows and no others.
    pub(super) fn only(self, ids: BTreeSet<String>) {
        self.all.set(false);
        self.ids.set(ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_selected_until_one_is_not() {
        Owner::new().with(|| {
            let selection = Selection::new();
            selection.all.set(true);
            assert!(selection.has("a") && selection.count(7) == 7);
            selection.set("a".to_owned(), true);
            assert!(selection.has("a") && !selection.has("b"));
            assert_eq!(selection.count(7), 1);
            selection.only(BTreeSet::from(["b".to_owned(), "c".to_owned()]));
            selection.set("b".to_owned(), false);
            assert_eq!((selection.count(7), selection.has("c")), (1, true));
            selection.clear();
            assert_eq!(selection.count(7), 0);
        });
    }
}
