//! One object of the design-time catalog: who answers for it, what it is about, and its versions.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use mesh_protocol::id::DesignObjectId;

use super::contract::{Contract, word};
use super::difference::{Compare, Pair};
use super::form::ObjectForm;
use super::seen::Seen;
use super::subject::SubjectPart;
use super::version_form::VersionForm;
use super::watch::WatchButton;
use super::{StateMark, TOPICS, kind_word};
use crate::act::{Act, sentence};
use crate::api::{
    ApiError, ApplicationDomainView, DesignDifference, DesignKind, DesignObjectView, DesignVersionRow, LiveTopic,
    WatchView,
};
use crate::components::{Age, Button, Confirm, Dialog, Empty, Main, Part, Table, Toasts, Tone};
use crate::live::Live;
use crate::load::{Load, Loading, load};
use crate::owners::OwnerName;
use crate::pages::NOTIFICATION_TOPICS;
use crate::pages::catalog::in_use;
use crate::pages::clients::Until;
use crate::viewer::{Viewer, right};

/// What makes one of them old: what agents refuse as well.
const OBJECT_TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Denials];

/// `/designs/:id`
#[component]
pub fn DesignDetail() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<DesignObjectId>().ok())));
    let object = load(
        OBJECT_TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.design_object(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such design")),
            }
        },
    );
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let watch = load(
        NOTIFICATION_TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.design_watch(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such design")),
            }
        },
    );
    let pair = Pair::default();
    let difference = pair.load(id);
    view! {
        <Load resource=object what="design" title="Design" one=true let:object>
            <Detail object=object domains=domains watch=watch pair=pair difference=difference/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(
    object: Signal<DesignObjectView>,
    domains: Loading<Vec<ApplicationDomainView>>,
    watch: Loading<WatchView>,
    pair: Pair,
    difference: Loading<Option<DesignDifference>>,
) -> impl IntoView {
    let (editor, writer) = (RwSignal::new(false), RwSignal::new(false));
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let name = Signal::derive(move || object.with(|object| object.config.name.clone()));
    let note = Signal::derive(move || {
        object.with(|object| format!("{} in {}", kind_word(object.kind).to_lowercase(), object.domain_name))
    });
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/designs">"Design"</a></li><li>{name}</li></ol> };
    let acts = view! {
        <WatchButton id=Signal::derive(move || object.with(|object| object.id)) watch=watch/>
        <Button right=may on_press=move |()| editor.set(true)>"Edit"</Button>
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| writer.set(true)>"New version"</Button>
    };
    view! {
        <Main title=name note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            <Facts object=object/>
            <Versions object=object/>
            <Contract object=object/>
            <Seen object=object/>
            <SubjectPart object=object/>
            <Compare object=object pair=pair found=difference/>
            <Removal object=object/>
        </Main>
        <Dialog open=editor label="Change object" class="m-dialog m-dialog--wide">
            <Load resource=domains what="domains" let:domains>
                <ObjectForm known=Some(object.get_untracked()) domains=domains open=editor/>
            </Load>
        </Dialog>
        <Dialog open=writer label="New version" class="m-dialog m-dialog--wide">
            <VersionForm object=object.get_untracked() known=None open=writer/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Facts(object: Signal<DesignObjectView>) -> impl IntoView {
    move || {
        let object = object.get();
        let config = object.config;
        let inherited = config.owner.is_empty() && !object.owner.is_empty();
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"Owner"</dt>
                    <dd>
                        <OwnerName owner=object.owner team=object.team nobody="nobody answers for it"/>
                        {inherited.then_some(", by its domain")}
                    </dd>
                    {(!config.people.is_empty()).then(|| view! { <dt>"People"</dt><dd>{config.people.join(", ")}</dd> })}
                    {(!config.tags.is_empty()).then(|| view! { <dt>"Tags"</dt><dd>{config.tags.join(", ")}</dd> })}
                    {config
                        .attributes
                        .into_iter()
                        .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
                        .collect_view()}
                    <dt>"May be built on"</dt>
                    <dd>{if config.shared { "by objects of every domain" } else { "by objects of its own domain" }}</dd>
                    {(object.kind == DesignKind::Event).then(|| view! { <dt>"Payloads that match no served version"</dt><dd>{word(config.validation)}</dd> })}
                    <dt>"Changed"</dt>
                    <dd><Age at_ms=Some(object.updated_at)/> " ago by " {object.updated_by}</dd>
                    {(!config.document.is_empty()).then(|| view! { <dt>"About"</dt><dd class="m-prose">{config.document}</dd> })}
                </dl>
            </div>
        }
    }
}

#[component]
fn Versions(object: Signal<DesignObjectView>) -> impl IntoView {
    view! {
        <Part title="Versions" note="the highest number first; what is released never changes again" flush=true>
            {move || {
                let object = object.get();
                if object.versions.is_empty() {
                    return view! {
                        <Empty icon="revision" title="No version yet" text="A version says what it is: write a draft, have it reviewed, release it. Others refer to versions, never to the object."/>
                    }
                        .into_any();
                }
                let id = object.id;
                let rows = object.versions.into_iter().map(|version| view! { <Row object=id version=version/> }).collect_view();
                view! {
                    <Table
                        label="Versions"
                        heads=&[("Number", ""), ("State", ""), ("In use", ""), ("Registered", "m-low"), ("Description", "m-low"), ("Ends", "m-low m-end"), ("Changed", "m-low m-end")]
                    >
                        {rows}
                    </Table>
                }
                    .into_any()
            }}
        </Part>
    }
    .into_any()
}

#[component]
fn Row(object: DesignObjectId, version: DesignVersionRow) -> impl IntoView {
    let href = format!("/designs/{object}/versions/{}", version.id);
    let by = format!("by {}", version.updated_by);
    view! {
        <tr data-version=version.number.clone()>
            <td><a class="m-cell__name m-num" href=href>{version.number.clone()}</a></td>
            <td><StateMark state=version.state/></td>
            <td class="m-nowrap">{in_use(version.producers, version.consumers)}</td>
            <td class="m-low m-num m-nowrap">
                {version.registered.map_or_else(|| "–".to_owned(), |one| format!("version {}, id {}", one.version, one.id))}
            </td>
            <td class="m-low m-muted">{version.description}</td>
            <td class="m-low m-end m-num m-nowrap">
                {match version.end_of_life_at {
                    Some(at) => view! { <Until at_ms=at/> }.into_any(),
                    None => "–".into_any(),
                }}
            </td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(version.updated_at)/></td>
        </tr>
    }
    .into_any()
}

/// An object goes only without versions: what others may have been built on stays.
#[component]
fn Removal(object: Signal<DesignObjectView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let (live, toasts, navigate) = (Live::get(), Toasts::get(), use_navigate());
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let delete = Act::new(
        |api, (id, revision): (DesignObjectId, i64)| async move { api.0.delete_design_object(id, revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Object deleted.");
            navigate("/designs", NavigateOptions::default());
        },
    );
    Effect::new(move |_| {
        if let Some(error) = delete.error.get() {
            toasts.failed(format!("The object was not deleted. {}", sentence(&error, &[])));
        }
    });
    view! {
        <Show when=move || object.with(|object| object.versions.is_empty())>
            <Part title="Delete" note="it has no version that anybody could have built on">
                <div class="m-line"><Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete object"</Button></div>
            </Part>
        </Show>
        <Confirm
            open=confirm
            title="Delete this object?"
            consequence="Its name is free again. The audit trail keeps what it said."
            verb="Delete"
            on_yes=move |()| {
                let (id, revision) = object.with_untracked(|object| (object.id, object.revision));
                delete.run((id, revision));
            }
        />
    }
    .into_any()
}
