//! Numbers for the values of facets, so that counting is adding.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::document::NONE;
use crate::query::Facet;

/// The number of a value that a document cannot have.
pub(super) const ABSENT: u32 = 0;

/// The values of all facets, numbered as they came. Numbers are never taken back: values are few, and few go.
#[derive(Debug, Default)]
pub(super) struct Names {
    values: RwLock<BTreeMap<Facet, Values>>,
    filters: AtomicUsize,
}

#[derive(Debug, Default)]
struct Values {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    /// The number of a value, given when it is new.
    pub(super) fn number(&self, facet: Facet, name: &str) -> u32 {
        if let Some(number) = self.known(facet, name) {
            return number;
        }
        let mut all = self.values.write().unwrap_or_else(PoisonError::into_inner);
        let values = all.entry(facet).or_default();
        if let Some(number) = values.numbers.get(name) {
            return *number;
        }
        values.names.push(name.to_owned());
        let number = u32::try_from(values.names.len()).unwrap_or(u32::MAX);
        values.numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of a value; none = no document ever had it.
    pub(super) fn known(&self, facet: Facet, name: &str) -> Option<u32> {
        let all = self.values.read().unwrap_or_else(PoisonError::into_inner);
        all.get(&facet)?.numbers.get(name).copied()
    }

    /// Takes note of a document with this many filters.
    pub(super) fn see_filters(&self, filters: usize) {
        self.filters.fetch_max(filters, Ordering::Relaxed);
    }

    /// The most filters that a document ever had.
    pub(super) fn filters(&self) -> usize {
        self.filters.load(Ordering::Relaxed)
    }

    /// Values by how many have them; the many first, then by name.
    pub(super) fn counted(&self, counts: &BTreeMap<Facet, Vec<u64>>) -> BTreeMap<Facet, Vec<(String, u64)>> {
        let all = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let of = |facet: Facet, counts: &[u64]| {
            let names = all.get(&facet).map(|values| values.names.as_slice()).unwrap_or_default();
            let named = names.iter().zip(counts.iter().skip(1)).filter(|(_, count)| **count > 0);
            let mut named: Vec<(String, u64)> = named.map(|(name, count)| (name.clone(), *count)).collect();
            named.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
            named
        };
        counts.iter().map(|(facet, counts)| (*facet, of(*facet, counts))).collect()
    }
}

/// A domain stands by its id, so that a new name does not touch its documents; without one by [`NONE`].
pub(super) fn of_domain(id: &str) -> &str {
    if id.is_empty() { NONE } else { id }
}
