//! Service tokens: a script's way in, with a role of its own and an end.

use leptos::prelude::*;

use super::{TOPICS, role_choices, role_of};
use crate::act::{Act, ActError};
use crate::api::{TokenCreated, TokenInput, TokenView};
use crate::components::{Age, Button, Confirm, Dialog, Field, Secret, Select, Submit, Table, Toasts, Tone};
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::clients::{Section, Until};
use crate::viewer::{right, role_name};

/// The section with all tokens.
#[component]
pub(super) fn Tokens() -> impl IntoView {
    let tokens = load(TOPICS, || (), |api, ()| async move { api.0.tokens().await });
    let editor = RwSignal::new(false);
    let deleting = RwSignal::new(String::new());
    let confirm = RwSignal::new(false);
    let ask = Callback::new(move |id: String| {
        deleting.set(id);
        confirm.set(true);
    });
    let live = Live::get();
    let toasts = Toasts::get();
    let delete = Act::new(
        |api, id: String| async move { api.0.delete_token(id).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Token deleted. It is refused from now on.");
        },
    );
    view! {
        <Section
            title="Service tokens"
            note="for scripts and other systems that use the API"
            verb="New token"
            right=right::TOKEN_WRITE
            on_press=move |()| editor.set(true)
        >
            <ActError error=delete.error/>
            <Load resource=tokens what="tokens" let:tokens>
                {move || token_table(tokens.get(), ask)}
            </Load>
        </Section>
        <Dialog open=editor label="New token">
            <TokenForm open=editor/>
        </Dialog>
        <Confirm
            open=confirm
            title="Delete this token?"
            consequence="Whatever uses it is refused at once. It cannot be brought back; a new token has a new secret."
            verb="Delete"
            on_yes=move |()| delete.run(deleting.get_untracked())
        />
    }
    .into_any()
}

fn token_table(tokens: Vec<TokenView>, ask: Callback<String>) -> AnyView {
    if tokens.is_empty() {
        return view! { <p class="m-small m-muted">"None. Everything that a page does, a script can do with a token."</p> }
            .into_any();
    }
    let rows = tokens
        .into_iter()
        .map(|token| {
            let end = match token.expires_at {
                None => view! { "no end" }.into_any(),
                Some(at) => view! { <Until at_ms=at/> }.into_any(),
            };
            let label = format!("Delete token {}", token.name);
            view! {
                <tr>
                    <td class="m-cell__name">{token.name}</td>
                    <td>{role_name(token.role)}</td>
                    <td class="m-low m-muted"><Age at_ms=Some(token.created_at)/> " ago"</td>
                    <td>{end}</td>
                    <td class="m-low m-end m-muted"><Age at_ms=token.last_used/></td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Danger label=label on_press=move |()| ask.run(token.id.clone())>"Delete"</Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Service tokens"
            class="m-table--inset"
            heads=&[("Token", ""), ("Role", ""), ("Made", "m-low"), ("Ends", ""), ("Used", "m-low m-end"), ("", "m-tight")]
        >
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn TokenForm(open: RwSignal<bool>) -> impl IntoView {
    let live = Live::get();
    let made = RwSignal::new(None::<TokenCreated>);
    let name = RwSignal::new(String::new());
    let role = RwSignal::new("viewer".to_owned());
    let days = RwSignal::new("90".to_owned());
    let save = Act::new(
        |api, input: TokenInput| async move { api.0.create_token(input).await },
        move |token| {
            live.bump(TOPICS);
            made.set(Some(token));
        },
    );
    let submit = Callback::new(move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        save.run(TokenInput {
            name: name.get_untracked().trim().to_owned(),
            role: role_of(&role.get_untracked()),
            days: days.get_untracked().trim().parse().ok(),
        });
    });
    move || {
        match made.get() {
        Some(made) => view! {
            <div class="m-dialog__body">
                <h2>{format!("Token {}", made.token.name)}</h2>
                <Secret title="Send it as Authorization: Bearer" secret=made.secret/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Primary on_press=move |()| open.set(false)>"I have stored it"</Button>
            </div>
        }
        .into_any(),
        None => view! {
            <form method="post" on:submit=move |ev| submit.run(ev)>
                <div class="m-dialog__body">
                    <h2>"New token"</h2>
                    <Field label="What it is for" name="name" value=name required=true error=save.field("name")/>
                    <Select label="Role" name="role" value=role choices=role_choices() hint="Never more than your own" error=save.field("role")/>
                    <Field label="Days until it ends" name="days" kind="number" value=days hint="Empty: no end" error=save.field("days")/>
                    <ActError error=save.error/>
                </div>
                <div class="m-dialog__foot">
                    <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                    <Submit busy=save.busy>"Create token"</Submit>
                </div>
            </form>
        }
        .into_any(),
    }
    }
}
