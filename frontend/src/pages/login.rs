//! Sign in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

use super::door::Door;
use crate::act::{Act, ActError};
use crate::api::LoginInput;
use crate::browser;
use crate::components::{Field, Submit};
use crate::load::load;
use crate::viewer::Viewer;

/// Where to go after signing in: only places of this portal, never another host.
fn destination(next: Option<String>) -> String {
    next.filter(|next| next.starts_with('/') && !next.starts_with("//") && !next.contains('\\'))
        .unwrap_or_else(|| "/".to_owned())
}

/// `/login`
#[component]
pub fn Login() -> impl IntoView {
    let query = use_query_map();
    let next = move || destination(query.with_untracked(|query| query.get("next")));
    if Viewer::get().0.is_some() {
        return view! { <Redirect path=next()/> }.into_any();
    }
    let setup = load(&[], || (), |api, ()| async move { api.0.setup_state().await });
    let login =
        Act::new(|api, input: LoginInput| async move { api.0.login(input).await }, move |_| browser::open(&next()));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        login
            .run(LoginInput { login: browser::form_text(&ev, "login"), password: browser::form_text(&ev, "password") });
    };
    view! {
        <Title text="Sign in"/>
        <Door>
            <h1>"Sign in"</h1>
            <Transition>
                {move || match setup.get() {
                    Some(Ok(state)) if state.needed => {
                        view! {
                            <p class="m-muted">
                                "Nobody can sign in yet. Open the one-time setup link that the portal printed when it started; it makes the first admin."
                            </p>
                        }
                            .into_any()
                    }
                    Some(Ok(state)) if state.demo => {
                        view! { <p class="m-muted">"A demo mesh. The terminal that started it shows a login for each role."</p> }
                            .into_any()
                    }
                    _ => view! { <p class="m-muted">"Event portal and control plane of your Kafka mesh"</p> }.into_any(),
                }}
            </Transition>
            <form class="m-door__fields" method="post" on:submit=submit>
                <Field label="Name" name="login" autocomplete="username" required=true/>
                <Field label="Password" name="password" kind="password" autocomplete="current-password" required=true/>
                <ActError act=login/>
                <Submit class="m-door__wide" busy=login.busy>"Sign in"</Submit>
            </form>
        </Door>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_never_sent_to_another_host() {
        for next in ["//evil.example", "https://evil.example", "/\\evil.example", ""] {
            assert_eq!(destination(Some(next.to_owned())), "/", "{next}");
        }
        assert_eq!(destination(Some("/acl?q=x".to_owned())), "/acl?q=x");
        assert_eq!(destination(None), "/");
    }
}
