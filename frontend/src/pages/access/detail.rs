//! One grant: what it gives, whether every agent does it, the credentials that use it, and the ways to end it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::desired::Quota;
use mesh_protocol::id::GrantId;
use serde::{Deserialize, Serialize};

use super::certificates::Certificates;
use super::connect::Connect;
use super::credentials::Credentials;
use super::kafka::KafkaCredentials;
use super::{TOPICS, phase_mark};
use crate::act::{Act, ActError};
use crate::api::{
    ApiError, ConnectView, CredentialView, Edit, GrantMove, GrantPhase, GrantStep, GrantView, KafkaCredentialView,
    KafkaOffer, ListQuery, UsageQuery, UsageRow,
};
use crate::components::{Age, Button, Field, Main, Part, Run, Table, Toasts, Tone, UsageTable};
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::clients::Until;
use crate::pages::products::Terms;
use crate::viewer::{Viewer, right};

/// `/access/:id`
#[component]
pub fn GrantDetail() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<GrantId>().ok())));
    let grant = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => {
                    let grant = api.0.grant(id).await?;
                    let credentials = api.0.all_credentials(grant.application).await?;
                    let connect = api.0.grant_connect(id).await?;
                    let query = UsageQuery { grant: Some(id), ..UsageQuery::default() };
                    let used = api.0.usage(query).await?.items;
                    let offers = api.0.kafka_offers(id, ListQuery::default()).await?.items;
                    let users = api.0.kafka_credentials(id, ListQuery::default()).await?.items;
                    Ok(Found { grant, credentials, connect, offers, users, used })
                }
                None => Err(ApiError::new("not-found", 404, "there is no such grant")),
            }
        },
    );
    view! {
        <Load resource=grant what="access" title="Access" one=true let:found>
            <Detail found=found/>
        </Load>
    }
    .into_any()
}

/// All that the page shows.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Found {
    grant: GrantView,
    credentials: Vec<CredentialView>,
    connect: ConnectView,
    /// Clusters where it can be used.
    offers: Vec<KafkaOffer>,
    /// Users of clusters that use it.
    users: Vec<KafkaCredentialView>,
    used: Vec<UsageRow>,
}

#[component]
fn Detail(found: Signal<Found>) -> impl IntoView {
    let grant = Signal::derive(move || found.with(|found| found.grant.clone()));
    let title =
        Signal::derive(move || grant.with(|grant| format!("{} to {}", grant.application_name, grant.target.name)));
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/access">"Access"</a></li><li>{title}</li></ol> };
    view! {
        <Main title=title note="what was given, and whether every agent does it" crumbs=crumbs.into_any()>
            <Facts grant=grant/>
            <Waits grant=grant/>
            <Part title="What it gives" note="to every client of the application">
                {move || view! { <Terms terms=grant.with(|grant| grant.terms.clone())/> }}
            </Part>
            <Credentials grant=grant credentials=Signal::derive(move || found.with(|found| found.credentials.clone()))/>
            <Certificates grant=grant credentials=Signal::derive(move || found.with(|found| found.credentials.clone()))/>
            <Connect
                grant=grant
                connect=Signal::derive(move || found.with(|found| found.connect.clone()))
                credentials=Signal::derive(move || found.with(|found| found.credentials.clone()))
            />
            <KafkaCredentials
                grant=grant
                offers=Signal::derive(move || found.with(|found| found.offers.clone()))
                credentials=Signal::derive(move || found.with(|found| found.users.clone()))
            />
            <Use found=found/>
            <Ways grant=grant/>
        </Main>
    }
    .into_any()
}

#[component]
fn Facts(grant: Signal<GrantView>) -> impl IntoView {
    move || {
        let grant = grant.get();
        let (state, word) = phase_mark(grant.phase);
        let target = grant.target;
        let href = target.page();
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"State"</dt>
                    <dd class="m-line m-line--wrap">
                        <Run state=state word=word/>
                        {grant.confirmed_at.map(|at| view! { <span class="m-muted">"every agent concerned, since " <Age at_ms=Some(at)/></span> })}
                    </dd>
                    {(!grant.reason.is_empty()).then(|| view! { <dt>"Because"</dt><dd class="m-wrap">{grant.reason}</dd> })}
                    <dt>"Application"</dt>
                    <dd><a href=format!("/clients?application={}", grant.application)>{grant.application_name}</a></dd>
                    <dt>"To"</dt>
                    <dd>
                        <a href=href>{target.name}" "{target.number}</a>
                        {target.plan.map(|plan| format!(", plan {} (terms {})", plan.name, plan.number))}
                    </dd>
                    <dt>"Until"</dt>
                    <dd>
                        {match grant.until {
                            Some(at) => view! { <Until at_ms=at/> }.into_any(),
                            None => "somebody ends it".into_any(),
                        }}
                    </dd>
                    <dt>"Asked for"</dt>
                    <dd><a href=format!("/inbox/{}", grant.request)>"the request it came of"</a></dd>
                    <dt>"Changed"</dt>
                    <dd><Age at_ms=Some(grant.updated_at)/> " ago by " {grant.updated_by}</dd>
                </dl>
            </div>
        }
    }
}

#[component]
fn Waits(grant: Signal<GrantView>) -> impl IntoView {
    move || {
        let waits = grant.with(|grant| grant.waits_for.clone());
        (!waits.is_empty()).then(|| {
            let rows = waits.into_iter().map(|wait| view! {
                <tr data-agent=wait.agent_name.clone()>
                    <td><a href=format!("/agents/{}", wait.agent)>{wait.agent_name.clone()}</a></td>
                    <td>{wait.site_name}</td>
                    <td class="m-wrap">{wait.reason}</td>
                </tr>
            });
            view! {
                <Part title="Waits for" note="it is so everywhere only when these agents say so too" flush=true>
                    <Table label="Agents" heads=&[("Agent", ""), ("Site", ""), ("Why", "")]>{rows.collect_view()}</Table>
                </Part>
            }
        })
    }
}

/// How much of it was used, day by day.
#[component]
fn Use(found: Signal<Found>) -> impl IntoView {
    let id = found.with_untracked(|found| found.grant.id);
    let terms = found.with_untracked(|found| found.grant.terms.clone());
    let quota = Quota { events_per_s: terms.events, bytes_per_s: terms.bytes, burst_s: None };
    let acts = view! {
        <a class="m-button m-button--small" href=format!("/api/v1/usage.csv?grant={id}") rel="external" download="">"CSV"</a>
        <a class="m-button m-button--small" href=format!("/api/v1/usage.json?grant={id}") rel="external" download="">"JSON"</a>
    };
    view! {
        <Part title="Use" note="of the last 30 days, as agents counted it" acts=acts.into_any()>
            <UsageTable rows=Signal::derive(move || found.with(|found| found.used.clone())) quota=quota/>
        </Part>
    }
    .into_any()
}

/// The ways on from here, by what it is now.
fn steps(phase: GrantPhase) -> &'static [(GrantStep, &'static str)] {
    match phase {
        GrantPhase::Provisioning | GrantPhase::Live => {
            &[(GrantStep::Suspend, "Suspend"), (GrantStep::Revoke, "Revoke")]
        }
        GrantPhase::Suspending | GrantPhase::Suspended => {
            &[(GrantStep::Resume, "Give it again"), (GrantStep::Revoke, "Revoke")]
        }
        GrantPhase::Revoking | GrantPhase::Revoked | GrantPhase::Expiring | GrantPhase::Expired => &[],
    }
}

#[component]
fn Ways(grant: Signal<GrantView>) -> impl IntoView {
    let (live, toasts) = (Live::get(), Toasts::get());
    let reason = RwSignal::new(String::new());
    let may = Signal::derive(|| Viewer::has(right::ACCESS_DECIDE));
    let step = Act::new(
        |api, (id, input): (GrantId, Edit<GrantMove>)| async move { api.0.move_grant(id, input).await },
        move |_| {
            live.bump(TOPICS);
            reason.set(String::new());
            toasts.done("Done: agents are taking it.");
        },
    );
    let phase = Memo::new(move |_| grant.with(|grant| grant.phase));
    let run = move |to: GrantStep| {
        let (id, revision) = grant.with_untracked(|grant| (grant.id, grant.revision));
        let value = GrantMove { to, reason: reason.get_untracked().trim().to_owned() };
        step.run((id, Edit { revision, value }));
    };
    let button = move |(to, words): (GrantStep, &'static str)| {
        let tone = if to == GrantStep::Revoke { Tone::Danger } else { Tone::default() };
        view! { <Button tone=tone right=may on_press=move |()| run(to)>{words}</Button> }
    };
    view! {
        <Show when=move || !steps(phase.get()).is_empty()>
            <Part title="End it" note="open connections lose it as soon as their agent has the policy; each agent confirms">
                <form method="post" on:submit=move |ev| ev.prevent_default()>
                    <Field label="Reason" name="reason" value=reason hint="Needed to suspend and to revoke; the other side reads it" error=step.field("reason")/>
                    <ActError act=step/>
                    <div class="m-line m-line--wrap">{move || steps(phase.get()).iter().copied().map(button).collect_view()}</div>
                </form>
            </Part>
        </Show>
    }
    .into_any()
}
