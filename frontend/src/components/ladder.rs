//! What the test of a connection came to: the sentence first, then every layer with what was found and what to do.

use leptos::prelude::*;

use super::icon::Glyph;
use crate::api::{ConnectionTest, ListenerTest, PlanProtocol, TestLayer, TestState, TestStep};
use crate::format;

/// The answer to a test. It reads without colours: each layer has its word.
#[component]
pub fn ConnectionLadder(
    /// What it came to.
    test: ConnectionTest,
) -> impl IntoView {
    let (icon, tone) = if test.works { ("live", "ok") } else { ("failed", "bad") };
    let listeners =
        test.listeners.into_iter().map(|listener| view! { <OneListener listener=listener/> }).collect_view();
    let left_out = usize::try_from(test.left_out).unwrap_or(usize::MAX);
    view! {
        <section class="m-ladder" role="status" aria-label="What the test came to">
            <p class="m-ladder__sum" data-tone=tone><Glyph name=icon/>{test.summary}</p>
            <p class="m-small m-muted">{test.seen_from}" It took "{test.took_ms}" ms."</p>
            <Steps steps=test.before label="Before any listener is asked".to_owned()/>
            {listeners}
            {(left_out > 0).then(|| view! {
                <p class="m-small m-muted">{format!("{} more are not asked.", format::plural(left_out, "listener"))}</p>
            })}
        </section>
    }
    .into_any()
}

#[component]
fn OneListener(listener: ListenerTest) -> impl IntoView {
    let protocol = if listener.protocol == PlanProtocol::Mqtt { "MQTT" } else { "HTTP" };
    let place = format!("{} at {}", listener.name, listener.site_name);
    let label = format!("Layers of {place}");
    view! {
        <div class="m-ladder__place">
            <h3>
                {place}
                <span class="m-small m-muted">
                    " " {protocol} {(!listener.agent_name.is_empty()).then(|| format!(", {}", listener.agent_name))}
                </span>
            </h3>
            {(!listener.address.is_empty()).then(|| view! { <code class="m-mono m-small">{listener.address}</code> })}
            <Steps steps=listener.steps label=label/>
        </div>
    }
    .into_any()
}

#[component]
fn Steps(steps: Vec<TestStep>, label: String) -> impl IntoView {
    let steps = steps.into_iter().map(|step| view! { <OneStep step=step/> }).collect_view();
    view! { <ol class="m-ladder__steps" aria-label=label>{steps}</ol> }.into_any()
}

#[component]
fn OneStep(step: TestStep) -> impl IntoView {
    let (glyph, tone, word) = mark(step.state);
    let took = step.took_ms.map(|took| format!("{took} ms"));
    view! {
        <li class="m-ladder__step" data-tone=tone>
            <Glyph name=glyph/>
            <div class="m-cell">
                <span class="m-wrap">
                    {layer_name(step.layer)} {(!step.of.is_empty()).then(|| view! { " " <code class="m-mono">{step.of}</code> })} ": "
                    <span class="m-ladder__word">{word}</span>
                    {took.map(|took| view! { <span class="m-faint">" "{took}</span> })}
                </span>
                {(!step.what.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{step.what}</span> })}
                {(!step.advice.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">"What to do: "{step.advice}</span> })}
            </div>
        </li>
    }
    .into_any()
}

/// The glyph, the tone and the word of a state.
const fn mark(state: TestState) -> (&'static str, &'static str, &'static str) {
    match state {
        TestState::Ok => ("live", "ok", "yes"),
        TestState::Failed => ("failed", "bad", "no"),
        TestState::Skipped => ("none", "none", "not tested"),
        TestState::NotReached => ("none", "none", "not reached"),
    }
}

const fn layer_name(layer: TestLayer) -> &'static str {
    match layer {
        TestLayer::Grant => "The grant is given",
        TestLayer::Credential => "The credential is good",
        TestLayer::Agent => "The agent is ready",
        TestLayer::Name => "Name resolved",
        TestLayer::Reach => "Reachable over TCP",
        TestLayer::Tls => "Secured by TLS",
        TestLayer::Protocol => "Protocol answers",
        TestLayer::Login => "Logged in",
        TestLayer::Receive => "May receive",
        TestLayer::Send => "May send",
    }
}
