//! The bell of the top bar: how much the person was told and has not read.

use leptos::prelude::*;

use crate::api::NotificationQuery;
use crate::components::Icon;
use crate::load::load;
use crate::pages::NOTIFICATION_TOPICS;

/// From here on the exact number helps nobody.
const COUNT_MAX: u64 = 99;

fn figure(unread: u64) -> String {
    if unread > COUNT_MAX { format!("{COUNT_MAX}+") } else { unread.to_string() }
}

/// A link to the feed, with the number of what is unread. A feed that cannot be read shows none: its page says why.
#[component]
pub(super) fn Bell() -> impl IntoView {
    let unread = load(
        NOTIFICATION_TOPICS,
        || (),
        |api, ()| async move {
            let query = NotificationQuery { unread: Some(true), limit: Some(1), cursor: None };
            api.0.notifications(query).await.map(|page| page.unread)
        },
    );
    view! {
        <a class="m-button m-button--quiet m-button--icon m-bell" href="/notifications" title="Notifications">
            <Icon name="bell"/>
            <span class="m-hush">"Notifications"</span>
            <Transition fallback=|| ()>
                {move || {
                    let count = unread.get().and_then(Result::ok).unwrap_or_default();
                    (count > 0)
                        .then(|| {
                            view! {
                                <span class="m-bell__count" aria-hidden="true">{figure(count)}</span>
                                <span class="m-hush">{format!(", {count} unread")}</span>
                            }
                        })
                }}
            </Transition>
        </a>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn a_large_number_does_not_break_the_bar() {
        assert_eq!([figure(1), figure(99), figure(100)], ["1", "99", "99+"]);
    }
}
