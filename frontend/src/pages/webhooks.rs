//! Webhooks: which other systems are told, whether they take it, and what was sent.

mod deliveries;
mod form;
mod secret;

use leptos::prelude::*;

pub use deliveries::WebhookDetail;

use self::form::WebhookForm;
use crate::api::{LiveTopic, NotificationKind, WebhookView};
use crate::components::{Age, Button, Dialog, Empty, Main, Run, RunState, Table, Tone};
use crate::editor::Editing;
use crate::format;
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

/// What makes webhooks and their messages old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Webhooks];

/// `/webhooks`
#[component]
pub fn Webhooks() -> impl IntoView {
    let webhooks = load(TOPICS, || (), |api, ()| async move { api.0.all_webhooks().await });
    let kinds = load(&[], || (), |api, ()| async move { api.0.notification_kinds().await.map(|page| page.items) });
    let editing = Editing::<WebhookView>::new();
    let may = Signal::derive(|| Viewer::has(right::WEBHOOK_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| editing.make()>"New webhook"</Button>
    };
    view! {
        <Main title="Webhooks" note="other systems that are told what people are told" acts=acts.into_any()>
            <Load resource=webhooks what="webhooks" let:webhooks>
                {move || table(webhooks.get(), editing)}
            </Load>
        </Main>
        <Dialog open=editing.open label="Webhook" class="m-dialog m-dialog--wide">
            <Load resource=kinds what="kinds" let:kinds>
                <WebhookForm known=editing.of() kinds=kinds.get_untracked() open=editing.open/>
            </Load>
        </Dialog>
    }
    .into_any()
}

fn table(webhooks: Vec<WebhookView>, editing: Editing<WebhookView>) -> AnyView {
    if webhooks.is_empty() {
        return view! {
            <Empty
                icon="bell"
                title="No webhooks yet"
                text="A webhook gets a signed message over HTTPS whenever something happens that people are told of: a release, a deprecation, an agent that is away. It is tried for three days."
            />
        }
        .into_any();
    }
    let rows = webhooks.into_iter().map(|webhook| view! { <Row webhook=webhook editing=editing/> }).collect_view();
    view! {
        <Table
            label="Webhooks"
            heads=&[("Webhook", ""), ("Is told", "m-low"), ("State", ""), ("Changed", "m-low m-end"), ("", "m-tight")]
        >
            {rows}
        </Table>
    }
    .into_any()
}

/// How an endpoint is, as a mark and a word, and what to know besides.
fn state_of(webhook: &WebhookView) -> (RunState, &'static str, String) {
    if !webhook.gave_up.is_empty() {
        return (RunState::Failed, "Switched off by the portal", webhook.gave_up.clone());
    }
    match (webhook.config.enabled, webhook.failing_since) {
        (false, _) => (RunState::Offline, "Switched off", String::new()),
        (true, Some(_)) => (RunState::Degraded, "Fails", "messages wait and are tried again".to_owned()),
        (true, None) => (RunState::Live, "On", String::new()),
    }
}

/// What it is told, in words.
fn told(webhook: &WebhookView, kinds: &[NotificationKind]) -> String {
    let chosen = &webhook.config.kinds;
    match chosen.iter().next() {
        None => "everything".to_owned(),
        Some(one) if chosen.len() == 1 => {
            kinds.iter().find(|kind| kind.name == *one).map_or_else(|| one.clone(), |kind| kind.words.to_lowercase())
        }
        Some(_) => format::plural(chosen.len(), "kind"),
    }
}

#[component]
fn Row(webhook: WebhookView, editing: Editing<WebhookView>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::WEBHOOK_WRITE));
    let for_edit = webhook.clone();
    let label = format!("Edit {}", webhook.config.name);
    let by = format!("by {}", webhook.updated_by);
    let (state, word, more) = state_of(&webhook);
    let told = told(&webhook, &[]);
    view! {
        <tr data-webhook=webhook.config.name.clone()>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/webhooks/{}", webhook.id)>{webhook.config.name.clone()}</a>
                    <span class="m-cell__sub m-mono m-wrap">{webhook.config.url.clone()}</span>
                </div>
            </td>
            <td class="m-low">{told}</td>
            <td>
                <div class="m-cell">
                    <Run state=state word=word/>
                    {(!more.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{more}</span> })}
                </div>
            </td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(webhook.updated_at)/></td>
            <td class="m-tight">
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet right=may label=label on_press=move |()| editing.change(for_edit.clone())>
                        "Edit"
                    </Button>
                </span>
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::WebhookInput;

    fn webhook(enabled: bool, gave_up: &str, failing_since: Option<i64>, kinds: &[&str]) -> WebhookView {
        WebhookView {
            id: uuid::Uuid::nil().into(),
            revision: 1,
            config: WebhookInput {
                name: "pager".into(),
                url: "https://hooks.example".into(),
                kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect::<BTreeSet<_>>(),
                private_addresses: false,
                enabled,
            },
            gave_up: gave_up.into(),
            failing_since,
            overlap_until: None,
            updated_at: 1,
            updated_by: "ada".into(),
        }
    }

    #[test]
    fn who_switched_it_off_is_told() {
        assert_eq!(state_of(&webhook(true, "", None, &[])).1, "On");
        assert_eq!(state_of(&webhook(true, "", Some(1), &[])).1, "Fails");
        assert_eq!(state_of(&webhook(false, "", Some(1), &[])).1, "Switched off");
        assert_eq!(
            state_of(&webhook(false, "410", None, &[])),
            (RunState::Failed, "Switched off by the portal", "410".into())
        );
    }

    #[test]
    fn what_it_is_told_is_in_words() {
        let kind = NotificationKind { name: "agent.back".into(), words: "An agent is back".into(), asks: false };
        assert_eq!(told(&webhook(true, "", None, &[]), &[]), "everything");
        assert_eq!(told(&webhook(true, "", None, &["agent.back"]), &[kind]), "an agent is back");
        assert_eq!(told(&webhook(true, "", None, &["agent.back"]), &[]), "agent.back");
        assert_eq!(told(&webhook(true, "", None, &["a", "b"]), &[]), "2 kinds");
    }
}
