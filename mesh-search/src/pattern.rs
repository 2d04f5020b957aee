//! Filters as sets of short texts, so that an index finds those that overlap another without reading each.
//!
//! What a document's filter allows is written as terms: what stands at each level, how long a topic may be. Whether it
//! overlaps a query's filter is then a [`Condition`] over terms, exactly: a test holds both against [`Filter::overlaps`].

use mesh_protocol::topic::{Dialect, Filter};

/// A term of every filter.
const FILTER: &str = "filter";

/// What must hold of the terms of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Of each at least one: a term, or one that begins so.
    pub(crate) all: Vec<Vec<Wanted>>,
    /// None of these.
    pub(crate) none: Vec<String>,
}

/// A term that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// This one.
    Term(String),
    /// Any that begins so.
    Begins(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level<'a> {
    Exact(&'a str),
    Begins(&'a str),
    Any,
}

/// A filter taken apart: levels, and how many more may follow.
struct Parts<'a> {
    levels: Vec<Level<'a>>,
    /// The fewest levels of a topic.
    least: usize,
    /// More may follow.
    is_open: bool,
}

impl<'a> Parts<'a> {
    fn of(filter: &'a Filter) -> Self {
        let mut levels: Vec<&str> = filter.text().split('/').collect();
        let (tail, more) = match filter.dialect() {
            Dialect::Mesh => (">", 1),
            Dialect::Mqtt => ("#", 0),
        };
        let is_open = levels.last() == Some(&tail);
        if is_open {
            levels.pop();
        }
        let level = |text: &'a str| match filter.dialect() {
            Dialect::Mesh => match text.strip_suffix('*') {
                Some("") => Level::Any,
                Some(begin) => Level::Begins(begin),
                None => Level::Exact(text),
            },
            Dialect::Mqtt if text == "+" => Level::Any,
            Dialect::Mqtt => Level::Exact(text),
        };
        let levels: Vec<Level<'a>> = levels.into_iter().map(level).collect();
        let mut least = levels.len() + if is_open { more } else { 0 };
        // A topic is not empty: nothing is as long as one empty level, or as none.
        if is_open && (least == 0 || (least == 1 && levels.first() == Some(&Level::Exact("")))) {
            least += 1;
        }
        Self { levels, least, is_open }
    }

    /// It stands first and matches no topic that begins with `$`.
    fn begins_with_any(&self) -> bool {
        self.levels.first().is_none_or(|first| *first == Level::Any)
    }

    fn begins_with_dollar(&self) -> bool {
        matches!(self.levels.first(), Some(Level::Exact(text) | Level::Begins(text)) if text.starts_with('$'))
    }
}

/// The filter of all topics that a text with variables may mean: `{name}` and `${name}` are any level.
#[must_use]
pub fn pattern(text: &str, dialect: Dialect) -> Option<Filter> {
    let any = match dialect {
        Dialect::Mesh => "*",
        Dialect::Mqtt => "+",
    };
    let varies = |level: &str| level.contains("${") || (level.starts_with('{') && level.ends_with('}'));
    let levels: Vec<&str> = text.split('/').map(|level| if varies(level) { any } else { level }).collect();
    Filter::parse(&levels.join("/"), dialect).ok()
}

/// Whether the first level says something: `>` and `*/created` are about too much to be what somebody looks for.
#[must_use]
pub(crate) fn is_anchored(filter: &Filter) -> bool {
    !Parts::of(filter).begins_with_any()
}

/// The term of a level that is there, whatever stands in it.
fn there(level: usize) -> String {
    format!("{level}.")
}

/// What an index keeps of a filter.
#[must_use]
pub(crate) fn terms(filter: &Filter) -> Vec<String> {
    let parts = Parts::of(filter);
    let of_level = |(i, level): (usize, &Level<'_>)| match level {
        Level::Exact(text) => format!("{i}={text}"),
        Level::Begins(text) => format!("{i}^{text}"),
        Level::Any => format!("{i}*"),
    };
    let mut terms: Vec<String> = parts.levels.iter().enumerate().map(of_level).collect();
    terms.push(FILTER.to_owned());
    terms.extend((0..parts.levels.len()).map(there));
    if parts.is_open {
        terms.push(format!("tail {}", parts.levels.len()));
        terms.push(format!("least {}", parts.least));
    } else {
        terms.push(format!("long {}", parts.least));
    }
    if parts.begins_with_dollar() {
        terms.push("$".to_owned());
    }
    if parts.begins_with_any() {
        terms.push("any".to_owned());
    }
    terms
}

/// What the terms of a filter must hold for it to overlap this one.
#[must_use]
pub(crate) fn condition(filter: &Filter) -> Condition {
    let parts = Parts::of(filter);
    let mut all = Vec::new();
    for (i, level) in parts.levels.iter().enumerate() {
        // Whatever is free there, and what has ended before in "and so on".
        let mut wanted = Vec::new();
        wanted.extend((0..=i).map(|at| Wanted::Term(format!("tail {at}"))));
        match level {
            Level::Any => wanted.push(Wanted::Term(there(i))),
            Level::Exact(text) => {
                wanted.push(Wanted::Term(format!("{i}*")));
                wanted.push(Wanted::Term(format!("{i}={text}")));
                wanted.extend(beginnings(text).map(|begin| Wanted::Term(format!("{i}^{begin}"))));
            }
            Level::Begins(text) => {
                wanted.push(Wanted::Term(format!("{i}*")));
                wanted.push(Wanted::Begins(format!("{i}={text}")));
                wanted.push(Wanted::Begins(format!("{i}^{text}")));
                wanted.extend(beginnings(text).map(|begin| Wanted::Term(format!("{i}^{begin}"))));
            }
        }
        all.push(wanted);
    }
    let mut none = Vec::new();
    if parts.is_open {
        none.extend((0..parts.least).map(|long| format!("long {long}")));
    } else {
        let mut long = vec![Wanted::Term(format!("long {}", parts.least))];
        long.extend((0..=parts.least).map(|least| Wanted::Term(format!("least {least}"))));
        all.push(long);
    }
    if all.is_empty() {
        all.push(vec![Wanted::Term(FILTER.to_owned())]);
    }
    if parts.begins_with_any() {
        none.push("$".to_owned());
    }
    if parts.begins_with_dollar() {
        none.push("any".to_owned());
    }
    Condition { all, none }
}

/// Every beginning of a text but the empty one.
fn beginnings(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, c)| &text[..at + c.len_utf8()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(condition: &Condition, terms: &[String]) -> bool {
        let has = |wanted: &Wanted| match wanted {
            Wanted::Term(term) => terms.contains(term),
            Wanted::Begins(begin) => terms.iter().any(|term| term.starts_with(begin.as_str())),
        };
        condition.all.iter().all(|any| any.iter().any(has)) && !condition.none.iter().any(|term| terms.contains(term))
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let level = prop::sample::select(vec!["", "a", "ab", "b", "a*", "ab*", "*", "+", "$s", "$*", "$", ">"]);
        let levels = prop::collection::vec(level, 1..4);
        (levels, prop::sample::select(vec!["", ">", "#"]), any::<bool>()).prop_filter_map(
            "a filter",
            |(mut levels, tail, is_mesh)| {
                if !tail.is_empty() {
                    levels.push(tail);
                }
                let dialect = if is_mesh { Dialect::Mesh } else { Dialect::Mqtt };
                Filter::parse(&levels.join("/"), dialect).ok()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn a_condition_holds_for_the_filters_that_overlap(one in filter(), two in filter()) {
            prop_assert_eq!(holds(&condition(&one), &terms(&two)), one.overlaps(&two), "{:?} {:?}", one, two);
        }
    }

    #[test]
    fn catch_alls_alone() {
        let all = [Filter::mesh(">").expect("a filter"), Filter::mqtt("#").expect("a filter")];
        let some = Filter::mesh("orders/*/created").expect("a filter");
        let system = Filter::mesh("$SYS/load").expect("a filter");
        for any in &all {
            assert!(holds(&condition(any), &terms(&some)) && holds(&condition(&some), &terms(any)));
            assert!(!holds(&condition(any), &terms(&system)) && !holds(&condition(&system), &terms(any)));
            assert!(!is_anchored(any));
        }
        assert!(is_anchored(&some));
    }

    #[test]
    fn variables_are_levels() {
        let text = |filter: Option<Filter>| filter.map(|filter| filter.text().to_owned());
        assert_eq!(text(pattern("devices/${username}/#", Dialect::Mqtt)).as_deref(), Some("devices/+/#"));
        assert_eq!(text(pattern("orders/{country}/created", Dialect::Mesh)).as_deref(), Some("orders/*/created"));
        assert_eq!(text(pattern("a/#/b", Dialect::Mqtt)), None);
    }
}
