//! How a page loads what it shows: a resource that follows live changes, and one component for all of its states
//! (loading, error, forbidden, stale, there). A page draws the last state only.

use std::cell::Cell;
use std::future::Future;

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{Api, ApiError, LiveTopic};
use crate::components::{Banner, Empty, Main, Skeleton};
use crate::live::Live;
use crate::status::PageStatus;

/// Something a page loads.
pub type Loading<T> = Resource<Result<T, ApiError>>;

thread_local! {
    /// How many [`Load`]s draw their children right now.
    static DRAWING: Cell<u32> = const { Cell::new(0) };
}

/// Loads with `fetch` whenever `key` changes or one of `topics` does.
///
/// What the server loaded is handed to the browser by the order in which it was asked for. The server may draw the
/// children of a [`Load`] twice, so what is asked for in there has another number in the browser, which then finds
/// nothing, draws something else and stops. Load at the top of a page, and hand the result down.
///
/// # Panics
/// In a debug build on the server, when it is called among the children of a [`Load`].
pub fn load<K, T, F, Fut>(
    topics: &'static [LiveTopic],
    key: impl Fn() -> K + Send + Sync + 'static,
    fetch: F,
) -> Loading<T>
where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(Api, K) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    debug_assert!(
        cfg!(target_arch = "wasm32") || DRAWING.get() == 0,
        "this is loaded among the children of a `Load`: load it at the top of the page"
    );
    let live = Live::get();
    let api = expect_context::<Api>();
    Resource::new(move || (live.version(topics), key()), move |(_, key)| fetch(api.clone(), key))
}

/// What there is to draw.
#[derive(Clone, Debug, PartialEq)]
struct State<T> {
    value: Option<T>,
    error: Option<ApiError>,
}

/// Which of the faces is shown. Only a change of face rebuilds; a change of value updates in place.
#[derive(Clone, Debug, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    There,
}

/// Draws a resource in whatever state it is. A value that cannot be refreshed stays, with a banner that says so.
#[component]
pub fn Load<T, F, V>(
    /// What is loaded.
    resource: Loading<T>,
    /// What it is, for sentences such as "The rules did not load".
    what: &'static str,
    /// The heading while there is nothing to draw, when the children are a whole page with a heading of their own.
    #[prop(optional)]
    title: Option<&'static str>,
    /// Draws it; called once, the signal brings newer values.
    children: F,
) -> impl IntoView
where
    T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(Signal<T>) -> V + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let children = StoredValue::new(children);
    view! {
        <Transition fallback=move || framed(title, view! { <Skeleton/> }.into_any())>
            {
                let state = Memo::new(move |last: Option<&State<T>>| {
                    let kept = || last.and_then(|last| last.value.clone());
                    match resource.get() {
                        Some(Ok(value)) => State { value: Some(value), error: None },
                        Some(Err(error)) => State { value: kept(), error: Some(error) },
                        None => State { value: kept(), error: None },
                    }
                });
                let face = Memo::new(move |_| state.with(|state| match (&state.value, &state.error) {
                    (Some(_), _) => Face::There,
                    (None, Some(error)) => Face::Failed(error.clone()),
                    (None, None) => Face::Loading,
                }));
                let error = Memo::new(move |_| state.with(|state| state.error.clone()));
                move || match face.get() {
                    Face::Loading => framed(title, view! { <Skeleton/> }.into_any()),
                    Face::Failed(error) => {
                        if title.is_some() {
                            PageStatus::tell(error.status);
                        }
                        let failed = view! { <Failed error=error what=what on_retry=move |()| resource.refetch()/> };
                        framed(title, failed.into_any())
                    }
                    Face::There => {
                        let value = Signal::derive(move || {
                            state.with(|state| state.value.clone()).expect("a value that was there is kept")
                        });
                        view! {
                            <Show when=move || error.with(Option::is_some)>
                                <Banner tone="warn" text=Signal::derive(move || stale_sentence(what, error.get().as_ref()))/>
                            </Show>
                            {
                                DRAWING.set(DRAWING.get() + 1);
                                let drawn = children.with_value(|children| children(value));
                                DRAWING.set(DRAWING.get() - 1);
                                drawn
                            }
                        }
                            .into_any()
                    }
                }
            }
        </Transition>
    }
    .into_any()
}

/// What stands in for a whole page has the frame of one.
fn framed(title: Option<&'static str>, content: AnyView) -> AnyView {
    match title {
        Some(title) => view! { <Main title=title>{content}</Main> }.into_any(),
        None => content,
    }
}

fn stale_sentence(what: &str, error: Option<&ApiError>) -> String {
    let why = error.map(|error| error.title.clone()).unwrap_or_default();
    format!("Last known {what}: they could not be refreshed, because {why}.")
}

/// Why there is nothing: not found, forbidden (which right, who gives it), signed out, or a failure with its id.
#[component]
pub fn Failed(
    /// What went wrong.
    error: ApiError,
    /// What was loaded.
    what: &'static str,
    /// Tries again.
    #[prop(into)]
    on_retry: Callback<()>,
) -> impl IntoView {
    let detail = error.detail.clone().unwrap_or_default();
    let id = error.request_id.as_ref().map(|id| format!(" Request {id}.")).unwrap_or_default();
    match error.kind.as_str() {
        "forbidden" => {
            let needs = error.needs.unwrap_or_else(|| "another role".to_owned());
            let text = format!("Your role does not include it: it takes {needs}. An admin can give you that role.");
            view! { <Empty icon="lock" title=format!("The {what} are closed to you") text=text/> }.into_any()
        }
        "unauthenticated" => view! {
            <Empty icon="user" title="You are signed out" text="Your session ended. Sign in again to go on here.">
                <a class="m-button" href="/login" rel="external">"Sign in"</a>
            </Empty>
        }
        .into_any(),
        "not-found" => view! {
            <Empty icon="search" title="It is not here" text="It was deleted, or the address is wrong. Search with / to find it."/>
        }
        .into_any(),
        _ => view! {
            <Empty icon="alert" title=format!("The {what} did not load") text=format!("{}. {detail}{id}", error.title)>
                <button class="m-button" type="button" on:click=move |_| on_retry.run(())>"Try again"</button>
            </Empty>
        }
        .into_any(),
    }
    .into_any()
}
