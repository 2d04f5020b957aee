//! What was typed, understood.
//!
//! ```text
//! orders created            both words, each the beginning of a word or inside one of the name
//! "order service"           both, as one
//! orders/+/created          a topic or a filter of either dialect: what is about the same topics
//! owner:fulfilment -kind:group field:email site:berlin tag:pii
//! ```
//! Nothing typed is wrong: what is not understood is a word.

use mesh_protocol::topic::Filter;

use crate::words::runs;

/// Longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 1_000;
/// Most terms of a query; the rest is too many.
pub const TERMS_MAX: usize = 20;

/// Why a query is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is longer than [`QUERY_BYTES_MAX`].
    #[error("is longer than {QUERY_BYTES_MAX} bytes: leave words out")]
    TooLong,
    /// It has more than [`TERMS_MAX`] terms.
    #[error("has more than {TERMS_MAX} words: leave some out")]
    TooMany,
}

/// What documents have values of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    /// What it is.
    Kind,
    /// The application domain.
    Domain,
    /// Who answers for it.
    Owner,
    /// Where.
    Site,
    /// The cluster.
    Broker,
    /// Tags.
    Tag,
    /// Where in its life it is.
    State,
    /// Fields of schemas.
    Field,
}

impl Facet {
    /// Those that results are counted by.
    pub const COUNTED: [Self; 7] =
        [Self::Kind, Self::Domain, Self::Owner, Self::Site, Self::Broker, Self::Tag, Self::State];

    /// As queries and the API write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Domain => "domain",
            Self::Owner => "owner",
            Self::Site => "site",
            Self::Broker => "broker",
            Self::Tag => "tag",
            Self::State => "state",
            Self::Field => "field",
        }
    }

    fn by_prefix(prefix: &str) -> Option<Self> {
        let prefix = prefix.to_ascii_lowercase();
        let all = Self::COUNTED.into_iter().chain([Self::Field]);
        let meant = if prefix == "cluster" { "broker" } else { &prefix };
        all.into_iter().find(|facet| facet.name() == meant)
    }
}

/// A query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// All of them must be met.
    pub terms: Vec<Term>,
    /// The whole of several words in lower case, which may be a name.
    pub whole: Option<String>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// It must not be met.
    pub is_not: bool,
    /// The condition.
    pub what: What,
}

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A word.
    Word(Word),
    /// A topic or filter, which is also a word.
    Address(Word, Vec<Filter>),
    /// A value of a facet begins so; lower case.
    Is(Facet, String),
}

/// A word as it is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case.
    pub text: String,
    /// Its runs of letters and digits.
    pub runs: Vec<String>,
}

impl Word {
    fn of(text: &str) -> Self {
        Self { text: text.to_lowercase(), runs: runs(text).collect() }
    }
}

impl Query {
    /// Understands what was typed.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        let terms: Vec<Term> = split(text).filter_map(|piece| term(&piece)).collect();
        if terms.len() > TERMS_MAX {
            return Err(QueryError::TooMany);
        }
        let is_name = terms.len() > 1 && terms.iter().all(|term| !term.is_not && !matches!(term.what, What::Is(..)));
        Ok(Self { whole: is_name.then(|| text.trim().to_lowercase()), terms })
    }
}

fn term(piece: &Piece) -> Option<Term> {
    let (is_not, text) = match piece.text.strip_prefix('-') {
        Some(rest) if !rest.is_empty() && !piece.is_quoted => (true, rest),
        _ => (false, piece.text.as_str()),
    };
    let what = match text.split_once(':').filter(|_| !piece.is_quoted) {
        Some((prefix, value)) => match Facet::by_prefix(prefix) {
            // Somebody is about to type the value.
            Some(_) if value.is_empty() => return None,
            Some(facet) => Some(What::Is(facet, value.to_lowercase())),
            None => word(text),
        },
        None => word(text),
    };
    Some(Term { is_not, what: what? })
}

fn word(text: &str) -> Option<What> {
    let word = Word::of(text);
    if text.contains('/') {
        let filters = filters(text);
        if !filters.is_empty() {
            return Some(What::Address(word, filters));
        }
    }
    // Signs alone say nothing.
    (!word.runs.is_empty()).then_some(What::Word(word))
}

/// The filters of both dialects that a text may be; `{name}` is a level that varies.
fn filters(text: &str) -> Vec<Filter> {
    let with = |any: &str| -> String {
        let is_variable = |level: &&str| level.starts_with('{') && level.ends_with('}');
        let levels: Vec<&str> = text.split('/').map(|level| if is_variable(&level) { any } else { level }).collect();
        levels.join("/")
    };
    [Filter::mesh(with("*")), Filter::mqtt(with("+"))].into_iter().filter_map(Result::ok).collect()
}

struct Piece {
    text: String,
    /// It begins with a quote.
    is_quoted: bool,
}

/// Cut at spaces that no quotes hold; a quote that does not end holds the rest.
fn split(text: &str) -> impl Iterator<Item = Piece> {
    let mut pieces = Vec::new();
    let (mut here, mut in_quotes, mut is_quoted, mut has_begun) = (String::new(), false, false, false);
    for c in text.chars().chain([' ']) {
        match c {
            '"' => {
                is_quoted |= !has_begun;
                in_quotes = !in_quotes;
                has_begun = true;
            }
            c if c.is_whitespace() && !in_quotes => {
                if !here.is_empty() {
                    pieces.push(Piece { text: std::mem::take(&mut here), is_quoted });
                }
                (is_quoted, has_begun) = (false, false);
            }
            c => {
                here.push(c);
                has_begun = true;
            }
        }
    }
    // The space at the end is inside quotes that nobody closed.
    let rest = here.trim();
    if !rest.is_empty() {
        pieces.push(Piece { text: rest.to_owned(), is_quoted });
    }
    pieces.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<(bool, String)> {
        let query = Query::parse(text).expect("a query");
        let shown = query.terms.into_iter().map(|term| {
            let what = match term.what {
                What::Word(word) => format!("word {}", word.runs.join(" ")),
                What::Address(word, filters) => format!("address {} as {filters:?}", word.runs.join(" ")),
                What::Is(facet, value) => format!("{} {value}", facet.name()),
            };
            (term.is_not, what)
        });
        shown.collect()
    }

    fn positive(text: &str) -> Vec<String> {
        terms(text).into_iter().map(|(_, what)| what).collect()
    }

    #[test]
    fn words_prefixes_quotes_and_minus() {
        assert_eq!(positive("Orders  created"), ["word orders", "word created"]);
        assert_eq!(positive("\"Order service\" x"), ["word order service", "word x"]);
        assert_eq!(positive("owner:\"team Orders\""), ["owner team orders"]);
        assert_eq!(positive("cluster:kafka-a"), ["broker kafka-a"]);
        assert_eq!(terms("-kind:group -old"), [(true, "kind group".to_owned()), (true, "word old".to_owned())]);
        assert_eq!(positive("foo:bar"), ["word foo bar"], "not a prefix");
        assert_eq!(positive("\"owner:x\""), ["word owner x"], "quoted");
    }

    #[test]
    fn nothing_typed_is_wrong() {
        for text in ["", "   ", "owner:", "-", "\"", "\"abc", "* > #", "/", "::", "-\"\""] {
            let _ = Query::parse(text).expect("a query");
        }
        assert_eq!(positive("\"abc"), ["word abc"]);
        assert!(positive("* > - owner:").is_empty());
    }

    #[test]
    fn topics_and_filters_are_of_both_dialects() {
        assert_eq!(
            positive("orders/+/created"),
            ["address orders created as [Filter::Mesh(orders/+/created), Filter::Mqtt(orders/+/created)]"]
        );
        assert_eq!(
            positive("orders/{c}/>"),
            ["address orders c as [Filter::Mesh(orders/*/>), Filter::Mqtt(orders/+/>)]"]
        );
        assert_eq!(positive("a/b#"), ["address a b as [Filter::Mesh(a/b#)]"]);
    }

    #[test]
    fn too_much_is_refused() {
        assert!(Query::parse(&"x ".repeat(TERMS_MAX + 1)).is_err());
        assert!(Query::parse(&"x".repeat(QUERY_BYTES_MAX + 1)).is_err());
        assert_eq!(Query::parse("order Service").expect("a query").whole.as_deref(), Some("order service"));
        assert_eq!(Query::parse("order kind:x").expect("a query").whole, None);
    }
}
