//! Why something was found, when its name does not say it.

use frontend::api::SearchWhy;

use mesh_search::{Document, Facet, Query, What, Word, inner, of_field, tokens};

/// Most reasons of one hit.
const REASONS_MAX: usize = 3;
/// The path of all of a schema.
const WHOLE: &str = "$";
/// Bytes of a text that are shown around what was looked for.
const AROUND_BYTES: usize = 120;

/// The reasons, in the order of the query's words.
pub(super) fn why(document: &Document, query: &Query) -> Vec<SearchWhy> {
    let mut reasons: Vec<SearchWhy> = Vec::new();
    for term in query.terms.iter().filter(|term| !term.is_not) {
        let reason = match &term.what {
            What::Word(word) => of_word(document, word),
            What::Address(word, filters) => {
                let overlaps =
                    |pattern: &&mesh_protocol::topic::Filter| filters.iter().any(|filter| filter.overlaps(pattern));
                match document.patterns.iter().find(overlaps) {
                    Some(pattern) if document.name.contains(pattern.text()) => None,
                    Some(pattern) => Some(reason("topics", pattern.text().to_owned())),
                    None => of_word(document, word),
                }
            }
            What::Is(facet @ (Facet::Field | Facet::Tag), value) => {
                let holds = |text: &&str| {
                    text.to_lowercase().starts_with(value.as_str())
                        || of_field(text).iter().chain(&tokens(text)).any(|part| part.starts_with(value.as_str()))
                };
                let of_field = || of_tag(document, |tag| holds(&tag));
                let found = || document.values(*facet).into_iter().find(holds);
                match facet {
                    Facet::Tag => of_field().or_else(|| found().map(|tag| reason(facet.name(), tag.to_owned()))),
                    _ => found().map(|text| reason(facet.name(), text.to_owned())),
                }
            }
            What::Is(..) => None,
        };
        if let Some(reason) = reason.filter(|reason| !reasons.contains(reason)) {
            reasons.push(reason);
        }
    }
    reasons.truncate(REASONS_MAX);
    reasons
}

fn reason(what: &str, text: String) -> SearchWhy {
    SearchWhy { what: what.to_owned(), text }
}

/// The first field that has such a tag.
fn of_tag(document: &Document, holds: impl Fn(&str) -> bool) -> Option<SearchWhy> {
    let (path, tag) = document.tagged.iter().find(|(_, tag)| holds(tag))?;
    let what = if path == WHOLE { "all of it".to_owned() } else { path.clone() };
    Some(reason("tag", format!("{tag} at {what}")))
}

fn of_word(document: &Document, word: &Word) -> Option<SearchWhy> {
    let mut of_name = tokens(&document.name);
    of_name.extend(inner(&document.name));
    let missing = word.runs.iter().find(|run| !of_name.iter().any(|found| found.starts_with(run.as_str())))?;
    let holds = |text: &&String| tokens(text).iter().any(|found| found.starts_with(missing.as_str()));
    let among = |texts: &Vec<String>| texts.iter().find(holds).cloned();
    let in_owner = || document.owner.as_ref().filter(holds).cloned();
    let in_description = || Some(&document.description).filter(holds).map(|text| around(text, missing));
    among(&document.fields)
        .map(|text| reason("field", text))
        .or_else(|| of_tag(document, |tag| holds(&&tag.to_owned())))
        .or_else(|| among(&document.tags).map(|text| reason("tag", text)))
        .or_else(|| in_owner().map(|text| reason("owner", text)))
        .or_else(|| in_description().map(|text| reason("description", text)))
}

/// The beginning of a text, cut at a space.
pub(super) fn beginning(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = text[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", text[..end].trim_end())
}

/// What stands around the first word that begins with `run`, which is in lower case.
fn around(text: &str, run: &str) -> String {
    let starts = text
        .char_indices()
        .filter(|(at, c)| c.is_alphanumeric() && !text[..*at].chars().next_back().is_some_and(char::is_alphanumeric));
    // A word may begin inside a run (`orderCreated`): then it is shown from the beginning.
    let at = starts.map(|(at, _)| at).find(|at| text[*at..].to_lowercase().starts_with(run)).unwrap_or(0);
    let from = at.saturating_sub(AROUND_BYTES / 3);
    let from = (from..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    // Not from the middle of a word.
    let from = match from {
        0 => 0,
        from => text[from..at].find(char::is_whitespace).map_or(at, |space| from + space),
    };
    let shown = beginning(text[from..].trim_start(), AROUND_BYTES);
    if from == 0 { shown } else { format!("…{shown}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_search::Kind;

    fn reasons(document: &Document, text: &str) -> Vec<(String, String)> {
        let query = Query::parse(text).expect("a query");
        why(document, &query).into_iter().map(|reason| (reason.what, reason.text)).collect()
    }

    #[test]
    fn a_reason_is_given_where_the_name_says_nothing() {
        let mut document = Document::new(Kind::Event, "k".into(), "order-created".into(), String::new());
        document.owner = Some("team fulfilment".into());
        document.tags = vec!["pii".into()];
        document.fields = vec!["order.id".into(), "customer.email".into()];
        document.description = "Sent by the till when somebody has paid".into();
        document.patterns = vec![mesh_protocol::topic::Filter::mesh("orders/*/created").expect("a filter")];
        let of = |what: &str, text: &str| vec![(what.to_owned(), text.to_owned())];
        assert!(reasons(&document, "order created rder").is_empty());
        assert_eq!(reasons(&document, "email"), of("field", "customer.email"));
        assert_eq!(reasons(&document, "field:cust"), of("field", "customer.email"));
        assert_eq!(reasons(&document, "fulf"), of("owner", "team fulfilment"));
        assert_eq!(reasons(&document, "PII"), of("tag", "pii"));
        document.tags = vec!["GDPR".into(), "pii".into()];
        document.tagged = vec![("$".into(), "Open".into()), ("customer.email".into(), "PII".into())];
        assert_eq!(reasons(&document, "tag:pii"), of("tag", "PII at customer.email"));
        assert_eq!(reasons(&document, "pii"), of("tag", "PII at customer.email"));
        assert_eq!(reasons(&document, "tag:gdpr"), of("tag", "GDPR"));
        assert_eq!(reasons(&document, "tag:open"), of("tag", "Open at all of it"));
        assert_eq!(reasons(&document, "paid"), of("description", "Sent by the till when somebody has paid"));
        assert_eq!(reasons(&document, "orders/fr/created"), of("topics", "orders/*/created"));
    }

    #[test]
    fn long_texts_are_cut_between_words() {
        let text = format!("{} the word päid here {}", "lorem ipsum ".repeat(20), "dolor sit ".repeat(40));
        let shown = around(&text, "päi");
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains("päid here"), "{shown}");
        assert!(shown.len() < 2 * AROUND_BYTES);
        assert_eq!(beginning("ä".repeat(10).as_str(), 5), "ää…");
        assert_eq!(beginning("one two", 100), "one two");
    }
}
