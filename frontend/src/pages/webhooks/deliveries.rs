//! One webhook: what was sent to it, what it answered, and what can be done: a test, a new secret, sending again.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};

use super::secret::Made;
use super::{TOPICS, state_of};
use crate::act::{Act, sentence};
use crate::api::{
    ApiError, DeliveryState, ListQuery, Page, WebhookAttempt, WebhookCreated, WebhookDelivery, WebhookRotation,
    WebhookView,
};
use crate::components::{
    Age, Button, Dialog, Empty, Field, ListFoot, Main, Part, Run, RunState, Table, Toasts, Tone, either,
};
use crate::editor::Editor;
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::clients::Until;
use crate::viewer::{Viewer, right};

/// `/webhooks/:id?cursor=`
#[component]
pub fn WebhookDetail() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id =
        Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<WebhookEndpointId>().ok())));
    let webhook = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            let all = api.0.all_webhooks().await?;
            let found = all.into_iter().find(|webhook| Some(webhook.id) == id);
            found.ok_or_else(|| ApiError::new("not-found", 404, "there is no such webhook"))
        },
    );
    let key = Memo::new(move |_| (id.get(), query.with(|query| query.get("cursor"))));
    let sent = load(
        TOPICS,
        move || key.get(),
        |api, (id, cursor)| async move {
            match id {
                Some(id) => api.0.webhook_deliveries(id, ListQuery { cursor, limit: None }).await,
                None => Err(ApiError::new("not-found", 404, "there is no such webhook")),
            }
        },
    );
    let again = acting(
        |api, id: WebhookDeliveryId| async move { api.0.send_webhook_again(id).await.map(drop) },
        "It is sent again.",
    );
    view! {
        <Load resource=webhook what="webhook" title="Webhook" one=true let:webhook>
            <Detail webhook=webhook>
                <Part title="Messages" note="newest first; kept for 90 days" flush=true>
                    <Load resource=sent what="messages" let:page>
                        {move || list(page.get(), again)}
                    </Load>
                </Part>
            </Detail>
        </Load>
    }
    .into_any()
}

/// Something one does here, told by a toast.
fn acting<I, F, Fut>(call: F, done: &'static str) -> Act<I>
where
    I: 'static,
    F: Fn(crate::api::Api, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), ApiError>> + 'static,
{
    let (live, toasts) = (Live::get(), Toasts::get());
    let act = Act::new(call, move |()| {
        live.bump(TOPICS);
        toasts.done(done);
    });
    Effect::new(move |_| {
        if let Some(error) = act.error.get() {
            toasts.failed(sentence(&error, &[]));
        }
    });
    act
}

#[component]
fn Detail(webhook: Signal<WebhookView>, children: ChildrenFn) -> impl IntoView {
    let rotating = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::WEBHOOK_WRITE));
    let id = move || webhook.with_untracked(|webhook| webhook.id);
    let name = Signal::derive(move || webhook.with(|webhook| webhook.config.name.clone()));
    let note = Signal::derive(move || webhook.with(|webhook| webhook.config.url.clone()));
    let test = acting(
        |api, id: WebhookEndpointId| async move { api.0.test_webhook(id).await.map(drop) },
        "A test message is on its way.",
    );
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/webhooks">"Webhooks"</a></li><li>{name}</li></ol> };
    let acts = view! {
        <Button right=may on_press=move |()| test.run(id())>"Send a test"</Button>
        <Button icon="key" right=may on_press=move |()| rotating.set(true)>"New secret"</Button>
    };
    view! {
        <Main title=name note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            {move || facts(&webhook.get())}
            {children()}
        </Main>
        <Dialog open=rotating label="New secret">
            <Rotation id=id() open=rotating/>
        </Dialog>
    }
    .into_any()
}

fn facts(webhook: &WebhookView) -> AnyView {
    let (state, word, more) = state_of(webhook);
    let kinds: Vec<&str> = webhook.config.kinds.iter().map(String::as_str).collect();
    let kinds = if kinds.is_empty() { "everything".to_owned() } else { kinds.join(", ") };
    view! {
        <div class="m-pad">
            <dl class="m-facts">
                <dt>"State"</dt>
                <dd><Run state=state word=word/> {(!more.is_empty()).then(|| format!(" {more}"))}</dd>
                <dt>"Is told"</dt>
                <dd>{kinds}</dd>
                {webhook.failing_since.map(|at| view! { <dt>"Fails for"</dt><dd><Age at_ms=Some(at)/></dd> })}
                {webhook.overlap_until.map(|at| view! { <dt>"The old secret signs too"</dt><dd><Until at_ms=at/></dd> })}
            </dl>
        </div>
    }
    .into_any()
}

fn list(page: Page<WebhookDelivery>, again: Act<WebhookDeliveryId>) -> AnyView {
    if page.items.is_empty() {
        return view! {
            <Empty icon="bell" title="Nothing was sent yet" text="Send a test to see whether messages arrive and are believed."/>
        }
        .into_any();
    }
    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "message");
    let rows = page.items.into_iter().map(|sent| view! { <Row sent=sent again=again/> }).collect_view();
    view! {
        <Table
            label="Messages"
            heads=&[("Message", ""), ("State", ""), ("Last answer", "m-low"), ("When", "m-end"), ("", "m-tight")]
        >
            {rows}
        </Table>
        <ListFoot total=total next=page.next/>
    }
    .into_any()
}

/// Where a message is, and how often it was tried.
fn standing(sent: &WebhookDelivery) -> (RunState, String) {
    let tries = format::plural(usize::try_from(sent.tries).unwrap_or(usize::MAX), "try").replace("trys", "tries");
    match sent.state {
        DeliveryState::Delivered => (RunState::Live, "Delivered".to_owned()),
        DeliveryState::Waiting if sent.tries == 0 => (RunState::Deploying, "On its way".to_owned()),
        DeliveryState::Waiting => (RunState::Waiting, format!("Waits after {tries}")),
        DeliveryState::GivenUp => (RunState::Failed, format!("Given up after {tries}")),
    }
}

/// What an attempt brought, in one line.
fn outcome(attempt: &WebhookAttempt) -> String {
    let what = match (attempt.status, attempt.trouble.as_str()) {
        (Some(status), "") => format!("{status}"),
        (_, trouble) => trouble.to_owned(),
    };
    format!("{what}, after {} ms", attempt.took_ms)
}

#[component]
fn Row(sent: WebhookDelivery, again: Act<WebhookDeliveryId>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::WEBHOOK_WRITE));
    let (id, kind, label) = (sent.id, sent.kind.clone(), format!("Send again: {}", sent.message));
    let (state, word) = standing(&sent);
    let last = sent.attempts.first().map(outcome);
    let next = sent.next_at.filter(|_| sent.tries > 0);
    let log = sent
        .attempts
        .iter()
        .map(|attempt| {
            let response = attempt.response.clone();
            view! {
                <li>
                    <Age at_ms=Some(attempt.at)/>
                    " ago: "
                    {outcome(attempt)}
                    {(!response.is_empty()).then(|| view! { <pre class="m-small m-wrap">{response}</pre> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <tr data-message=kind>
            <td>
                <div class="m-cell">
                    <span class="m-cell__name">{sent.kind}</span>
                    <span class="m-cell__sub m-mono">{sent.message}</span>
                    <details>
                        <summary class="m-small">"Content and attempts"</summary>
                        <pre class="m-small m-wrap">{sent.body}</pre>
                        <ol class="m-small">{log}</ol>
                    </details>
                </div>
            </td>
            <td>
                <div class="m-cell">
                    <Run state=state word=word/>
                    {next.map(|at| view! { <span class="m-cell__sub">"again " <Until at_ms=at/></span> })}
                </div>
            </td>
            <td class="m-low m-muted m-wrap">{last.unwrap_or_else(|| "–".to_owned())}</td>
            <td class="m-end m-muted m-nowrap"><Age at_ms=Some(sent.at)/></td>
            <td class="m-tight">
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet right=may label=label on_press=move |()| again.run(id)>"Send again"</Button>
                </span>
            </td>
        </tr>
    }
    .into_any()
}

/// How long the old secret goes on; 0 is not at all.
fn hours_of(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| "Whole hours, such as 24; 0 ends the old secret at once".to_owned())
}

#[component]
fn Rotation(id: WebhookEndpointId, open: RwSignal<bool>) -> impl IntoView {
    let live = Live::get();
    let made = RwSignal::new(None::<WebhookCreated>);
    let hours = RwSignal::new("24".to_owned());
    let save = Act::new(
        move |api, overlap_hours: u32| async move { api.0.rotate_webhook(id, WebhookRotation { overlap_hours }).await },
        move |created| {
            live.bump(TOPICS);
            made.set(Some(created));
        },
    );
    let submit = Callback::new(move |()| {
        if let Ok(hours) = hours.with_untracked(|hours| hours_of(hours)) {
            save.run(hours);
        }
    });
    move || {
        match made.get() {
        Some(made) => view! { <Made made=made open=open/> }.into_any(),
        None => view! {
            <Editor title="New secret" save=save open=open right=right::WEBHOOK_WRITE verb="Make a new secret" on_save=submit>
                <p class="m-small m-muted">"Until the old one ends every message has two signatures, and either secret verifies it."</p>
                <Field
                    label="Hours until the old one ends"
                    name="overlap_hours"
                    kind="number"
                    value=hours
                    error=either(save.field("overlap_hours"), move || hours.with(|hours| hours_of(hours).err()))
                />
            </Editor>
        }
        .into_any(),
    }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(state: DeliveryState, tries: u32) -> WebhookDelivery {
        WebhookDelivery {
            id: uuid::Uuid::nil().into(),
            message: "msg_1".into(),
            kind: "webhook.test".into(),
            body: "{}".into(),
            state,
            at: 1,
            next_at: None,
            tries,
            attempts: Vec::new(),
        }
    }

    #[test]
    fn a_message_says_where_it_is() {
        let word = |state, tries| standing(&sent(state, tries)).1;
        assert_eq!(word(DeliveryState::Waiting, 0), "On its way");
        assert_eq!(word(DeliveryState::Waiting, 1), "Waits after 1 try");
        assert_eq!(word(DeliveryState::GivenUp, 20), "Given up after 20 tries");
        assert_eq!(word(DeliveryState::Delivered, 2), "Delivered");
    }

    #[test]
    fn an_attempt_says_what_came_of_it() {
        let attempt = |status, trouble: &str| WebhookAttempt {
            at: 1,
            took_ms: 12,
            status,
            trouble: trouble.into(),
            response: String::new(),
        };
        assert_eq!(outcome(&attempt(Some(204), "")), "204, after 12 ms");
        assert_eq!(outcome(&attempt(Some(500), "it answered 500")), "it answered 500, after 12 ms");
        assert_eq!(outcome(&attempt(None, "no answer within 10 s")), "no answer within 10 s, after 12 ms");
    }

    #[test]
    fn hours_are_whole() {
        assert_eq!(hours_of(" 24 "), Ok(24));
        assert!(hours_of("").is_err() && hours_of("1.5").is_err());
    }
}
