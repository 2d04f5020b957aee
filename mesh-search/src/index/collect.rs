//! One pass over what a query finds: what may be seen is counted by facet, and the first of it are kept.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashSet};

use tantivy::{DocAddress, DocId, SegmentOrdinal};

use super::ask::Answer;
use super::columns::{Class, Columns, Row};
use super::names::{ABSENT, Names, of_domain};
use super::{Asked, Place};
use crate::document::NONE;
use crate::query::Facet;

/// What is found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first ones, one more than was asked for when there are more.
    pub(super) first: Vec<(Place, DocAddress)>,
    pub(super) total: u64,
    /// How many by the number of each value.
    pub(super) counts: BTreeMap<Facet, Vec<u64>>,
}

/// The pass.
#[derive(Debug)]
pub(super) struct Collect(Wanted);

#[derive(Debug)]
struct Wanted {
    sight: Option<HashSet<u32>>,
    with_gone: bool,
    /// Numbers that were chosen; none = nothing has that value.
    chosen: Vec<(Facet, Option<u32>)>,
    after: Option<Place>,
    keep: usize,
}

impl Collect {
    pub(super) fn new(names: &Names, asked: &Asked) -> Self {
        let number = |(facet, value): (&Facet, &String)| (*facet, names.known(*facet, value));
        let domains = |ids: &Vec<String>| {
            let known = ids.iter().filter(|id| !id.is_empty() && *id != NONE);
            known.filter_map(|id| names.known(Facet::Domain, of_domain(id))).collect()
        };
        Self(Wanted {
            sight: asked.sight.as_ref().map(domains),
            with_gone: asked.with_gone,
            chosen: asked.chosen.iter().map(number).collect(),
            after: asked.after,
            keep: asked.limit.saturating_add(1),
        })
    }
}

impl Collect {
    /// The pass over all segments.
    pub(super) fn over<'a>(&self, segments: impl Iterator<Item = (&'a Columns, Answer)>) -> Found {
        let mut all = Found::default();
        for (number, (columns, answer)) in (0..).zip(segments) {
            let mut pass = Segment::new(&self.0, columns);
            for document in answer.found.iter() {
                pass.collect(document, &answer);
            }
            pass.into(number, &mut all);
        }
        all.first.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.first.truncate(self.0.keep);
        all
    }
}

impl Place {
    /// The best first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.score.cmp(&self.score).then_with(|| self.order.cmp(&other.order))
    }
}

/// What a class means for its documents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody has asked yet.
    Unknown,
    /// They may not be seen, or miss more than one value that was chosen.
    Passed,
    /// They miss the value that was chosen of this facet, and count for the others of it.
    Misses(Facet),
    /// They are found.
    Found,
}

/// The pass over one segment.
struct Segment<'a> {
    wanted: &'a Wanted,
    columns: &'a Columns,
    /// By class: what it means, and how many were met.
    classes: Vec<(Fate, u32)>,
    /// The first ones by the opposite of their score and their place; the last of them on top.
    first: BinaryHeap<(Reverse<u32>, u32)>,
    /// What comes behind this is wanted.
    after: Option<(Reverse<u32>, u32)>,
}

impl<'a> Segment<'a> {
    fn new(wanted: &'a Wanted, columns: &'a Columns) -> Self {
        // From this place on documents of the same score are behind it.
        let after = |after: &Place| (Reverse(after.score), columns.first_not(|order| *order <= after.order));
        Self {
            wanted,
            columns,
            classes: vec![(Fate::Unknown, 0); columns.classes().len()],
            first: BinaryHeap::new(),
            after: wanted.after.as_ref().map(after),
        }
    }

    fn collect(&mut self, doc: DocId, answer: &Answer) {
        let Row { class, place } = self.columns.row(doc);
        let (fate, met) = &mut self.classes[class as usize];
        if *fate == Fate::Unknown {
            *fate = self.wanted.fate(&self.columns.classes()[class as usize]);
        }
        *met += 1;
        if *fate == Fate::Found {
            self.rank((Reverse(answer.score(doc, place)), place));
        }
    }

    /// Keeps it when it is among the first. Most are not.
    fn rank(&mut self, at: (Reverse<u32>, u32)) {
        if self.after.is_some_and(|after| at < after) {
            return;
        }
        if self.first.len() < self.wanted.keep {
            self.first.push(at);
        } else if let Some(mut last) = self.first.peek_mut()
            && at < *last
        {
            *last = at;
        }
    }

    fn into(self, number: SegmentOrdinal, all: &mut Found) {
        let Self { columns, classes, first, .. } = self;
        let shown = |(Reverse(score), place)| {
            let address = DocAddress::new(number, columns.at(place));
            (Place { score, order: columns.order(place) }, address)
        };
        all.first.extend(first.into_iter().map(shown));
        for (class, (fate, met)) in columns.classes().iter().zip(classes) {
            match fate {
                Fate::Found => {
                    all.total += u64::from(met);
                    Facet::COUNTED.into_iter().for_each(|facet| all.count(class, facet, met));
                }
                Fate::Misses(facet) => all.count(class, facet, met),
                Fate::Unknown | Fate::Passed => {}
            }
        }
    }
}

impl Wanted {
    fn fate(&self, class: &Class) -> Fate {
        let more = class.more();
        let may_see = |sight: &HashSet<u32>| more.is_shared || sight.contains(&class.domain());
        if !self.sight.as_ref().is_none_or(may_see) || (more.is_gone && !self.with_gone) {
            return Fate::Passed;
        }
        let misses = |(facet, number): &&(Facet, Option<u32>)| !number.is_some_and(|number| class.has(*facet, number));
        let mut missed = self.chosen.iter().filter(misses).map(|(facet, _)| *facet);
        match (missed.next(), missed.next()) {
            (None, _) => Fate::Found,
            (Some(facet), None) => Fate::Misses(facet),
            (Some(_), Some(_)) => Fate::Passed,
        }
    }
}

impl Found {
    fn count(&mut self, class: &Class, facet: Facet, met: u32) {
        let counts = self.counts.entry(facet).or_default();
        class.values(facet, |number| {
            if number == ABSENT {
                return;
            }
            let at = number as usize;
            if counts.len() <= at {
                counts.resize(at + 1, 0);
            }
            counts[at] += u64::from(met);
        });
    }
}
