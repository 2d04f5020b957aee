//! What a query finds in one segment, and how well.
//!
//! Every place that a word may stand in is one stretch of the index's sorted terms, read once into a set of documents; the
//! rest is sets. So a search costs what its words' postings cost, however its terms are combined.

use std::ops::Range;

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, SegmentReader};

use super::SearchError;
use super::bits::Bits;
use super::columns::Columns;
use super::names::Names;
use super::schema::{Fields, Words, is_term, none_term};
use crate::document::NONE;
use crate::pattern::{Condition, Wanted, condition};
use crate::query::{Facet, Query, Term, What, Word};
use crate::rank::{
    Order, SCORE_ADDRESS, SCORE_ANYWHERE_ADDRESS, SCORE_INNER, SCORE_NAME, SCORE_NAME_BEGINS, SCORE_NAME_WORD,
    SCORE_TEXT,
};
use crate::words::{INNER_CHARS_MIN, START_CHARS_MAX};

/// Documents by how well they fit one term, the best first.
type Tiers = Vec<(u8, Among)>;

/// Which documents.
#[derive(Debug)]
enum Among {
    /// These.
    Set(Bits),
    /// Those at these places, which is where names that begin so stand. They are in the set of another tier; a set of
    /// their own would be as many terms of the index as there are names.
    Names(Range<u32>),
}

/// Where names stand that begin so; none = it is longer than what documents are put in order by.
fn names(columns: &Columns, text: &str) -> Option<Range<u32>> {
    let length = text.len();
    if length > 3 * size_of::<u64>() {
        return None;
    }
    let ones = |at: usize| if at < length { u8::MAX } else { 0 };
    let mask = |word: usize| u64::from_be_bytes(std::array::from_fn(|i| ones(8 * word + i)));
    Some(columns.names(Order::of(text, "").name, [mask(0), mask(1), mask(2)]))
}

/// What a query finds in a segment.
#[derive(Debug)]
pub(super) struct Answer {
    /// All of it.
    pub(super) found: Bits,
    tiers: Vec<Tiers>,
}

impl Answer {
    /// The sum over the terms of the best place of each, for a document at a place of the order.
    pub(super) fn score(&self, document: DocId, place: u32) -> u32 {
        let is_among = |among: &Among| match among {
            Among::Set(documents) => documents.has(document),
            Among::Names(places) => places.contains(&place),
        };
        let of_term = |tiers: &Tiers| {
            let best = tiers.iter().find(|(_, among)| is_among(among));
            best.map_or(0, |(score, _)| u32::from(*score))
        };
        self.tiers.iter().map(of_term).sum()
    }
}

/// Asks one segment.
pub(super) fn ask(
    (segment, columns): (&SegmentReader, &Columns),
    fields: &Fields,
    names: &Names,
    query: &Query,
) -> Result<Answer, SearchError> {
    let asking = Asking { segment, columns, fields, names };
    let mut found = Bits::all(segment.max_doc(), segment.alive_bitset());
    let mut all = Vec::new();
    for Term { is_not, what } in &query.terms {
        let mut tiers = asking.what(what)?;
        tiers.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let documents = tiers.iter().fold(asking.nothing(), |all, (_, among)| match among {
            Among::Set(documents) => all.or(documents),
            Among::Names(_) => all,
        });
        if *is_not {
            found = found.and_not(&documents);
        } else {
            found = found.and(&documents);
            all.push(tiers);
        }
    }
    if let Some(whole) = &query.whole {
        all.push(vec![
            (SCORE_NAME, Among::Set(asking.term(fields.whole, whole)?)),
            (SCORE_NAME_BEGINS, asking.names(whole)?),
        ]);
    }
    Ok(Answer { found, tiers: all })
}

struct Asking<'a> {
    segment: &'a SegmentReader,
    columns: &'a Columns,
    fields: &'a Fields,
    names: &'a Names,
}

impl Asking<'_> {
    fn nothing(&self) -> Bits {
        Bits::none(self.segment.max_doc())
    }

    fn what(&self, what: &What) -> Result<Tiers, SearchError> {
        match what {
            What::Word(word) => self.word(word),
            What::Address(word, filters) => {
                let mut tiers = self.word(word)?;
                for filter in filters {
                    let condition = condition(filter);
                    for (prefix, score) in [('a', SCORE_ADDRESS), ('z', SCORE_ANYWHERE_ADDRESS)] {
                        tiers.push((score, Among::Set(self.overlapping(&condition, prefix)?)));
                    }
                }
                Ok(tiers)
            }
            What::Is(facet, value) => Ok(vec![(0, Among::Set(self.is(*facet, value)?))]),
        }
    }

    /// The places of a word. Each run of its letters must stand in the place, or in one above it.
    fn word(&self, word: &Word) -> Result<Tiers, SearchError> {
        if word.runs.is_empty() {
            return Ok(Vec::new());
        }
        let fields = self.fields;
        let (mut in_name, mut inside, mut anywhere) = (None, None, None);
        let and = |all: &mut Option<Bits>, documents: &Bits| {
            *all = Some(all.take().map_or_else(|| documents.clone(), |all| all.and(documents)));
        };
        for run in &word.runs {
            let of_name = self.words(fields.name, run)?;
            and(&mut in_name, &of_name);
            if run.chars().count() < INNER_CHARS_MIN {
                and(&mut inside, &of_name);
            } else {
                and(&mut inside, &self.words(fields.inner, run)?.or(&of_name));
            }
            and(&mut anywhere, &self.words(fields.text, run)?.or(&of_name));
        }
        let placed = [(SCORE_NAME_WORD, in_name), (SCORE_INNER, inside), (SCORE_TEXT, anywhere)];
        let set = |(score, documents): (u8, Option<Bits>)| Some((score, Among::Set(documents?)));
        let mut tiers: Tiers = placed.into_iter().filter_map(set).collect();
        tiers.push((SCORE_NAME, Among::Set(self.term(fields.whole, &word.text)?)));
        tiers.push((SCORE_NAME_BEGINS, self.names(&word.text)?));
        Ok(tiers)
    }

    /// Documents with a filter that meets the condition. Their filters are told apart by number, for no two of them may
    /// meet it together.
    fn overlapping(&self, condition: &Condition, prefix: char) -> Result<Bits, SearchError> {
        let mut all = self.nothing();
        for i in 0..self.names.filters() {
            let of = |text: &str| format!("{prefix}{i}|{text}");
            let mut meeting: Option<Bits> = None;
            for ways in &condition.all {
                let mut any = self.nothing();
                for way in ways {
                    let documents = match way {
                        Wanted::Term(text) => self.term(self.fields.level, &of(text))?,
                        Wanted::Begins(text) => self.begins(self.fields.level, &of(text))?,
                    };
                    any = any.or(&documents);
                }
                meeting = Some(meeting.map_or_else(|| any.clone(), |meeting| meeting.and(&any)));
            }
            let mut meeting = meeting.unwrap_or_else(|| self.nothing());
            for text in &condition.none {
                meeting = meeting.and_not(&self.term(self.fields.level, &of(text))?);
            }
            all = all.or(&meeting);
        }
        Ok(all)
    }

    fn is(&self, facet: Facet, value: &str) -> Result<Bits, SearchError> {
        let begins = self.begins(self.fields.is, &is_term(facet, value))?;
        if value == NONE { Ok(begins.or(&self.term(self.fields.is, &none_term(facet))?)) } else { Ok(begins) }
    }

    /// Documents with a word that begins so.
    fn words(&self, words: Words, run: &str) -> Result<Bits, SearchError> {
        match run.chars().count() {
            ..=START_CHARS_MAX => self.term(words.starts, run),
            _ => self.begins(words.all, run),
        }
    }

    /// Documents whose names begin so.
    fn names(&self, text: &str) -> Result<Among, SearchError> {
        match names(self.columns, text) {
            Some(places) => Ok(Among::Names(places)),
            None => Ok(Among::Set(self.begins(self.fields.whole, text)?)),
        }
    }

    /// Documents with a term.
    fn term(&self, field: Field, text: &str) -> Result<Bits, SearchError> {
        self.stretch(field, text, Some(text))
    }

    /// Documents with a term that begins so.
    fn begins(&self, field: Field, text: &str) -> Result<Bits, SearchError> {
        self.stretch(field, text, None)
    }

    /// Documents with a term of a stretch: from `first` to `last`, or all that begin as `first` does.
    fn stretch(&self, field: Field, first: &str, last: Option<&str>) -> Result<Bits, SearchError> {
        let index = self.segment.inverted_index(field)?;
        let terms = index.terms().range().ge(first);
        let mut terms = match last {
            Some(last) => terms.le(last).into_stream()?,
            None => terms.into_stream()?,
        };
        let mut found = self.nothing();
        while terms.advance() {
            if !terms.key().starts_with(first.as_bytes()) {
                break;
            }
            let mut postings = index.read_block_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            loop {
                let documents = postings.docs();
                if documents.is_empty() {
                    break;
                }
                found.insert_all(documents);
                postings.advance();
            }
        }
        Ok(found)
    }
}
