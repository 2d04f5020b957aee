//! The editor of one rule: what it says in a sentence before it is saved, and a try of the decision with it.

use leptos::prelude::*;
use mesh_protocol::id::{RuleId, SiteId};
use mesh_protocol::policy::{Action, Effect, Rule, Subject};
use mesh_protocol::topic::{Dialect, Filter};

use super::explain::Explain;
use super::{Editing, TOPICS, action_word};
use crate::act::Act;
use crate::api::{Edit, PrincipalQuery, RuleInput};
use crate::components::{Choice, Field, Select, Wrong, either};
use crate::editor::{Editor, closing};
use crate::load::{Load, load};
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Draft {
    subject: RwSignal<String>,
    effect: RwSignal<String>,
    action: RwSignal<String>,
    filter: RwSignal<String>,
    dialect: RwSignal<String>,
    sites: RwSignal<Vec<SiteId>>,
    note: RwSignal<String>,
}

impl Draft {
    fn of(editing: &Editing) -> Self {
        let rule = match editing {
            Editing::Rule(rule) => rule.config.clone(),
            Editing::New => RuleInput {
                subject: Subject::Anyone,
                action: Action::Publish,
                effect: Effect::Allow,
                filter: String::new(),
                dialect: Dialect::Mesh,
                sites: Vec::new(),
                note: String::new(),
            },
        };
        Self {
            subject: RwSignal::new(subject_key(rule.subject)),
            effect: RwSignal::new(if rule.effect == Effect::Deny { "deny" } else { "allow" }.to_owned()),
            action: RwSignal::new(action_key(rule.action).to_owned()),
            filter: RwSignal::new(rule.filter),
            dialect: RwSignal::new(if rule.dialect == Dialect::Mqtt { "mqtt" } else { "mesh" }.to_owned()),
            sites: RwSignal::new(rule.sites),
            note: RwSignal::new(rule.note),
        }
    }

    /// What would be saved. Reading it follows the fields.
    fn input(self) -> RuleInput {
        RuleInput {
            subject: subject_of(&self.subject.get()),
            effect: if self.effect.get() == "deny" { Effect::Deny } else { Effect::Allow },
            action: action_of(&self.action.get()),
            filter: self.filter.get().trim().to_owned(),
            dialect: if self.dialect.get() == "mqtt" { Dialect::Mqtt } else { Dialect::Mesh },
            sites: self.sites.get(),
            note: self.note.get(),
        }
    }
}

fn subject_key(subject: Subject) -> String {
    match subject {
        Subject::Anyone => "anyone".to_owned(),
        Subject::Role(id) => format!("role:{id}"),
        Subject::Principal(id) => format!("principal:{id}"),
    }
}

fn subject_of(key: &str) -> Subject {
    let role = key.strip_prefix("role:").and_then(|id| id.parse().ok()).map(Subject::Role);
    let principal = || key.strip_prefix("principal:").and_then(|id| id.parse().ok()).map(Subject::Principal);
    role.or_else(principal).unwrap_or(Subject::Anyone)
}

const fn action_key(action: Action) -> &'static str {
    match action {
        Action::Connect => "connect",
        Action::Publish => "publish",
        Action::Subscribe => "subscribe",
        Action::ManageQueue => "manage_queue",
    }
}

fn action_of(key: &str) -> Action {
    match key {
        "connect" => Action::Connect,
        "subscribe" => Action::Subscribe,
        "manage_queue" => Action::ManageQueue,
        _ => Action::Publish,
    }
}

fn choice(key: &str, words: &str) -> Choice {
    (key.to_owned(), words.to_owned())
}

/// What is wrong with the filter, as the agents would say it; nothing while it is empty.
fn filter_error(rule: &RuleInput) -> Option<String> {
    if rule.action == Action::Connect || rule.filter.is_empty() {
        return None;
    }
    Filter::parse(&rule.filter, rule.dialect).err().map(|error| error.to_string())
}

/// The rule in one sentence.
fn sentence(rule: &RuleInput, who: &str, sites: usize) -> String {
    let verb = if rule.effect == Effect::Deny { "may not" } else { "may" };
    let what = match rule.action {
        Action::Connect => "connect".to_owned(),
        action if rule.filter.is_empty() => format!("{} …", action_word(action)),
        action => format!("{} {}", action_word(action), rule.filter),
    };
    let place = match sites {
        0 => "at every site".to_owned(),
        1 => "at one site".to_owned(),
        n => format!("at {n} sites"),
    };
    format!("{who} {verb} {what} {place}.")
}

/// The form in the dialog.
#[component]
pub(super) fn RuleForm(editing: Editing, open: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::of(&editing);
    let known = match editing {
        Editing::New => None,
        Editing::Rule(rule) => Some((rule.id, rule.revision)),
    };
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, input: RuleInput| async move {
            match known {
                None => api.0.create_rule(input).await,
                Some((id, revision)) => api.0.update_rule(id, Edit { revision, value: input }).await,
            }
        },
        move |_| close.run("Rule saved. It goes to every agent now."),
    );
    let unsaved = Signal::derive(move || unsaved_rule(&draft.input(), known.map(|(id, _)| id)));
    view! {
        <Editor
            title=if known.is_some() { "Change rule" } else { "New rule" }
            save=save
            open=open
            right=right::RULE_WRITE
            verb="Save rule"
            on_save=move |()| save.run(untrack(|| draft.input()))
        >
            <Fields draft=draft save=save/>
            <details>
                <summary class="m-link">"Try it before saving"</summary>
                <Explain unsaved=unsaved/>
            </details>
        </Editor>
    }
    .into_any()
}

/// The draft as the decision function takes it; none while its filter is not one.
fn unsaved_rule(input: &RuleInput, id: Option<RuleId>) -> Option<Rule> {
    let text = if input.action == Action::Connect { ">" } else { &input.filter };
    let filter = Filter::parse(text, input.dialect).ok()?;
    let id = id.unwrap_or(RuleId(uuid::Uuid::nil()));
    Some(Rule {
        id,
        subject: input.subject,
        action: input.action,
        effect: input.effect,
        filter,
        sites: input.sites.clone(),
    })
}

#[component]
fn Fields(draft: Draft, save: Act<RuleInput>) -> impl IntoView {
    let choices = load(
        &[],
        || (),
        |api, ()| async move {
            let roles = api.0.all_roles().await?;
            let clients = api.0.all_principals(PrincipalQuery::default()).await?;
            let mut choices = vec![choice("anyone", "Anyone: every client")];
            choices.extend(roles.into_iter().map(|role| (format!("role:{}", role.id), format!("Role {}", role.name))));
            let clients = clients.into_iter().filter(|client| client.of_route.is_none());
            choices.extend(
                clients.map(|client| (format!("principal:{}", client.id), format!("Client {}", client.username))),
            );
            Ok(choices)
        },
    );
    let needs_filter = move || draft.action.get() != "connect";
    view! {
        <Load resource=choices what="clients and roles" let:choices>
            <Select label="Who" name="subject" value=draft.subject choices=choices error=save.field("subject")/>
            <div class="m-form__row">
                <Select
                    label="Effect"
                    name="effect"
                    value=draft.effect
                    choices=vec![choice("allow", "May"), choice("deny", "May not (beats every allow)")]
                />
                <Select
                    label="What"
                    name="action"
                    value=draft.action
                    choices=vec![choice("publish", "Publish"), choice("subscribe", "Subscribe"), choice("connect", "Connect")]
                />
            </div>
            <Show when=needs_filter>
                <div class="m-form__row">
                    <Field
                        label="Topic filter"
                        name="filter"
                        value=draft.filter
                        mono=true
                        required=true
                        error=either(save.field("filter"), move || filter_error(&draft.input()))
                        hint="* is one level, > the rest; ${username}, ${client_id}, ${site}, ${region} are the client's own"
                    />
                    <Select
                        label="Written in"
                        name="dialect"
                        value=draft.dialect
                        choices=vec![choice("mesh", "Mesh: * and >"), choice("mqtt", "MQTT: + and #")]
                    />
                </div>
            </Show>
            <Sites legend="Only at these sites; none chosen means everywhere" chosen=draft.sites error=save.field("sites")/>
            <Field label="Why it exists" name="note" value=draft.note hint="Kept with the rule; optional" error=save.field("note")/>
            <p class="m-sentence">
                {move || {
                    let who = who_of(&choices.get(), &draft.subject.get());
                    let input = draft.input();
                    let sites = input.sites.len();
                    sentence(&input, &who, sites)
                }}
            </p>
        </Load>
    }
    .into_any()
}

fn who_of(choices: &[Choice], key: &str) -> String {
    match choices.iter().find(|(own, _)| own == key) {
        Some((own, _)) if own == "anyone" => "Every client".to_owned(),
        Some((_, words)) => words.clone(),
        None => "The client".to_owned(),
    }
}

/// Which sites are meant.
#[component]
pub(in crate::pages) fn Sites(
    /// What choosing one does, and choosing none.
    legend: &'static str,
    chosen: RwSignal<Vec<SiteId>>,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let sites = load(
        &[],
        || (),
        |api, ()| async move {
            let sites = api.0.all_sites().await?;
            Ok(sites.into_iter().map(|site| (site.id, site.name)).collect::<Vec<_>>())
        },
    );
    view! {
        <fieldset class="m-form__group">
            <legend>{legend}</legend>
            <Load resource=sites what="sites" let:sites>
                <div class="m-choices">
                    {move || {
                        sites
                            .get()
                            .into_iter()
                            .map(|(id, name)| {
                                let toggle = move |ev: leptos::ev::Event| {
                                    let on = event_target_checked(&ev);
                                    chosen.update(|chosen| {
                                        chosen.retain(|have| *have != id);
                                        if on {
                                            chosen.push(id);
                                        }
                                    });
                                };
                                view! {
                                    <label class="m-choice">
                                        <input
                                            class="m-check"
                                            type="checkbox"
                                            prop:checked=move || chosen.with(|chosen| chosen.contains(&id))
                                            on:change=toggle
                                        />
                                        {name}
                                    </label>
                                }
                            })
                            .collect_view()
                    }}
                </div>
            </Load>
            <Wrong error=error/>
        </fieldset>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(effect: Effect, action: Action, filter: &str) -> RuleInput {
        RuleInput {
            subject: Subject::Anyone,
            action,
            effect,
            filter: filter.into(),
            dialect: Dialect::Mesh,
            sites: Vec::new(),
            note: String::new(),
        }
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let allow = rule(Effect::Allow, Action::Publish, "orders/>");
        assert_eq!(sentence(&allow, "Role till", 0), "Role till may publish orders/> at every site.");
        let deny = rule(Effect::Deny, Action::Connect, "");
        assert_eq!(sentence(&deny, "Every client", 2), "Every client may not connect at 2 sites.");
    }

    #[test]
    fn subjects_survive_the_select() {
        let id = "0190a000-0000-7000-8000-000000000021";
        for key in ["anyone".to_owned(), format!("role:{id}"), format!("principal:{id}")] {
            assert_eq!(subject_key(subject_of(&key)), key);
        }
        assert_eq!(subject_of("role:nonsense"), Subject::Anyone);
    }

    #[test]
    fn a_bad_filter_is_told_before_saving() {
        assert!(filter_error(&rule(Effect::Allow, Action::Publish, "")).is_none(), "not while it is empty");
        let bad = |action| RuleInput { dialect: Dialect::Mqtt, ..rule(Effect::Allow, action, "a/#/b") };
        assert!(filter_error(&bad(Action::Connect)).is_none(), "connect has none");
        assert!(filter_error(&bad(Action::Publish)).is_some_and(|text| text.contains("not the last level")));
        assert!(unsaved_rule(&bad(Action::Publish), None).is_none());
    }
}
