//! One client: state, secrets, what it may, what it was refused, and how to stop it.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use mesh_protocol::id::PrincipalId;

use super::form::{ClientEdit, Handover};
use super::{TOPICS, state};
use crate::act::{Act, ActError, sentence};
use crate::api::{
    ApiError, DenialQuery, DenialRow, LiveTopic, Page, PrincipalSecret, PrincipalView, ReasonInput, RotateInput,
    RuleQuery, RuleView, SecretView,
};
use crate::components::{
    Age, Button, Confirm, Dialog, Empty, Main, Part, Rate, RolloutChip, Run, Select, Stamp, Table, Toasts, Tone, Topic,
};
use crate::editor::Editor;
use crate::live::Live;
use crate::load::{Load, Loading, load};
use crate::pages::acl::action_word;
use crate::viewer::{Viewer, right};

/// `/clients/:id`
#[component]
pub fn ClientDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<PrincipalId>().ok())));
    let client = load(
        &[LiveTopic::Access, LiveTopic::Overview],
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.principal(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such client")),
            }
        },
    );
    let rules = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.all_rules(RuleQuery { principal: Some(id), ..RuleQuery::default() }).await,
                None => Ok(Vec::new()),
            }
        },
    );
    let denials = load(
        &[LiveTopic::Denials],
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.denials(DenialQuery { principal: Some(id), ..DenialQuery::default() }).await,
                None => Ok(Page { items: Vec::new(), next: None, total: 0 }),
            }
        },
    );
    view! {
        <Load resource=client what="client" title="Client" one=true let:client>
            <Detail client=client rules=rules denials=denials/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(
    client: Signal<PrincipalView>,
    rules: Loading<Vec<RuleView>>,
    denials: Loading<Page<DenialRow>>,
) -> impl IntoView {
    let editor = RwSignal::new(false);
    let rotating = RwSignal::new(false);
    let own = move || client.with(|client| client.of_route.is_none());
    let may_write = Signal::derive(|| Viewer::has(right::PRINCIPAL_WRITE));
    let crumbs = view! {
        <ol class="m-crumbs"><li><a href="/clients">"Clients"</a></li><li>{move || client.with(|client| client.username.clone())}</li></ol>
    };
    let acts = view! {
        <Show when=own>
            <Block client=client/>
            <Button right=may_write on_press=move |()| rotating.set(true)>"Rotate secret"</Button>
            <Button right=may_write on_press=move |()| editor.set(true)>"Edit"</Button>
        </Show>
    };
    view! {
        <Main
            title=Signal::derive(move || client.with(|client| client.username.clone()))
            crumbs=crumbs.into_any()
            acts=acts.into_any()
        >
            <Facts client=client/>
            <Secrets client=client/>
            <Part title="What it may" note="its own rules and those of its roles">
                <Load resource=rules what="rules" let:rules>
                    {move || rule_table(rules.get())}
                </Load>
            </Part>
            <Part title="Refused lately" note="what policy denied it, newest first">
                <Load resource=denials what="refusals" let:denials>
                    {move || denial_table(denials.get())}
                </Load>
            </Part>
            <Show when=own><Removal client=client/></Show>
        </Main>
        <Dialog open=editor label="Change client" class="m-dialog m-dialog--wide">
            <ClientEdit client=client.get_untracked() open=editor/>
        </Dialog>
        <Dialog open=rotating label="Rotate secret">
            <Rotate client=client.get_untracked() open=rotating/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Facts(client: Signal<PrincipalView>) -> impl IntoView {
    let clock = crate::clock::Clock::get();
    move || {
        let client = client.get();
        let (state, word) = state(&client, untrack(|| clock.now_ms()));
        let roles = client
            .roles
            .iter()
            .map(|role| view! { <a href=format!("/acl?role={}", role.id)>{role.name.clone()}</a> " " })
            .collect_view();
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"State"</dt>
                    <dd class="m-line"><Run state=state word=word/>
                        {client.last_seen.map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })}
                    </dd>
                    <dt>"Roles"</dt>
                    <dd>{if client.roles.is_empty() { "none: only rules about this client count".into_any() } else { roles.into_any() }}</dd>
                    <dt>"Application"</dt>
                    <dd>{client.application_name.unwrap_or_else(|| "none".to_owned())}</dd>
                    {client.of_route.map(|route| view! {
                        <dt>"Belongs to"</dt>
                        <dd>{format!("the route {route}; it is changed there")}</dd>
                    })}
                    {client.expires_at.map(|end| view! {
                        <dt>"Ends"</dt>
                        <dd><Until at_ms=end/></dd>
                    })}
                    <dt>"Sends"</dt>
                    <dd><Rate per_second=client.produce_rate/></dd>
                    <dt>"Is given"</dt>
                    <dd><Rate per_second=client.consume_rate/></dd>
                </dl>
            </div>
        }
    }
}

/// `in 9 d`, or `14 min ago`.
#[component]
pub(crate) fn Until(
    /// The moment.
    at_ms: i64,
) -> impl IntoView {
    let clock = crate::clock::Clock::get();
    let text = move || {
        let left = at_ms - clock.now_ms();
        if left >= 0 {
            format!("in {}", crate::format::age(left))
        } else {
            format!("{} ago", crate::format::age(-left))
        }
    };
    view! { <span class="m-num">{text}</span> }.into_any()
}

/// Stop and go: one button, with the undo in the toast.
#[component]
pub(crate) fn Block(client: Signal<PrincipalView>) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let unblock = Act::new(
        |api, id: PrincipalId| async move { api.0.unblock_principal(id).await },
        move |client: PrincipalView| {
            live.bump(TOPICS);
            toasts.done(format!("{} may publish again, as its rules say.", client.username));
        },
    );
    let block = Act::new(
        |api, id: PrincipalId| async move { api.0.block_principal(id, ReasonInput::default()).await },
        move |client: PrincipalView| {
            live.bump(TOPICS);
            let id = client.id;
            toasts.done_with_undo(format!("{} is blocked: every publish is denied.", client.username), move |()| {
                unblock.run(id);
            });
        },
    );
    let may = Signal::derive(|| Viewer::has(right::BLOCK));
    let failed = move |act: Act<PrincipalId>| {
        Effect::new(move |_| {
            if let Some(error) = act.error.get() {
                toasts.failed(format!("That did not work. {}", sentence(&error, &[])));
            }
        });
    };
    failed(block);
    failed(unblock);
    let id = move || client.with_untracked(|client| client.id);
    view! {
        <Show
            when=move || client.with(|client| client.blocked)
            fallback=move || view! {
                <Button tone=Tone::Danger icon="pause" right=may on_press=move |()| block.run(id())>
                    {move || client.with(|client| format!("Block {}", client.username))}
                </Button>
            }
        >
            <Button right=may on_press=move |()| unblock.run(id())>
                {move || client.with(|client| format!("Unblock {}", client.username))}
            </Button>
        </Show>
    }
    .into_any()
}

#[component]
fn Secrets(client: Signal<PrincipalView>) -> impl IntoView {
    let row = |secret: SecretView| {
        let until = match secret.valid_until {
            None => view! { "no end" }.into_any(),
            Some(end) => view! { <Until at_ms=end/> }.into_any(),
        };
        view! {
            <tr>
                <th scope="row" class="m-mono">{secret.fingerprint}</th>
                <td class="m-muted"><Age at_ms=Some(secret.created_at)/> " ago"</td>
                <td>{until}</td>
            </tr>
        }
    };
    view! {
        <Part title="Secrets" note="only verifiers are kept; two while a rotation overlaps">
            {move || {
                let secrets = client.with(|client| client.secrets.clone());
                if secrets.is_empty() {
                    view! { <p class="m-small m-muted">"None: nobody can log in as this client with a password."</p> }.into_any()
                } else {
                    view! {
                        <Table label="Secrets" class="m-table--inset" heads=&[("Fingerprint", ""), ("Made", ""), ("Valid until", "")]>
                            {secrets.into_iter().map(row).collect_view()}
                        </Table>
                    }
                        .into_any()
                }
            }}
        </Part>
    }
    .into_any()
}

fn rule_table(rules: Vec<RuleView>) -> AnyView {
    use mesh_protocol::policy::Effect;
    if rules.is_empty() {
        return view! {
            <Empty icon="shield" title="No rule speaks of it" text="So it may do nothing. Give it a role, or write a rule.">
                <a class="m-button" href="/acl">"Access rules"</a>
            </Empty>
        }
        .into_any();
    }
    let rows = rules
        .into_iter()
        .map(|rule| {
            let deny = rule.config.effect == Effect::Deny;
            let word = action_word(rule.config.action);
            let words = if deny { format!("deny {word}") } else { word.to_owned() };
            view! {
                <tr>
                    <td class=if deny { "m-bad m-strong" } else { "" }>{words}</td>
                    <td>{(!rule.config.filter.is_empty()).then(|| view! { <Topic name=rule.config.filter.clone()/> })}</td>
                    <td class="m-low m-muted">{rule.subject_name}</td>
                    <td><RolloutChip rollout=rule.rollout/></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Rules about this client" class="m-table--inset" heads=&[("May", ""), ("Topic filter", ""), ("By", "m-low"), ("Agents", "")]>
            {rows}
        </Table>
    }
    .into_any()
}

fn denial_table(page: Page<DenialRow>) -> AnyView {
    let (denials, total) = (page.items, page.total);
    if denials.is_empty() {
        return view! { <p class="m-small m-muted">"Nothing was refused."</p> }.into_any();
    }
    let more = page.next.is_some().then(|| {
        let text = format!("The newest {} of {total}; older ones are in the API's list.", denials.len());
        view! { <p class="m-small m-muted">{text}</p> }
    });
    let rows = denials
        .into_iter()
        .map(|denial| {
            view! {
                <tr>
                    <td>{action_word(denial.action)}</td>
                    <td><Topic name=denial.topic/></td>
                    <td>{denial.reason}</td>
                    <td class="m-low m-muted">{denial.site_name}</td>
                    <td class="m-end m-num">{crate::format::count(denial.count)}</td>
                    <td class="m-end m-muted"><Age at_ms=Some(denial.last)/></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Refusals"
            class="m-table--inset"
            heads=&[("Wanted to", ""), ("Topic", ""), ("Why not", ""), ("At", "m-low"), ("Times", "m-end"), ("Last", "m-end")]
        >
            {rows}
        </Table>
        {more}
    }
    .into_any()
}

#[component]
fn Removal(client: Signal<PrincipalView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let toasts = Toasts::get();
    let navigate = use_navigate();
    let delete = Act::new(
        |api, (id, revision): (PrincipalId, i64)| async move { api.0.delete_principal(id, revision).await },
        move |()| {
            // No bump: this page has nothing to load any more, and the list loads when it is opened.
            toasts.done("Client deleted. Its sessions end now.");
            navigate("/clients", NavigateOptions::default());
        },
    );
    let may = Signal::derive(|| Viewer::has(right::PRINCIPAL_WRITE));
    view! {
        <Part title="Delete" note="its rules go with it; the user name can be used again">
            <ActError act=delete/>
            <p>
                <Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete client"</Button>
            </p>
        </Part>
        <Confirm
            open=confirm
            title=Signal::derive(move || client.with(|client| format!("Delete {}?", client.username)))
            consequence="It is logged out at every agent within a second and cannot log in again. This cannot be undone: a new client needs a new secret."
            verb="Delete"
            on_yes=move |()| delete.run(client.with_untracked(|client| (client.id, client.revision)))
        />
    }
    .into_any()
}

/// A new secret; the old one may stay valid for a while, so that nothing stops.
#[component]
fn Rotate(client: PrincipalView, open: RwSignal<bool>) -> impl IntoView {
    let made = RwSignal::new(None::<PrincipalSecret>);
    let overlap = RwSignal::new("60".to_owned());
    let live = Live::get();
    let id = client.id;
    let rotate = Act::new(
        move |api, overlap_minutes: u32| async move { api.0.rotate_principal(id, RotateInput { overlap_minutes }).await },
        move |secret| {
            live.bump(TOPICS);
            made.set(Some(secret));
        },
    );
    let choices: Vec<(String, String)> = [
        ("0", "It ends now: sessions with it are cut"),
        ("60", "For one hour"),
        ("1440", "For one day"),
        ("10080", "For one week"),
    ]
    .map(|(key, words)| (key.to_owned(), words.to_owned()))
    .to_vec();
    let submit = Callback::new(move |()| {
        rotate.run(overlap.get_untracked().parse().unwrap_or(0));
    });
    move || match made.get() {
        Some(made) => view! { <Handover made=made open=open/> }.into_any(),
        None => {
            let choices = choices.clone();
            view! {
                <Editor
                    title=format!("Rotate the secret of {}", client.username)
                    save=rotate
                    open=open
                    right=right::PRINCIPAL_WRITE
                    verb="Rotate"
                    on_save=submit
                >
                    <p class="m-small m-muted">"You get a new secret now. Give it to the client before the old one ends."</p>
                    <Select label="The old secret stays valid" name="overlap" value=overlap choices=choices error=rotate.field("overlap_minutes")/>
                </Editor>
            }
                .into_any()
        }
    }
}
