//! AsyncAPI documents of others become designs: a document and how it is meant, what would be made of it line by line, and
//! then that or nothing.

mod plan;

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use self::plan::PlanView;
use crate::act::{Act, ActError};
use crate::api::{
    ApiError, ApplicationDomainView, AsyncApiDescribes, AsyncApiImport, AsyncApiImportApply, AsyncApiImported,
    AsyncApiPlan, AsyncApiPublish, LiveTopic,
};
use crate::browser;
use crate::components::{Choice, Empty, Main, Part, Select, Submit, TextArea, Toasts};
use crate::load::{Load, load};
use crate::viewer::{Viewer, right};

const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog];
/// Longest document that the portal takes, in bytes; what carries it needs a little room.
const BYTES_MAX: f64 = 900.0 * 1024.0;

/// What a document may describe, by its key.
const DESCRIBES: [(&str, &str, AsyncApiDescribes); 2] = [
    ("application", "An application: it does what the operations say", AsyncApiDescribes::Application),
    ("event_api", "An event API: its clients do what the operations say", AsyncApiDescribes::EventApi),
];
/// What `publish` may mean, by its key.
const PUBLISH: [(&str, &str, AsyncApiPublish); 2] = [
    ("others_send", "Others send, it receives (as specified)", AsyncApiPublish::OthersSend),
    ("it_sends", "It sends itself", AsyncApiPublish::ItSends),
];

fn choices<T>(all: &[(&str, &str, T)]) -> Vec<Choice> {
    all.iter().map(|(key, words, _)| ((*key).to_owned(), (*words).to_owned())).collect()
}

fn chosen<T: Copy + Default>(all: &[(&str, &str, T)], key: &str) -> T {
    all.iter().find(|(its, ..)| *its == key).map(|(.., value)| *value).unwrap_or_default()
}

/// `/import`
#[component]
pub fn ImportDocument() -> impl IntoView {
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/designs">"Design"</a></li>
            <li>"Import"</li>
        </ol>
    };
    view! {
        <Main title="Import AsyncAPI" note="schemas, events and who sends and receives them, out of a document" crumbs=crumbs.into_any()>
            <Load resource=domains what="domains" let:domains>
                <Begin domains=domains/>
            </Load>
        </Main>
    }
    .into_any()
}

/// The form, where there is a domain for what is imported. It stays as it is when domains change.
#[component]
fn Begin(domains: Signal<Vec<ApplicationDomainView>>) -> impl IntoView {
    let is_empty = Memo::new(move |_| domains.with(Vec::is_empty));
    move || {
        if is_empty.get() {
            view! {
                <Empty icon="event" title="There is no application domain yet" text="What is imported belongs to one: make it first.">
                    <a class="m-button" href="/domains">"Domains"</a>
                </Empty>
            }
            .into_any()
        } else {
            view! { <Form domains=domains.get_untracked()/> }.into_any()
        }
    }
}

/// What was shown of an import.
type Shown = Option<(AsyncApiImport, AsyncApiPlan)>;

#[component]
fn Form(domains: Vec<ApplicationDomainView>) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let domain = RwSignal::new(domains.first().map(|domain| domain.id.to_string()).unwrap_or_default());
    let describes = RwSignal::new("application".to_owned());
    let publish = RwSignal::new("others_send".to_owned());
    let skip = RwSignal::new(BTreeSet::<String>::new());
    let shown = RwSignal::new(Shown::None);
    let look = Act::new(
        |api, task: AsyncApiImport| async move {
            let plan = api.0.preview_asyncapi(task.clone()).await?;
            Ok::<_, ApiError>((task, plan))
        },
        move |answer| shown.set(Some(answer)),
    );
    let task = move || {
        Some(AsyncApiImport {
            text: text.get_untracked(),
            domain: domain.get_untracked().parse().ok()?,
            describes: chosen(&DESCRIBES, &describes.get_untracked()),
            publish: chosen(&PUBLISH, &publish.get_untracked()),
            skip: skip.get_untracked().into_iter().collect(),
        })
    };
    // What was shown is of another document then.
    Effect::new(move |before: Option<()>| {
        text.track();
        domain.track();
        describes.track();
        publish.track();
        if before.is_some() {
            shown.set(None);
            skip.set(BTreeSet::new());
        }
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Some(task) = task() {
            look.run(task);
        }
    };
    let leave = Callback::new(move |(key, is_taken): (String, bool)| {
        skip.update(|skip| {
            if is_taken {
                skip.remove(&key)
            } else {
                skip.insert(key)
            };
        });
        if let Some(task) = task() {
            look.run(task);
        }
    });
    let toasts = Toasts::get();
    let pick = move |ev: leptos::ev::Event| {
        let Some(file) = browser::chosen_file(&ev) else { return };
        if file.size() > BYTES_MAX {
            return toasts.failed("The file is longer than 900 KiB: split the document.".to_owned());
        }
        spawn_local(async move {
            match browser::text_of(file).await {
                // The page may be left meanwhile.
                Some(read) => drop(text.try_set(read)),
                None => toasts.failed("The file could not be read.".to_owned()),
            }
        });
    };
    let navigate = use_navigate();
    let apply = Act::new(
        |api, input: AsyncApiImportApply| async move { api.0.import_asyncapi(input).await },
        move |done: AsyncApiImported| {
            toasts.done(format!("{}.", done.sentence));
            let there = match (done.object, done.version) {
                (Some(object), Some(version)) => format!("/designs/{object}/versions/{version}"),
                _ => "/designs".to_owned(),
            };
            navigate(&there, NavigateOptions::default());
        },
    );
    let of_domains: Vec<Choice> =
        domains.into_iter().map(|domain| (domain.id.to_string(), domain.config.name)).collect();
    view! {
        <Part title="Document" note="AsyncAPI 2.0 to 3.1, in YAML or JSON">
            <form class="m-form m-form--wide" method="post" on:submit=submit>
                <div class="m-form__row">
                    <Select label="Application domain" name="domain" value=domain choices=of_domains error=look.field("domain")/>
                    <Select label="It describes" name="describes" value=describes choices=choices(&DESCRIBES) error=look.field("describes")/>
                    <Select label="In version 2, publish means" name="publish" value=publish choices=choices(&PUBLISH)/>
                </div>
                <label class="m-field">
                    <span class="m-field__label">"From a file"</span>
                    <input class="m-input" type="file" name="file" accept=".yaml,.yml,.json,application/json,application/yaml,text/yaml" on:change=pick/>
                </label>
                <TextArea label="The document" name="text" value=text rows=16 error=look.field("text")
                    hint="Nothing is fetched: what it refers to has to be in it"/>
                <ActError act=look/>
                <p><Submit busy=look.busy right=Signal::derive(|| Viewer::has(right::CATALOG_WRITE))>"Show what that makes"</Submit></p>
            </form>
        </Part>
        {move || shown.get().map(|(task, plan)| view! { <PlanView task=task plan=plan leave=leave apply=apply look=look/> })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_api() {
        for (key, _, describes) in DESCRIBES {
            assert_eq!(serde_json::to_value(describes).expect("a name"), key);
        }
        for (key, _, publish) in PUBLISH {
            assert_eq!(serde_json::to_value(publish).expect("a name"), key);
        }
    }
}
