//! What tantivy keeps of a document.

use tantivy::TantivyDocument;
use tantivy::schema::{Field, IndexRecordOption, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions};

use super::SearchError;
use super::names::{ABSENT, Names, of_domain};
use crate::document::{Document, NONE};
use crate::pattern::{is_anchored, terms};
use crate::query::Facet;
use crate::rank::Order;
use crate::words::{INNER_CHARS_MIN, inner, of_field, starts, tokens};

/// Bits of the number of a kind or state in [`Fields::numbers`].
const SMALL_BITS: u32 = 8;
/// Bits of the number of a domain or cluster.
const LARGE_BITS: u32 = 24;
/// Of [`Fields::more`]: the number of the owner stands below.
const GONE: u64 = 1 << 32;
const SHARED: u64 = 1 << 33;

/// Words, and their short beginnings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) all: Field,
    pub(super) starts: Field,
}

/// The fields, each with what it is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// The name in lower case.
    pub(super) whole: Field,
    /// Words of the name.
    pub(super) name: Words,
    /// What stands inside them.
    pub(super) inner: Words,
    /// Words of the rest.
    pub(super) text: Words,
    /// Values of facets: `owner=team orders`, and their words.
    pub(super) is: Field,
    /// Terms of filters: `0|1=created` is one of the first filter.
    pub(super) level: Field,
    /// Numbers of kind, state, domain and cluster.
    pub(super) numbers: Field,
    /// Number of the owner, and flags.
    pub(super) more: Field,
    /// Numbers of the sites.
    pub(super) sites: Field,
    /// Numbers of the tags.
    pub(super) tags: Field,
    /// The order among the same score: by name,
    pub(super) order_of_name: [Field; 3],
    /// then by the hash of the key.
    pub(super) key: Field,
    /// All of it.
    pub(super) body: Field,
}

/// Names of the columns, which are read by name.
pub(super) const NUMBERS: &str = "numbers";
pub(super) const MORE: &str = "more";
pub(super) const SITES: &str = "sites";
pub(super) const TAGS: &str = "tags";
pub(super) const NAME: [&str; 3] = ["name_0", "name_1", "name_2"];
pub(super) const KEY: &str = "key";

pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let raw = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let raw = TextOptions::default().set_indexing_options(raw);
    let mut words = |name: &str| schema.add_text_field(name, raw.clone());
    let [whole, is, level] = ["whole", "is", "level"].map(&mut words);
    let mut both = |all: &str, starts: &str| Words { all: words(all), starts: words(starts) };
    let (name, inner, text) = (both("name", "name_starts"), both("inner", "inner_starts"), both("text", "text_starts"));
    let mut column = |name: &str| schema.add_u64_field(name, NumericOptions::default().set_fast());
    let [numbers, more, sites, tags] = [NUMBERS, MORE, SITES, TAGS].map(&mut column);
    let order_of_name = NAME.map(&mut column);
    // Found by, too: documents are put and dropped by their keys.
    let key = schema.add_u64_field(KEY, NumericOptions::default().set_fast().set_indexed());
    let body = schema.add_bytes_field("body", STORED);
    let fields = Fields { key, whole, name, inner, text, is, level, numbers, more, sites, tags, order_of_name, body };
    (schema.build(), fields)
}

/// The term of a value of a facet.
pub(super) fn is_term(facet: Facet, value: &str) -> String {
    format!("{}={value}", facet.name())
}

/// The term of having no value of a facet.
pub(super) fn none_term(facet: Facet) -> String {
    format!("{}!", facet.name())
}

/// A document as tantivy takes it.
pub(super) fn written(fields: &Fields, names: &Names, document: &Document) -> Result<TantivyDocument, SearchError> {
    let mut written = TantivyDocument::new();
    written.add_text(fields.whole, document.name.to_lowercase());
    let mut add = |field, words: Vec<String>| words.iter().for_each(|word| written.add_text(field, word));
    let sets = [
        (fields.name, tokens(&document.name), 1),
        (fields.inner, inner(&document.name), INNER_CHARS_MIN),
        (fields.text, document.text_tokens(), 1),
    ];
    for (field, words, least) in sets {
        add(field.starts, starts(&words, least));
        add(field.all, words);
    }
    add(fields.is, is_terms(document));
    names.see_filters(document.patterns.len());
    for (i, filter) in document.patterns.iter().enumerate() {
        let prefix = if is_anchored(filter) { 'a' } else { 'z' };
        add(fields.level, terms(filter).into_iter().map(|term| format!("{prefix}{i}|{term}")).collect());
    }
    written.add_u64(fields.numbers, numbers(names, document));
    let owner = document.values(Facet::Owner).first().map_or(ABSENT, |owner| names.number(Facet::Owner, owner));
    let flag = |is: bool, flag: u64| if is { flag } else { 0 };
    let more = u64::from(owner) | flag(document.is_gone, GONE) | flag(document.is_shared, SHARED);
    written.add_u64(fields.more, more);
    for (facet, field) in [(Facet::Site, fields.sites), (Facet::Tag, fields.tags)] {
        let mut values = document.values(facet);
        values.sort_unstable();
        values.dedup();
        values.into_iter().for_each(|value| written.add_u64(field, u64::from(names.number(facet, value))));
    }
    let order = Order::of(&document.name, &document.key);
    fields.order_of_name.into_iter().zip(order.name).for_each(|(field, value)| written.add_u64(field, value));
    written.add_u64(fields.key, order.key);
    written.add_bytes(fields.body, &serde_json::to_vec(document)?);
    Ok(written)
}

fn is_terms(document: &Document) -> Vec<String> {
    let mut all = Vec::new();
    for facet in Facet::COUNTED.into_iter().chain([Facet::Field]) {
        for value in document.values(facet) {
            if value == NONE {
                all.push(none_term(facet));
                continue;
            }
            let mut words = tokens(value);
            words.push(value.to_lowercase());
            if facet == Facet::Field {
                words.extend(of_field(value));
            }
            all.extend(words.iter().map(|word| is_term(facet, word)));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What [`Fields::numbers`] holds, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) kind: u32,
    pub(super) state: u32,
    pub(super) domain: u32,
    pub(super) broker: u32,
}

fn numbers(names: &Names, document: &Document) -> u64 {
    let domain = document.domain.as_ref().map_or(ABSENT, |(id, _)| names.number(Facet::Domain, of_domain(id)));
    let of = |facet, value: Option<&str>| value.map_or(ABSENT, |value| names.number(facet, value));
    let parts = Numbers {
        kind: of(Facet::Kind, Some(document.kind.name())),
        state: of(Facet::State, document.state.as_deref()),
        domain,
        broker: of(Facet::Broker, document.broker.as_deref()),
    };
    parts.packed()
}

impl Numbers {
    /// What does not fit stands as absent: 255 states, 16 million domains and clusters.
    fn packed(self) -> u64 {
        let small = |number: u32| if number >> SMALL_BITS == 0 { u64::from(number) } else { 0 };
        let large = |number: u32| if number >> LARGE_BITS == 0 { u64::from(number) } else { 0 };
        small(self.kind)
            | small(self.state) << SMALL_BITS
            | large(self.domain) << (2 * SMALL_BITS)
            | large(self.broker) << (2 * SMALL_BITS + LARGE_BITS)
    }

    pub(super) fn of(packed: u64) -> Self {
        let small = |at: u32| u32::try_from(packed >> at & ((1 << SMALL_BITS) - 1)).unwrap_or(ABSENT);
        let large = |at: u32| u32::try_from(packed >> at & ((1 << LARGE_BITS) - 1)).unwrap_or(ABSENT);
        Self {
            kind: small(0),
            state: small(SMALL_BITS),
            domain: large(2 * SMALL_BITS),
            broker: large(2 * SMALL_BITS + LARGE_BITS),
        }
    }
}

/// What [`Fields::more`] holds, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct More {
    pub(super) owner: u32,
    pub(super) is_gone: bool,
    pub(super) is_shared: bool,
}

impl More {
    pub(super) fn of(packed: u64) -> Self {
        Self {
            owner: u32::try_from(packed & u64::from(u32::MAX)).unwrap_or(ABSENT),
            is_gone: packed & GONE != 0,
            is_shared: packed & SHARED != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_went() {
        let numbers = Numbers { kind: 255, state: 7, domain: (1 << LARGE_BITS) - 1, broker: 3 };
        assert_eq!(Numbers::of(numbers.packed()), numbers);
        let too_large = Numbers { kind: 1, state: 256, domain: 1 << LARGE_BITS, broker: 9 };
        assert_eq!(Numbers::of(too_large.packed()), Numbers { kind: 1, state: 0, domain: 0, broker: 9 });
    }
}
