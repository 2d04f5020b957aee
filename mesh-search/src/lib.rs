//! Finding anything the portal knows: what a query means, and an index that finds just that.
//!
//! One box finds everything: what agents saw, what people designed, and what is configured. Each thing is a [`Document`],
//! whatever it is, and a [`Query`] says which of them somebody means. Both are defined without an index, so that the
//! index can be held against the definition: `naive` asks every document, and a test compares.
//!
//! What a word finds is made for names of machines: `created` finds `orders/created`, `OrderCreated` and `order-created.v2`,
//! and `7777` finds `dev7777`. What was typed is taken for the beginning of a word everywhere, because people look at the
//! results while they type.
//!
//! A crate of its own, for it is optimised in every build: a search is judged by milliseconds, also by tests.

mod document;
mod index;
#[cfg(test)]
mod naive;
mod pattern;
mod query;
mod rank;
mod words;

pub use document::{Document, Kind, NONE};
pub use index::{Asked, Place, Results, SearchError, SearchIndex};
pub use pattern::pattern;
pub use query::{Facet, QUERY_BYTES_MAX, Query, QueryError, TERMS_MAX, Term, What, Word};
pub use rank::{Order, hash};
pub use words::{inner, of_field, tokens};
