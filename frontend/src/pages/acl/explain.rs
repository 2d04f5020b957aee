//! Who can, and why: the agents' own decision function, run in the browser over the policy as it stands, with an unsaved
//! rule when there is one.

use leptos::prelude::*;
use mesh_protocol::desired::{Policy, Site};
use mesh_protocol::id::PrincipalId;
use mesh_protocol::policy::{Action, Decision, Effect, Explanation, Rule, Target, explain};
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::{Dialect, Filter, Topic};
use uuid::Uuid;

use crate::api::{LiveTopic, PolicyDocument, SiteView};
use crate::clock::Clock;
use crate::components::{Choice, Empty, Field, Glyph, Select, Topic as TopicName};
use crate::load::{Load, load};

/// What the decision needs: the policy and the places it is enforced at.
type Material = (PolicyDocument, Vec<SiteView>);

/// A wish to be decided.
#[derive(Clone, Copy)]
struct Wish {
    principal: RwSignal<String>,
    site: RwSignal<String>,
    action: RwSignal<String>,
    target: RwSignal<String>,
}

/// Decides a wish. The error is for the person who typed it.
fn decide(
    (document, sites): &Material,
    unsaved: Option<Rule>,
    (principal, site, action, target): (&str, &str, &str, &str),
    now_ms: i64,
) -> Result<Explanation, String> {
    let principal: PrincipalId = principal.parse().map_err(|_| "Choose a client.".to_owned())?;
    let site = sites.iter().find(|have| have.id.to_string() == site).ok_or("Choose a site.")?;
    let site = Site { id: site.id, name: site.name.clone(), region: site.region.clone(), labels: site.labels.clone() };
    let policy = policy_with(document, unsaved);
    let topic;
    let filter;
    let (action, target) = match action {
        "connect" => (Action::Connect, Target::Session),
        "subscribe" => {
            filter = Filter::parse(target, Dialect::Mesh).map_err(|error| error.to_string())?;
            (Action::Subscribe, Target::Filter(&filter))
        }
        _ => {
            topic = Topic::new(target).map_err(|error| error.to_string())?;
            (Action::Publish, Target::Topic(&topic))
        }
    };
    let client_id = document.principals.iter().find(|have| have.id == principal).map_or("", |have| &have.username);
    explain(&policy, &site, (principal, client_id), action, target, now_ms).map_err(|error| error.to_string())
}

/// The policy as it would be with the unsaved rule, which replaces the one it changes.
fn policy_with(document: &PolicyDocument, unsaved: Option<Rule>) -> Policy {
    let mut rules = document.rules.clone();
    if let Some(rule) = unsaved {
        rules.retain(|have| have.id != rule.id);
        rules.push(rule);
    }
    Policy {
        // No secret is checked here.
        secret_key: SecretKey::new([0; 32]),
        principals: document.principals.clone(),
        roles: document.roles.clone(),
        rules,
        scopes: Vec::new(),
    }
}

/// A client, a site, an action and a topic; below them the decision and every rule that was weighed.
#[component]
pub(super) fn Explain(
    /// A rule that is being edited.
    #[prop(into)]
    unsaved: Signal<Option<Rule>>,
) -> impl IntoView {
    let material = load(
        &[LiveTopic::Access, LiveTopic::Topology],
        || (),
        |api, ()| async move {
            let document = api.0.policy_document().await?;
            let sites = api.0.all_sites().await?;
            Ok((document, sites))
        },
    );
    view! {
        <Load resource=material what="policy" let:material>
            <Decidable material=material unsaved=unsaved/>
        </Load>
    }
    .into_any()
}

/// The question, as soon as there is somebody to ask about. A change of the policy does not touch what is typed.
#[component]
fn Decidable(material: Signal<Material>, unsaved: Signal<Option<Rule>>) -> impl IntoView {
    let nobody =
        Memo::new(move |_| material.with(|(document, sites)| document.principals.is_empty() || sites.is_empty()));
    view! {
        <Show
            when=move || !nobody.get()
            fallback=|| view! {
                <Empty
                    icon="key"
                    title="Nobody to decide about"
                    text="A decision needs a client and a site. Create them first."
                />
            }
        >
            <Question material=material unsaved=unsaved/>
        </Show>
    }
    .into_any()
}

#[component]
fn Question(material: Signal<Material>, unsaved: Signal<Option<Rule>>) -> impl IntoView {
    let clients: Signal<Vec<Choice>> = Signal::derive(move || {
        material.with(|(document, _)| {
            document.principals.iter().map(|client| (client.id.to_string(), client.username.clone())).collect()
        })
    });
    let sites: Signal<Vec<Choice>> = Signal::derive(move || {
        material.with(|(_, sites)| sites.iter().map(|site| (site.id.to_string(), site.name.clone())).collect())
    });
    let first = |choices: Signal<Vec<Choice>>| {
        RwSignal::new(choices.with_untracked(|choices| choices.first().map(|(key, _)| key.clone()).unwrap_or_default()))
    };
    let wish = Wish {
        principal: first(clients),
        site: first(sites),
        action: RwSignal::new("publish".to_owned()),
        target: RwSignal::new(String::new()),
    };
    let actions = vec![
        ("publish".to_owned(), "Publish to".to_owned()),
        ("subscribe".to_owned(), "Subscribe to".to_owned()),
        ("connect".to_owned(), "Connect".to_owned()),
    ];
    view! {
        <div class="m-form__row">
            <Select label="Client" name="try-principal" value=wish.principal choices=clients/>
            <Select label="At" name="try-site" value=wish.site choices=sites/>
            <Select label="Wants to" name="try-action" value=wish.action choices=actions/>
        </div>
        <Show when=move || wish.action.get() != "connect">
            <Field label="Topic or filter" name="try-target" value=wish.target mono=true placeholder="orders/fr/lyon/created"/>
        </Show>
        <Answer material=material unsaved=unsaved wish=wish/>
    }
    .into_any()
}

#[component]
fn Answer(material: Signal<Material>, unsaved: Signal<Option<Rule>>, wish: Wish) -> impl IntoView {
    let started_ms = untrack(|| Clock::get().now_ms());
    move || {
        let target = wish.target.get();
        let action = wish.action.get();
        if action != "connect" && target.trim().is_empty() {
            return ().into_any();
        }
        let (principal, site) = (wish.principal.get(), wish.site.get());
        let unsaved = unsaved.get();
        let wish = (principal.as_str(), site.as_str(), action.as_str(), target.trim());
        match material.with(|material| decide(material, unsaved, wish, started_ms)) {
            Ok(explanation) => view! { <Verdict explanation=explanation/> }.into_any(),
            Err(error) => view! { <p class="m-form__error" role="alert">{error}</p> }.into_any(),
        }
    }
}

#[component]
fn Verdict(explanation: Explanation) -> impl IntoView {
    let allowed = explanation.decision.is_allowed();
    let because = match &explanation.decision {
        Decision::Allowed { .. } => "A rule allows it, and none forbids it.".to_owned(),
        Decision::Denied(reason) => reason.detail(),
    };
    let decisive = explanation.decision.rule();
    let rules = explanation
        .rules
        .into_iter()
        .map(|rule| {
            let says = match (rule.effect, rule.applies, rule.in_part) {
                (Effect::Allow, true, _) => "allows it",
                (Effect::Deny, true, _) => "forbids it",
                (Effect::Deny, false, true) => "holds back a part of it",
                (Effect::Allow, false, true) => "allows only a part of it",
                _ => "does not match",
            };
            let decides = if decisive == Some(rule.rule) { ", and decides" } else { "" };
            let own = if rule.rule.0 == Uuid::nil() { "this new rule, " } else { "" };
            let text = format!("{own}{} {says}{decides}", rule.subject);
            let tone = match (rule.applies, rule.effect) {
                (true, Effect::Allow) => "ok",
                (true, Effect::Deny) => "bad",
                _ => "",
            };
            view! {
                <li data-tone=tone>
                    <Glyph name=if rule.applies { "live" } else { "offline" }/>
                    <span><TopicName name=rule.filter.text().to_owned()/> " " {text}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="m-verdict" data-tone=if allowed { "ok" } else { "bad" } role="status">
            <Glyph name=if allowed { "live" } else { "failed" }/>
            <b>{if allowed { "Allowed" } else { "Denied" }}</b>
            <p>{because}</p>
        </div>
        <ul class="m-checks">{rules}</ul>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::id::{RoleId, RuleId, SiteId};
    use mesh_protocol::policy::{Principal, PrincipalState, Role, Subject};

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn material() -> Material {
        let principal = Principal {
            id: PrincipalId(id(1)),
            username: "till-7".into(),
            state: PrincipalState::Enabled,
            secrets: Vec::new(),
            roles: vec![RoleId(id(2))],
            application: None,
            expires_at_ms: None,
            protocols: Vec::new(),
        };
        let rule = Rule {
            id: RuleId(id(3)),
            subject: Subject::Role(RoleId(id(2))),
            action: Action::Publish,
            effect: Effect::Allow,
            filter: Filter::mesh("orders/${site}/>").expect("a filter"),
            sites: Vec::new(),
        };
        let role = Role { id: RoleId(id(2)), name: "till".into() };
        let site = SiteView {
            id: SiteId(id(4)),
            revision: 1,
            name: "store-lyon".into(),
            region: "eu".into(),
            labels: std::collections::BTreeMap::new(),
            location: None,
            connects_to: None,
            fabric_bind: None,
            fabric_address: None,
            agents: Vec::new(),
            listeners: Vec::new(),
            brokers: Vec::new(),
        };
        (PolicyDocument { principals: vec![principal], roles: vec![role], rules: vec![rule] }, vec![site])
    }

    fn check(unsaved: Option<Rule>, target: &str) -> bool {
        let (principal, site) = (id(1).to_string(), id(4).to_string());
        decide(&material(), unsaved, (&principal, &site, "publish", target), 0)
            .expect("a decision")
            .decision
            .is_allowed()
    }

    #[test]
    fn the_browser_decides_as_the_agent_at_that_site_would() {
        assert!(check(None, "orders/store-lyon/created"));
        assert!(!check(None, "orders/store-nice/created"));
    }

    #[test]
    fn an_unsaved_deny_is_seen_before_it_is_saved() {
        let deny = Rule {
            id: RuleId(Uuid::nil()),
            subject: Subject::Anyone,
            action: Action::Publish,
            effect: Effect::Deny,
            filter: Filter::mesh("orders/>").expect("a filter"),
            sites: Vec::new(),
        };
        assert!(!check(Some(deny), "orders/store-lyon/created"));
    }

    #[test]
    fn a_wish_that_is_no_topic_says_why() {
        let (principal, site) = (id(1).to_string(), id(4).to_string());
        assert!(decide(&material(), None, (&principal, &site, "publish", ""), 0).is_err());
        assert!(decide(&material(), None, ("", &site, "publish", "a"), 0).is_err());
    }
}
