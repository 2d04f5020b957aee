//! A query of the domain as one of tantivy.

use std::ops::Bound;

use tantivy::Term as IndexTerm;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, Query as IndexQuery, RangeQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::names::Names;
use super::schema::{Fields, is_term, none_term};
use crate::domain::search::{
    Facet, INNER_CHARS_MIN, NONE, Query, SCORE_ADDRESS, SCORE_ANYWHERE_ADDRESS, SCORE_INNER, SCORE_NAME,
    SCORE_NAME_BEGINS, SCORE_NAME_WORD, SCORE_TEXT, Wanted, What, Word, condition,
};

/// Greater than every text that goes on behind the same beginning.
const LAST: char = '\u{10FFFF}';

type Boxed = Box<dyn IndexQuery>;

/// All terms of a query.
pub(super) fn query(fields: &Fields, names: &Names, query: &Query) -> Boxed {
    let mut clauses: Vec<(Occur, Boxed)> = Vec::new();
    for term in &query.terms {
        let what = match &term.what {
            What::Word(word) => any(of_word(fields, word)),
            What::Address(word, filters) => {
                let mut ways = of_word(fields, word);
                for filter in filters {
                    ways.extend(of_filter(fields, names, filter));
                }
                any(ways)
            }
            What::Is(facet, value) => scored(is(fields, *facet, value), 0),
        };
        clauses.push((if term.is_not { Occur::MustNot } else { Occur::Must }, what));
    }
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, scored(Box::new(AllQuery), 0)));
    }
    if let Some(whole) = &query.whole {
        let ways =
            vec![scored(term(fields.whole, whole), SCORE_NAME), scored(begins(fields.whole, whole), SCORE_NAME_BEGINS)];
        clauses.push((Occur::Should, any(ways)));
    }
    Box::new(BooleanQuery::new(clauses))
}

/// The ways a word may be found, each with its score.
fn of_word(fields: &Fields, word: &Word) -> Vec<Boxed> {
    if word.runs.is_empty() {
        return Vec::new();
    }
    let all = |of_run: &dyn Fn(&String) -> Boxed| and(word.runs.iter().map(of_run).collect());
    let inside = |run: &String| match run.chars().count() {
        INNER_CHARS_MIN.. => or(vec![begins(fields.name, run), begins(fields.inner, run)]),
        _ => begins(fields.name, run),
    };
    let anywhere = |run: &String| or(vec![begins(fields.name, run), begins(fields.text, run)]);
    vec![
        scored(term(fields.whole, &word.text), SCORE_NAME),
        scored(begins(fields.whole, &word.text), SCORE_NAME_BEGINS),
        scored(all(&|run| begins(fields.name, run)), SCORE_NAME_WORD),
        scored(all(&inside), SCORE_INNER),
        scored(all(&anywhere), SCORE_TEXT),
    ]
}

/// What overlaps a filter. A document's filters are told apart by number, for no two of them may meet the condition together.
fn of_filter(fields: &Fields, names: &Names, filter: &mesh_protocol::topic::Filter) -> Vec<Boxed> {
    let condition = condition(filter);
    let mut ways = Vec::new();
    for (prefix, score) in [('a', SCORE_ADDRESS), ('z', SCORE_ANYWHERE_ADDRESS)] {
        for i in 0..names.filters() {
            let of = |text: &str| format!("{prefix}{i}|{text}");
            let wanted = |wanted: &Wanted| match wanted {
                Wanted::Term(text) => term(fields.level, &of(text)),
                Wanted::Begins(text) => begins(fields.level, &of(text)),
            };
            let any = |ways: &Vec<Wanted>| or(ways.iter().map(wanted).collect());
            let mut clauses: Vec<(Occur, Boxed)> = condition.all.iter().map(|ways| (Occur::Must, any(ways))).collect();
            clauses.extend(condition.none.iter().map(|text| (Occur::MustNot, term(fields.level, &of(text)))));
            ways.push(scored(Box::new(BooleanQuery::new(clauses)), score));
        }
    }
    ways
}

fn is(fields: &Fields, facet: Facet, value: &str) -> Boxed {
    let begins = begins(fields.is, &is_term(facet, value));
    if value == NONE { or(vec![begins, term(fields.is, &none_term(facet))]) } else { begins }
}

fn term(field: Field, text: &str) -> Boxed {
    Box::new(TermQuery::new(IndexTerm::from_field_text(field, text), IndexRecordOption::Basic))
}

fn begins(field: Field, text: &str) -> Boxed {
    let first = IndexTerm::from_field_text(field, text);
    let last = IndexTerm::from_field_text(field, &format!("{text}{LAST}"));
    Box::new(RangeQuery::new(Bound::Included(first), Bound::Excluded(last)))
}

fn scored(query: Boxed, score: u8) -> Boxed {
    Box::new(ConstScoreQuery::new(query, f32::from(score)))
}

fn and(mut all: Vec<Boxed>) -> Boxed {
    if all.len() == 1 { all.remove(0) } else { Box::new(BooleanQuery::intersection(all)) }
}

fn or(mut ways: Vec<Boxed>) -> Boxed {
    if ways.len() == 1 { ways.remove(0) } else { Box::new(BooleanQuery::union(ways)) }
}

/// The best of several ways.
fn any(ways: Vec<Boxed>) -> Boxed {
    if ways.is_empty() { Box::new(EmptyQuery) } else { Box::new(DisjunctionMaxQuery::new(ways)) }
}
