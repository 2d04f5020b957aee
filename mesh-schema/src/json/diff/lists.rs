//! Lists: items one by one, all other items, and how many.

use super::super::view::{Described, View, Written};
use super::super::{Lists, Model, NodeId};
use super::Diff;
use super::objects::is_nothing;

/// What a list says of items beyond those it describes one by one.
#[derive(Clone, Copy)]
pub(super) enum Rest {
    Anything,
    Schema(NodeId),
    Nothing,
}

impl Lists {
    pub(super) fn leaves_unevaluated(&self) -> bool {
        self.rest.is_none() && self.unevaluated.is_some()
    }

    pub(super) fn rest(&self, model: &Model) -> Rest {
        match self.rest.or(self.unevaluated) {
            None => Rest::Anything,
            Some(id) if is_nothing(model, id) => Rest::Nothing,
            Some(id) if model.nodes[model.behind(id)].says_nothing() => Rest::Anything,
            Some(id) => Rest::Schema(id),
        }
    }
}

impl<'a> Diff<'a> {
    pub(super) fn lists(&mut self, reads: &'a Lists, writes: &'a Lists, written: &Written<'a>) {
        if reads.says_nothing() {
            return;
        }
        let unsettled = reads.leaves_unevaluated() || writes.leaves_unevaluated();
        let alone = !unsettled || Described::of(self.writer, written.view.id).parts == 1;
        // What `contains` finds is not left either.
        let open = writes.leaves_unevaluated() && (!alone || writes.contains.is_some());
        let before = if open { Rest::Anything } else { writes.rest(self.writer) };
        // Otherwise this part alone does not say which items are left: see `unevaluated_items`.
        let settled = alone || !reads.leaves_unevaluated();
        self.prefix(reads, writes, before, settled);
        if settled {
            self.rest_of_list(reads, before);
        }
        self.at_least(reads.items_min, writes.items_min, ["MIN_ITEMS_ADDED", "MIN_ITEMS_INCREASED"], "items");
        self.at_most(reads.items_max, writes.items_max, ["MAX_ITEMS_ADDED", "MAX_ITEMS_DECREASED"], "items");
        if reads.unique && !writes.unique && writes.items_max.is_none_or(|max| max > 1) {
            self.walk.refuses("UNIQUE_ITEMS_ADDED", "equal items", "do not demand unique items");
        }
        self.contains(reads, writes);
    }

    fn prefix(&mut self, reads: &'a Lists, writes: &'a Lists, before: Rest, settled: bool) {
        for index in 0..reads.prefix.len().max(writes.prefix.len()) {
            let above = self.walk.down(&format!("[{index}]"));
            match (reads.prefix.get(index), writes.prefix.get(index)) {
                (Some(id), Some(other)) => self.compare(*id, View::all(*other)),
                (Some(id), None) => self.added_item(*id, before),
                (None, Some(other)) if settled => self.removed_item(*other, reads),
                (None, _) => {}
            }
            self.walk.up(above);
        }
    }

    fn added_item(&mut self, id: NodeId, before: Rest) {
        match before {
            Rest::Nothing => {}
            Rest::Anything if self.reader.nodes[self.reader.behind(id)].says_nothing() => {}
            Rest::Anything => {
                let advice = "close the list before items are added to it";
                self.walk.refuses("ITEM_ADDED_TO_OPEN_CONTENT_MODEL", "other items at this place", advice);
            }
            Rest::Schema(other) => {
                if !self.fits(id, View::all(other)) {
                    let rule = "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                    self.walk.refuses(rule, "other items at this place", "let it allow what was allowed before");
                }
            }
        }
    }

    fn removed_item(&mut self, id: NodeId, reads: &Lists) {
        match reads.rest(self.reader) {
            Rest::Anything => {}
            Rest::Nothing if is_nothing(self.writer, id) => {}
            Rest::Nothing => {
                self.walk.refuses("ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", "an item at this place", "keep the item");
            }
            Rest::Schema(rest) => {
                if !self.fits(rest, View::all(id)) {
                    let rule = "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
                    self.walk.refuses(rule, "the values of this item", "keep the item");
                }
            }
        }
    }

    fn rest_of_list(&mut self, reads: &Lists, before: Rest) {
        let above = self.walk.down("[]");
        match (reads.rest(self.reader), before) {
            (Rest::Anything, _) | (_, Rest::Nothing) => {}
            (Rest::Nothing, _) => self.walk.refuses("ADDITIONAL_ITEMS_REMOVED", "further items", "keep the list open"),
            (Rest::Schema(reads), Rest::Schema(writes)) => self.compare(reads, View::all(writes)),
            (Rest::Schema(_), Rest::Anything) => {
                self.walk.refuses("ADDITIONAL_ITEMS_NARROWED", "some items", "let the items be what they were");
            }
        }
        self.walk.up(above);
    }

    fn contains(&mut self, reads: &Lists, writes: &Lists) {
        let Some(needle) = reads.contains else { return };
        let Some(other) = writes.contains else { return self.undecided("`contains`") };
        if !self.fits(needle, View::all(other)) || (reads.contains_max.is_some() && !self.same(needle, other)) {
            return self.undecided("`contains`");
        }
        let (min, before) = (reads.contains_min.unwrap_or(1), writes.contains_min.unwrap_or(1));
        self.at_least(Some(min), Some(before), ["MIN_CONTAINS_ADDED", "MIN_CONTAINS_INCREASED"], "matching items");
        let rules = ["MAX_CONTAINS_ADDED", "MAX_CONTAINS_DECREASED"];
        self.at_most(reads.contains_max, writes.contains_max, rules, "matching items");
    }
}
