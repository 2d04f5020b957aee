//! The editor of a queue. Filters and quantities are checked while one types; filters by the parser the agents use.

mod keep;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use mesh_protocol::desired::{OnFailure, QueueAccess, WhenFull};
use mesh_protocol::id::SiteId;
use mesh_protocol::topic::Filter;

use self::keep::Keep;
use super::TOPICS;
use crate::act::Act;
use crate::api::{ApiError, Edit, QueueInput, QueueView};
use crate::components::{Choice, Empty, Field, Select, either};
use crate::editor::{Editor, closing};
use crate::format;
use crate::load::{Load, load};
use crate::pages::brokers::First;
use crate::quantity;
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Draft {
    name: RwSignal<String>,
    site: RwSignal<String>,
    filters: RwSignal<String>,
    exceptions: RwSignal<String>,
    access: RwSignal<String>,
    on_failure: RwSignal<String>,
    deliveries_max: RwSignal<String>,
    backoff_first: RwSignal<String>,
    backoff_longest: RwSignal<String>,
    lease: RwSignal<String>,
    ttl: RwSignal<String>,
    events_max: RwSignal<String>,
    bytes_max: RwSignal<String>,
    when_full: RwSignal<String>,
    dead_letters_max: RwSignal<String>,
    keep: RwSignal<bool>,
    keep_for: RwSignal<String>,
    keep_bytes_max: RwSignal<String>,
    note: RwSignal<String>,
    paused: StoredValue<bool>,
}

/// `a, b` or one in each line.
fn items(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Deliveries before an event is a dead letter; none = it is tried for ever.
fn deliveries(text: &str) -> Result<Option<u16>, String> {
    optional(text, |text| quantity::count(text).and_then(fitting))
}

/// A pause or a lease.
fn pause(text: &str) -> Result<u32, String> {
    quantity::duration_ms(text).and_then(fitting)
}

/// A quantity that may be left out.
fn optional<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.trim().is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// A quantity that fits the contract's type; what is too large for it is out of bounds anyway.
fn fitting<T: TryFrom<u64>>(amount: u64) -> Result<T, String> {
    T::try_from(amount).map_err(|_| "That is too much".to_owned())
}

impl Draft {
    fn of(queue: &QueueInput) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let site = if queue.site.0.is_nil() { String::new() } else { queue.site.to_string() };
        Self {
            name: text(&queue.name),
            site: RwSignal::new(site),
            filters: RwSignal::new(queue.filters.join(", ")),
            exceptions: RwSignal::new(queue.exceptions.join(", ")),
            access: text(match queue.access {
                QueueAccess::Exclusive => "exclusive",
                QueueAccess::Shared => "shared",
                QueueAccess::Partitioned => "partitioned",
            }),
            on_failure: text(if queue.on_failure == OnFailure::Overtake { "overtake" } else { "block_key" }),
            deliveries_max: RwSignal::new(
                queue.deliveries_max.map(|most| format::count(most.into())).unwrap_or_default(),
            ),
            backoff_first: RwSignal::new(quantity::duration(queue.backoff_first_ms.into())),
            backoff_longest: RwSignal::new(quantity::duration(queue.backoff_longest_ms.into())),
            lease: RwSignal::new(quantity::duration(queue.lease_ms.into())),
            ttl: RwSignal::new(queue.ttl_ms.map(quantity::duration).unwrap_or_default()),
            events_max: RwSignal::new(format::count(queue.events_max)),
            bytes_max: RwSignal::new(quantity::size(queue.bytes_max)),
            when_full: text(if queue.when_full == WhenFull::Discard { "discard" } else { "refuse" }),
            dead_letters_max: RwSignal::new(format::count(queue.dead_letters_max)),
            keep: RwSignal::new(queue.keep_ms.is_some()),
            keep_for: RwSignal::new(queue.keep_ms.map_or_else(|| keep::SUGGESTED.to_owned(), quantity::duration)),
            keep_bytes_max: RwSignal::new(quantity::size(queue.keep_bytes_max)),
            note: text(&queue.note),
            paused: StoredValue::new(queue.paused),
        }
    }

    /// What would be saved; none = a field says nothing that can be sent, and is marked.
    fn input(self) -> Option<QueueInput> {
        let read = |field: RwSignal<String>| field.get_untracked();
        let trimmed = |field: RwSignal<String>| read(field).trim().to_owned();
        let ms = |field: RwSignal<String>| pause(&read(field)).ok();
        let (keep_ms, keep_bytes_max) = self.kept()?;
        Some(QueueInput {
            name: trimmed(self.name),
            site: trimmed(self.site).parse().ok()?,
            filters: items(&read(self.filters)),
            exceptions: items(&read(self.exceptions)),
            access: match read(self.access).as_str() {
                "shared" => QueueAccess::Shared,
                "partitioned" => QueueAccess::Partitioned,
                _ => QueueAccess::Exclusive,
            },
            on_failure: if read(self.on_failure) == "overtake" { OnFailure::Overtake } else { OnFailure::BlockKey },
            paused: self.paused.get_value(),
            deliveries_max: deliveries(&read(self.deliveries_max)).ok()?,
            backoff_first_ms: ms(self.backoff_first)?,
            backoff_longest_ms: ms(self.backoff_longest)?,
            lease_ms: ms(self.lease)?,
            ttl_ms: optional(&read(self.ttl), quantity::duration_ms).ok()?,
            events_max: quantity::count(&read(self.events_max)).ok()?,
            bytes_max: quantity::bytes(&read(self.bytes_max)).ok()?,
            when_full: if read(self.when_full) == "discard" { WhenFull::Discard } else { WhenFull::Refuse },
            dead_letters_max: quantity::count(&read(self.dead_letters_max)).ok()?,
            keep_ms,
            keep_bytes_max,
            note: trimmed(self.note),
        })
    }

    /// For how long and how much is kept; none = a field says nothing that can be sent. What is not shown is not in the
    /// way.
    fn kept(self) -> Option<(Option<u64>, u64)> {
        let bytes_max = quantity::bytes(&self.keep_bytes_max.get_untracked());
        if !self.keep.get_untracked() {
            return Some((None, bytes_max.unwrap_or(keep::BYTES_MAX)));
        }
        Some((Some(quantity::duration_ms(&self.keep_for.get_untracked()).ok()?), bytes_max.ok()?))
    }
}

/// What is wrong with the first wrong filter of a list.
fn filters_error(text: &str) -> Option<String> {
    items(text).iter().find_map(|text| match Filter::mesh(text) {
        Ok(_) if text.contains("${") => Some("may not use variables: a queue is not a client".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    })
}

/// The form in the dialog.
#[component]
pub(super) fn QueueForm(queue: Option<QueueView>, open: RwSignal<bool>) -> impl IntoView {
    let navigate = use_navigate();
    let known = queue.as_ref().map(|queue| (queue.id, queue.revision));
    let new = || QueueInput::new("", SiteId(uuid::Uuid::nil()), Vec::new());
    let draft = Draft::of(&queue.as_ref().map_or_else(new, |queue| queue.config.clone()));
    let place = StoredValue::new(queue.map(|queue| queue.site_name));
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: QueueInput| async move {
            match known {
                None => api.0.create_queue(value).await,
                Some((id, revision)) => api.0.update_queue(id, Edit { revision, value }).await,
            }
        },
        move |saved: QueueView| {
            close.run("Queue saved. Its agent follows now.");
            if known.is_none() {
                navigate(&format!("/queues/{}", saved.id), NavigateOptions::default());
            }
        },
    );
    let sites = load(
        &[],
        || (),
        |api, ()| async move {
            let sites = api.0.all_sites().await?;
            Ok(sites.into_iter().map(|site| (site.id.to_string(), site.name)).collect::<Vec<Choice>>())
        },
    );
    let on_save = move |()| match draft.input() {
        Some(input) => save.run(input),
        None => save.error.set(Some(ApiError::new("invalid", 422, "check the marked fields"))),
    };
    view! {
        <Editor
            title=if known.is_some() { "Change queue" } else { "New queue" }
            save=save
            open=open
            right=right::QUEUE_WRITE
            verb=if known.is_some() { "Save queue" } else { "Create queue" }
            on_save=on_save
        >
            <Load resource=sites what="sites" let:sites>
                <Show
                    when=move || sites.with(|sites| !sites.is_empty())
                    fallback=|| view! {
                        <Empty icon="site" title="No site yet" text="A queue lies at a site, on the disk of its agent. Make a site first.">
                            <a class="m-button" href="/sites">"Sites"</a>
                        </Empty>
                    }
                >
                    <Fields draft=draft sites=sites place=place.get_value() save=save/>
                </Show>
            </Load>
        </Editor>
    }
    .into_any()
}

fn choice(key: &str, words: &str) -> Choice {
    (key.to_owned(), words.to_owned())
}

#[component]
fn Fields(draft: Draft, sites: Signal<Vec<Choice>>, place: Option<String>, save: Act<QueueInput>) -> impl IntoView {
    let access = vec![
        choice("exclusive", "Exclusive: one, the others stand by"),
        choice("shared", "Shared: each event to one of them"),
        choice("partitioned", "Partitioned: each key to one of them"),
    ];
    let is_new = place.is_none();
    view! {
        <div class="m-form__row">
            <Field
                label="Name"
                name="name"
                value=draft.name
                required=true
                placeholder="orders-fulfilment"
                hint="Unique; consumers ask for $queue/NAME"
                error=save.field("name")
            />
            {match place {
                None => view! {
                    <First choices=sites value=draft.site/>
                    <Select label="Site" name="site" value=draft.site choices=sites hint="It lies on the disk of the agent there" error=save.field("site")/>
                }
                    .into_any(),
                Some(place) => view! {
                    <div class="m-field">
                        <span class="m-field__label">"Site"</span>
                        <span class="m-small">{place}</span>
                        <span class="m-field__hint">"Stays: what waits is there"</span>
                    </div>
                }
                    .into_any(),
            }}
        </div>
        <Field
            label="Attracts"
            name="filters"
            value=draft.filters
            mono=true
            required=true
            placeholder="orders/>, returns/>"
            hint="Guaranteed events that match any of these filters; separated by commas"
            error=either(save.field("filters"), move || draft.filters.with(|text| filters_error(text)))
        />
        <Field
            label="Except"
            name="exceptions"
            value=draft.exceptions
            mono=true
            hint="Optional: of these, none"
            error=either(save.field("exceptions"), move || draft.exceptions.with(|text| filters_error(text)))
        />
        <div class="m-form__row">
            <Select label="Which consumers get events" name="access" value=draft.access choices=access error=save.field("access")/>
            <Quantity
                label="Lease"
                name="lease_ms"
                value=draft.lease
                hint="How long one that pulls may be silent"
                portal=save.field("lease_ms")
                read=|text| pause(text).map(drop)
            />
        </div>
        <Failure draft=draft save=save/>
        <Room draft=draft save=save/>
        <Keep draft=draft save=save/>
        <Field label="Why it exists" name="note" value=draft.note hint="Optional" error=save.field("note")/>
        {is_new.then(|| view! {
            <p class="m-small m-muted">
                "It attracts what is published from the moment its agent has it, at any site. Consumers need rights of their own; the queue's page names them."
            </p>
        })}
    }
    .into_any()
}

/// What a consumer's failure means.
#[component]
fn Failure(draft: Draft, save: Act<QueueInput>) -> impl IntoView {
    let order = vec![
        choice("block_key", "Later events of the same key wait: nothing overtakes"),
        choice("overtake", "Later events go on"),
    ];
    view! {
        <fieldset class="m-form__group">
            <legend>"When a consumer fails"</legend>
            <Select label="Order" name="on_failure" value=draft.on_failure choices=order error=save.field("on_failure")/>
            <div class="m-form__row">
                <Quantity
                    label="Dead letter after"
                    name="deliveries_max"
                    value=draft.deliveries_max
                    hint="Deliveries; empty: it is tried for ever"
                    portal=save.field("deliveries_max")
                    read=|text| deliveries(text).map(drop)
                />
                <Quantity
                    label="First pause"
                    name="backoff_first_ms"
                    value=draft.backoff_first
                    hint="Doubled with each failure"
                    portal=save.field("backoff_first_ms")
                    read=|text| pause(text).map(drop)
                />
                <Quantity
                    label="Longest pause"
                    name="backoff_longest_ms"
                    value=draft.backoff_longest
                    hint="At most 1 h"
                    portal=save.field("backoff_longest_ms")
                    read=|text| pause(text).map(drop)
                />
            </div>
        </fieldset>
    }
    .into_any()
}

/// How much it holds and for how long.
#[component]
fn Room(draft: Draft, save: Act<QueueInput>) -> impl IntoView {
    let full = vec![
        choice("refuse", "Refuse publishers: nothing is lost"),
        choice("discard", "Leave out the newest, and count them"),
    ];
    view! {
        <fieldset class="m-form__group">
            <legend>"Room"</legend>
            <div class="m-form__row">
                <Quantity
                    label="Events"
                    name="events_max"
                    value=draft.events_max
                    hint="Most that may wait"
                    portal=save.field("events_max")
                    read=|text| quantity::count(text).map(drop)
                />
                <Quantity
                    label="Size"
                    name="bytes_max"
                    value=draft.bytes_max
                    hint="Of all that wait"
                    portal=save.field("bytes_max")
                    read=|text| quantity::bytes(text).map(drop)
                />
                <Quantity
                    label="Time to live"
                    name="ttl_ms"
                    value=draft.ttl
                    hint="Empty: no limit of its own"
                    portal=save.field("ttl_ms")
                    read=|text| optional(text, quantity::duration_ms).map(drop)
                />
            </div>
            <div class="m-form__row">
                <Select label="When it is full" name="when_full" value=draft.when_full choices=full error=save.field("when_full")/>
                <Quantity
                    label="Dead letters"
                    name="dead_letters_max"
                    value=draft.dead_letters_max
                    hint="With so many it waits for you"
                    portal=save.field("dead_letters_max")
                    read=|text| quantity::count(text).map(drop)
                />
            </div>
        </fieldset>
    }
    .into_any()
}

/// A number with its unit.
#[component]
fn Quantity(
    label: &'static str,
    name: &'static str,
    value: RwSignal<String>,
    hint: &'static str,
    /// What the portal says is wrong with it.
    portal: Signal<Option<String>>,
    /// Tells what is wrong while one types.
    read: fn(&str) -> Result<(), String>,
) -> impl IntoView {
    let error = either(portal, move || value.with(|text| read(text).err()));
    view! { <Field label=label name=name value=value hint=hint error=error/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(queue: &QueueInput) {
        Owner::new().with(|| assert_eq!(Draft::of(queue).input().as_ref(), Some(queue)));
    }

    fn queue() -> QueueInput {
        let site = "0190a000-0000-7000-8000-000000000041".parse().expect("an id");
        QueueInput::new("orders", site, vec!["orders/>".into(), "returns/>".into()])
    }

    #[test]
    fn a_queue_survives_the_form() {
        check(&queue());
        check(&QueueInput {
            exceptions: vec!["orders/test/>".into()],
            access: QueueAccess::Partitioned,
            on_failure: OnFailure::Overtake,
            paused: true,
            deliveries_max: None,
            backoff_first_ms: 0,
            backoff_longest_ms: 90_000,
            lease_ms: 1_500,
            ttl_ms: Some(3_600_000),
            events_max: 1,
            bytes_max: 1_537,
            when_full: WhenFull::Discard,
            dead_letters_max: 1_000_000,
            keep_ms: Some(86_400_000),
            keep_bytes_max: 5 << 20,
            note: "why".into(),
            ..queue()
        });
    }

    #[test]
    fn what_says_nothing_is_not_sent() {
        Owner::new().with(|| {
            let draft = Draft::of(&queue());
            draft.lease.set("soon".into());
            assert_eq!(draft.input(), None);
            draft.lease.set("30 s".into());
            assert!(draft.input().is_some());
            draft.deliveries_max.set("70000".into());
            assert_eq!(draft.input(), None, "more than the contract can say");
        });
    }

    #[test]
    fn what_is_not_kept_asks_for_nothing() {
        Owner::new().with(|| {
            let draft = Draft::of(&queue());
            draft.keep.set(true);
            let kept = draft.input().map(|input| (input.keep_ms, input.keep_bytes_max));
            assert_eq!(kept, Some((Some(86_400_000), 1 << 30)), "what is suggested can be sent");
            draft.keep_for.set("long".into());
            assert_eq!(draft.input(), None);
            draft.keep_bytes_max.set("a lot".into());
            draft.keep.set(false);
            assert_eq!(draft.input(), Some(queue()), "a mistake in a field that is gone is none");
        });
    }

    #[test]
    fn mistakes_are_told_while_one_types() {
        assert!(filters_error("orders/>, a\0").is_some());
        assert!(filters_error("orders/${username}").is_some());
        assert!(filters_error("orders/>, returns/>").is_none());
    }
}
