//! Records of a Kafka topic, as an agent at its cluster reads them now; events of an address, as they come.
//!
//! They are asked for by the browser alone: a look takes an agent's and a cluster's answer, and no page should wait for
//! that. What is chosen is in the address; what was read is nowhere but on this page.

mod row;

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;

use self::row::Row;
use super::TOPICS;
use crate::api::{Api, ApiError, CatalogKind, CatalogObject, RecordView, RecordsInput, RecordsPage, SiteView};
use crate::components::{
    Banner, Button, Choice, Empty, Main, ParamSelect, Part, Search, Select, Skeleton, Stamp, Table, use_param,
    use_set_params,
};
use crate::format;
use crate::load::{Load, Loading, load};
use crate::pages::load_sites;
use crate::pages::tail::Tail;
use crate::pages::unanswered::{Titles, unanswered};
use crate::viewer::{Viewer, right};

/// Pause between two looks while one follows.
const PACE: Duration = Duration::from_secs(2);
/// Rows that are kept while one follows; the oldest leave.
const ROWS_MAX: usize = 500;

const HEADS: &[(&str, &str)] = &[
    ("Time", ""),
    ("Key", ""),
    ("Payload", "m-low"),
    ("Partition", "m-low m-end"),
    ("Offset", "m-low m-end"),
    ("", "m-end"),
];

/// Where a look may begin: the value in the address, the words, and how long ago it is in milliseconds.
const BEGINS: &[(&str, &str, i64)] = &[
    ("", "The newest", 0),
    ("5m", "From five minutes ago on", 300_000),
    ("1h", "From an hour ago on", 3_600_000),
    ("1d", "From a day ago on", 86_400_000),
    ("7d", "From a week ago on", 604_800_000),
];

/// `/catalog/:id/records?find=&from=&partition=&offset=`
#[component]
pub fn CatalogRecords() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    let object = load(TOPICS, move || id.get(), |api, id| async move { api.0.catalog_object(id).await });
    let sites = load_sites();
    view! {
        <Load resource=object what="topic" title="Records" one=true let:object>
            <Records object=object id=id sites=sites/>
        </Load>
    }
    .into_any()
}

/// What has been read.
#[derive(Clone, Copy)]
struct Looking {
    id: Memo<String>,
    rows: RwSignal<Vec<RecordView>>,
    /// The last answer, without its records; none = none came yet.
    last: RwSignal<Option<RecordsPage>>,
    older: RwSignal<Option<String>>,
    error: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    following: RwSignal<bool>,
    /// Number of what is chosen: an answer for an older choice is for nobody.
    choice: StoredValue<u64>,
}

/// What is done with the records that come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They take the place of what is there.
    Anew,
    /// They stand behind it.
    Older,
    /// They stand before it.
    Newer,
}

impl Looking {
    fn new(id: Memo<String>) -> Self {
        Self {
            id,
            rows: RwSignal::new(Vec::new()),
            last: RwSignal::new(None),
            older: RwSignal::new(None),
            error: RwSignal::new(None),
            busy: RwSignal::new(false),
            following: RwSignal::new(false),
            choice: StoredValue::new(0),
        }
    }

    fn look(self, api: Api, input: RecordsInput, way: Way) {
        if way == Way::Anew {
            self.choice.update_value(|choice| *choice += 1);
            self.rows.set(Vec::new());
            self.last.set(None);
            self.older.set(None);
        }
        let choice = self.choice.get_value();
        self.busy.set(true);
        spawn_local(async move {
            let answer = api.0.catalog_records(self.id.get_untracked(), input).await;
            // Something else was chosen, or the page was left.
            if self.choice.try_get_value() != Some(choice) {
                return;
            }
            let _ = self.busy.try_set(false);
            match answer {
                Ok(page) => self.take(page, way),
                Err(error) => {
                    let _ = self.following.try_set(false);
                    let _ = self.error.try_set(Some(error));
                }
            }
        });
    }

    fn take(self, mut page: RecordsPage, way: Way) {
        let records = std::mem::take(&mut page.items);
        self.error.set(None);
        self.rows.update(|rows| match way {
            Way::Anew => *rows = records,
            Way::Older => rows.extend(records),
            Way::Newer => {
                rows.splice(0..0, records);
                rows.truncate(ROWS_MAX);
            }
        });
        if way != Way::Newer {
            self.older.set(page.older.take());
        }
        // Older records say nothing of where newer ones are.
        let newer = self.last.with_untracked(|last| last.as_ref().map(|last| last.newer.clone()));
        if let (Way::Older, Some(newer)) = (way, newer) {
            page.newer = newer;
        }
        self.last.set(Some(page));
    }
}

/// What is chosen in the address.
#[derive(Clone, Copy)]
struct Chosen {
    find: Memo<String>,
    from: Memo<String>,
    partition: Memo<String>,
    offset: Memo<String>,
}

impl Chosen {
    /// What to ask for, without a cursor.
    fn input(self, now_ms: i64) -> RecordsInput {
        let from = self.from.get_untracked();
        let ago = BEGINS.iter().find(|(value, ..)| *value == from).map_or(0, |(_, _, ago)| *ago);
        RecordsInput {
            partition: self.partition.get_untracked().parse().ok(),
            offset: self.offset.get_untracked().parse().ok(),
            since: (ago > 0 && self.offset.get_untracked().is_empty()).then(|| now_ms - ago),
            cursor: None,
            find: self.find.get_untracked(),
            limit: None,
        }
    }

    fn track(self) {
        for param in [self.find, self.from, self.partition, self.offset] {
            param.track();
        }
    }
}

#[component]
fn Records(object: Signal<CatalogObject>, id: Memo<String>, sites: Loading<Vec<SiteView>>) -> impl IntoView {
    let name = Memo::new(move |_| object.with(|object| object.row.name.clone()));
    let is_address = object.with_untracked(|object| object.row.kind == CatalogKind::Address);
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/catalog">"Catalog"</a></li>
            <li><a href=move || format!("/catalog/{}", id.get())>{name}</a></li>
            <li>{if is_address { "Events" } else { "Records" }}</li>
        </ol>
    };
    let note = Signal::derive(move || match is_address {
        true => "Events of the address, as they come".to_owned(),
        false => object
            .with(|object| format!("Records of the Kafka topic in {}", object.row.broker.clone().unwrap_or_default())),
    });
    let what = if is_address { "Events" } else { "Records" };
    let title = Memo::new(move |_| format!("{what} of {}", name.get()));
    let may = Viewer::has(right::DATA_READ).granted();
    view! {
        <Main title=title note=note crumbs=crumbs.into_any()>
            {if is_address {
                view! { <Watching object=object sites=sites/> }.into_any()
            } else if may {
                let partitions = object.with_untracked(|object| object.row.partitions.unwrap_or_default());
                view! { <Reading id=id partitions=partitions/> }.into_any()
            } else {
                closed()
            }}
        </Main>
    }
    .into_any()
}

/// What comes to an address, at one of the sites where it was seen.
#[component]
fn Watching(object: Signal<CatalogObject>, sites: Loading<Vec<SiteView>>) -> impl IntoView {
    let seen = object.with_untracked(|object| object.row.sites.clone());
    let choices = Signal::derive(move || {
        let all = sites.get().and_then(Result::ok).unwrap_or_default();
        let here = all.into_iter().filter(|site| seen.contains(&site.name));
        here.map(|site| (site.id.to_string(), site.name)).collect::<Vec<Choice>>()
    });
    let site = RwSignal::new(String::new());
    let filter = RwSignal::new(object.with_untracked(|object| pattern(&object.row.name)));
    Effect::new(move |_| {
        let first = choices.with(|choices| choices.first().map(|(id, _)| id.clone()));
        if let (true, Some(first)) = (site.with_untracked(String::is_empty), first) {
            site.set(first);
        }
    });
    view! {
        <Part title="Live" note="on the rights of your own short-lived client">
            <Transition>
                <Select label="Watched at" name="site" value=site choices=choices/>
            </Transition>
            <Tail site=site filter=filter/>
        </Part>
    }
    .into_any()
}

/// The filter of an address: a level that varies is any.
fn pattern(address: &str) -> String {
    let is_variable = |level: &str| level.starts_with('{') && level.ends_with('}');
    address.split('/').map(|level| if is_variable(level) { "*" } else { level }).collect::<Vec<_>>().join("/")
}

#[component]
fn Reading(id: Memo<String>, partitions: u32) -> impl IntoView {
    let api = expect_context::<Api>();
    let looking = Looking::new(id);
    let chosen = Chosen {
        find: use_param("find"),
        from: use_param("from"),
        partition: use_param("partition"),
        offset: use_param("offset"),
    };
    let again = RwSignal::new(0_u64);
    Effect::new({
        let api = api.clone();
        move |_| {
            chosen.track();
            again.track();
            looking.look(api.clone(), chosen.input(crate::clock::now_ms()), Way::Anew);
        }
    });
    follow(looking, chosen, api.clone());
    let older = Callback::new(move |()| {
        if let Some(cursor) = looking.older.get_untracked() {
            let input = RecordsInput { cursor: Some(cursor), ..chosen.input(0) };
            looking.look(api.clone(), input, Way::Older);
        }
    });
    view! {
        <Choices looking=looking partitions=partitions again=again/>
        {move || {
            let masked = looking.last.with(|last| last.as_ref().and_then(|last| last.masked.clone()));
            masked.map(|text| view! { <Banner tone="warn" text=text/> })
        }}
        {move || shown(looking, again)}
        <Foot looking=looking older=older/>
    }
    .into_any()
}

/// Looks for newer records again and again while somebody wants that.
fn follow(looking: Looking, chosen: Chosen, api: Api) {
    let turn = RwSignal::new(0_u64);
    Effect::new(move |_| {
        turn.track();
        if !looking.following.get() {
            return;
        }
        let newer = looking.last.with_untracked(|last| last.as_ref().map(|last| last.newer.clone()));
        if let (Some(cursor), false) = (newer, looking.busy.get_untracked()) {
            let input = RecordsInput { cursor: Some(cursor), ..chosen.input(0) };
            looking.look(api.clone(), input, Way::Newer);
        }
        set_timeout(
            move || {
                // The page may have been left meanwhile.
                let _ = turn.try_update(|turn| *turn += 1);
            },
            PACE,
        );
    });
}

#[component]
fn Choices(looking: Looking, partitions: u32, again: RwSignal<u64>) -> impl IntoView {
    let set = use_set_params();
    let offset = use_param("offset");
    let begins = BEGINS.iter().map(|(value, words, _)| ((*value).to_owned(), (*words).to_owned()));
    let begins: Vec<Choice> = begins.collect();
    let mut numbers: Vec<Choice> = vec![(String::new(), "All partitions".to_owned())];
    numbers.extend((0..partitions.min(1_000)).map(|number| (number.to_string(), format!("Partition {number}"))));
    let following = looking.following;
    let word = move || if following.get() { "Stop following" } else { "Follow" };
    view! {
        <div class="m-bar m-filters">
            <Search label="Text in key, payload or headers" name="find"/>
            <ParamSelect label="Where it begins" name="from" choices=begins/>
            <ParamSelect label="Partition" name="partition" choices=numbers/>
            <Show when=move || !offset.with(String::is_empty)>
                <span class="m-chip m-chip--filter">
                    {move || format!("From offset {}", offset.get())}
                    <button class="m-chip__drop" type="button" aria-label="Remove the offset" on:click={
                        let set = set.clone();
                        move |_| set(&[("offset", String::new())])
                    }>
                        <crate::components::Icon name="cross" small=true/>
                    </button>
                </span>
            </Show>
            <span class="m-push"></span>
            {move || looking.last.with(|last| last.as_ref().map(|last| {
                view! { <Stamp at_ms=last.at by=last.by.clone()/> }
            }))}
            <Button small=true on_press=move |()| again.update(|again| *again += 1)>"Look again"</Button>
            <Button small=true on_press=move |()| following.update(|following| *following = !*following)>{word}</Button>
        </div>
    }
    .into_any()
}

fn shown(looking: Looking, again: RwSignal<u64>) -> AnyView {
    if let Some(error) = looking.error.get() {
        return unanswered(&error, &UNANSWERED, again);
    }
    let is_there = looking.last.with(Option::is_some);
    if !is_there {
        return view! { <Skeleton/> }.into_any();
    }
    if looking.rows.with(Vec::is_empty) {
        let text = looking.last.with(|last| {
            let looked_at = last.as_ref().map_or(0, |last| last.looked_at);
            match looked_at {
                0 => "Nothing was written there, or it is deleted already. Follow shows what comes.".to_owned(),
                n => format!("None of the {} that were read holds that text. Older ones may.", format::count(n)),
            }
        });
        return view! { <Empty icon="topic" title="No records here" text=text/> }.into_any();
    }
    view! {
        <Table label="Records" heads=HEADS>
            <For
                each=move || looking.rows.get()
                key=|record| (record.partition, record.offset)
                children=|record| view! { <Row record=record/> }
            />
        </Table>
    }
    .into_any()
}

/// How much was read, why no more, and the way to older ones.
#[component]
fn Foot(looking: Looking, older: Callback<()>) -> impl IntoView {
    let words = move || {
        let rows = looking.rows.with(Vec::len) as u64;
        looking.last.with(|last| {
            let last = last.as_ref()?;
            let mut words = format!("{} shown", format::count(rows));
            if last.looked_at > rows {
                words.push_str(&format!(", {} read in the last look", format::count(last.looked_at)));
            }
            if let Some(stopped) = &last.stopped {
                words.push_str(&format!("; {stopped}"));
            }
            Some(words)
        })
    };
    view! {
        <p class="m-tail m-tail--still">
            <span class="m-num">{words}</span>
            <span class="m-push"></span>
            <Show when=move || looking.older.with(Option::is_some) && looking.error.with(Option::is_none)>
                <Button small=true on_press=move |()| older.run(())>"Older records"</Button>
            </Show>
        </p>
    }
    .into_any()
}

const UNANSWERED: Titles = Titles {
    away: "No agent can be asked",
    refused: ("lock", "They cannot be looked at"),
    closed: "Records are closed to you",
    lost: "The records did not load",
    meanwhile: "",
};

/// Payloads are for those who may read them.
fn closed() -> AnyView {
    let needs = right::smallest_role(right::DATA_READ);
    let text = format!(
        "Records show what people and machines said, so it takes the role {needs}. An admin can give it to you."
    );
    view! { <Empty icon="lock" title="Records are closed to you" text=text/> }.into_any()
}

#[cfg(test)]
mod tests {
    #[test]
    fn levels_that_vary_are_any() {
        assert_eq!(super::pattern("orders/{country}/created"), "orders/*/created");
    }
}
