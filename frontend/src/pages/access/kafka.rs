//! Kafka credentials of a grant: users of clusters, each with what its agent says of it; a secret is shown once, with the settings
//! that a client needs.

use leptos::prelude::*;

use super::TOPICS;
use super::turns::{Ends, OVERLAP_MINUTES, Turns};
use crate::act::Act;
use crate::api::{
    GrantPhase, GrantView, KafkaCredentialInput, KafkaCredentialSecret, KafkaCredentialState, KafkaCredentialView,
    KafkaOffer, PlanProtocol, RotateInput,
};
use crate::components::{
    Button, Code, Dialog, Empty, Field, Part, Right, Run, RunState, Secret, Select, Table, Toasts,
};
use crate::editor::{Editor, closing};
use crate::live::Live;
use crate::moment;
use crate::viewer::{Viewer, right};

#[component]
pub(super) fn KafkaCredentials(
    grant: Signal<GrantView>,
    #[prop(into)] offers: Signal<Vec<KafkaOffer>>,
    #[prop(into)] credentials: Signal<Vec<KafkaCredentialView>>,
) -> impl IntoView {
    let issuing = RwSignal::new(false);
    let secret = RwSignal::new(None::<KafkaCredentialSecret>);
    let may = Signal::derive(move || {
        if !grant.with(|grant| matches!(grant.phase, GrantPhase::Provisioning | GrantPhase::Live)) {
            return Right::Missing("Without access there is nothing to log in for.".to_owned());
        }
        match offers.with(|offers| why_not(offers)) {
            Some(why) => Right::Missing(why),
            None => Viewer::has(right::ACCESS_REQUEST),
        }
    });
    let id = grant.with_untracked(|grant| grant.id);
    let close = closing(issuing, TOPICS);
    let (cluster, until) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let choices = Signal::derive(move || {
        let fit = |offers: &Vec<KafkaOffer>| {
            let fit = offers.iter().filter(|offer| offer.why_not.is_empty());
            fit.map(|offer| {
                (offer.broker.to_string(), format!("{}, {}", offer.broker_name, topics(&offer.reads, &offer.writes)))
            })
            .collect::<Vec<_>>()
        };
        offers.with(fit)
    });
    let open = move |()| {
        if let [(only, _)] = choices.get_untracked().as_slice() {
            cluster.set(only.clone());
        }
        issuing.set(true);
    };
    let acts =
        move || view! { <Button small=true icon="plus" right=may on_press=open>"Issue a Kafka credential"</Button> };
    let issue = Act::new(
        move |api, input: KafkaCredentialInput| async move { api.0.issue_kafka_credential(id, input).await },
        move |made| {
            secret.set(Some(made));
            close.run("Kafka credential issued: it works when its agent says so.");
        },
    );
    let on_save = move |()| {
        issue.run(KafkaCredentialInput {
            broker: cluster.get_untracked().parse().ok(),
            expires_at: moment::local_ms(&until.get_untracked()),
        });
    };
    view! {
        <Show when=move || is_shown(&grant.get(), &offers.get(), &credentials.get())>
            <Part title="Kafka" note="users of clusters that routes tie to what is given; the clusters' own access lists hold them to it" acts=acts().into_any()>
                {move || secret.get().map(|shown| view! { <Shown shown=shown/> })}
                {move || left_out(offers.get())}
                {move || {
                    let all = credentials.get();
                    if all.is_empty() {
                        return view! {
                            <Empty icon="key" title="No Kafka credential yet" text="A client that speaks to the cluster itself logs in with a user of its own, whose secret is shown once."/>
                        }
                            .into_any();
                    }
                    let rows = all.into_iter().map(|one| view! { <Row credential=one secret=secret/> }).collect_view();
                    view! {
                        <Table
                            label="Kafka credentials"
                            class="m-table--inset"
                            heads=&[("User name", ""), ("State", ""), ("Cluster", "m-low"), ("Topics", "m-low"), ("Ends", "m-low"), ("", "m-tight")]
                        >
                            {rows}
                        </Table>
                    }
                        .into_any()
                }}
            </Part>
        </Show>
        <Dialog open=issuing label="Issue a Kafka credential" class="m-dialog m-dialog--wide">
            <Editor title="Issue a Kafka credential" save=issue open=issuing right=right::ACCESS_REQUEST verb="Issue" on_save=on_save>
                <Select label="Cluster" name="broker" value=cluster choices=choices hint="Where the user is made" error=issue.field("broker")/>
                <Field label="Ends" name="expires_at" kind="datetime-local" value=until hint="Empty: with this access" error=issue.field("expires_at")/>
            </Editor>
        </Dialog>
    }
    .into_any()
}

/// Where Kafka is no way to use it, nothing is said of it.
fn is_shown(grant: &GrantView, offers: &[KafkaOffer], credentials: &[KafkaCredentialView]) -> bool {
    let protocols = &grant.terms.protocols;
    let has_kafka = protocols.is_empty() || protocols.contains(&PlanProtocol::Kafka);
    !credentials.is_empty() || (has_kafka && !offers.is_empty())
}

/// Why no cluster can be used; none = one can.
fn why_not(offers: &[KafkaOffer]) -> Option<String> {
    if offers.iter().any(|offer| offer.why_not.is_empty()) {
        return None;
    }
    let first = offers.first().map(|offer| offer.why_not.clone());
    Some(first.unwrap_or_else(|| "No route ties a topic of any cluster to what is given.".to_owned()))
}

/// `reads orders, stock; writes to orders`.
fn topics(reads: &[String], writes: &[String]) -> String {
    let part = |word: &str, topics: &[String]| (!topics.is_empty()).then(|| format!("{word} {}", topics.join(", ")));
    let parts: Vec<String> = [part("reads", reads), part("writes to", writes)].into_iter().flatten().collect();
    if parts.is_empty() { "no topics now".to_owned() } else { parts.join("; ") }
}

/// Topics that hold more than is given, with the reason.
fn left_out(offers: Vec<KafkaOffer>) -> Option<impl IntoView> {
    let lines: Vec<_> = offers
        .into_iter()
        .flat_map(|offer| {
            let name = offer.broker_name;
            offer.left_out.into_iter().map(move |left| format!("{} at {name}: {}", left.topic, left.reason))
        })
        .collect();
    (!lines.is_empty()).then(|| {
        let lines = lines.into_iter().map(|line| view! { <li class="m-wrap">{line}</li> }).collect_view();
        view! {
            <div class="m-pad">
                <p class="m-small m-muted">"Not given, because Kafka has no rights for a part of a topic:"</p>
                <ul class="m-small m-muted">{lines}</ul>
            </div>
        }
    })
}

/// What a client is told, in the words of Kafka's own clients.
fn settings(credential: &KafkaCredentialView) -> String {
    let mut lines = vec![
        format!("bootstrap.servers={}", credential.bootstrap.join(",")),
        format!("security.protocol={}", credential.security_protocol),
        format!("sasl.mechanism={}", credential.mechanism),
        format!("sasl.username={}", credential.username),
        "sasl.password=SECRET".to_owned(),
    ];
    if !credential.reads.is_empty() {
        lines.push(format!("group.id={}any-name", credential.group_prefix));
    }
    lines.join("\n")
}

/// The secret, this once, with how to use it.
#[component]
fn Shown(shown: KafkaCredentialSecret) -> impl IntoView {
    let credential = shown.credential;
    let given = topics(&credential.reads, &credential.writes);
    let title = format!("Secret of {}", credential.username);
    view! {
        <Secret title=title secret=Signal::stored(shown.secret)>
            <p class="m-small">{format!("The user {given}. It works as soon as its agent says so below.")}</p>
            <Code text=Signal::stored(settings(&credential)) what="the settings"/>
        </Secret>
    }
    .into_any()
}

const fn mark(state: KafkaCredentialState) -> (RunState, &'static str) {
    match state {
        KafkaCredentialState::Making => (RunState::Deploying, "Being made"),
        KafkaCredentialState::Works => (RunState::Live, "Works"),
        KafkaCredentialState::HeldBack => (RunState::Offline, "Held back"),
        KafkaCredentialState::Removing => (RunState::Deploying, "Being removed"),
        KafkaCredentialState::Failed => (RunState::Failed, "Failed"),
    }
}

#[component]
fn Row(credential: KafkaCredentialView, secret: RwSignal<Option<KafkaCredentialSecret>>) -> impl IntoView {
    let (state, word) = mark(credential.state);
    let (id, revision) = (credential.id, credential.revision);
    let (live, toasts) = (Live::get(), Toasts::get());
    let is_going = credential.state == KafkaCredentialState::Removing;
    let may = Signal::derive(move || {
        if is_going { Right::Missing("It ends already.".to_owned()) } else { Viewer::has(right::ACCESS_REQUEST) }
    });
    let rotate = Act::new(
        move |api, ()| async move {
            api.0.rotate_kafka_credential(id, RotateInput { overlap_minutes: OVERLAP_MINUTES }).await
        },
        move |made| {
            secret.set(Some(made));
            live.bump(TOPICS);
        },
    );
    let remove = Act::new(
        move |api, ()| async move { api.0.remove_kafka_credential(id, revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Removed: its agent takes the user away.");
        },
    );
    let detail = credential.detail.clone();
    view! {
        <tr data-credential=credential.username.clone()>
            <td><span class="m-cell__name">{credential.username.clone()}</span></td>
            <td class="m-wrap">
                <Run state=state word=word/>
                {(!detail.is_empty()).then(|| view! { <span class="m-cell__sub">{detail}</span> })}
            </td>
            <td class="m-low">{credential.broker_name.clone()}</td>
            <td class="m-low m-wrap">
                {topics(&credential.reads, &credential.writes)}
                {(!credential.reads.is_empty()).then(|| view! { <span class="m-cell__sub">{format!("groups {}…", credential.group_prefix)}</span> })}
            </td>
            <td class="m-low m-nowrap">
                <Ends at_ms=credential.expires_at/>
            </td>
            <td class="m-tight">
                <Turns
                    username=credential.username.clone()
                    right=may
                    rotate=rotate
                    remove=remove
                    question="Remove this Kafka credential?"
                    consequence="Its user and all its rights are taken away at the cluster; who uses it is refused as soon as the agent has done it."
                />
            </td>
        </tr>
    }
    .into_any()
}
