//! Everything the portal knows, as documents.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use frontend::api::CatalogKind;
use mesh_protocol::id::{ApplicationDomainId, DesignVersionId, SiteId};
use mesh_protocol::policy::{Action, Effect, Subject};
use mesh_protocol::template::Template;
use mesh_protocol::topic::{Dialect, Filter};
use mesh_search::{Document, Kind, pattern};

use crate::app::catalog::{self, Entry, ObjectKey};
use crate::app::design::Designs;
use crate::app::observed::World;
use crate::domain::application_domain::Claims;
use crate::domain::design::{Address, Content, Graph, Kind as DesignKind, Object, Sharing, State, Version, standing};
use crate::domain::route;

/// Fields of schema versions, by version and its revision.
pub(super) type Fields = HashMap<(DesignVersionId, u64), Arc<SchemaFields>>;

/// The fields of a schema.
#[derive(Debug, Default)]
pub(super) struct SchemaFields {
    paths: Vec<String>,
    /// Those that have tags, each with one of them.
    tagged: Vec<(String, String)>,
}

impl SchemaFields {
    fn of(schema: &mesh_schema::Schema) -> Self {
        let each = |(path, tags): (String, Vec<String>)| tags.into_iter().map(move |tag| (path.clone(), tag));
        Self {
            paths: schema.fields().into_iter().map(|field| field.path).collect(),
            tagged: schema.tagged().into_iter().flat_map(each).collect(),
        }
    }
}

/// Paths of the fields that payloads were seen to have, by address.
pub(super) type SeenFields = HashMap<String, BTreeSet<String>>;

/// All documents, each key once.
pub(super) fn documents(world: &World, designs: &Designs, payloads: &SeenFields, fields: &mut Fields) -> Vec<Document> {
    let writer = Writer {
        world,
        payloads,
        domains: world.config.domains.iter().map(|domain| (domain.spec.name.as_str(), domain.id)).collect(),
        claims: Claims::of(&world.config.domains),
    };
    let mut all: Vec<Document> = world.catalog().iter().map(|entry| writer.entry(entry.clone())).collect();
    let graph = designs.graph();
    let seen = schema_fields(&graph, designs, fields);
    all.extend(designs.objects().iter().map(|object| writer.design(object, &graph, &seen)));
    *fields = seen;
    all.extend(writer.domains());
    all.extend(writer.teams());
    all.extend(writer.queues());
    all.extend(writer.routes());
    all.extend(writer.rules());
    all.extend(writer.roles());
    all.extend(writer.scopes());
    all.extend(writer.places());
    all.extend(writer.subscriptions());
    all
}

/// The fields of every schema version that is still of use, those that are known from before as they were.
fn schema_fields(graph: &Graph<'_>, designs: &Designs, known: &mut Fields) -> Fields {
    let of = |version: &Version| {
        let Content::Schema(schema) = &version.spec.content else { return None };
        let key = (version.id, version.revision);
        let fields = known.remove(&key).unwrap_or_else(|| {
            // A draft may be anything: what is not a schema has no fields.
            let parsed = graph.schema(Some(version.id), schema);
            Arc::new(parsed.map(|schema| SchemaFields::of(&schema)).unwrap_or_default())
        });
        Some((key, fields))
    };
    designs.versions().iter().filter(|version| version.state != State::Retired).filter_map(of).collect()
}

struct Writer<'a> {
    world: &'a World,
    payloads: &'a SeenFields,
    domains: HashMap<&'a str, ApplicationDomainId>,
    claims: Claims<'a>,
}

impl Writer<'_> {
    fn entry(&self, entry: Entry) -> Document {
        let row = entry.row;
        let kind = match row.kind {
            CatalogKind::Address => Kind::Address,
            CatalogKind::Topic => Kind::Topic,
            CatalogKind::Group => Kind::Group,
            CatalogKind::Cluster => Kind::Cluster,
            CatalogKind::User => Kind::User,
            CatalogKind::Transaction => Kind::Transaction,
            CatalogKind::Registry => Kind::Registry,
            CatalogKind::Subject => Kind::Subject,
            CatalogKind::Connect => Kind::Connect,
            CatalogKind::ConnectConnector => Kind::ConnectConnector,
            CatalogKind::Rabbit => Kind::Rabbit,
            CatalogKind::RabbitExchange => Kind::RabbitExchange,
            CatalogKind::RabbitQueue => Kind::RabbitQueue,
            CatalogKind::RabbitUser => Kind::RabbitUser,
            CatalogKind::Mqtt => Kind::Mqtt,
            CatalogKind::MqttAddress => Kind::MqttAddress,
            CatalogKind::Application => Kind::Application,
            CatalogKind::Principal => Kind::Client,
        };
        let fields = match &entry.key {
            ObjectKey::Address(address) => self.payloads.get(address),
            _ => None,
        };
        // Others can be in no domain.
        let may_belong = matches!(entry.key, ObjectKey::Address(_) | ObjectKey::Topic(..));
        let domain = row.domain.and_then(|name| Some((self.domains.get(name.as_str())?.to_string(), name)));
        Document {
            description: row.description,
            owner: Some(row.owner),
            domain: domain.or_else(|| may_belong.then(Default::default)),
            sites: row.sites,
            broker: row.broker,
            fields: fields.into_iter().flatten().cloned().collect(),
            patterns: entry.pattern.into_iter().collect(),
            is_gone: row.gone,
            ..Document::new(kind, entry.key.to_string(), row.name, catalog::href(&entry.key))
        }
    }

    fn design(&self, object: &Object, graph: &Graph<'_>, fields: &Fields) -> Document {
        let kind = match object.kind {
            DesignKind::Event => Kind::Event,
            DesignKind::Schema => Kind::Schema,
            DesignKind::Application => Kind::Application,
            DesignKind::EventApi => Kind::EventApi,
            DesignKind::Product => Kind::Product,
        };
        let versions = graph.versions(object.id);
        let served: Vec<&Version> =
            versions.iter().copied().filter(|version| version.state != State::Retired).collect();
        let domain = self.world.config.domains.iter().find(|domain| domain.id == object.spec.domain);
        let owner = Some(object.spec.owner.as_str()).filter(|owner| !owner.is_empty());
        let owner = owner.or_else(|| Some(self.claims.owner(domain?))).unwrap_or_default();
        let schemas = served.iter().flat_map(|version| match &version.spec.content {
            Content::Schema(_) => vec![version.id],
            Content::Event(event) => event.schemas().filter_map(|(_, schema)| schema).collect(),
            Content::Application(_) | Content::EventApi(_) | Content::Product(_) => Vec::new(),
        });
        let of_schema = |id: DesignVersionId| fields.get(&(id, graph.version(id)?.revision));
        let all: Vec<&Arc<SchemaFields>> = schemas.filter_map(of_schema).collect();
        let mut fields: Vec<String> = all.iter().flat_map(|of| of.paths.iter().cloned()).collect();
        fields.sort_unstable();
        fields.dedup();
        let mut tagged: Vec<(String, String)> = all.iter().flat_map(|of| of.tagged.iter().cloned()).collect();
        tagged.sort_unstable();
        tagged.dedup();
        let mut tags = object.spec.tags.clone();
        for (_, tag) in &tagged {
            if !tags.iter().any(|known| known.eq_ignore_ascii_case(tag)) {
                tags.push(tag.clone());
            }
        }
        let addresses = served.iter().filter_map(|version| match &version.spec.content {
            Content::Event(event) => Address::parse(&event.address).ok().map(|address| address.filter()),
            _ => None,
        });
        let mut patterns: Vec<Filter> = addresses.collect();
        patterns.sort_unstable();
        patterns.dedup();
        let key = format!("design:{}", object.id);
        Document {
            description: object.spec.document.clone(),
            owner: Some(owner.to_owned()),
            domain: domain.map(|domain| (domain.id.to_string(), domain.spec.name.clone())).or(Some(Default::default())),
            tags,
            tagged,
            state: standing(versions)
                .or(versions.last().copied())
                .map(|version| version.state.name().replace(' ', "_")),
            fields,
            patterns,
            is_shared: object.spec.sharing == Sharing::Shared,
            ..Document::new(kind, key, object.spec.name.clone(), format!("/designs/{}", object.id))
        }
    }

    fn domains(&self) -> impl Iterator<Item = Document> {
        self.world.config.domains.iter().map(|domain| {
            let href = format!("/catalog?domain={}", encoded(&domain.spec.name));
            Document {
                description: domain.spec.description.clone(),
                owner: Some(self.claims.owner(domain).to_owned()),
                domain: Some((domain.id.to_string(), domain.spec.name.clone())),
                patterns: filters(&domain.spec.topics),
                ..Document::new(Kind::Domain, format!("domain:{}", domain.id), domain.spec.name.clone(), href)
            }
        })
    }

    fn teams(&self) -> impl Iterator<Item = Document> {
        self.world.config.teams.iter().map(|team| {
            let said = [team.spec.description.as_str(), team.spec.contact.as_str()];
            let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
            Document {
                description: said.join(" · "),
                ..Document::new(
                    Kind::Team,
                    format!("team:{}", team.id),
                    team.spec.name.clone(),
                    format!("/teams/{}", team.id),
                )
            }
        })
    }

    fn queues(&self) -> impl Iterator<Item = Document> {
        self.world.config.mesh.queues.iter().map(|queue| Document {
            sites: vec![self.site(queue.spec.site)],
            patterns: filters(&queue.spec.filters),
            ..Document::new(
                Kind::Queue,
                format!("queue:{}", queue.id),
                queue.spec.name.clone(),
                format!("/queues/{}", queue.id),
            )
        })
    }

    fn routes(&self) -> impl Iterator<Item = Document> {
        self.world.config.mesh.routes.iter().map(|route| {
            let (mut brokers, patterns) = match &route.spec.from {
                route::From::Mesh { filters: texts } => (Vec::new(), filters(texts)),
                route::From::Kafka { broker, template, .. } => {
                    let pattern = Template::parse(template).ok().map(|template| template.pattern());
                    (vec![*broker], pattern.into_iter().collect())
                }
            };
            if let route::To::Kafka { broker, .. } = &route.spec.to {
                brokers.push(*broker);
            }
            let href = format!("/routes/{}", route.id);
            Document {
                description: route.spec.note.clone(),
                sites: brokers.iter().filter_map(|broker| self.world.broker_site(*broker)).collect(),
                broker: brokers.first().and_then(|broker| self.world.broker_name(*broker)),
                patterns,
                ..Document::new(Kind::Route, format!("route:{}", route.id), route.spec.name.clone(), href)
            }
        })
    }

    fn rules(&self) -> impl Iterator<Item = Document> {
        let mesh = &self.world.config.mesh;
        mesh.rules.iter().map(move |rule| {
            let policy = &rule.policy;
            let principal = |id| mesh.principals.iter().find(|principal| principal.id == id);
            let subject = match policy.subject {
                Subject::Anyone => "anyone".to_owned(),
                Subject::Role(id) => {
                    let role = mesh.roles.iter().find(|role| role.id == id);
                    format!("role {}", role.map_or("that is gone", |role| role.name.as_str()))
                }
                Subject::Principal(id) => principal(id).map_or_else(String::new, |found| found.username.clone()),
            };
            let effect = match policy.effect {
                Effect::Allow => "may",
                Effect::Deny => "must not",
            };
            // The filter of a rule about connecting says nothing.
            let is_about_topics = policy.action != Action::Connect;
            let filter = Some(&policy.filter).filter(|_| is_about_topics);
            let action = match policy.action {
                Action::Connect => "connect".to_owned(),
                Action::Publish => format!("publish {}", policy.filter),
                Action::Subscribe => format!("subscribe {}", policy.filter),
                Action::ManageQueue => format!("manage queues of {}", policy.filter),
            };
            let name = format!("{subject} {effect} {action}");
            let of_subject = match policy.subject {
                Subject::Role(id) => format!("role={id}"),
                Subject::Principal(id) => format!("principal={id}"),
                Subject::Anyone => format!("q={}", encoded(policy.filter.text())),
            };
            let href = format!("/acl?{of_subject}");
            Document {
                description: rule.note.clone(),
                sites: policy.sites.iter().map(|site| self.site(*site)).collect(),
                patterns: filter.and_then(|filter| pattern(filter.text(), filter.dialect())).into_iter().collect(),
                ..Document::new(Kind::Rule, format!("rule:{}", policy.id), name, href)
            }
        })
    }

    fn roles(&self) -> impl Iterator<Item = Document> {
        self.world.config.mesh.roles.iter().map(|role| Document {
            description: role.description.clone(),
            ..Document::new(
                Kind::Role,
                format!("role:{}", role.id),
                role.name.clone(),
                format!("/acl?role={}", role.id),
            )
        })
    }

    fn scopes(&self) -> impl Iterator<Item = Document> {
        self.world.config.mesh.scopes.iter().map(|scope| {
            let href = format!("/scopes?q={}", encoded(&scope.policy.name));
            Document {
                description: scope.note.clone(),
                sites: scope.policy.sites.iter().map(|site| self.site(*site)).collect(),
                patterns: vec![scope.policy.filter.clone()],
                ..Document::new(Kind::Scope, format!("scope:{}", scope.id), scope.policy.name.clone(), href)
            }
        })
    }

    /// Sites and agents.
    fn places(&self) -> impl Iterator<Item = Document> {
        let sites = self.world.config.mesh.sites.iter().map(|site| Document {
            sites: vec![site.spec.name.clone()],
            description: site.spec.region.clone(),
            ..Document::new(
                Kind::Site,
                format!("site:{}", site.id),
                site.spec.name.clone(),
                format!("/sites/{}", site.id),
            )
        });
        let agents = self.world.fleet.agents.iter().map(|agent| Document {
            sites: vec![self.site(agent.site)],
            ..Document::new(
                Kind::Agent,
                format!("agent:{}", agent.id),
                agent.name.clone(),
                format!("/agents/{}", agent.id),
            )
        });
        sites.chain(agents)
    }

    /// Who is subscribed to what, each filter of a client once for each site.
    fn subscriptions(&self) -> Vec<Document> {
        let mut all: HashMap<String, Document> = HashMap::new();
        for agent in &self.world.seen.subscriptions {
            let site = self.world.site_of(agent.agent);
            for subscription in &agent.subscriptions {
                let filter = &subscription.filter;
                let who = &subscription.principal_name;
                let dialect = match filter.dialect() {
                    Dialect::Mesh => "mesh",
                    Dialect::Mqtt => "mqtt",
                };
                let key = format!("subscription:{site}:{dialect}:{who}:{}", filter.text());
                let href = format!("/subscriptions?q={}", encoded(filter.text()));
                all.entry(key.clone()).or_insert_with(|| Document {
                    description: if who.is_empty() { String::new() } else { format!("of {who}") },
                    sites: vec![site.clone()],
                    patterns: vec![filter.clone()],
                    ..Document::new(Kind::Subscription, key, filter.text().to_owned(), href)
                });
            }
        }
        all.into_values().collect()
    }

    fn site(&self, id: SiteId) -> String {
        self.world.config.site_name(id)
    }
}

fn filters(texts: &[String]) -> Vec<Filter> {
    // What was stored was checked.
    texts.iter().filter_map(|text| Filter::mesh(text).ok()).collect()
}

/// A value in the query of a page's address.
fn encoded(text: &str) -> String {
    frontend::api::encoded(text)
}
