//! A request to policy: the access rules that let applications do what is designed.
//!
//! A designed application and the one with the clients are the same when they have the same name. Its clients get the right
//! by a role when all of them have it and nobody else does, else each by its own rule.

use std::collections::{BTreeSet, HashMap};

use frontend::api::{DRIFT_TASK_MAX, DriftApply, DriftDone, DriftLine, DriftPreview, DriftSelection};
use mesh_protocol::id::{DesignObjectId, RuleId};
use mesh_protocol::policy::{Action, Effect, Subject as Whom};
use mesh_protocol::topic::{Dialect, Filter};
use uuid::Uuid;

use super::scene::{Row, Scene, Study};
use super::task::{Plan, chosen};
use crate::app::permission::Right;
use crate::app::{App, Caller, Error, Result, rule};
use crate::domain::design::drift::{Side, Status, Subject};
use crate::domain::design::{Content, Kind, Object, Version, standing, topics};
use crate::domain::field::FieldErrors;
use crate::domain::principal::{Kind as PrincipalKind, Principal};
use crate::domain::rule::{Rule, Spec};

/// What applications say that they do, by the event. Every finding asks.
pub(super) type Uses<'a> = HashMap<DesignObjectId, Vec<Pushed<'a>>>;

/// A use of an event that an application says, to be permitted.
#[derive(Clone, Copy)]
pub(super) struct Pushed<'a> {
    pub(super) application: &'a Object,
    side: Side,
    event: &'a Object,
    version: &'a Version,
}

impl<'a> Study<'a> {
    /// The uses that a finding asks to permit; none for findings that ask for something else.
    pub(super) fn pushed(&self, row: &Row<'_>) -> Vec<Pushed<'a>> {
        if row.finding.status != Status::DesignOnly {
            return Vec::new();
        }
        match row.finding.subject {
            Subject::Event(event) => self.uses_of(event).to_vec(),
            Subject::Says(object, side, event) => {
                let is_meant = |one: &&Pushed<'_>| one.application.id == object.id && one.side == side;
                self.uses_of(event).iter().filter(is_meant).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The uses of an event that applications say.
    fn uses_of(&self, event: &Object) -> &[Pushed<'a>] {
        let uses = self.uses.get_or_init(|| self.uses());
        uses.get(&event.id).map(Vec::as_slice).unwrap_or_default()
    }

    /// All uses that applications say, by the event.
    fn uses(&self) -> Uses<'a> {
        let designs = &self.scene.designs;
        let mut all = Uses::new();
        for application in designs.objects.iter().filter(|object| object.kind == Kind::Application) {
            let Some(standing) = standing(self.graph.versions(application.id)) else { continue };
            let Content::Application(says) = &standing.spec.content else { continue };
            let publishes = says.publishes.iter().map(|id| (Side::Publish, id));
            for (side, id) in publishes.chain(says.consumes.iter().map(|id| (Side::Consume, id))) {
                let Some(version) = self.graph.version(*id) else { continue };
                let Some(event) = self.graph.object(version.object) else { continue };
                all.entry(event.id).or_default().push(Pushed { application, side, event, version });
            }
        }
        all
    }

    /// The clients of the application of a name.
    pub(super) fn clients_of(&self, name: &str) -> Vec<&'a Principal> {
        let config = &self.scene.world.config;
        let own = config.applications.iter().find(|found| found.spec.name == name).map(|found| found.id);
        let is_own = |principal: &&Principal| {
            principal.kind == PrincipalKind::Client
                && match principal.application {
                    Some(id) => Some(id) == own,
                    None => principal.username == name,
                }
        };
        config.mesh.principals.iter().filter(is_own).collect()
    }

    /// Whom a rule for all of these clients is about: a role that they alone have, else each of them.
    fn whom(&self, clients: &[&Principal]) -> Vec<Whom> {
        let all = self.scene.world.config.mesh.principals.iter();
        let common = clients.first().map(|first| first.roles.as_slice()).unwrap_or_default().iter().find(|role| {
            let count = all.clone().filter(|principal| principal.roles.contains(role)).count();
            clients.iter().all(|client| client.roles.contains(role)) && count == clients.len()
        });
        match common {
            Some(role) if clients.len() > 1 => vec![Whom::Role(*role)],
            _ => clients.iter().map(|client| Whom::Principal(client.id)).collect(),
        }
    }

    /// Rules of this effect that speak of somebody doing this, by how their filter stands to it.
    fn rules(&self, whom: Whom, action: Action, effect: Effect, covers: impl Fn(&Filter) -> bool) -> Option<&'a Rule> {
        let mesh = &self.scene.world.config.mesh;
        let roles = match whom {
            Whom::Principal(id) => {
                mesh.principals.iter().find(|found| found.id == id).map(|found| found.roles.as_slice())
            }
            _ => None,
        };
        let is_about = |subject: Whom| match subject {
            Whom::Anyone => true,
            Whom::Role(id) => subject == whom || roles.is_some_and(|roles| roles.contains(&id)),
            Whom::Principal(_) => subject == whom,
        };
        mesh.rules.iter().find(|rule| {
            let policy = &rule.policy;
            policy.action == action
                && policy.effect == effect
                && is_about(policy.subject)
                && (effect == Effect::Deny || policy.sites.is_empty())
                && covers(&policy.filter)
        })
    }
}

pub(super) async fn preview(app: &App, caller: &Caller, select: DriftSelection) -> Result<DriftPreview> {
    caller.permit(Right::CatalogWrite)?;
    let scene = app.scene(caller).await?;
    Ok(plan(&scene, &select)?.preview())
}

pub(super) async fn apply(app: &App, caller: &Caller, input: DriftApply<DriftSelection>) -> Result<DriftDone> {
    let mut edit = app.edit(caller.permit(Right::RuleWrite)?).await?;
    edit.lock().await?;
    let scene = app.scene_in(caller, &mut edit.tx).await?;
    let plan = plan(&scene, &input.task)?;
    plan.check(&input.preview)?;
    let Some(number) = std::num::NonZeroUsize::new(plan.work.len()) else {
        return Err(Error::Conflict("there is no rule to make: everything is permitted already".to_owned()));
    };
    let sentence = if number.get() == 1 { "1 rule made".to_owned() } else { format!("{number} rules made") };
    let since = edit.take_revision(&format!("{sentence} for what is designed")).await?;
    let mut made = Vec::new();
    for spec in plan.work {
        let policy = spec.check(RuleId(Uuid::now_v7()))?;
        let summary = format!("added a rule: {}", rule::sentence(&spec, &scene.world.config));
        made.push((app.make_rule(&mut edit, policy, spec.note, since).await?, summary));
    }
    let Some(((last, summary), others)) = made.split_last() else {
        return Err(Error::Internal("rules were planned and none was made"));
    };
    for (rule, summary) in others {
        edit.also(rule::done("rule.create", rule, summary).after(&rule::config(rule))).await?;
    }
    edit.finish(rule::done("rule.create", last, summary).after(&rule::config(last))).await?;
    Ok(DriftDone { made: made.len() as u64, sentence })
}

fn plan(scene: &Scene, select: &DriftSelection) -> Result<Plan<Vec<Spec>>> {
    let study = scene.study();
    let (mut lines, mut specs) = (Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for (_, row) in chosen(select, &study)? {
        let Some(row) = row else {
            lines.push(line("a finding", "", Some("is not there any more: choose again".to_owned())));
            continue;
        };
        let pushed = study.pushed(&row);
        if pushed.is_empty() {
            let why = match row.finding.subject {
                Subject::Event(_) => "is used by no application that says so: nobody can be given the right to",
                _ => "asks for no access rule: take it out of the selection",
            };
            lines.push(line(&study.name(&row), &row.finding.sentence(), Some(why.to_owned())));
        }
        for one in pushed {
            // An event and a use of it ask for the same.
            if known.insert((one.application.id, one.side, one.version.id)) {
                permit(&one, &study, &mut lines, &mut specs);
            }
        }
    }
    if specs.len() > DRIFT_TASK_MAX {
        let message = format!(
            "asks for {} rules, and at most {DRIFT_TASK_MAX} are made at once: give the clients a role of their own, or choose fewer",
            specs.len()
        );
        return Err(FieldErrors::one("select", message).into());
    }
    Ok(Plan::new(lines, specs, select))
}

fn line(what: &str, detail: &str, conflict: Option<String>) -> DriftLine {
    DriftLine { what: what.to_owned(), detail: detail.to_owned(), rule: None, conflict }
}

/// The rules that permit one use, with a line for each.
fn permit(one: &Pushed<'_>, study: &Study<'_>, lines: &mut Vec<DriftLine>, specs: &mut Vec<Spec>) {
    let (name, event) = (&one.application.spec.name, &one.event.spec.name);
    let (action, verb) = match one.side {
        Side::Publish => (Action::Publish, "publishes"),
        Side::Consume => (Action::Subscribe, "consumes"),
    };
    let Some(filter) = topics(one.version) else { return };
    let clients = study.clients_of(name);
    if clients.is_empty() {
        let why = format!("has no clients that could get a right: no application with clients is called {name}");
        lines.push(line(&format!("application {name}"), &format!("{verb} {event}"), Some(why)));
        return;
    }
    for whom in study.whom(&clients) {
        let who = rule::subject_name(whom, &study.scene.world.config);
        let denied = study.rules(whom, action, Effect::Deny, |rule| rule.overlaps(&filter));
        let allowed = study.rules(whom, action, Effect::Allow, |rule| rule.includes(&filter));
        if let Some(denied) = denied {
            let why =
                format!("is denied {} by a rule, which beats every other: change that one first", denied.policy.filter);
            lines.push(line(&who, &format!("{verb} {event} at {filter}"), Some(why)));
        } else if let Some(allowed) = allowed {
            let detail = format!("may do so already by the rule on {}: nothing to make", allowed.policy.filter);
            lines.push(line(&format!("{who} {verb} {event}"), &detail, None));
        } else {
            let note = format!("{name} {verb} the event {event} {}, by design", one.version.spec.number);
            let spec = Spec {
                subject: whom,
                action,
                effect: Effect::Allow,
                dialect: Dialect::Mesh,
                filter: filter.text().to_owned(),
                sites: Vec::new(),
                note,
            };
            lines.push(DriftLine {
                what: format!("rule: {}", rule::sentence(&spec, &study.scene.world.config)),
                detail: spec.note.clone(),
                rule: Some(rule::input(&spec)),
                conflict: None,
            });
            specs.push(spec);
        }
    }
}
