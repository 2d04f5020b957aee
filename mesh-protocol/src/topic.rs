//! Topic names, topic filters in two dialects, and the tree that finds all filters a topic matches.
//!
//! Rules: at most 128 levels and 1,024 bytes of UTF-8, no NUL, empty levels are legal, topics that start with `$` are
//! system topics and no leading wildcard matches them. See [`filter`] for the two dialects.

mod filter;
#[cfg(test)]
mod naive;
mod name;
mod tree;

pub use filter::{Dialect, Filter, FilterError};
pub use name::{MAX_BYTES, MAX_LEVELS, Topic, TopicError};
pub use tree::{FilterTree, TreeReader, TreeWriter};

pub(crate) use tree::Path;
