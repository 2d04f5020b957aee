//! What the person of this page was told: newest first, read or unread, each with the page that it is about.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use mesh_protocol::id::NotificationId;

use crate::act::{Act, sentence};
use crate::api::{
    LiveTopic, NotificationMark, NotificationPage, NotificationQuery, NotificationView, NotificationsMark, Severity,
};
use crate::components::{Age, Button, Empty, ListFoot, Main, ParamCheck, Run, RunState, Table, Toasts, Tone};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};

/// What makes the feed old.
pub(crate) const TOPICS: &[LiveTopic] = &[LiveTopic::Notifications];

fn query_of(get: impl Fn(&str) -> Option<String>) -> NotificationQuery {
    let given = |name| get(name).filter(|text: &String| !text.is_empty());
    NotificationQuery { unread: given("unread").map(|text| text == "true"), cursor: given("cursor"), limit: None }
}

/// `/notifications?unread=&cursor=`
#[component]
pub fn Notifications() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let feed = load(TOPICS, move || key.get(), |api, query| async move { api.0.notifications(query).await });
    let (live, toasts) = (Live::get(), Toasts::get());
    let mark = Act::new(
        |api, (id, read): (NotificationId, bool)| async move {
            api.0.mark_notification(id, NotificationMark { read }).await
        },
        move |()| live.bump(TOPICS),
    );
    let mark_all = Act::new(
        |api, until: NotificationId| async move { api.0.mark_notifications(NotificationsMark { until }).await },
        move |done| {
            live.bump(TOPICS);
            toasts.done(format!("{} marked as read.", count_of(done.marked)));
        },
    );
    Effect::new(move |_| {
        for error in [mark.error.get(), mark_all.error.get()].into_iter().flatten() {
            toasts.failed(format!("It was not marked. {}", sentence(&error, &[])));
        }
    });
    view! {
        <Main title="Notifications" note="what happened to what you answer for, build on or watch">
            <Load resource=feed what="notifications" let:page>
                <div class="m-bar">
                    <ParamCheck label="Only unread" name="unread"/>
                    {move || all_read(&page.get(), mark_all, key.with(|key| key.cursor.is_none()))}
                </div>
                {move || list(page.get(), &key.get(), mark)}
            </Load>
        </Main>
    }
    .into_any()
}

fn count_of(count: u64) -> String {
    format::plural(usize::try_from(count).unwrap_or(usize::MAX), "notification")
}

/// Only what the person has before them is marked: the first row of the first page is the newest they saw.
fn all_read(page: &NotificationPage, mark: Act<NotificationId>, is_first: bool) -> Option<AnyView> {
    let newest = page.items.first()?.id;
    (is_first && page.unread > 0).then(|| {
        view! { <Button icon="check" on_press=move |()| mark.run(newest)>"Mark all as read"</Button> }.into_any()
    })
}

fn list(page: NotificationPage, query: &NotificationQuery, mark: Act<(NotificationId, bool)>) -> AnyView {
    if page.items.is_empty() {
        return nothing(query);
    }
    let total = count_of(page.total);
    let rows = page.items.into_iter().map(|row| view! { <Row row=row mark=mark/> }).collect_view();
    view! {
        <Table label="Notifications" heads=&[("What", ""), ("About", "m-low"), ("When", "m-end"), ("", "m-tight")]>
            {rows}
        </Table>
        <ListFoot total=total next=page.next/>
    }
    .into_any()
}

fn nothing(query: &NotificationQuery) -> AnyView {
    if query.unread == Some(true) || query.cursor.is_some() {
        return view! {
            <Empty icon="check" title="Nothing unread" text="You have read everything you were told.">
                <a class="m-button" href="/notifications">"All notifications"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="bell"
            title="Nothing yet"
            text="You are told when a design of your team is to be released, when something you build on changes or ends, and of everything you watch. Open a design and press Watch to follow it."
        >
            <a class="m-button" href="/designs">"Designs"</a>
        </Empty>
    }
    .into_any()
}

#[component]
fn Row(row: NotificationView, mark: Act<(NotificationId, bool)>) -> impl IntoView {
    let (id, read) = (row.id, row.read);
    let (verb, label) = if read {
        ("Mark unread", format!("Mark unread: {}", row.title))
    } else {
        ("Mark read", format!("Mark read: {}", row.title))
    };
    // Whoever follows it has read it.
    let follow = move |_| {
        if !read {
            mark.run((id, true));
        }
    };
    view! {
        <tr data-unread=(!read).then_some("")>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name m-told" href=row.link on:click=follow>
                        {(!read).then(|| view! { <span class="m-hush">"Unread: "</span> })}
                        {row.title}
                    </a>
                    {(!row.text.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{row.text}</span> })}
                </div>
            </td>
            <td class="m-low"><Sort severity=row.severity kind=row.kind/></td>
            <td class="m-end m-muted m-nowrap"><Age at_ms=Some(row.at)/></td>
            <td class="m-tight">
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet label=label on_press=move |()| mark.run((id, !read))>{verb}</Button>
                </span>
            </td>
        </tr>
    }
    .into_any()
}

/// How bad, by a mark and a word; what kind for whoever hovers, as webhooks name it.
#[component]
fn Sort(severity: Severity, kind: String) -> impl IntoView {
    let (state, word) = match severity {
        Severity::Bad => (RunState::Failed, "Does not work"),
        Severity::Warn => (RunState::Degraded, "Needs a look"),
        Severity::Note => (RunState::None, "To know"),
    };
    view! { <span title=kind><Run state=state word=word/></span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_filter() {
        let query = |pairs: &'static [(&str, &str)]| {
            query_of(|name| pairs.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(query(&[]), NotificationQuery::default());
        assert_eq!(query(&[("unread", "true")]).unread, Some(true));
        assert_eq!(query(&[("unread", ""), ("cursor", "")]), NotificationQuery::default());
    }

    #[test]
    fn counts_are_words() {
        assert_eq!([count_of(1), count_of(2)], ["1 notification", "2 notifications"]);
    }
}
