//! Search: one box over everything the portal knows, with the rights of whoever asks.
//!
//! The index is fed from the same facts that pages show. What a person edits at this portal is found at once: a search
//! waits until the index has every edit it could know of. What agents report is found within moments: feeding then waits
//! so long that it takes a twentieth of a core at most ([`REST`]), however large the estate is.

mod documents;
mod feed;
mod why;

use std::collections::BTreeMap;

use frontend::api::{self, FacetValue, SearchHit, SearchKind, SearchPage, SearchQuery};
use mesh_search::{Asked, Document, Facet, Kind, NONE, Order, Place, Query, Results};

use super::page::Slice;
use super::permission::Right;
use super::snapshot::Snapshot;
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;

pub(super) use feed::Feed;
pub use feed::REST;

/// Hits of a page when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 200;
/// Values of one facet that are listed.
const FACET_VALUES_MAX: usize = 20;
/// Bytes of a description that are shown.
const DESCRIPTION_BYTES: usize = 200;

impl App {
    /// Finds anything that the caller may see.
    ///
    /// # Errors
    /// The caller may not, the query is too long, the cursor is wrong, or the database's.
    pub async fn search(&self, caller: &Caller, query: SearchQuery) -> Result<SearchPage> {
        caller.permit(Right::Read)?;
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let parsed = Query::parse(&query.q).map_err(|error| FieldErrors::one("q", error))?;
        let snapshot = self.snapshot().await?;
        let asked = Asked {
            query: parsed.clone(),
            chosen: chosen(&query, &snapshot),
            with_gone: query.gone,
            sight: snapshot.sight(caller).ids(),
            after: slice.after::<(u32, [u64; 3], u64)>()?.map(place),
            limit: slice.limit(),
        };
        let results = self.find(asked).await?;
        let last = results.documents.last().filter(|_| results.has_more);
        Ok(SearchPage {
            next: last.map(|(place, _)| super::page::write(&cursor(*place))),
            total: results.total,
            facets: facets(&results, &snapshot),
            items: results.documents.into_iter().map(|(_, document)| hit(document, &parsed, &snapshot)).collect(),
        })
    }

    /// Asks the index, once it holds every edit there was.
    pub(super) async fn find(&self, asked: Asked) -> Result<Results> {
        self.feed_edits().await?;
        let app = self.clone();
        let searched = tokio::task::spawn_blocking(move || app.0.search.index().search(&asked)).await;
        searched.map_err(|_| Error::Internal("a search did not end"))?.map_err(Into::into)
    }
}

fn place((score, name, key): (u32, [u64; 3], u64)) -> Place {
    Place { score, order: Order { name, key } }
}

fn cursor(place: Place) -> (u32, [u64; 3], u64) {
    (place.score, place.order.name, place.order.key)
}

/// The values that were chosen. A domain stands in the index by its id; one that there is none of finds nothing.
fn chosen(query: &SearchQuery, snapshot: &Snapshot) -> BTreeMap<Facet, String> {
    let domain = query.domain.as_ref().map(|name| {
        let found = snapshot.domains.iter().find(|domain| domain.spec.name == *name);
        found.map_or_else(|| name.clone(), |domain| domain.id.to_string())
    });
    let given = [
        (Facet::Kind, query.kind.map(|kind| kind_of(kind).name().to_owned())),
        (Facet::Domain, domain),
        (Facet::Owner, query.owner.clone()),
        (Facet::Site, query.site.clone()),
        (Facet::Broker, query.broker.clone()),
        (Facet::Tag, query.tag.clone()),
        (Facet::State, query.state.clone()),
    ];
    given.into_iter().filter_map(|(facet, value)| Some((facet, value.filter(|value| !value.is_empty())?))).collect()
}

fn facets(results: &Results, snapshot: &Snapshot) -> Vec<api::Facet> {
    let name_of = |id: &String| {
        let found = snapshot.domains.iter().find(|domain| domain.id.to_string() == *id);
        found.map(|domain| domain.spec.name.clone())
    };
    let facet = |facet: Facet| {
        let counted = results.counts.get(&facet).map(Vec::as_slice).unwrap_or_default();
        let values = counted.iter().filter_map(|(value, count)| {
            let (value, label) = match (facet, value.as_str()) {
                (Facet::Domain, NONE) => (NONE.to_owned(), "no domain".to_owned()),
                (Facet::Owner, NONE) => (NONE.to_owned(), "no owner".to_owned()),
                (Facet::Domain, _) => {
                    let name = name_of(value)?;
                    (name.clone(), name)
                }
                _ => (value.clone(), value.clone()),
            };
            Some(FacetValue { value, label, count: *count })
        });
        api::Facet { field: facet.name().to_owned(), values: values.take(FACET_VALUES_MAX).collect() }
    };
    Facet::COUNTED.into_iter().map(facet).collect()
}

fn hit(document: Document, query: &Query, snapshot: &Snapshot) -> SearchHit {
    SearchHit {
        why: why::why(&document, query),
        kind: kind(document.kind),
        name: document.name,
        description: why::beginning(&document.description, DESCRIPTION_BYTES),
        team: document.owner.as_deref().and_then(|owner| snapshot.team_named(owner)),
        owner: document.owner,
        domain: document.domain.map(|(_, name)| name),
        sites: document.sites,
        broker: document.broker,
        tags: document.tags,
        state: document.state,
        gone: document.is_gone,
        href: document.href,
    }
}

/// Pairs of a kind here and in the contract.
macro_rules! kinds {
    ($($name:ident),*) => {
        const fn kind(of: Kind) -> SearchKind {
            match of { $(Kind::$name => SearchKind::$name),* }
        }
        const fn kind_of(of: SearchKind) -> Kind {
            match of { $(SearchKind::$name => Kind::$name),* }
        }
    };
}

kinds! {
    Address, Event, Schema, Topic, Group, Cluster, User, Transaction, Registry, Subject, Connect, ConnectConnector, Rabbit,
    RabbitExchange, RabbitQueue, RabbitUser, Mqtt, MqttAddress, Application, EventApi, Product, Domain, Team, Client, Queue, Route, Subscription, Rule, Role, Scope,
    Site, Agent
}
