//! The index against its definition: every question is also put to every document.

use std::collections::BTreeMap;

use mesh_protocol::topic::Filter;
use proptest::prelude::*;

use super::*;
use crate::document::{Kind, NONE};
use crate::naive::{self, Answer};

mod speed;

const DOMAINS: usize = 5;

fn domain_name(id: &str) -> String {
    format!("Domain {id}")
}

/// Small vocabularies, so that documents and questions meet.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "orders",
        "order",
        "Created",
        "orderCreated",
        "de",
        "fr",
        "dev7777",
        "x",
        "größe",
        "v2",
        "{country}",
    ]);
    let separator = prop::sample::select(vec!["/", ".", "-", " ", "_"]);
    (prop::collection::vec(part, 1..4), separator).prop_map(|(parts, separator)| parts.join(separator))
}

fn filter() -> impl Strategy<Value = Filter> {
    let level = prop::sample::select(vec!["orders", "order", "de", "fr", "*", "or*", "created", "$SYS", ""]);
    (prop::collection::vec(level, 1..4), any::<bool>()).prop_filter_map("a filter", |(mut levels, is_open)| {
        if is_open {
            levels.push(">");
        }
        Filter::mesh(levels.join("/")).ok()
    })
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(of.to_vec())
}

fn document() -> impl Strategy<Value = Document> {
    let owners = some(&[None, Some(""), Some("team orders"), Some("Fulfilment"), Some("nonesuch"), Some(NONE)]);
    let domain = prop::option::of(0..=DOMAINS);
    let tags = prop::collection::vec(some(&["pii", "gold", "PII-2"]), 0..3);
    let sites = prop::collection::vec(some(&["berlin", "lyon", "hq"]), 0..3);
    let fields = prop::collection::vec(some(&["customer.email", "lines[].sku", "orderId"]), 0..3);
    let texts = (name(), some(&["", "Created by the shop", "orders of a country"]), owners, some(&Kind::ALL));
    let sets = (domain, tags, sites, fields, prop::collection::vec(filter(), 0..3));
    let rest = (some(&[None, Some("draft"), Some("released")]), some(&[None, Some("kafka-a")]), 0..10_u8, 0..10_u8);
    (texts, sets, rest).prop_map(|(texts, sets, (state, broker, gone, shared))| {
        let (name, description, owner, kind) = texts;
        let (domain, tags, sites, fields, patterns) = sets;
        let strings = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Document {
            description: description.to_owned(),
            owner: owner.map(str::to_owned),
            domain: domain.map(|at| match at {
                0 => (String::new(), String::new()),
                at => (at.to_string(), domain_name(&at.to_string())),
            }),
            tags: strings(tags),
            sites: strings(sites),
            fields: strings(fields),
            patterns,
            state: state.map(str::to_owned),
            broker: broker.map(str::to_owned),
            is_gone: gone == 0,
            is_shared: shared == 0,
            ..Document::new(kind, String::new(), name, String::new())
        }
    })
}

fn documents() -> impl Strategy<Value = Vec<Document>> {
    prop::collection::vec(document(), 0..40).prop_map(|mut all| {
        all.iter_mut().enumerate().for_each(|(i, document)| document.key = format!("key-{i}"));
        all
    })
}

fn query() -> impl Strategy<Value = String> {
    let term = some(&[
        "orders",
        "ord",
        "Order",
        "created",
        "rder",
        "77",
        "777",
        "de",
        "orders.de",
        "orders/+/created",
        "orders/>",
        "+/de",
        "orders/de/created",
        "$SYS/#",
        "\"order created\"",
        "owner:team",
        "owner:none",
        "domain:none",
        "kind:to",
        "-kind:group",
        "tag:pii",
        "field:email",
        "field:lines[].s",
        "site:ber",
        "state:dr",
        "cluster:kafka",
        "-created",
        "größe",
        "country",
        "//",
        "-orders/*/created",
    ]);
    prop::collection::vec(term, 0..4).prop_map(|terms| terms.join(" "))
}

/// What is chosen, and whose domains may be seen.
type Limits = (Option<&'static str>, Option<&'static str>, Option<usize>, bool, Option<Vec<usize>>);

fn limits() -> impl Strategy<Value = Limits> {
    (
        prop::option::weighted(0.3, some(&["topic", "address", "nothing"])),
        prop::option::weighted(0.3, some(&["team orders", NONE])),
        prop::option::weighted(0.3, 0..=DOMAINS),
        any::<bool>(),
        prop::option::of(prop::collection::vec(1..=DOMAINS, 0..3)),
    )
}

/// What both are asked; the index knows domains by id, the definition by name.
fn asked(text: &str, limits: &Limits) -> (Asked, naive::Asked) {
    let (kind, owner, domain, with_gone, sight) = limits;
    let query = Query::parse(text).expect("a query");
    let sight = sight.as_ref().map(|ids| ids.iter().map(usize::to_string).collect::<Vec<_>>());
    let mut chosen: BTreeMap<Facet, String> = BTreeMap::new();
    chosen.extend(kind.map(|kind| (Facet::Kind, kind.to_owned())));
    chosen.extend(owner.map(|owner| (Facet::Owner, owner.to_owned())));
    let mut by_id = chosen.clone();
    if let Some(at) = domain {
        let id = at.to_string();
        by_id.insert(Facet::Domain, if *at == 0 { NONE.to_owned() } else { id.clone() });
        chosen.insert(Facet::Domain, if *at == 0 { NONE.to_owned() } else { domain_name(&id) });
    }
    let ours = Asked {
        query: query.clone(),
        chosen: by_id,
        with_gone: *with_gone,
        sight: sight.clone(),
        after: None,
        limit: 7,
    };
    (ours, naive::Asked { query, chosen, with_gone: *with_gone, sight })
}

/// All pages of an answer, put together as the definition gives it.
fn all_pages(index: &SearchIndex, mut asked: Asked) -> Answer {
    let mut answer = Answer::default();
    loop {
        let results = index.search(&asked).expect("results");
        answer.keys.extend(results.documents.iter().map(|(_, document)| document.key.clone()));
        answer.counts = results
            .counts
            .iter()
            .filter(|(_, counts)| !counts.is_empty())
            .map(|(facet, counts)| {
                let name = |id: &str| match facet {
                    Facet::Domain if id != NONE => domain_name(id),
                    _ => id.to_owned(),
                };
                (*facet, counts.iter().map(|(id, count)| (name(id), *count)).collect())
            })
            .collect();
        assert!(results.documents.len() <= asked.limit);
        if !results.has_more {
            assert_eq!(results.total, answer.keys.len() as u64, "the count of all is what all pages hold");
            return answer;
        }
        asked.after = results.documents.last().map(|(place, _)| *place);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_the_definition_says(
        first in documents(),
        second in documents(),
        questions in prop::collection::vec((query(), limits()), 20),
    ) {
        let index = SearchIndex::new().expect("an index");
        index.apply(&first, &[]).expect("an index");
        // The second lot takes the place of some of the first; every third of the rest is dropped.
        let rest: Vec<&Document> = first.iter().skip(second.len()).collect();
        let gone: Vec<u64> = rest.iter().step_by(3).map(|document| hash(&document.key)).collect();
        index.apply(&second, &gone).expect("an index");
        let is_left = |document: &&&Document| !gone.contains(&hash(&document.key));
        let documents: Vec<Document> =
            second.iter().chain(rest.iter().filter(is_left).copied()).cloned().collect();
        prop_assert_eq!(index.len(), documents.len() as u64);
        for (text, limits) in &questions {
            let (ours, theirs) = asked(text, limits);
            let found = all_pages(&index, ours);
            let mut defined = naive::search(&documents, &theirs);
            defined.counts.retain(|_, counts| !counts.is_empty());
            prop_assert_eq!(found, defined, "{:?} {:?}", text, limits);
        }
    }
}

#[test]
fn what_is_not_in_a_domain_of_the_viewer_is_not_even_counted() {
    let document = |i: usize| {
        let id = (i % 40).to_string();
        Document {
            domain: Some((id.clone(), domain_name(&id))),
            owner: Some(format!("team {}", i % 40)),
            tags: vec![format!("tag-{}", i % 40)],
            ..Document::new(Kind::Topic, format!("key-{i}"), format!("orders.{i}"), String::new())
        }
    };
    let documents: Vec<Document> = (0..400).map(document).collect();
    let index = SearchIndex::new().expect("an index");
    index.apply(&documents, &[]).expect("an index");
    let sight = vec!["3".to_owned(), "17".to_owned(), "39".to_owned()];
    for text in ["", "orders", "tag:tag-1", "owner:team", "-orders", "tag-5"] {
        let (ours, theirs) = asked(text, &(None, None, None, true, None));
        let (ours, theirs) =
            (Asked { sight: Some(sight.clone()), ..ours }, naive::Asked { sight: Some(sight.clone()), ..theirs });
        let results = all_pages(&index, ours);
        let defined = naive::search(&documents, &theirs);
        assert_eq!(results, defined, "{text}");
        let domains = defined.counts.get(&Facet::Domain).map_or(0, BTreeMap::len);
        assert!(domains <= 3, "{text}: {domains} domains are counted");
    }
}
