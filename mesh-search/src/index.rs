//! The index that finds documents by what this crate defines, with exact counts.
//!
//! It is a projection: it lives in memory, is made anew at every start, and holds nothing that is not elsewhere. tantivy has
//! the postings and decides nothing: what a word finds, what comes first and who may see what are rules of the domain, and
//! the index is tested against them document by document.
//!
//! ```text
//! documents --apply--> one writer: whole documents are put and dropped by key; seen when `apply` returns
//! query ------search-> terms -> sets -> one pass over what is left: may it be seen? counted? among the first?
//! ```
//! Rights are part of that pass. What a viewer may not see is not counted either, so no count can tell of it.

mod ask;
mod bits;
mod collect;
mod columns;
mod names;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tantivy::index::SegmentId;
use tantivy::schema::Value as _;
use tantivy::{
    DocAddress, Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, SegmentReader, TantivyDocument, TantivyError,
    Term,
};

use crate::document::Document;
use crate::query::{Facet, Query};
use crate::rank::{Order, hash};
use collect::Found;
use columns::Columns;
use names::Names;
use schema::Fields;

/// Memory of the writer, in bytes: the least that tantivy takes.
const WRITER_BYTES: usize = 15_000_000;

/// The index does not work.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// tantivy's.
    #[error("the search index: {0}")]
    Index(#[from] TantivyError),
    /// Its terms cannot be read.
    #[error("the terms of the search index: {0}")]
    Terms(#[from] std::io::Error),
    /// A document of the index cannot be read.
    #[error("a document of the search index: {0}")]
    Document(#[from] serde_json::Error),
}

/// What is asked of the index.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What was typed.
    pub query: Query,
    /// Values that were chosen, one of each facet.
    pub chosen: BTreeMap<Facet, String>,
    /// Also what is gone.
    pub with_gone: bool,
    /// Ids of the domains whose documents may be seen; none = everything may.
    pub sight: Option<Vec<String>>,
    /// The last one that was seen; what comes behind it is wanted.
    pub after: Option<Place>,
    /// At most this many documents.
    pub limit: usize,
}

/// Where a document stands in the results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its score.
    pub score: u32,
    /// Among those of the same score.
    pub order: Order,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Documents with where they stand, the best first.
    pub documents: Vec<(Place, Document)>,
    /// How many there are in all.
    pub total: u64,
    /// There are more behind the last one.
    pub has_more: bool,
    /// How many have each value of a facet, without regard to what is chosen of that facet itself.
    pub counts: BTreeMap<Facet, Vec<(String, u64)>>,
}

/// The index.
pub struct SearchIndex {
    fields: Fields,
    writer: Mutex<IndexWriter>,
    reader: IndexReader,
    names: Names,
    seen: RwLock<Arc<Seen>>,
}

/// What searches look at: the index as it was after one change.
struct Seen {
    searcher: Searcher,
    /// Of each of its segments.
    columns: Vec<(SegmentId, Arc<Columns>)>,
}

impl Seen {
    /// Of the index as it is; columns of segments that were seen before are taken over.
    fn now(reader: &IndexReader, before: &[(SegmentId, Arc<Columns>)]) -> Result<Self, SearchError> {
        let searcher = reader.searcher();
        let columns = |segment: &SegmentReader| {
            let id = segment.segment_id();
            let known = before.iter().find(|(before, _)| *before == id);
            Ok((id, known.map_or_else(|| Columns::of(segment).map(Arc::new), |(_, columns)| Ok(columns.clone()))?))
        };
        let columns = searcher.segment_readers().iter().map(columns).collect::<Result<_, SearchError>>()?;
        Ok(Self { searcher, columns })
    }
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SearchIndex of {}", self.len())
    }
}

impl SearchIndex {
    /// An empty one.
    ///
    /// # Errors
    /// tantivy cannot start its threads.
    pub fn new() -> Result<Self, SearchError> {
        let (schema, fields) = schema::schema();
        let index = Index::create_in_ram(schema);
        let writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let seen = RwLock::new(Arc::new(Seen::now(&reader, &[])?));
        Ok(Self { fields, writer: Mutex::new(writer), reader, names: Names::default(), seen })
    }

    /// Documents in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.seen().searcher.num_docs()
    }

    /// Nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts documents in the place of those with the same keys, and drops others by the hashes of their keys
    /// ([`Order::key`]). Takes milliseconds to seconds.
    ///
    /// # Errors
    /// tantivy's; then nothing has changed.
    pub fn apply(&self, put: &[Document], drop: &[u64]) -> Result<(), SearchError> {
        let mut writer = self.writer();
        let written = self.write(&mut writer, put, drop);
        if written.is_err() {
            writer.rollback()?;
        }
        written?;
        self.reader.reload()?;
        let seen = Seen::now(&self.reader, &self.seen().columns)?;
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(seen);
        Ok(())
    }

    fn write(&self, writer: &mut IndexWriter, put: &[Document], drop: &[u64]) -> Result<(), SearchError> {
        for key in drop.iter().copied().chain(put.iter().map(|document| hash(&document.key))) {
            writer.delete_term(Term::from_field_u64(self.fields.key, key));
        }
        for document in put {
            writer.add_document(schema::written(&self.fields, &self.names, document)?)?;
        }
        writer.commit()?;
        Ok(())
    }

    /// Finds.
    ///
    /// # Errors
    /// tantivy's.
    pub fn search(&self, asked: &Asked) -> Result<Results, SearchError> {
        let seen = self.seen();
        let Seen { searcher, columns } = seen.as_ref();
        let mut answers = Vec::new();
        for (segment, (_, columns)) in searcher.segment_readers().iter().zip(columns) {
            let answer = ask::ask((segment, columns), &self.fields, &self.names, &asked.query)?;
            answers.push((columns.as_ref(), answer));
        }
        let found = collect::Collect::new(&self.names, asked).over(answers.into_iter());
        let read = |address: DocAddress| -> Result<Document, SearchError> {
            let stored: TantivyDocument = searcher.doc(address)?;
            let body = stored.get_first(self.fields.body).and_then(|value| value.as_bytes()).unwrap_or_default();
            Ok(serde_json::from_slice(body)?)
        };
        let Found { mut first, total, counts } = found;
        let has_more = first.len() > asked.limit;
        first.truncate(asked.limit);
        let documents = first.into_iter().map(|(place, address)| Ok((place, read(address)?)));
        Ok(Results {
            documents: documents.collect::<Result<_, SearchError>>()?,
            total,
            has_more,
            counts: self.names.counted(&counts),
        })
    }

    fn seen(&self) -> Arc<Seen> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        // A writer that panicked is as it was after its last commit.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
