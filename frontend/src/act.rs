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
    /// The fields that have an input on the page now, which shows what is wrong with them.
    claimed: RwSignal<Vec<&'static str>>,
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
        Self { start, busy, error, claimed: RwSignal::new(Vec::new()) }
    }

    /// Starts it, unless it is under way.
    pub fn run(self, input: I) {
        self.start.run(input);
    }

    /// What the portal says is wrong with one field of the input. Called where its input is drawn: as long as that is
    /// there, [`ActError`] leaves the field to it.
    #[must_use]
    pub fn field(self, field: &'static str) -> Signal<Option<String>> {
        let claimed = self.claimed;
        claimed.update(|claimed| claimed.push(field));
        on_cleanup(move || {
            let _ = claimed.try_update(|claimed| {
                if let Some(at) = claimed.iter().position(|have| *have == field) {
                    claimed.swap_remove(at);
                }
            });
        });
        Signal::derive(move || {
            self.error.with(|error| error.as_ref().and_then(|error| error.field(field).map(str::to_owned)))
        })
    }
}

/// What went wrong with a form as a whole, above its buttons; and with those of its fields that have no input.
#[component]
pub fn ActError<I: 'static>(
    /// What was tried.
    act: Act<I>,
) -> impl IntoView {
    let (error, claimed) = (act.error, act.claimed);
    view! {
        {move || {
            error
                .get()
                .map(|error| {
                    view! {
                        <div class="m-form__error" role="alert">
                            <Icon name="alert" small=true/>
                            <span>{claimed.with(|claimed| sentence(&error, claimed))}</span>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

/// The error in one or two sentences, with what is wrong with the fields that are not marked (`claimed`) and with the
/// way out where it is always the same.
#[must_use]
pub fn sentence(error: &ApiError, claimed: &[&str]) -> String {
    let unmarked: Vec<String> = error
        .fields
        .iter()
        .filter(|field| !claimed.contains(&field.field.as_str()))
        .map(|field| format!("{} {}.", capital(&field.field.replace(['.', '_'], " ")), field.message))
        .collect();
    // "Check the marked fields" needs one that is marked.
    let mut text =
        if unmarked.is_empty() || unmarked.len() < error.fields.len() { capital(&error.title) } else { String::new() };
    if !text.is_empty() && !text.ends_with('.') {
        text.push('.');
    }
    for unmarked in unmarked {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&unmarked);
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
    use crate::api::FieldError;

    #[test]
    fn an_error_is_a_sentence_with_the_way_out() {
        let mut error = ApiError::new("stale-revision", 409, "the rule is at revision 4");
        assert!(sentence(&error, &[]).starts_with("The rule is at revision 4. Somebody else changed it"));
        error.kind = "forbidden".into();
        error.needs = Some("approver".into());
        assert_eq!(
            sentence(&error, &[]),
            "The rule is at revision 4. It takes approver; an admin can give you that role."
        );
    }

    #[test]
    fn what_no_input_shows_is_said_above_the_buttons() {
        let mut error = ApiError::new("invalid", 422, "check the marked fields");
        let field = |field: &str, message: &str| FieldError { field: field.to_owned(), message: message.to_owned() };
        error.fields = vec![field("name", "is required"), field("sasl.secret", "is required")];
        assert_eq!(sentence(&error, &["name", "sasl.secret"]), "Check the marked fields.");
        assert_eq!(sentence(&error, &["name"]), "Check the marked fields. Sasl secret is required.");
        assert_eq!(sentence(&error, &[]), "Name is required. Sasl secret is required.", "nothing is marked");
    }

    #[test]
    fn a_field_is_left_to_its_input_as_long_as_that_is_drawn() {
        use std::sync::Arc;

        use crate::api::rest::RestApi;

        let owner = Owner::new();
        owner.with(|| {
            provide_context(Api(Arc::new(RestApi(Nobody))));
            let act = Act::new(|_, ()| async { Ok(()) }, |()| {});
            let input = Owner::new();
            let _ = input.with(|| act.field("labels"));
            assert_eq!(act.claimed.get_untracked(), ["labels"]);
            input.cleanup();
            assert!(act.claimed.get_untracked().is_empty());
        });
    }

    /// A portal that is never asked.
    #[derive(Debug)]
    struct Nobody;

    impl crate::api::rest::Transport for Nobody {
        fn exchange(&self, _: crate::api::rest::Request) -> crate::api::rest::Exchange {
            unreachable!("nothing is sent")
        }
    }
}
