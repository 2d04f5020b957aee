//! One request: who wants what, why, what they would see, exactly what would be given, and what was said.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::id::AccessRequestId;

use super::decide::{Answer, Decide};
use super::{TOPICS, state_mark, verb};
use crate::api::{AccessAct, AccessState, AccessStep, AccessView, ApiError};
use crate::components::{Age, Life, Main, Part, Table, Tags};
use crate::format;
use crate::load::{Load, load};
use crate::pages::clients::Until;
use crate::pages::products::Terms;

/// `/inbox/:id`
#[component]
pub fn RequestDetail() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<AccessRequestId>().ok())));
    let request = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.access_request(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such request")),
            }
        },
    );
    view! {
        <Load resource=request what="request" title="Inbox" one=true let:request>
            <Detail request=request/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(request: Signal<AccessView>) -> impl IntoView {
    let title = Signal::derive(move || {
        request
            .with(|request| format!("{} wants to {} {}", request.application_name, verb(request), request.target.name))
    });
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/inbox">"Inbox"</a></li><li>"Request"</li></ol> };
    view! {
        <Main title=title crumbs=crumbs.into_any()>
            <Facts request=request/>
            <Part title="Why">
                <blockquote class="m-quote">{move || request.with(|request| request.purpose.clone())}</blockquote>
            </Part>
            <Sees request=request/>
            <Part title="Exactly this would be given" note="to every client of the application">
                {move || view! { <Terms terms=request.with(|request| request.terms.clone())/> }}
            </Part>
            <Others request=request/>
            <Said request=request/>
            {move || {
                let request = request.get();
                match request.state {
                    AccessState::Pending | AccessState::NeedsInfo if !request.is_own => view! { <Decide request=request/> }.into_any(),
                    AccessState::Pending | AccessState::NeedsInfo => view! { <Answer request=request/> }.into_any(),
                    _ => ().into_any(),
                }
            }}
        </Main>
    }
    .into_any()
}

#[component]
fn Facts(request: Signal<AccessView>) -> impl IntoView {
    move || {
        let request = request.get();
        let (glyph, word) = state_mark(request.state);
        let target = request.target;
        let href = target.page();
        let owner = if request.application_owner.is_empty() { "nobody".to_owned() } else { request.application_owner };
        let missing = usize::from(request.missing);
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"State"</dt>
                    <dd class="m-line m-line--wrap">
                        <Life state=glyph word=word/>
                        {(request.state == AccessState::Pending).then(|| {
                            let people = if missing == 1 { "1 person has".to_owned() } else { format!("{missing} people have") };
                            view! { <span class="m-muted">{format!("{people} still to say yes")}</span> }
                        })}
                    </dd>
                    <dt>"Asked"</dt>
                    <dd><Age at_ms=Some(request.created_at)/> " ago by " <b>{request.created_by}</b></dd>
                    <dt>"For"</dt>
                    <dd>{request.application_name}", which belongs to "{owner}</dd>
                    <dt>"To"</dt>
                    <dd>
                        <a href=href>{target.name}" "{target.number}</a>
                        {target.plan.map(|plan| format!(", plan {} (terms {})", plan.name, plan.number))}
                    </dd>
                    <dt>"Until"</dt>
                    <dd>
                        {match request.until {
                            Some(at) => view! { <Until at_ms=at/> }.into_any(),
                            None => "without an end".into_any(),
                        }}
                    </dd>
                    {request.decider.map(|decider| view! { <dt>"Asked to decide"</dt><dd>{decider}</dd> })}
                    {request.grant.map(|grant| view! { <dt>"Access"</dt><dd><a href=format!("/access/{grant}")>"what was given"</a></dd> })}
                </dl>
            </div>
        }
    }
}

#[component]
fn Sees(request: Signal<AccessView>) -> impl IntoView {
    view! {
        <Part title="What it would see" note="fields that have tags">
            {move || {
                let fields = request.with(|request| request.fields.clone());
                if fields.is_empty() {
                    return view! { <p class="m-muted">"No field has a tag: nothing is marked as personal or confidential."</p> }.into_any();
                }
                let rows = fields.into_iter().map(|field| view! {
                    <tr><td class="m-mono m-wrap">{field.path}</td><td><Tags tags=field.tags/></td></tr>
                });
                view! { <Table label="Fields" class="m-table--inset" heads=&[("Field", ""), ("Tags", "")]>{rows.collect_view()}</Table> }.into_any()
            }}
        </Part>
    }
    .into_any()
}

#[component]
fn Others(request: Signal<AccessView>) -> impl IntoView {
    let note = Signal::derive(move || {
        let others = request.with(|request| request.others_total);
        format::plural(usize::try_from(others).unwrap_or(usize::MAX), "application")
    });
    view! {
        <Part title="Who has it already" note=note>
            {move || {
                let names = request.with(|request| request.others.clone());
                let words = if names.is_empty() { "Nobody yet.".to_owned() } else { names.join(", ") };
                view! { <p class="m-muted">{words}</p> }
            }}
        </Part>
    }
    .into_any()
}

fn act_words(act: AccessAct) -> &'static str {
    match act {
        AccessAct::Approve => "said yes",
        AccessAct::Reject => "said no",
        AccessAct::Ask => "asked",
        AccessAct::Answer => "answered",
        AccessAct::Delegate => "has somebody else decide",
        AccessAct::Cancel => "took it back",
        AccessAct::Expire => "ended it",
    }
}

#[component]
fn Said(request: Signal<AccessView>) -> impl IntoView {
    let step = |step: AccessStep| {
        let to = step.to.map(|to| format!(": {to}"));
        view! {
            <li class="m-cell">
                <span><b>{step.by}</b>" "{act_words(step.act)}{to}" "<span class="m-muted m-small"><Age at_ms=Some(step.at)/>" ago"</span></span>
                {(!step.reason.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{step.reason}</span> })}
            </li>
        }
    };
    view! {
        <Part title="What was said">
            {move || {
                let steps = request.with(|request| request.steps.clone());
                if steps.is_empty() {
                    return view! { <p class="m-muted">"Nothing yet."</p> }.into_any();
                }
                view! { <ol class="m-plain">{steps.into_iter().map(step).collect_view()}</ol> }.into_any()
            }}
        </Part>
    }
    .into_any()
}
