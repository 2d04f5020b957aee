//! Access rules: who may publish and subscribe where, how far each agent is with it, and what a change would do.

mod explain;
mod form;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use mesh_protocol::id::{PrincipalId, RoleId};
use mesh_protocol::policy::{Action, Effect};

use self::explain::Explain;
use self::form::RuleForm;
pub(in crate::pages) use self::form::Sites;
use crate::act::{Act, sentence};
use crate::api::{Api, ApiError, LiveTopic, Page, PolicyView, RolloutState, RuleInput, RuleQuery, RuleView};
use crate::components::{
    Age, Banner, Button, Confirm, Dialog, Empty, ListFoot, Main, ParamChip, RolloutChip, RolloutList, Search, Table,
    Toasts, Tone, Topic,
};
use crate::format;
use crate::live::Live;
use crate::load::{Load, Loading, load};
use crate::viewer::{Viewer, right};

/// What a change of rules makes old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Access, LiveTopic::Rollout];

/// What the editor is open for.
#[derive(Clone, Debug, PartialEq)]
enum Editing {
    New,
    Rule(Box<RuleView>),
}

/// `/acl?q=&principal=&role=&cursor=`
#[component]
pub fn Acl() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        query.with(|query| {
            let id = |name| query.get(name).filter(|text| !text.is_empty());
            RuleQuery {
                q: query.get("q").unwrap_or_default(),
                principal: id("principal").and_then(|id| id.parse().ok()),
                role: id("role").and_then(|id| id.parse().ok()),
                cursor: id("cursor"),
                limit: None,
            }
        })
    });
    let rules = load(TOPICS, move || key.get(), |api, query| async move { api.0.rules(query).await });
    let about = load(
        &[LiveTopic::Access],
        move || key.with(|query| (query.role, query.principal)),
        |api, (role, principal)| async move { about(api, role, principal).await },
    );
    let policy = load(TOPICS, || (), |api, ()| async move { api.0.policy().await });
    let editing = RwSignal::new(Editing::New);
    let editor = RwSignal::new(false);
    let explain = RwSignal::new(false);
    let edit = Callback::new(move |what: Editing| {
        editing.set(what);
        editor.set(true);
    });
    let may_write = Signal::derive(|| Viewer::has(right::RULE_WRITE));
    let acts = view! {
        <Button on_press=move |()| explain.set(true)>"Explain access"</Button>
        <Button tone=Tone::Primary icon="plus" right=may_write on_press=move |()| edit.run(Editing::New)>"New rule"</Button>
    };
    view! {
        <Main title="Access rules" note="deny beats allow; what no rule allows is denied" acts=acts.into_any()>
            <Refused policy=policy/>
            <div class="m-bar">
                <Search label="Search rules: a word, a client, or a topic"/>
                <Transition>
                    <ParamChip name="role" words=Signal::derive(move || format!("Role: {}", known(about).0))/>
                    <ParamChip name="principal" words=Signal::derive(move || format!("Client: {}", known(about).1))/>
                </Transition>
            </div>
            <Load resource=rules what="access rules" let:page>
                <Rules page=page edit=edit query=key/>
            </Load>
        </Main>
        <aside class="m-panel" aria-label="Rollout">
            <Load resource=policy what="rollout" let:policy>
                <Rollout policy=policy/>
            </Load>
        </aside>
        <Dialog open=editor label="Access rule" class="m-dialog m-dialog--wide">
            <RuleForm editing=editing.get_untracked() open=editor/>
        </Dialog>
        <Dialog open=explain label="Explain access" class="m-dialog m-dialog--wide">
            <div class="m-dialog__body">
                <h2>"Who can, and why"</h2>
                <Explain unsaved=Signal::derive(|| None)/>
            </div>
            <div class="m-dialog__foot">
                <Button on_press=move |()| explain.set(false)>"Close"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// Names of the role and the client that the list is narrowed to; empty where it is not.
async fn about(api: Api, role: Option<RoleId>, principal: Option<PrincipalId>) -> Result<(String, String), ApiError> {
    let role = match role {
        None => String::new(),
        Some(id) => {
            let roles = api.0.all_roles().await?;
            roles.into_iter().find(|role| role.id == id).map_or_else(|| "one that is gone".to_owned(), |role| role.name)
        }
    };
    let client = match principal {
        None => String::new(),
        Some(id) => api.0.principal(id).await?.username,
    };
    Ok((role, client))
}

/// The names, as soon as they are there. What has no name is shown as one that is gone.
pub(crate) fn known(about: Loading<(String, String)>) -> (String, String) {
    let gone = || ("one that is gone".to_owned(), "one that is gone".to_owned());
    about.get().map_or_else(Default::default, |names| names.unwrap_or_else(|_| gone()))
}

/// Above the list when an agent refused the newest policy: everybody should know before they edit more.
#[component]
fn Refused(policy: Loading<PolicyView>) -> impl IntoView {
    view! {
        <Transition>
            {move || {
                let policy = policy.get()?.ok()?;
                let refused = policy.agents.iter().find(|agent| agent.state == RolloutState::Rejected)?;
                let reason = refused.reason.clone().unwrap_or_default();
                let text = format!("{} refused r{}: {reason}", refused.agent_name, policy.revision.revision);
                Some(view! { <Banner tone="bad" text=text/> })
            }}
        </Transition>
    }
    .into_any()
}

/// How an action is written.
pub(crate) const fn action_word(action: Action) -> &'static str {
    match action {
        Action::Connect => "connect",
        Action::Publish => "publish",
        Action::Subscribe => "subscribe",
        Action::ManageQueue => "manage queues",
    }
}

/// `publish` or `deny publish`.
fn may(effect: Effect, action: Action) -> String {
    match effect {
        Effect::Allow => action_word(action).to_owned(),
        Effect::Deny => format!("deny {}", action_word(action)),
    }
}

#[component]
fn Rules(page: Signal<Page<RuleView>>, edit: Callback<Editing>, query: Memo<RuleQuery>) -> impl IntoView {
    let deleting = RwSignal::new(None::<RuleView>);
    let confirm = RwSignal::new(false);
    let ask = Callback::new(move |rule: RuleView| {
        deleting.set(Some(rule));
        confirm.set(true);
    });
    let delete = delete_with_undo();
    let consequence = move || {
        deleting.with(|rule| rule.as_ref().map(|rule| losing(&rule.subject_name, &rule.config)).unwrap_or_default())
    };
    view! {
        {move || {
            let page = page.get();
            if page.items.is_empty() {
                return no_rules(&query.get());
            }
            let rows = page.items.into_iter().map(|rule| view! { <Row rule=rule edit=edit ask=ask/> }).collect_view();
            view! {
                <Table
                    label="Access rules"
                    heads=&[
                        ("Who", ""),
                        ("May", "m-low"),
                        ("Topic filter", ""),
                        ("Where", "m-low"),
                        ("Agents", ""),
                        ("Changed", "m-low m-end"),
                        ("", "m-tight"),
                    ]
                >
                    {rows}
                </Table>
                <ListFoot total=format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "rule") next=page.next/>
            }
                .into_any()
        }}
        <Confirm
            open=confirm
            title="Delete this rule?"
            consequence=Signal::derive(consequence)
            verb="Delete"
            on_yes=move |()| {
                if let Some(rule) = deleting.get_untracked() {
                    delete.run(rule);
                }
            }
        />
    }
    .into_any()
}

/// Why there are no rules in the list: there are none at all only when nothing narrows it.
fn no_rules(query: &RuleQuery) -> AnyView {
    let narrowed = query.role.is_some() || query.principal.is_some();
    if query.q.is_empty() && !narrowed && query.cursor.is_none() {
        view! {
            <Empty
                icon="shield"
                title="No rules yet"
                text="Without a rule nobody may connect, publish or subscribe. Start with a role, give it to clients, and write a rule for the role."
            >
                <a class="m-button" href="/clients">"Clients and roles"</a>
            </Empty>
        }
        .into_any()
    } else if query.q.is_empty() {
        view! {
            <Empty
                icon="shield"
                title="No rule is about it"
                text="What the list is narrowed to may do only what other rules allow; without any, nothing."
            >
                <a class="m-button" href="/acl">"All rules"</a>
            </Empty>
        }
        .into_any()
    } else {
        let among = if narrowed { " among those the list is narrowed to" } else { "" };
        view! {
            <Empty
                icon="search"
                title=format!("No rule matches “{}”{among}", query.q)
                text="A word is looked for in filter, client, role and note; a whole topic finds the rules that match it."
            >
                <a class="m-button" href="/acl">"All rules"</a>
            </Empty>
        }
        .into_any()
    }
}

/// Who loses what when the rule goes.
fn losing(subject: &str, rule: &RuleInput) -> String {
    let who = if subject == "anyone" { "every client".to_owned() } else { subject.to_owned() };
    let what = match rule.action {
        Action::Connect => "connect".to_owned(),
        action => format!("{} on {}", action_word(action), rule.filter),
    };
    match rule.effect {
        Effect::Allow => format!(
            "What it allows ends at every agent within a second: {who} may no longer {what}, unless another rule allows it. Live sessions are cut where a right went."
        ),
        Effect::Deny => {
            format!("What it forbids is decided by the other rules from then on: {who} may {what} where one allows it.")
        }
    }
}

/// Deletes a rule and offers to write it again.
fn delete_with_undo() -> Act<RuleView> {
    let toasts = Toasts::get();
    let live = Live::get();
    let restore = Act::new(
        |api, input: RuleInput| async move { api.0.create_rule(input).await },
        move |_| {
            live.bump(TOPICS);
            toasts.done("The rule is back, as a new one.");
        },
    );
    let gone = RwSignal::new(None::<RuleInput>);
    let delete = Act::new(
        move |api, rule: RuleView| {
            gone.set(Some(rule.config));
            async move { api.0.delete_rule(rule.id, rule.revision).await }
        },
        move |()| {
            live.bump(TOPICS);
            toasts.done_with_undo("Rule deleted.", move |()| {
                if let Some(rule) = gone.get_untracked() {
                    restore.run(rule);
                }
            });
        },
    );
    leptos::prelude::Effect::new(move |_| {
        if let Some(error) = delete.error.get() {
            toasts.failed(format!("The rule was not deleted. {}", sentence(&error, &[])));
        }
    });
    delete
}

#[component]
fn Row(rule: RuleView, edit: Callback<Editing>, ask: Callback<RuleView>) -> impl IntoView {
    let may_write = Signal::derive(|| Viewer::has(right::RULE_WRITE));
    let deny = rule.config.effect == Effect::Deny;
    let words = may(rule.config.effect, rule.config.action);
    let sites = if rule.site_names.is_empty() { "everywhere".to_owned() } else { rule.site_names.join(", ") };
    let updated_at = rule.updated_at;
    let by = format!("by {}", rule.updated_by);
    let about = format!("{} {} {}", rule.subject_name, words, rule.config.filter);
    let acts = match &rule.managed_by {
        Some(managed) => {
            view! { <span class="m-small m-muted" title="Edited there">{managed.clone()}</span> }.into_any()
        }
        None => {
            let (for_edit, for_delete) = (rule.clone(), rule.clone());
            view! {
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet right=may_write label=format!("Edit {about}")
                        on_press=move |()| edit.run(Editing::Rule(Box::new(for_edit.clone())))>
                        "Edit"
                    </Button>
                    <Button small=true tone=Tone::Danger right=may_write label=format!("Delete {about}")
                        on_press=move |()| ask.run(for_delete.clone())>
                        "Delete"
                    </Button>
                </span>
            }
            .into_any()
        }
    };
    let filter = match rule.config.action {
        Action::Connect => view! { <span class="m-muted">"any listener"</span> }.into_any(),
        _ => view! { <Topic name=rule.config.filter.clone()/> }.into_any(),
    };
    view! {
        <tr data-rule=rule.id.to_string()>
            <td>
                <div class="m-cell">
                    <Who rule=rule.clone()/>
                    <span class="m-cell__sub m-only-narrow">{words.clone()}</span>
                    {(!rule.config.note.is_empty()).then(|| view! { <span class="m-cell__sub">{rule.config.note.clone()}</span> })}
                </div>
            </td>
            <td class=if deny { "m-low m-bad m-strong" } else { "m-low" }>{words}</td>
            <td>{filter}</td>
            <td class="m-low m-muted">{sites}</td>
            <td><RolloutChip rollout=rule.rollout/></td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(updated_at)/></td>
            <td class="m-tight">{acts}</td>
        </tr>
    }
    .into_any()
}

/// The subject, as a link to what else is said about it.
#[component]
fn Who(rule: RuleView) -> impl IntoView {
    use mesh_protocol::policy::Subject;
    let name = rule.subject_name;
    match rule.config.subject {
        Subject::Principal(id) => view! { <a class="m-cell__name" href=format!("/clients/{id}")>{name}</a> }.into_any(),
        Subject::Role(id) => {
            view! { <span>"role " <a class="m-cell__name" href=format!("/acl?role={id}")>{name}</a></span> }.into_any()
        }
        Subject::Anyone => view! { <b>"anyone"</b> }.into_any(),
    }
}

#[component]
fn Rollout(policy: Signal<PolicyView>) -> impl IntoView {
    move || {
        let policy = policy.get();
        view! {
            <div class="m-panel__head">
                <div class="m-panel__row">
                    <h2>"Rollout of " <span class="m-num">"r" {policy.revision.revision}</span></h2>
                    <span class="m-stamp m-push"><Age at_ms=Some(policy.made_at)/> " ago"</span>
                </div>
                <p class="m-small m-muted">{policy.summary} " by " {policy.made_by}</p>
            </div>
            {if policy.agents.is_empty() {
                view! {
                    <Empty icon="agent" title="No agent yet" text="Rules are kept and given to each agent when it joins.">
                        <a class="m-button" href="/sites">"Sites"</a>
                    </Empty>
                }
                    .into_any()
            } else {
                view! { <RolloutList rollout=policy.agents/> }.into_any()
            }}
        }
    }
}
