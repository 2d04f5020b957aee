//! What was designed of an object that was seen, and the way to make a design of one that was only seen.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::act::Act;
use crate::api::{AdoptInput, ApplicationDomainView, CatalogKind, CatalogObject, DesignedAs};
use crate::components::{Button, Check, Dialog, Field, Part, Select, Wrong, either};
use crate::editor::Editor;
use crate::load::{Load, Loading, load};
use crate::pages::designs::{StateMark, kind_word};
use crate::viewer::{Viewer, right};

/// The part beside an event address or a Kafka topic; nothing beside anything else.
#[component]
pub(super) fn Designed(object: Signal<CatalogObject>) -> impl IntoView {
    let kind = Memo::new(move |_| object.with(|object| object.row.kind));
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let adopting = RwSignal::new(false);
    // An event that has all of it leaves nothing to adopt.
    let is_new = Memo::new(move |_| {
        object.with(|object| {
            object.row.kind == CatalogKind::Address && !object.designed.iter().any(|design| design.whole)
        })
    });
    view! {
        <Show when=move || matches!(kind.get(), CatalogKind::Address | CatalogKind::Topic)>
            <Part title="Design" note="what is meant by it">
                {move || {
                    let object = object.get();
                    if object.designed.is_empty() {
                        let text = match object.row.kind {
                            CatalogKind::Topic => "No schema is registered for it: producers register one under its name, or a schema gets that subject.",
                            _ => "No event says what is published here.",
                        };
                        return view! { <p class="m-small m-muted">{text}</p> }.into_any();
                    }
                    let rows = object.designed.into_iter().map(|design| view! { <Row design=design/> }).collect_view();
                    view! { <dl class="m-facts">{rows}</dl> }.into_any()
                }}
                <Show when=move || is_new.get()>
                    <span class="m-line"><Button small=true icon="plus" right=may on_press=move |()| adopting.set(true)>"Adopt as an event"</Button></span>
                </Show>
            </Part>
        </Show>
        <Dialog open=adopting label="Adopt as an event" class="m-dialog">
            <Adopt object=object.get_untracked() open=adopting/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Row(design: DesignedAs) -> impl IntoView {
    let part = (!design.whole).then_some("for some of its topics");
    view! {
        <dt>{kind_word(design.kind)}</dt>
        <dd>
            <div class="m-cell">
                <span class="m-line m-line--wrap">
                    <a href=format!("/designs/{}", design.object)>{design.name}</a>
                    <span class="m-num m-muted">{design.number}</span>
                    {design.state.map(|state| view! { <StateMark state=state/> })}
                </span>
                {part.map(|part| view! { <span class="m-cell__sub">{part}</span> })}
            </div>
        </dd>
    }
    .into_any()
}

/// A name for the event of an address: what does not vary of it.
fn name_of(address: &str) -> String {
    let fixed = address.split('/').filter(|level| !level.is_empty() && !level.contains('{'));
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    fixed.collect::<Vec<_>>().join("-").chars().map(allowed).collect()
}

#[component]
fn Adopt(object: CatalogObject, open: RwSignal<bool>) -> impl IntoView {
    let domains = load(&[], || (), |api, ()| async move { api.0.all_domains().await });
    view! { <AdoptForm object=object domains=domains open=open/> }.into_any()
}

#[component]
fn AdoptForm(
    object: CatalogObject,
    domains: Loading<Vec<ApplicationDomainView>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let name = RwSignal::new(name_of(&object.row.name));
    let domain = RwSignal::new(String::new());
    let no_domain = RwSignal::new(false);
    let (id, claimed) = (object.row.id.clone(), object.row.domain.clone());
    let payloads = object.shape.as_ref().map(|shape| shape.payloads);
    let with_schema = RwSignal::new(payloads.is_some());
    let navigate = use_navigate();
    let save = Act::new(
        move |api, (id, input): (String, AdoptInput)| async move { api.0.adopt_catalog_object(id, input).await },
        move |made| {
            open.set(false);
            navigate(&format!("/designs/{}", made.id), NavigateOptions::default());
        },
    );
    let submit = Callback::new(move |()| {
        let Ok(domain) = domain.get_untracked().parse() else {
            no_domain.set(true);
            return;
        };
        let (name, with_schema) = (name.get_untracked().trim().to_owned(), with_schema.get_untracked());
        save.run((id.clone(), AdoptInput { name, domain, with_schema }));
    });
    view! {
        <Editor title="Adopt as an event" save=save open=open right=right::CATALOG_WRITE verb="Adopt" on_save=submit>
            <p class="m-small m-muted">
                "An event with this address is made, with a draft of its first version: say in it what the payload is, have it reviewed, release it."
            </p>
            <Field label="Name of the event" name="name" value=name required=true error=save.field("name")/>
            <Load resource=domains what="domains" let:domains>
                {
                    let claimed = claimed.clone();
                    move || {
                        let all = domains.get();
                        if all.is_empty() {
                            return view! { <p class="m-small m-warn">"An event belongs to an application domain, and there is none yet: make one at Domains."</p> }.into_any();
                        }
                        // Where none claims the address, nobody but a person knows.
                        let own = all.iter().find(|domain| Some(&domain.config.name) == claimed.as_ref());
                        domain.set(own.map(|domain| domain.id.to_string()).unwrap_or_default());
                        let nobody = own.is_none().then(|| (String::new(), "Choose one".to_owned()));
                        let known = all.into_iter().map(|domain| (domain.id.to_string(), domain.config.name));
                        let choices: Vec<_> = nobody.into_iter().chain(known).collect();
                        let unchosen = move || {
                            let is_missing = no_domain.get() && domain.with(String::is_empty);
                            is_missing.then(|| "Choose the domain it belongs to".to_owned())
                        };
                        let error = either(save.field("domain"), unchosen);
                        view! { <Select label="Application domain" name="domain" value=domain choices=choices error=error/> }.into_any()
                    }
                }
            </Load>
            {payloads.map(|payloads| {
                let of = crate::format::count(payloads);
                let label = format!("With a draft of a JSON Schema, made of the {of} payloads that agents looked at");
                view! { <Check label=label checked=with_schema/> }
            })}
            <Wrong error=save.field("with_schema")/>
            <Wrong error=save.field("address")/>
        </Editor>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_called_by_what_does_not_vary() {
        assert_eq!(name_of("orders/{country}/{store}/created"), "orders-created");
        assert_eq!(name_of("a b/c"), "a-b-c");
        assert_eq!(name_of("{x}"), "");
    }
}
