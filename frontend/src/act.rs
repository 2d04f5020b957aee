//! What a page does when a button is pressed: one call, its progress, its error.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{Api, ApiError};
use crate::components::Icon;

/// One kind of change a page can make, with what became of the last try. Cheap to copy.
pub struct Act<I: 'static> {
    start: Callback<I>,
    /// A call is on its way.
    pub busy: RwSignal<bool>,
    /// Why the last call failed; none after a success.
    pub error: RwSignal<Option<ApiError>>,
}

impl<I> Clone for Act<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for Act<I> {}

impl<I> std::fmt::Debug for Act<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Act").finish_non_exhaustive()
    }
}

impl<I: 'static> Act<I> {
    /// A change that calls `call` and then, when it worked, `done`.
    pub fn new<O, F, Fut>(call: F, done: impl Fn(O) + Clone + Send + Sync + 'static) -> Self
    where
        O: 'static,
        F: Fn(Api, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ApiError>> + 'static,
    {
        let api = expect_context::<Api>();
        let busy = RwSignal::new(false);
        let error = RwSignal::new(None);
        let start = Callback::new(move |input: I| {
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let answer = call(api.clone(), input);
            let done = done.clone();
            spawn_local(async move {
                let answer = answer.await;
                // The person may have left the page meanwhile; its signals are gone then.
                let _ = busy.try_set(false);
                match answer {
                    Ok(value) => {
                        let _ = error.try_set(None);
                        done(value);
                    }
                    Err(problem) => drop(error.try_set(Some(problem))),
                }
            });
        });
        Self { start, busy, error }
    }

    /// Starts it, unless it is under way.
    pub fn run(self, input: I) {
        self.start.run(input);
    }

    /// What the portal says is wrong with one field of the input.
    #[must_use]
    pub fn field(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.error.with(|error| error.as_ref().and_then(|error| error.field(field).map(str::to_owned)))
        })
    }
}

/// What went wrong with a form as a whole, above its buttons.
#[component]
pub fn ActError(
    /// The error of an [`Act`].
    error: RwSignal<Option<ApiError>>,
) -> impl IntoView {
    view! {
        {move || {
            error
                .get()
                .map(|error| {
                    view! {
                        <div class="m-form__error" role="alert">
                            <Icon name="alert" small=true/>
                            <span>{sentence(&error)}</span>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

/// The error in one or two sentences, with the way out where it is always the same.
fn sentence(error: &ApiError) -> String {
    let mut text = capital(&error.title);
    if !text.ends_with('.') {
        text.push('.');
    }
    if let Some(detail) = &error.detail {
        text.push(' ');
        text.push_str(detail);
    }
    if error.kind == "stale-revision" {
        text.push_str(" Somebody else changed it meanwhile: close this, look at what it is now, and edit again.");
    }
    if let Some(needs) = &error.needs {
        text.push_str(&format!(" It takes {needs}; an admin can give you that role."));
    }
    if let Some(id) = error.request_id.as_ref().filter(|_| error.status >= 500) {
        text.push_str(&format!(" Request {id}."));
    }
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_sentence_with_the_way_out() {
        let mut error = ApiError::new("stale-revision", 409, "the rule is at revision 4");
        assert!(sentence(&error).starts_with("The rule is at revision 4. Somebody else changed it"));
        error.kind = "forbidden".into();
        error.needs = Some("approver".into());
        assert_eq!(sentence(&error), "The rule is at revision 4. It takes approver; an admin can give you that role.");
    }
}
