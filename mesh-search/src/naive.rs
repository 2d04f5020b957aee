//! The definition: every document is asked. The index must find the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Document, NONE};
use crate::pattern::is_anchored;
use crate::query::{Facet, Query, What, Word};
use crate::rank::{
    Order, SCORE_ADDRESS, SCORE_ANYWHERE_ADDRESS, SCORE_INNER, SCORE_NAME, SCORE_NAME_BEGINS, SCORE_NAME_WORD,
    SCORE_TEXT,
};
use crate::words::{INNER_CHARS_MIN, inner, of_field, tokens};

/// What somebody asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) query: Query,
    pub(crate) chosen: BTreeMap<Facet, String>,
    pub(crate) with_gone: bool,
    /// Ids of the domains that may be seen; none = everything may.
    pub(crate) sight: Option<Vec<String>>,
}

/// What is found: keys in their order, and counts by facet and value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) keys: Vec<String>,
    pub(crate) counts: BTreeMap<Facet, BTreeMap<String, u64>>,
}

pub(crate) fn search(documents: &[Document], asked: &Asked) -> Answer {
    let mut answer = Answer::default();
    let mut found = Vec::new();
    for document in documents {
        if !may_see(document, asked) || (document.is_gone && !asked.with_gone) {
            continue;
        }
        let Some(score) = score(document, &asked.query) else { continue };
        let misses: Vec<Facet> = asked
            .chosen
            .iter()
            .filter(|(facet, value)| !document.values(**facet).contains(&value.as_str()))
            .map(|(facet, _)| *facet)
            .collect();
        for facet in Facet::COUNTED {
            if misses.iter().all(|missed| *missed == facet) {
                for value in BTreeSet::from_iter(document.values(facet)) {
                    *answer.counts.entry(facet).or_default().entry(value.to_owned()).or_default() += 1;
                }
            }
        }
        if misses.is_empty() {
            found.push((std::cmp::Reverse(score), Order::of(&document.name, &document.key), document.key.clone()));
        }
    }
    found.sort();
    answer.keys = found.into_iter().map(|(.., key)| key).collect();
    answer
}

fn may_see(document: &Document, asked: &Asked) -> bool {
    let Some(sight) = &asked.sight else { return true };
    let of_it = |(id, _): &(String, String)| !id.is_empty() && sight.contains(id);
    document.is_shared || document.domain.as_ref().is_some_and(of_it)
}

/// Its score; none = not found.
fn score(document: &Document, query: &Query) -> Option<u32> {
    let mut sum = 0;
    for term in &query.terms {
        let score = match &term.what {
            What::Word(word) => of_word(document, word),
            What::Address(word, filters) => {
                let overlapping =
                    document.patterns.iter().filter(|pattern| filters.iter().any(|filter| filter.overlaps(pattern)));
                let of_address = |pattern| if is_anchored(pattern) { SCORE_ADDRESS } else { SCORE_ANYWHERE_ADDRESS };
                overlapping.map(of_address).chain(of_word(document, word)).max()
            }
            What::Is(facet, value) => has(document, *facet, value).then_some(0),
        };
        match (score, term.is_not) {
            (None, true) => {}
            (Some(score), false) => sum += u32::from(score),
            _ => return None,
        }
    }
    let name = document.name.to_lowercase();
    sum += match &query.whole {
        Some(whole) if name == *whole => u32::from(SCORE_NAME),
        Some(whole) if name.starts_with(whole) => u32::from(SCORE_NAME_BEGINS),
        _ => 0,
    };
    Some(sum)
}

fn of_word(document: &Document, word: &Word) -> Option<u8> {
    let name = document.name.to_lowercase();
    if word.runs.is_empty() {
        return None;
    }
    let begins =
        |words: &[String]| word.runs.iter().all(|run| words.iter().any(|found| found.starts_with(run.as_str())));
    let of_name = tokens(&document.name);
    let inside = inner(&document.name);
    let is_inside = |run: &String| {
        let starts = |words: &[String]| words.iter().any(|found| found.starts_with(run.as_str()));
        starts(&of_name) || (run.chars().count() >= INNER_CHARS_MIN && starts(&inside))
    };
    let everything: Vec<String> = of_name.iter().cloned().chain(document.text_tokens()).collect();
    if name == word.text {
        Some(SCORE_NAME)
    } else if name.starts_with(&word.text) {
        Some(SCORE_NAME_BEGINS)
    } else if begins(&of_name) {
        Some(SCORE_NAME_WORD)
    } else if word.runs.iter().all(is_inside) {
        Some(SCORE_INNER)
    } else if begins(&everything) {
        Some(SCORE_TEXT)
    } else {
        None
    }
}

fn has(document: &Document, facet: Facet, value: &str) -> bool {
    let begins = |text: &str| {
        text.to_lowercase().starts_with(value)
            || tokens(text).iter().any(|word| word.starts_with(value))
            || (facet == Facet::Field && of_field(text).iter().any(|rest| rest.starts_with(value)))
    };
    let values = document.values(facet);
    if value == NONE && values.contains(&NONE) {
        return true;
    }
    values.into_iter().filter(|text| *text != NONE).any(begins)
}
