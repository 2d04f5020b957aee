//! First run: the one-time link that the portal printed makes the first admin.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::door::Door;
use crate::act::{Act, ActError};
use crate::api::SetupInput;
use crate::browser;
use crate::components::{Field, Submit};
use crate::load::{Load, load};

/// `/setup?code=`
#[component]
pub fn Setup() -> impl IntoView {
    let setup = load(&[], || (), |api, ()| async move { api.0.setup_state().await });
    view! {
        <Title text="Set up"/>
        <Door>
            <h1>"Set up this portal"</h1>
            <Load resource=setup what="setup state" let:state>
                {move || {
                    if state.get().needed {
                        view! { <FirstAdmin/> }.into_any()
                    } else {
                        view! {
                            <p class="m-muted">"It is done: the first admin exists, and this link no longer works."</p>
                            <p><a class="m-button m-button--primary" href="/login" rel="external">"Sign in"</a></p>
                        }
                            .into_any()
                    }
                }}
            </Load>
        </Door>
    }
    .into_any()
}

#[component]
fn FirstAdmin() -> impl IntoView {
    let code = use_query_map().with_untracked(|query| query.get("code").unwrap_or_default());
    let setup = Act::new(|api, input: SetupInput| async move { api.0.setup(input).await }, |_| browser::open("/"));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let text = |name| browser::form_text(&ev, name);
        setup.run(SetupInput {
            code: text("code"),
            login: text("login"),
            name: text("name"),
            password: text("password"),
        });
    };
    view! {
        <p class="m-muted">"You become its first admin and can then add people with their own roles."</p>
        <form class="m-door__fields" method="post" on:submit=submit>
            <Field
                label="Setup code"
                name="code"
                initial=code
                mono=true
                required=true
                hint="From the one-time link that the portal printed when it started"
                error=setup.field("code")
            />
            <Field label="Your name" name="name" autocomplete="name" required=true error=setup.field("name")/>
            <Field label="Login name" name="login" autocomplete="username" required=true error=setup.field("login")/>
            <Field
                label="Password"
                name="password"
                kind="password"
                autocomplete="new-password"
                required=true
                hint="At least 10 characters"
                error=setup.field("password")
            />
            <ActError act=setup/>
            <Submit class="m-door__wide" busy=setup.busy>"Make me the first admin"</Submit>
        </form>
    }
    .into_any()
}
