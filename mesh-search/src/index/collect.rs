//! One pass over what a query finds: what may be seen is counted by facet, and the first of it are kept.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::fastfield::FastFieldReaders;
use tantivy::{DocAddress, DocId, SegmentOrdinal, SegmentReader};

use super::ask::Answer;
use super::names::{ABSENT, Names, of_domain};
use super::schema::{KEY, MORE, More, NAME, NUMBERS, Numbers, SITES, TAGS};
use super::{Asked, Place, SearchError};
use crate::document::NONE;
use crate::query::Facet;
use crate::rank::Order;

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
#[derive(Clone, Debug)]
pub(super) struct Collect(Arc<Wanted>);

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
        Self(Arc::new(Wanted {
            sight: asked.sight.as_ref().map(domains),
            with_gone: asked.with_gone,
            chosen: asked.chosen.iter().map(number).collect(),
            after: asked.after,
            keep: asked.limit.saturating_add(1),
        }))
    }
}

impl Collect {
    /// The pass over all segments.
    pub(super) fn over<'a>(
        &self,
        segments: impl Iterator<Item = (&'a SegmentReader, Answer)>,
    ) -> Result<Found, SearchError> {
        let mut all = Found::default();
        for (number, (segment, answer)) in (0..).zip(segments) {
            let mut pass = self.segment(number, segment)?;
            for document in answer.found.iter() {
                pass.collect(document, &answer);
            }
            pass.into(&mut all);
        }
        all.first.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.first.truncate(self.0.keep);
        Ok(all)
    }

    fn segment(&self, number: SegmentOrdinal, segment: &SegmentReader) -> Result<Segment, SearchError> {
        let columns = segment.fast_fields();
        let column = |name: &str| columns.u64(name);
        let [a, b, c] = NAME;
        Ok(Segment {
            wanted: self.0.clone(),
            number,
            numbers: column(NUMBERS)?,
            more: column(MORE)?,
            sites: some(columns, SITES)?,
            tags: some(columns, TAGS)?,
            order: [column(a)?, column(b)?, column(c)?, column(KEY)?],
            first: BinaryHeap::new(),
            total: 0,
            counts: Counts::default(),
        })
    }
}

/// A column that no document of a segment may have.
fn some(columns: &FastFieldReaders, name: &str) -> tantivy::Result<Option<Column<u64>>> {
    columns.column_opt(name)
}

impl Place {
    /// The best first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.score.cmp(&self.score).then_with(|| self.order.cmp(&other.order))
    }
}

/// One that is kept; the last in the order is the greatest.
struct Kept(Place, DocId);

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Kept {}

#[derive(Default)]
struct Counts([Vec<u64>; Facet::COUNTED.len()]);

impl Counts {
    fn add(&mut self, facet: Facet, number: u32) {
        if number == ABSENT {
            return;
        }
        let counts = &mut self.0[facet as usize];
        let at = number as usize;
        if counts.len() <= at {
            counts.resize(at + 1, 0);
        }
        counts[at] += 1;
    }
}

/// The pass over one segment.
struct Segment {
    wanted: Arc<Wanted>,
    number: SegmentOrdinal,
    numbers: Column<u64>,
    more: Column<u64>,
    sites: Option<Column<u64>>,
    tags: Option<Column<u64>>,
    order: [Column<u64>; 4],
    first: BinaryHeap<Kept>,
    total: u64,
    counts: Counts,
}

impl Segment {
    fn numbers_of(column: Option<&Column<u64>>, doc: DocId) -> impl Iterator<Item = u32> {
        column
            .into_iter()
            .flat_map(move |column| column.values_for_doc(doc))
            .filter_map(|number| number.try_into().ok())
    }

    fn has(&self, doc: DocId, facet: Facet, number: u32, numbers: Numbers, more: More) -> bool {
        match facet {
            Facet::Kind => numbers.kind == number,
            Facet::State => numbers.state == number,
            Facet::Domain => numbers.domain == number,
            Facet::Broker => numbers.broker == number,
            Facet::Owner => more.owner == number,
            Facet::Site => Self::numbers_of(self.sites.as_ref(), doc).any(|site| site == number),
            Facet::Tag => Self::numbers_of(self.tags.as_ref(), doc).any(|tag| tag == number),
            Facet::Field => false,
        }
    }

    fn count(&mut self, doc: DocId, facet: Facet, numbers: Numbers, more: More) {
        let many = match facet {
            Facet::Kind => return self.counts.add(facet, numbers.kind),
            Facet::State => return self.counts.add(facet, numbers.state),
            Facet::Domain => return self.counts.add(facet, numbers.domain),
            Facet::Broker => return self.counts.add(facet, numbers.broker),
            Facet::Owner => return self.counts.add(facet, more.owner),
            Facet::Site => self.sites.as_ref(),
            Facet::Tag => self.tags.as_ref(),
            Facet::Field => return,
        };
        for number in Self::numbers_of(many, doc) {
            self.counts.add(facet, number);
        }
    }

    /// Keeps it when it is among the first. Most are not, and most of those by their score or first letters.
    fn rank(&mut self, doc: DocId, score: u32) {
        let value = |column: &Column<u64>| column.first(doc).unwrap_or_default();
        let is_full = self.first.len() >= self.wanted.keep;
        if is_full && let Some(Kept(last, _)) = self.first.peek() {
            let by_score = last.score.cmp(&score);
            if by_score == Ordering::Greater
                || (by_score == Ordering::Equal && value(&self.order[0]) > last.order.name[0])
            {
                return;
            }
        }
        let [a, b, c, key] = [0, 1, 2, 3].map(|i| value(&self.order[i]));
        let place = Place { score, order: Order { name: [a, b, c], key } };
        if self.wanted.after.is_some_and(|after| place.cmp(&after) != Ordering::Greater) {
            return;
        }
        self.first.push(Kept(place, doc));
        if self.first.len() > self.wanted.keep {
            self.first.pop();
        }
    }
}

impl Segment {
    fn collect(&mut self, doc: DocId, answer: &Answer) {
        let numbers = Numbers::of(self.numbers.first(doc).unwrap_or_default());
        let more = More::of(self.more.first(doc).unwrap_or_default());
        let may_see = |sight: &HashSet<u32>| more.is_shared || sight.contains(&numbers.domain);
        if !self.wanted.sight.as_ref().is_none_or(may_see) || (more.is_gone && !self.wanted.with_gone) {
            return;
        }
        let misses = |(facet, number): &&(Facet, Option<u32>)| {
            !number.is_some_and(|number| self.has(doc, *facet, number, numbers, more))
        };
        let mut missed = self.wanted.chosen.iter().filter(misses).map(|(facet, _)| *facet);
        let missed = (missed.next(), missed.next());
        match missed {
            (None, _) => {
                Facet::COUNTED.iter().for_each(|facet| self.count(doc, *facet, numbers, more));
                self.total += 1;
                let name = [0, 1, 2].map(|i| self.order[i].first(doc).unwrap_or_default());
                self.rank(doc, answer.score(doc, name));
            }
            (Some(facet), None) => self.count(doc, facet, numbers, more),
            (Some(_), Some(_)) => {}
        }
    }

    fn into(self, all: &mut Found) {
        all.total += self.total;
        let address = |doc| DocAddress::new(self.number, doc);
        all.first.extend(self.first.into_iter().map(|Kept(place, doc)| (place, address(doc))));
        for (facet, counts) in Facet::COUNTED.into_iter().zip(self.counts.0) {
            let sum = all.counts.entry(facet).or_default();
            sum.resize(sum.len().max(counts.len()), 0);
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
}
