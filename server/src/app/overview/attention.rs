//! What needs somebody, worst first: each with what to do and where.

use frontend::api::{Attention, CatalogKind, DriftCounts, Severity};
use mesh_protocol::desired::SurveyedKind;
use mesh_protocol::id::BrokerId;
use mesh_protocol::report::{BehindReason, LinkState, Part, PartRef, PartState};

use super::{enrolled, links_between};
use crate::app::link::backlog;
use crate::app::observed::World;
use crate::domain::agent::{Agent, Presence, Progress, progress};
use crate::domain::broker::Target;
use crate::domain::denial::Denial;
use crate::domain::link::Link;

/// A certificate that ends within this is worth a look: agents renew theirs long before (14 days).
const CERTIFICATE_WARN_MS: i64 = 14 * 24 * 3_600_000;
/// So long its agents may take to connect a link that was just made or switched on.
const CONNECTING_MS: i64 = 10_000;
/// So long an agent may answer that it does not take anything yet: a new policy gets everywhere in seconds.
const BEHIND_MS: i64 = 5 * 60_000;
/// Most entries; the worst are kept.
const ENTRIES_MAX: usize = 20;

pub(super) fn attention(world: &World, denials: &[Denial], drift: DriftCounts) -> Vec<Attention> {
    let mut all: Vec<Attention> = enrolled(world).flat_map(|agent| of_agent(agent, world)).collect();
    all.extend(empty_sites(world));
    all.extend(links(world));
    all.extend(scans(world));
    all.extend(refusals(denials, world));
    all.extend(unowned(world));
    all.extend(differing(drift));
    all.sort_by(|a, b| a.severity.cmp(&b.severity).then_with(|| b.since.cmp(&a.since)));
    all.truncate(ENTRIES_MAX);
    all
}

fn of_agent(agent: &Agent, world: &World) -> Vec<Attention> {
    let href = format!("/agents/{}", agent.id);
    let status = world.fleet.status(agent.id);
    let mut all = Vec::new();
    match agent.presence(world.now_ms()) {
        Presence::Offline(since) => all.push(Attention {
            severity: Severity::Bad,
            title: format!("{} is offline", agent.name),
            detail: "It keeps serving with the last policy it has; look whether its process and its way to the portal are up."
                .to_owned(),
            href: href.clone(),
            since: Some(since),
        }),
        Presence::Never => all.push(Attention {
            severity: Severity::Warn,
            title: format!("{} enrolled and was never seen", agent.name),
            detail: "Start it with `mesh-agent run` where it was joined.".to_owned(),
            href: href.clone(),
            since: Some(agent.created_at_ms),
        }),
        Presence::Online(_) => {
            let parts = status.map(|status| status.parts.as_slice()).unwrap_or_default();
            all.extend(parts.iter().filter_map(|part| of_part(part, agent, world)));
            all.extend(parts.iter().filter_map(|part| letters(part, agent, world)));
            let links = status.map(|status| status.links.as_slice()).unwrap_or_default();
            all.extend(links.iter().filter_map(|link| not_taken(link, agent, world)));
        }
    }
    if let Progress::Rejected(reason) = progress(world.config.revision(), status) {
        all.push(Attention {
            severity: Severity::Bad,
            title: format!("{} refused revision {}", agent.name, world.config.revision().revision),
            detail: format!("{reason}. It keeps what it had."),
            href: href.clone(),
            since: None,
        });
    }
    if agent.certificate_ends_at_ms.saturating_sub(world.now_ms()) < CERTIFICATE_WARN_MS {
        all.push(Attention {
            severity: Severity::Warn,
            title: format!("the certificate of {} ends soon", agent.name),
            detail: "Agents renew theirs by themselves after 30 days; look at the agent's log.".to_owned(),
            href,
            since: None,
        });
    }
    all
}

fn of_part(part: &Part, agent: &Agent, world: &World) -> Option<Attention> {
    let severity = match part.state {
        PartState::Failing | PartState::Rejected => Severity::Bad,
        PartState::Degraded => Severity::Warn,
        PartState::Starting | PartState::Running => return None,
    };
    let (what, href) = named(part.object, agent, world)?;
    let verb = if part.state == PartState::Degraded { "works only partly" } else { "does not work" };
    Some(Attention {
        severity,
        title: format!("{what} {verb} at {}", agent.name),
        detail: part.detail.clone().unwrap_or_else(|| "The agent tries again by itself.".to_owned()),
        href,
        since: Some(part.since_ms),
    })
}

/// A part as people call it, and the page where it is seen.
fn named(part: PartRef, agent: &Agent, world: &World) -> Option<(String, String)> {
    let mesh = &world.config.mesh;
    let route = |id| mesh.routes.iter().find(|route| route.id == id).map(|route| route.spec.name.clone());
    Some(match part {
        PartRef::Listener(id) => {
            let listener = mesh.listeners.iter().find(|found| found.id == id)?;
            (format!("listener {}", listener.spec.name), format!("/sites/{}", listener.spec.site))
        }
        PartRef::Source(id) | PartRef::Sink(id) => (format!("route {}", route(id)?), format!("/routes/{id}")),
        PartRef::Broker(id) => {
            (format!("{} {}", broker_word(id, world), world.broker_name(id)?), broker_page(id, world)?)
        }
        PartRef::Queue(id) => {
            let queue = mesh.queues.iter().find(|found| found.id == id)?;
            (format!("queue {}", queue.spec.name), format!("/queues/{id}"))
        }
        PartRef::Fabric => ("the fabric endpoint".to_owned(), format!("/agents/{}", agent.id)),
        PartRef::KafkaAccess(id) => (format!("users of {}", world.broker_name(id)?), broker_page(id, world)?),
        PartRef::KafkaUser(user) => {
            let found = mesh.kafka_credentials.iter().find(|found| found.credential.id == user.id)?;
            (format!("Kafka user {}", found.credential.username), format!("/access/{}", found.credential.grant))
        }
    })
}

fn broker_word(id: BrokerId, world: &World) -> &'static str {
    let broker = world.config.mesh.brokers.iter().find(|broker| broker.id == id);
    match broker.map(|broker| &broker.spec.target) {
        Some(Target::Surveyed(surveyed)) => match surveyed.kind {
            SurveyedKind::KafkaConnect => "Kafka Connect cluster",
            SurveyedKind::Rabbit => "RabbitMQ cluster",
            SurveyedKind::Mqtt => "MQTT broker",
            SurveyedKind::SchemaRegistry | SurveyedKind::Unknown => "schema registry",
        },
        Some(Target::Kafka { .. }) | None => "cluster",
    }
}

/// Another agent answers, but takes nothing, for longer than a new policy needs to get everywhere.
fn not_taken(link: &LinkState, agent: &Agent, world: &World) -> Option<Attention> {
    let behind =
        link.behind.as_ref().filter(|behind| link.up && world.now_ms().saturating_sub(behind.since_ms) >= BEHIND_MS)?;
    let site = world.config.site_name(link.site);
    let detail = match behind.reason {
        BehindReason::Revision => format!(
            "It enforces revision {}, which is older than what was sent under and does not let it take that. Nothing is lost; \
             look why that agent does not reach the portal.",
            behind.revision
        ),
        BehindReason::NotReady => {
            "What shall take it there, a route's sink or a queue, is configured and does not run. Nothing is lost; look at \
             that agent's parts."
                .to_owned()
        }
    };
    Some(Attention {
        severity: Severity::Bad,
        title: format!("{site} does not take what waits for it at {}", agent.name),
        detail,
        href: format!("/agents/{}", link.agent),
        since: Some(behind.since_ms),
    })
}

/// Events that nobody could take wait for a person.
fn letters(part: &Part, agent: &Agent, world: &World) -> Option<Attention> {
    let events = part.figures.get("dead_letter_events").copied().filter(|events| *events > 0)?;
    let (what, page) = named(part.object, agent, world)?;
    let (of, href) = match part.object {
        PartRef::Queue(_) => (format!("of {what}"), format!("{page}?shelf=dead")),
        PartRef::Sink(_) => (format!("of {what}"), format!("{page}/events?shelf=dead")),
        PartRef::Fabric => (format!("of {}", agent.name), format!("{page}/dead-letters")),
        PartRef::Listener(_)
        | PartRef::Source(_)
        | PartRef::Broker(_)
        | PartRef::KafkaAccess(_)
        | PartRef::KafkaUser(_) => return None,
    };
    let events = if events == 1 { "1 dead letter".to_owned() } else { format!("{events} dead letters") };
    Some(Attention {
        severity: Severity::Note,
        title: format!("{events} {of}"),
        detail: "Each says why it was not taken. Look, then retry, move or delete.".to_owned(),
        href,
        since: None,
    })
}

/// Where a broker connection is seen and edited: the page of its site.
fn broker_page(id: BrokerId, world: &World) -> Option<String> {
    let broker = world.config.mesh.brokers.iter().find(|found| found.id == id)?;
    Some(format!("/sites/{}", broker.spec.site))
}

fn empty_sites(world: &World) -> Vec<Attention> {
    let sites = world.config.mesh.sites.iter();
    let empty = sites.filter(|site| !enrolled(world).any(|agent| agent.site == site.id));
    empty
        .map(|site| Attention {
            severity: Severity::Note,
            title: format!("{} has no agent yet", site.spec.name),
            detail: "Copy the line on the site's page and run it on a machine there.".to_owned(),
            href: format!("/sites/{}", site.id),
            since: Some(site.created_at_ms),
        })
        .collect()
}

fn links(world: &World) -> Vec<Attention> {
    let down = world.config.mesh.links.iter().filter_map(|link| {
        let (near, far) = (links_between(link.from, link.to, world), links_between(link.to, link.from, world));
        let states: Vec<_> = near.states.iter().chain(&far.states).collect();
        let waiting = backlog(link, &world.config, &world.fleet).events;
        if !link.enabled {
            return switched_off(link, waiting, world);
        }
        let is_new = world.now_ms().saturating_sub(link.updated_at_ms) < CONNECTING_MS;
        if is_new || states.is_empty() || states.iter().any(|state| state.up) {
            return None;
        }
        Some(Attention {
            severity: Severity::Bad,
            title: format!(
                "no frames pass between {} and {}",
                world.config.site_name(link.from),
                world.config.site_name(link.to)
            ),
            detail: format!(
                "{waiting} guaranteed events wait and go when the link is back; direct events between them are lost."
            ),
            href: "/sites".to_owned(),
            since: states.iter().map(|state| state.since_ms).max(),
        })
    });
    down.collect()
}

/// A link that is off is no failure. That events wait for it is worth a line: their room has an end.
fn switched_off(link: &Link, waiting: u64, world: &World) -> Option<Attention> {
    let [from, to] = [link.from, link.to].map(|site| world.config.site_name(site));
    let events =
        if waiting == 1 { "1 guaranteed event waits".to_owned() } else { format!("{waiting} guaranteed events wait") };
    (waiting > 0).then(|| Attention {
        severity: Severity::Note,
        title: format!("{events} for the link {from} - {to}, which is off"),
        detail: format!("{} switched it off. They go, in order, when it is switched on.", link.updated_by),
        href: "/sites".to_owned(),
        since: Some(link.updated_at_ms),
    })
}

fn scans(world: &World) -> Vec<Attention> {
    let lacking = world.seen.scans.iter().filter(|scan| !scan.missing_rights.is_empty());
    lacking
        .filter_map(|scan| {
            let name = world.broker_name(scan.broker)?;
            let first = scan.missing_rights.first()?;
            Some(Attention {
                severity: Severity::Warn,
                title: format!("the agent may not see all of {name}"),
                detail: format!("Missing: {}. {}", first.right, first.command),
                href: broker_page(scan.broker, world)?,
                since: Some(scan.at_ms),
            })
        })
        .collect()
}

fn refusals(denials: &[Denial], world: &World) -> Vec<Attention> {
    let mut seen: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for denial in denials {
        if seen.contains(&denial.principal_name.as_str()) {
            continue;
        }
        seen.push(&denial.principal_name);
        all.push(Attention {
            severity: Severity::Warn,
            title: format!("{} is refused at {}", denial.principal_name, world.site_of(denial.agent)),
            detail: format!("{}, {} times.", denial.reason, denial.count),
            href: denial.principal.map_or_else(|| "/clients".to_owned(), |id| format!("/clients/{id}")),
            since: Some(denial.last_ms),
        });
    }
    all
}

/// Kafka topics and event addresses that nobody answers for, as the queue of ownership lists them: these are what others
/// depend on.
fn unowned(world: &World) -> Option<Attention> {
    let there = world.catalog().iter().filter(|entry| !entry.row.gone && !entry.is_internal);
    let there = there.filter(|entry| entry.row.owner.is_empty());
    let (mut topics, mut addresses) = (Vec::new(), Vec::new());
    for entry in there {
        match entry.row.kind {
            CatalogKind::Topic => topics.push(entry.row.name.as_str()),
            CatalogKind::Address => addresses.push(entry.row.name.as_str()),
            _ => {}
        }
    }
    without_owner(&topics, &addresses)
}

fn without_owner(topics: &[&str], addresses: &[&str]) -> Option<Attention> {
    let (what, href) = match (topics, addresses) {
        ([], []) => return None,
        ([topic], []) => (format!("the topic {topic} has"), "/ownership?kind=topic"),
        (topics, []) => (format!("{} topics have", topics.len()), "/ownership?kind=topic"),
        ([], [address]) => (format!("the event address {address} has"), "/ownership?kind=address"),
        ([], addresses) => (format!("{} event addresses have", addresses.len()), "/ownership?kind=address"),
        (topics, addresses) => {
            let of =
                |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
            let topics = of(topics.len(), "topic", "topics");
            let addresses = of(addresses.len(), "event address", "event addresses");
            (format!("{topics} and {addresses} have"), "/ownership")
        }
    };
    Some(Attention {
        severity: Severity::Note,
        title: format!("{what} no owner"),
        detail: "Say who answers for it, so that others know whom to ask.".to_owned(),
        href: href.to_owned(),
        since: None,
    })
}

/// Findings that wait for somebody.
fn differing(drift: DriftCounts) -> Option<Attention> {
    let title = match drift.open {
        0 => return None,
        1 => "1 difference between what is designed and what was seen".to_owned(),
        open => format!("{open} differences between what is designed and what was seen"),
    };
    let parts = [(drift.runtime_only, "not designed"), (drift.design_only, "not seen"), (drift.partial, "in part")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    Some(Attention {
        severity: Severity::Note,
        title,
        detail: format!("{}. Adopt them, push them to policy, or ignore them for now.", parts.join(", ")),
        href: "/drift".to_owned(),
        since: None,
    })
}

#[cfg(test)]
mod tests {
    use frontend::api::DriftCounts;

    use super::{differing, without_owner};

    #[test]
    fn what_differs_is_one_line() {
        assert!(differing(DriftCounts { matching: 7, ignored: 2, ..DriftCounts::default() }).is_none());
        let drift = DriftCounts { open: 3, runtime_only: 2, partial: 1, ..DriftCounts::default() };
        let line = differing(drift).map(|line| (line.title, line.detail)).unwrap_or_default();
        assert_eq!(line.0, "3 differences between what is designed and what was seen");
        assert!(line.1.starts_with("2 not designed, 1 in part."), "{}", line.1);
    }

    #[test]
    fn what_nobody_answers_for_is_one_line_that_leads_to_all_of_it() {
        let told = |topics: &[&str], addresses: &[&str]| {
            without_owner(topics, addresses).map(|attention| (attention.title, attention.href))
        };
        let line = |title: &str, href: &str| Some((title.to_owned(), href.to_owned()));
        assert_eq!(told(&[], &[]), None);
        assert_eq!(
            told(&["retail.refunds"], &[]),
            line("the topic retail.refunds has no owner", "/ownership?kind=topic")
        );
        assert_eq!(told(&["a", "b"], &[]), line("2 topics have no owner", "/ownership?kind=topic"));
        assert_eq!(
            told(&[], &["orders/{level2}"]),
            line("the event address orders/{level2} has no owner", "/ownership?kind=address")
        );
        assert_eq!(told(&["a"], &["b/c", "d"]), line("1 topic and 2 event addresses have no owner", "/ownership"));
    }
}
