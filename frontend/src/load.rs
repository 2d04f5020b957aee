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
use crate::viewer::OUT_OF_SIGHT;

/// Something a page loads. Cheap to copy.
pub struct Loading<T: Send + Sync + 'static>(Resource<Answered<T>>);

/// An answer, with the number of the key it was asked for: another key is another number.
type Answered<T> = (u64, Result<T, ApiError>);

impl<T: Send + Sync + 'static> Clone for Loading<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loading<T> {}

impl<T: Send + Sync + 'static> std::fmt::Debug for Loading<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loading").finish_non_exhaustive()
    }
}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Loading<T> {
    /// The newest answer; none while the first is on its way. Reading it follows it.
    #[must_use]
    pub fn get(self) -> Option<Result<T, ApiError>> {
        let (_, answer) = self.0.get()?;
        Some(answer)
    }
}

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
    let asked = Memo::new(move |last: Option<&(u64, K)>| {
        let key = key();
        let number = last.map_or(0, |(number, old)| if *old == key { *number } else { *number + 1 });
        (number, key)
    });
    Loading(Resource::new(
        move || (live.version(topics), asked.get()),
        move |(_, (number, key))| {
            let answer = fetch(api.clone(), key);
            async move { (number, answer.await) }
        },
    ))
}

/// What is known: the last value and what became of the last try, each with the number of its key.
#[derive(Clone, Debug, PartialEq)]
struct State<T> {
    value: Option<(u64, T)>,
    error: Option<(u64, ApiError)>,
}

impl<T: Clone> State<T> {
    fn next(last: Option<&Self>, answer: Option<Answered<T>>) -> Self {
        let kept = || last.and_then(|last| last.value.clone());
        match answer {
            Some((number, Ok(value))) => Self { value: Some((number, value)), error: None },
            Some((number, Err(error))) => Self { value: kept(), error: Some((number, error)) },
            None => Self { value: kept(), error: None },
        }
    }

    /// A value of another key says nothing about what was asked for now, so it does not stand in for it.
    fn face(&self, one: bool) -> Face {
        match (&self.value, &self.error) {
            (Some((of, _)), Some((number, error))) if of != number => Face::Failed(error.clone()),
            (Some((of, _)), _) => Face::There(if one { *of } else { 0 }),
            (None, Some((_, error))) => Face::Failed(error.clone()),
            (None, None) => Face::Loading,
        }
    }
}

/// Which of the faces is shown. Only a change of face rebuilds; a change of value updates in place.
#[derive(Clone, Debug, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    /// With the number of the key, where another key is another page.
    There(u64),
}

/// What follows from what was read, and from what followed before.
///
/// On the server it is read anew each time. A memo there may miss that its resource has arrived: another thread tells
/// those who wait for the data before it tells the memo, the page is drawn in between with its skeleton, and the browser,
/// which has the data, stops at a page that is not the one it knows.
fn followed<U>(read: impl Fn(Option<&U>) -> U + Send + Sync + 'static) -> Signal<U>
where
    U: PartialEq + Send + Sync + 'static,
{
    if cfg!(target_arch = "wasm32") { Memo::new(read).into() } else { Signal::derive(move || read(None)) }
}

/// Draws a resource in whatever state it is. A value that cannot be refreshed stays, with a banner that says so.
/// Another key that cannot be loaded says so instead: what was there was another thing.
#[component]
pub fn Load<T, F, V>(
    /// What is loaded.
    resource: Loading<T>,
    /// What it is, for sentences such as "The rules did not load".
    what: &'static str,
    /// The heading while there is nothing to draw, when the children are a whole page with a heading of their own.
    #[prop(optional)]
    title: Option<&'static str>,
    /// The key names one thing. Another one is drawn anew, so that no dialog and no draft goes over to it.
    #[prop(optional)]
    one: bool,
    /// Draws it; the signal brings newer values.
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
                let state = followed(move |last| State::next(last, resource.0.get()));
                let face = followed(move |_| state.with(|state| state.face(one)));
                let error = followed(move |_| state.with(|state| state.error.clone().map(|(_, error)| error)));
                move || match face.get() {
                    Face::Loading => framed(title, view! { <Skeleton/> }.into_any()),
                    Face::Failed(error) => {
                        if title.is_some() {
                            PageStatus::tell(error.status);
                        }
                        let failed = view! { <Failed error=error what=what on_retry=move |()| resource.0.refetch()/> };
                        framed(title, failed.into_any())
                    }
                    Face::There(_) => {
                        let read = move || {
                            let value = state.with(|state| state.value.clone());
                            value.map(|(_, value)| value).expect("a value that was there is kept")
                        };
                        // The server draws once, so one reading does.
                        let value = if cfg!(target_arch = "wasm32") {
                            Signal::derive(read)
                        } else {
                            Signal::stored(read())
                        };
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
        "out-of-sight" => {
            view! {
                <Empty icon="lock" title=format!("The {what} are closed to you") text=OUT_OF_SIGHT>
                    <a class="m-button" href="/search">"What you see"</a>
                </Empty>
            }
            .into_any()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is drawn after these answers, one after the other.
    fn drawn(answers: &[(u64, Result<&'static str, &str>)], one: bool) -> (Option<&'static str>, Face) {
        let mut state = State::next(None, None);
        for (number, answer) in answers {
            let answer = answer.map_err(|title| ApiError::new("internal", 500, title));
            state = State::next(Some(&state), Some((*number, answer)));
        }
        let face = state.face(one);
        (state.value.map(|(_, value)| value), face)
    }

    #[test]
    fn what_cannot_be_refreshed_stays() {
        let (value, face) = drawn(&[(0, Ok("till-7")), (0, Err("away"))], true);
        assert_eq!((value, face), (Some("till-7"), Face::There(0)));
    }

    #[test]
    fn another_thing_that_fails_is_not_shown_as_the_one_before() {
        let failed = |face| matches!(face, Face::Failed(error) if error.title == "gone");
        assert!(failed(drawn(&[(0, Ok("till-7")), (1, Err("gone"))], true).1));
        assert!(failed(drawn(&[(0, Ok("till-7")), (1, Err("gone"))], false).1), "another page of a list neither");
        let (value, face) = drawn(&[(0, Ok("till-7")), (1, Err("gone")), (2, Ok("till-7"))], true);
        assert_eq!((value, face), (Some("till-7"), Face::There(2)), "and going back shows it again");
    }

    #[test]
    fn another_thing_is_drawn_anew_and_a_list_goes_on() {
        let answers = [(0, Ok("till-7")), (1, Ok("till-8"))];
        assert_eq!(drawn(&answers, true).1, Face::There(1));
        assert_eq!(drawn(&answers, false).1, Face::There(0));
    }
}
