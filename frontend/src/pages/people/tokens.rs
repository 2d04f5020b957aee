//! Service tokens: a script's way in, with a role of its own and an end.

use leptos::prelude::*;

use super::domains::{Seen, SeenDomains};
use super::{TOPICS, role_choices, role_of};
use crate::act::{Act, ActError};
use crate::api::{TokenCreated, TokenInput, TokenView};
use crate::components::{Age, Button, Confirm, Dialog, Field, Secret, Select, Table, Toasts, Tone, either};
use crate::editor::{Editor, Section};
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::clients::Until;
use crate::viewer::{Viewer, right};

/// The section with all tokens.
#[component]
pub(super) fn Tokens() -> impl IntoView {
    let tokens = load(TOPICS, || (), |api, ()| async move { api.0.all_tokens().await });
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
            <ActError act=delete/>
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
    let may = Signal::derive(|| Viewer::has(right::TOKEN_WRITE));
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
                    <td><Seen role=token.role domains=token.domains.len()/></td>
                    <td class="m-low m-muted"><Age at_ms=Some(token.created_at)/> " ago"</td>
                    <td>{end}</td>
                    <td class="m-low m-end m-muted"><Age at_ms=token.last_used/></td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Danger right=may label=label on_press=move |()| ask.run(token.id.clone())>"Delete"</Button>
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

/// How long a token lives; an empty field is no end, and only that.
fn days_of(text: &str) -> Result<Option<u32>, String> {
    match text.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(days) if days > 0 => Ok(Some(days)),
            _ => Err("Whole days, such as 90; empty means no end".to_owned()),
        },
    }
}

#[component]
fn TokenForm(open: RwSignal<bool>) -> impl IntoView {
    let live = Live::get();
    let made = RwSignal::new(None::<TokenCreated>);
    let name = RwSignal::new(String::new());
    let role = RwSignal::new("viewer".to_owned());
    let domains = RwSignal::new(Vec::new());
    let days = RwSignal::new("90".to_owned());
    let save = Act::new(
        |api, input: TokenInput| async move { api.0.create_token(input).await },
        move |token| {
            live.bump(TOPICS);
            made.set(Some(token));
        },
    );
    let submit = Callback::new(move |()| {
        let Ok(days) = days.with_untracked(|days| days_of(days)) else { return };
        save.run(TokenInput {
            name: name.get_untracked().trim().to_owned(),
            role: role_of(&role.get_untracked()),
            domains: domains.get_untracked(),
            days,
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
            <Editor title="New token" save=save open=open right=right::TOKEN_WRITE verb="Create token" on_save=submit>
                    <Field label="What it is for" name="name" value=name required=true error=save.field("name")/>
                    <Select label="Role" name="role" value=role choices=role_choices() hint="Never more than your own" error=save.field("role")/>
                    <SeenDomains role=role chosen=domains error=save.field("domains")/>
                    <Field label="Days until it ends" name="days" kind="number" value=days hint="Empty: no end" error=either(save.field("days"), move || days.with(|days| days_of(days).err()))/>
            </Editor>
        }
        .into_any(),
    }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_life_has_no_end() {
        assert_eq!(days_of(" 90 "), Ok(Some(90)));
        assert_eq!(days_of(" "), Ok(None));
        for mistyped in ["-5", "1.5", "0", "ninety", "99999999999"] {
            assert!(days_of(mistyped).is_err(), "{mistyped}");
        }
    }
}
