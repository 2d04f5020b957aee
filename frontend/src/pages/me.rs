//! What one set for oneself: where mail goes, what of, and how soon.

use std::collections::BTreeSet;

use leptos::prelude::*;

use crate::act::{Act, ActError, sentence};
use crate::api::{LiveTopic, MailInput, MailPace, MailView, NotificationKind};
use crate::components::{Banner, Button, Check, Field, Main, Part, Select, Submit, Toasts, Wrong};
use crate::live::Live;
use crate::load::{Load, load};

const TOPICS: &[LiveTopic] = &[LiveTopic::People];

/// The paces with their words.
const PACES: [(MailPace, &str, &str); 3] = [
    (MailPace::Now, "now", "At once"),
    (MailPace::Daily, "daily", "Once a day, what is unread by then"),
    (MailPace::Off, "off", "Never"),
];

fn name_of(pace: MailPace) -> &'static str {
    PACES.iter().find(|(have, ..)| *have == pace).map_or("now", |(_, name, _)| *name)
}

fn pace_of(name: &str) -> MailPace {
    PACES.iter().find(|(_, have, _)| *have == name).map_or(MailPace::Now, |(pace, ..)| *pace)
}

/// `/me`
#[component]
pub fn MySettings() -> impl IntoView {
    let mail = load(
        TOPICS,
        || (),
        |api, ()| async move {
            let (mail, kinds) = (api.0.my_mail().await?, api.0.notification_kinds().await?.items);
            Ok((mail, kinds))
        },
    );
    view! {
        <Main title="My settings" note="what you are told by mail, besides the feed">
            <Load resource=mail what="settings" let:known>
                <Mail known=known.get_untracked()/>
            </Load>
        </Main>
    }
    .into_any()
}

#[component]
fn Mail(known: (MailView, Vec<NotificationKind>)) -> impl IntoView {
    let (MailView { config, configured }, kinds) = known;
    let email = RwSignal::new(config.email);
    let pace = RwSignal::new(name_of(config.pace).to_owned());
    let own = RwSignal::new(config.kinds.is_some());
    let chosen = RwSignal::new(config.kinds.unwrap_or_else(|| asking(&kinds)));
    let (live, toasts) = (Live::get(), Toasts::get());
    let save = Act::new(
        |api, input: MailInput| async move { api.0.update_my_mail(input).await },
        move |_| {
            live.bump(TOPICS);
            toasts.done("Saved.");
        },
    );
    let test = Act::new(
        |api, ()| async move { api.0.send_test_mail().await },
        move |()| toasts.done("The mail server took it. Look into your mail."),
    );
    Effect::new(move |_| {
        if let Some(error) = test.error.get() {
            toasts.failed(sentence(&error, &[]));
        }
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        save.run(MailInput {
            email: email.get_untracked().trim().to_owned(),
            pace: pace_of(&pace.get_untracked()),
            kinds: own.get_untracked().then(|| chosen.get_untracked()),
        });
    };
    let choices = PACES.iter().map(|(_, name, words)| ((*name).to_owned(), (*words).to_owned())).collect::<Vec<_>>();
    let kinds = StoredValue::new(kinds);
    view! {
        {(!configured).then(|| view! {
            <Banner tone="warn" text="This portal sends no mail: whoever runs it has named no mail server. What you set here holds once it does."/>
        })}
        <Part title="Mail">
            <form class="m-form" method="post" on:submit=submit>
                <Field label="Address" name="email" kind="email" value=email autocomplete="email" hint="Empty: no mail" error=save.field("email")/>
                <Select label="How soon" name="pace" value=pace choices=choices error=save.field("pace")/>
                <Check label="Choose yourself what of; otherwise whatever asks you to do something" checked=own/>
                <Show when=move || own.get()>
                    <fieldset class="m-form__group">
                        <legend>"You get mail about"</legend>
                        <div class="m-choices">
                            {kinds.get_value().into_iter().map(|kind| choice(kind, chosen)).collect_view()}
                        </div>
                        <Wrong error=save.field("kinds")/>
                    </fieldset>
                </Show>
                <ActError act=save/>
                <div class="m-line">
                    <Submit busy=save.busy>"Save"</Submit>
                    {configured.then(|| view! { <Button on_press=move |()| test.run(())>"Send a test message"</Button> })}
                </div>
            </form>
        </Part>
    }
    .into_any()
}

/// What one gets without choosing.
fn asking(kinds: &[NotificationKind]) -> BTreeSet<String> {
    kinds.iter().filter(|kind| kind.asks).map(|kind| kind.name.clone()).collect()
}

fn choice(kind: NotificationKind, chosen: RwSignal<BTreeSet<String>>) -> AnyView {
    let (name, at) = (kind.name.clone(), kind.name.clone());
    view! {
        <label class="m-choice" title=kind.name>
            <input
                class="m-check"
                type="checkbox"
                prop:checked=move || chosen.with(|chosen| chosen.contains(&name))
                on:change=move |ev| {
                    let is_on = event_target_checked(&ev);
                    chosen.update(|chosen| {
                        if is_on { chosen.insert(at.clone()) } else { chosen.remove(&at) };
                    });
                }
            />
            {kind.words}
        </label>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_survive_the_select() {
        for (pace, name, _) in PACES {
            assert_eq!((pace_of(name), name_of(pace)), (pace, name));
        }
        assert_eq!(pace_of("sometimes"), MailPace::Now);
    }

    #[test]
    fn without_choosing_one_gets_what_asks() {
        let kind = |name: &str, asks| NotificationKind { name: name.into(), words: String::new(), asks };
        assert_eq!(asking(&[kind("a", true), kind("b", false)]), BTreeSet::from(["a".to_owned()]));
    }
}
