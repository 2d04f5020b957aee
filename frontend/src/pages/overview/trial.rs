//! "Try it": publish an event at a site, watch what arrives, and take the command lines to a terminal. All of it runs on
//! the rights of a short-lived client that the portal makes for the person.

use leptos::prelude::*;
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::SiteId;
use mesh_protocol::wire::PublishOutcome;

use super::super::clients::Until;
use crate::act::{Act, ActError};
use crate::api::{Overview, PublishInput, PublishResult, TryClient, TryInput};
use crate::components::{Button, Choice, Code, Field, Part, Select, Submit};
use crate::pages::tail::Tail;
use crate::viewer::{Viewer, right};

/// What is published when nothing else is typed.
const PAYLOAD: &str = r#"{"total":42}"#;

/// The block.
#[component]
pub(super) fn Trial(overview: Signal<Overview>) -> impl IntoView {
    let demo = move || overview.with_untracked(|overview| overview.demo.clone());
    let first = overview.with_untracked(|overview| overview.sites.first().map(|site| site.id));
    let site =
        RwSignal::new(demo().and_then(|demo| demo.try_site).or(first).map(|id| id.to_string()).unwrap_or_default());
    let filter = demo().map(|demo| demo.try_filter).filter(|filter| !filter.is_empty());
    let filter = RwSignal::new(filter.unwrap_or_else(|| "orders/fr/>".to_owned()));
    let choices = Signal::derive(move || {
        overview.with(|overview| {
            let sites = overview.sites.iter().filter(|site| site.agents_online > 0);
            sites.map(|site| (site.id.to_string(), site.name.clone())).collect::<Vec<Choice>>()
        })
    });
    let out_of_reach = Memo::new(move |_| {
        let reached = choices.with(|choices| choices.iter().any(|(id, _)| site.with(|site| site == id)));
        (!reached).then(|| "Choose a site whose agent is online.".to_owned())
    });
    view! {
        <Part title="Try it" note="as a client of your own that ends by itself">
            <div class="m-pair">
                <div class="m-trial">
                    <Select label="Site" name="site" value=site choices=choices error=Signal::derive(move || out_of_reach.get())/>
                    <Publish site=site/>
                    <Lines site=site/>
                </div>
                <Tail site=site filter=filter/>
            </div>
        </Part>
    }
    .into_any()
}

/// What became of a publish, in a sentence; and whether it is good news.
fn verdict(result: &PublishResult) -> (bool, String) {
    let took = format!("{:.1} ms", result.took_us as f64 / 1000.0);
    match &result.outcome {
        PublishOutcome::Accepted { outlets: 0 } => {
            (true, format!("Accepted in {took}. Nobody wants it, so it went nowhere."))
        }
        PublishOutcome::Accepted { outlets: 1 } => (true, format!("Accepted in {took}, taken by one reader or peer.")),
        PublishOutcome::Accepted { outlets } => {
            (true, format!("Accepted in {took}, taken by {outlets} readers and peers."))
        }
        PublishOutcome::Denied { reason } => (false, format!("Refused: {reason}.")),
        PublishOutcome::Failed { reason } => (false, format!("Not delivered: {reason}.")),
    }
}

#[component]
fn Publish(site: RwSignal<String>) -> impl IntoView {
    let topic = RwSignal::new("orders/fr/lyon/created".to_owned());
    let payload = RwSignal::new(PAYLOAD.to_owned());
    let outcome = RwSignal::new(None::<PublishResult>);
    let may = Signal::derive(|| Viewer::has(right::TRY));
    let publish = Act::new(
        |api, input: PublishInput| async move { api.0.publish(input).await },
        move |result: PublishResult| outcome.set(Some(result)),
    );
    let on_submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        outcome.set(None);
        let Ok(site) = site.get_untracked().parse::<SiteId>() else { return };
        publish.run(PublishInput {
            site,
            topic: topic.get_untracked().trim().to_owned(),
            payload: payload.get_untracked(),
            mode: DeliveryMode::Guaranteed,
        });
    };
    let shown = move || {
        outcome.get().map(|result| {
            let (good, text) = verdict(&result);
            let class = if good { "m-small m-ok" } else { "m-small m-bad" };
            view! { <p class=class>{text}</p> }
        })
    };
    view! {
        <form class="m-trial__form" method="post" on:submit=on_submit>
            <Field label="Topic" name="topic" value=topic mono=true required=true error=publish.field("topic")/>
            <Field label="Payload" name="payload" value=payload mono=true error=publish.field("payload")/>
            <div class="m-form__acts">
                <Submit busy=publish.busy right=may>"Publish"</Submit>
                <span role="status">{shown}</span>
            </div>
            <ActError act=publish/>
        </form>
    }
    .into_any()
}

/// The command lines, made when they are asked for: making them makes the client.
#[component]
fn Lines(site: RwSignal<String>) -> impl IntoView {
    let made = RwSignal::new(None::<TryClient>);
    let may = Signal::derive(|| Viewer::has(right::TRY));
    let make = Act::new(
        |api, site: SiteId| async move { api.0.try_client(TryInput { site }).await },
        move |client: TryClient| made.set(Some(client)),
    );
    // Lines of one site do not work at another.
    Effect::new(move || {
        site.track();
        made.set(None);
    });
    let press = move |()| {
        if let Ok(site) = site.get_untracked().parse() {
            make.run(site);
        }
    };
    view! {
        <div class="m-trial__lines">
            {move || match made.get() {
                None => view! { <Button right=may icon="copy" on_press=press>"Command lines for a terminal"</Button> }.into_any(),
                Some(client) => lines(client),
            }}
            <ActError act=make/>
        </div>
    }
    .into_any()
}

fn lines(client: TryClient) -> AnyView {
    let nothing = client.mqtt_line.is_none() && client.http_line.is_none();
    let hidden = client.secret.is_none().then_some(
        "Your client exists already and its secret is shown only once: put it in place of SECRET, or wait until the client ends.",
    );
    let user = client.username.clone();
    view! {
        {client.mqtt_line.map(|line| view! { <Code text=line what="the MQTT line"/> })}
        {client.http_line.map(|line| view! { <Code text=line what="the HTTP line"/> })}
        {nothing.then(|| view! { <p class="m-small m-muted">"No listener runs at this site, so there is nothing to connect to."</p> })}
        {hidden.map(|text| view! { <p class="m-small m-warn">{text}</p> })}
        <p class="m-small m-muted">
            {format!("The client {user} ends ")}
            <Until at_ms=client.expires_at/>
            ". Run the lines on a machine that reaches the site."
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_event_that_nobody_wants_is_not_sold_as_delivered() {
        let result = |outcome| PublishResult { outcome, took_us: 1500 };
        let (good, text) = verdict(&result(PublishOutcome::Accepted { outlets: 0 }));
        assert!(good && text == "Accepted in 1.5 ms. Nobody wants it, so it went nowhere.");
        let (good, text) = verdict(&result(PublishOutcome::Denied { reason: "rule 7 denies it".into() }));
        assert!(!good && text == "Refused: rule 7 denies it.");
    }
}
