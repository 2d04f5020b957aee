//! What the pass reads of each document: two numbers, side by side.
//!
//! A word may find an eighth of a million documents spread over all there are, and then a search costs the memory it
//! touches. So what facets count by is kept once for all documents that have the same (their *class*), and the order of
//! documents is worked out when a segment comes, and is a number from then on: a search adds up classes and compares
//! numbers, and the columns themselves are read of the few that are shown.

use std::collections::HashMap;
use std::ops::Range;

use tantivy::columnar::Column;
use tantivy::{DocId, SegmentReader};

use super::SearchError;
use super::schema::{KEY, MORE, More, NAME, NUMBERS, Numbers, SITES, TAGS};
use crate::query::Facet;
use crate::rank::Order;

/// The documents of one segment.
pub(super) struct Columns {
    rows: Vec<Row>,
    classes: Vec<Class>,
    /// All documents in their order.
    sorted: Vec<DocId>,
    /// [`Order`]'s numbers.
    order: [Column<u64>; 4],
}

/// One document.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The number of its class.
    pub(super) class: u32,
    /// Where it stands among the documents of its segment in the order of [`Order`].
    pub(super) place: u32,
}

/// What documents are counted, chosen and hidden by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Class {
    numbers: u64,
    more: u64,
    sites: Vec<u32>,
    tags: Vec<u32>,
}

impl Class {
    pub(super) fn domain(&self) -> u32 {
        Numbers::of(self.numbers).domain
    }

    pub(super) fn more(&self) -> More {
        More::of(self.more)
    }

    /// Calls with the number of each value of a facet; what it does not have is a number that no value has.
    pub(super) fn values(&self, facet: Facet, mut each: impl FnMut(u32)) {
        let numbers = Numbers::of(self.numbers);
        match facet {
            Facet::Kind => each(numbers.kind),
            Facet::State => each(numbers.state),
            Facet::Domain => each(numbers.domain),
            Facet::Broker => each(numbers.broker),
            Facet::Owner => each(self.more().owner),
            Facet::Site => self.sites.iter().copied().for_each(each),
            Facet::Tag => self.tags.iter().copied().for_each(each),
            Facet::Field => {}
        }
    }

    pub(super) fn has(&self, facet: Facet, number: u32) -> bool {
        let mut has = false;
        self.values(facet, |value| has |= value == number);
        has
    }
}

impl Columns {
    pub(super) fn of(segment: &SegmentReader) -> Result<Self, SearchError> {
        let columns = segment.fast_fields();
        let column = |name: &str| columns.u64(name);
        let (numbers, more) = (column(NUMBERS)?, column(MORE)?);
        // Columns that no document of a segment may have.
        let (sites, tags) = (columns.column_opt::<u64>(SITES)?, columns.column_opt::<u64>(TAGS)?);
        let list = |column: Option<&Column<u64>>, doc: DocId| -> Vec<u32> {
            let numbers = column.into_iter().flat_map(|column| column.values_for_doc(doc));
            numbers.filter_map(|number| number.try_into().ok()).collect()
        };
        let mut classes = HashMap::new();
        let mut rows = Vec::with_capacity(segment.max_doc() as usize);
        for doc in 0..segment.max_doc() {
            let class = Class {
                numbers: value(&numbers, doc),
                more: value(&more, doc),
                sites: list(sites.as_ref(), doc),
                tags: list(tags.as_ref(), doc),
            };
            let next = u32::try_from(classes.len()).expect("fewer than documents");
            rows.push(Row { class: *classes.entry(class).or_insert(next), place: 0 });
        }
        let mut in_order: Vec<(Class, u32)> = classes.into_iter().collect();
        in_order.sort_unstable_by_key(|(_, number)| *number);
        let classes = in_order.into_iter().map(|(class, _)| class).collect();
        let [a, b, c] = NAME;
        let order = [column(a)?, column(b)?, column(c)?, column(KEY)?];
        let sorted = sorted(&order, segment.max_doc());
        for (place, doc) in (0..).zip(&sorted) {
            rows[*doc as usize].place = place;
        }
        Ok(Self { rows, classes, sorted, order })
    }

    pub(super) fn row(&self, doc: DocId) -> Row {
        self.rows[doc as usize]
    }

    /// What documents are told apart by; their numbers are their places here.
    pub(super) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The document at a place.
    pub(super) fn at(&self, place: u32) -> DocId {
        self.sorted[place as usize]
    }

    /// Of the document at a place.
    pub(super) fn order(&self, place: u32) -> Order {
        order_of(&self.order, self.at(place))
    }

    /// The first place whose document does not meet the condition, which those before it do.
    pub(super) fn first_not(&self, meets: impl Fn(&Order) -> bool) -> u32 {
        let at = self.sorted.partition_point(|doc| meets(&order_of(&self.order, *doc)));
        u32::try_from(at).expect("there are no more places than documents")
    }

    /// The places of names that begin so: `bits` where `mask` is set.
    pub(super) fn names(&self, bits: [u64; 3], mask: [u64; 3]) -> Range<u32> {
        let begin = |order: &Order| -> [u64; 3] { std::array::from_fn(|i| order.name[i] & mask[i]) };
        self.first_not(|order| begin(order) < bits)..self.first_not(|order| begin(order) <= bits)
    }
}

fn sorted(columns: &[Column<u64>; 4], documents: u32) -> Vec<DocId> {
    let mut all: Vec<(Order, DocId)> = (0..documents).map(|doc| (order_of(columns, doc), doc)).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, doc)| doc).collect()
}

fn order_of([a, b, c, key]: &[Column<u64>; 4], doc: DocId) -> Order {
    Order { name: [a, b, c].map(|column| value(column, doc)), key: value(key, doc) }
}

fn value(column: &Column<u64>, doc: DocId) -> u64 {
    column.first(doc).unwrap_or_default()
}
