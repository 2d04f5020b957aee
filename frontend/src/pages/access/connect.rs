//! Code to connect with: one program at a time is shown, by protocol, language, direction and site, which stand in the address.
//! All of them are in the page, so that going from one to another asks nobody.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::snippet::{self, By, Direction, Language, Snippet};
use crate::api::{ConnectView, CredentialView, GrantPhase, GrantView};
use crate::components::{Code, Empty, ParamSelect, Part, use_param, use_set_params, with_param};

/// Stands for a user name while nobody has one.
const NOBODY: &str = "USER";

#[component]
pub(super) fn Connect(
    grant: Signal<GrantView>,
    #[prop(into)] connect: Signal<ConnectView>,
    #[prop(into)] credentials: Signal<Vec<CredentialView>>,
) -> impl IntoView {
    let is_given =
        Memo::new(move |_| grant.with(|grant| matches!(grant.phase, GrantPhase::Provisioning | GrantPhase::Live)));
    move || is_given.get().then(|| view! { <Given connect=connect credentials=credentials/> })
}

#[component]
fn Given(connect: Signal<ConnectView>, credentials: Signal<Vec<CredentialView>>) -> impl IntoView {
    let at = use_param("at");
    let places = Memo::new(move |_| connect.with(snippet::places));
    let place = Memo::new(move |_| {
        let at = at.get();
        places.with(|places| places.iter().find(|name| **name == at).or(places.first()).cloned()).unwrap_or_default()
    });
    // A cluster has users of its own.
    let user = Memo::new(move |_| {
        let place = place.get();
        let of_cluster =
            |connect: &ConnectView| connect.kafka.iter().find(|one| one.name == place).map(|one| one.user.clone());
        connect.with(of_cluster).or_else(|| credentials.with(|all| newest(all)))
    });
    let all = Memo::new(move |_| {
        let user = user.get();
        connect.with(|connect| snippet::snippets(connect, &place.get(), user.as_deref().unwrap_or(NOBODY)))
    });
    let choices = Signal::derive(move || places.get().into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>());
    let many = Memo::new(move |_| places.with(Vec::len) > 1);
    view! {
        <Part title="Connect" note="whole programs, with the values of this access; the secret is read from the environment">
            {move || {
                if all.with(Vec::is_empty) {
                    return view! {
                        <Empty icon="key" title="Nothing to connect to yet" text="No listener of its sites runs with a protocol of its plan. Start an agent there, or add a listener to the site."/>
                    }
                        .into_any();
                }
                view! {
                    <div class="m-stack">
                        <First connect=connect place=place user=user/>
                        <Show when=move || many.get()>
                            <div class="m-line m-line--wrap"><ParamSelect label="Where" name="at" choices=choices/></div>
                        </Show>
                        <Programs all=all/>
                        <Notes connect=connect/>
                    </div>
                }
                    .into_any()
            }}
        </Part>
    }
    .into_any()
}

/// The user name of the credential that was issued last and works by a secret.
fn newest(credentials: &[CredentialView]) -> Option<String> {
    let working = credentials.iter().filter(|credential| credential.works && credential.secrets > 0);
    working.max_by_key(|credential| credential.created_at).map(|credential| credential.username.clone())
}

/// What is to be done once in a terminal.
#[component]
fn First(connect: Signal<ConnectView>, place: Memo<String>, user: Memo<Option<String>>) -> impl IntoView {
    let text = Signal::derive(move || {
        let user = user.get();
        connect.with(|connect| snippet::exports(connect, &place.get(), user.as_deref().unwrap_or(NOBODY)))
    });
    let words = move || match user.get() {
        Some(_) => "Once in the terminal, with the secret that was shown when the credential was issued:",
        None => "Issue a credential first; then once in the terminal, with its user name and its secret:",
    };
    view! {
        <p class="m-small m-muted">{words}</p>
        <Code text=text what="what to export"/>
    }
    .into_any()
}

#[component]
fn Programs(all: Memo<Vec<Snippet>>) -> impl IntoView {
    let (by, code, way) = (use_param("by"), use_param("code"), use_param("way"));
    let there = move |part: fn(&Snippet) -> &'static str| {
        all.with(|all| {
            let mut keys: Vec<&str> = all.iter().map(part).collect();
            keys.dedup();
            keys
        })
    };
    // What is asked for when it is there, else the first that is.
    let picked = move |asked: Memo<String>, part: fn(&Snippet) -> &'static str| {
        let (asked, keys) = (asked.get(), there(part));
        keys.iter().copied().find(|key| *key == asked).or(keys.first().copied()).unwrap_or_default()
    };
    let by = Memo::new(move |_| picked(by, |snippet| snippet.by.key()));
    let code = Memo::new(move |_| picked(code, |snippet| snippet.language.key()));
    let way = Memo::new(move |_| picked(way, |snippet| snippet.direction.key()));
    // A protocol may lack a language or a direction: then its first program stands there.
    let shown = Memo::new(move |_| {
        let wanted = format!("{}-{}-{}", by.get(), code.get(), way.get());
        all.with(|all| {
            let of_protocol = |snippet: &&Snippet| snippet.by.key() == by.get();
            let exact = all.iter().find(|snippet| snippet.name() == wanted);
            let same_way = |snippet: &&Snippet| of_protocol(snippet) && snippet.direction.key() == way.get();
            exact.or(all.iter().find(same_way)).or(all.iter().find(of_protocol)).map(Snippet::name).unwrap_or_default()
        })
    });
    let has =
        move |key: &str, part: fn(&Snippet) -> &'static str| all.with(|all| all.iter().any(|one| part(one) == key));
    let languages = Language::ALL.map(|language| (language.key(), language.name()));
    let directions = Direction::ALL.map(|direction| (direction.key(), direction.name()));
    view! {
        <Protocols all=all chosen=by/>
        <div class="m-line m-line--wrap">
            <Segment label="Direction" name="way" choices=directions.to_vec() chosen=way has=Callback::new(move |key: &'static str| has(key, |one| one.direction.key()))/>
            <Segment label="Language" name="code" choices=languages.to_vec() chosen=code has=Callback::new(move |key: &'static str| has(key, |one| one.language.key()))/>
        </div>
        {move || {
            all.get()
                .into_iter()
                .map(|snippet| {
                    let name = snippet.name();
                    let what = format!("{} over {} in {}", snippet.direction.name(), snippet.by.name(), snippet.language.name());
                    let own = name.clone();
                    view! {
                        <div hidden=move || shown.with(|shown| *shown != own)>
                            <Code text=Signal::stored(snippet.text) what=what snippet=name/>
                        </div>
                    }
                })
                .collect_view()
        }}
    }
    .into_any()
}

/// Links, so that they work before any script does.
#[component]
fn Protocols(all: Memo<Vec<Snippet>>, chosen: Memo<&'static str>) -> impl IntoView {
    let query = use_query_map();
    let there = Memo::new(move |_| {
        all.with(|all| By::ALL.into_iter().filter(|by| all.iter().any(|one| one.by == *by)).collect::<Vec<_>>())
    });
    let tabs = move || {
        let tab = |by: By| {
            view! {
                <a
                    class="m-tabs__tab"
                    href=move || query.with(|query| with_param(query, "by", by.key()))
                    aria-current=move || (chosen.get() == by.key()).then_some("true")
                >
                    {by.name()}
                </a>
            }
        };
        there.get().into_iter().map(tab).collect_view()
    };
    view! { <nav class="m-tabs" aria-label="Protocol">{tabs}</nav> }.into_any()
}

/// One of a few, as radio buttons beside each other, bound to a parameter.
#[component]
fn Segment(
    label: &'static str,
    name: &'static str,
    choices: Vec<(&'static str, &'static str)>,
    chosen: Memo<&'static str>,
    has: Callback<&'static str, bool>,
) -> impl IntoView {
    let set = use_set_params();
    let items = choices
        .into_iter()
        .map(|(key, words)| {
            let set = set.clone();
            let checked = move || chosen.get() == key;
            view! {
                <label class="m-segment__item" hidden=move || !has.run(key)>
                    <input
                        type="radio"
                        name=name
                        value=key
                        checked=checked
                        prop:checked=checked
                        on:change=move |_| set(&[(name, key.to_owned())])
                    />
                    {words}
                </label>
            }
        })
        .collect_view();
    view! { <fieldset class="m-segment" aria-label=label>{items}</fieldset> }.into_any()
}

/// What the programs leave out.
#[component]
fn Notes(connect: Signal<ConnectView>) -> impl IntoView {
    let lines = move || {
        connect.with(|connect| {
            let mut lines = Vec::new();
            let has_mqtt = connect.doors.iter().any(|door| door.protocol == crate::api::PlanProtocol::Mqtt);
            let unsayable = snippet::unsayable(connect);
            if has_mqtt && !unsayable.is_empty() {
                lines
                    .push(format!("No subscription of MQTT can say {}: receive that over HTTP.", unsayable.join(", ")));
            }
            if connect.left_out > 0 {
                lines.push(format!("{} more sites have listeners; they are under Sites.", connect.left_out));
            }
            lines
        })
    };
    move || lines().into_iter().map(|line| view! { <p class="m-small m-muted">{line}</p> }).collect_view()
}
