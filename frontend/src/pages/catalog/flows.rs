//! Who sends and who takes: the same table wherever flows are shown, with the versions of schemas that their payloads name.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use mesh_protocol::event::Protocol;

use super::LATE_MS;
use crate::api::{CatalogObject, FlowRow, FlowSchema};
use crate::components::{Age, EvidenceRow, Part, Rate, Spark, Stamp, Table, Topic};
use crate::format;

/// Schemas that one row names; more are counted.
const SCHEMAS_MAX: usize = 4;

/// Columns that are not always there: a column of nothing helps nobody.
#[derive(Clone, Copy)]
struct Columns {
    /// Some payloads name schemas.
    schema: bool,
    /// Some are consumer groups.
    behind: bool,
}

impl Columns {
    fn of(rows: &[FlowRow]) -> Self {
        Self {
            schema: rows.iter().any(|row| !row.schemas.is_empty()),
            behind: rows.iter().any(|row| row.lag.is_some()),
        }
    }

    fn heads(self) -> Vec<(&'static str, &'static str)> {
        let mut heads = vec![("Who", ""), ("Address", "m-low")];
        if self.schema {
            heads.push(("Schema", ""));
        }
        heads.extend([("Site", "m-low"), ("Evidence", self.evidence())]);
        if self.behind {
            heads.push(("Behind", "m-end"));
        }
        heads.extend([("Rate", "m-end"), ("Seen", "m-end")]);
        heads
    }

    /// What else there is comes before it where room is short.
    const fn evidence(self) -> &'static str {
        if self.schema || self.behind { "m-low" } else { "" }
    }
}

/// Levels as a line draws them.
#[expect(clippy::cast_precision_loss, reason = "a line of a few pixels")]
pub(super) fn samples(levels: &[u64]) -> Vec<f64> {
    levels.iter().map(|level| *level as f64).collect()
}

/// Who uses each version of a subject: how many send it, and how many take it.
pub(super) type Uses = BTreeMap<i64, (usize, usize)>;

/// The users of a subject's versions, each counted once.
pub(super) fn uses(object: &CatalogObject) -> Uses {
    let of_side = |rows: &[FlowRow]| {
        let mut by_version: BTreeMap<i64, BTreeSet<(String, String)>> = BTreeMap::new();
        for row in rows {
            for version in row.schemas.iter().filter_map(|schema| schema.version) {
                by_version.entry(version).or_default().insert((row.name.clone(), row.client_id.clone()));
            }
        }
        by_version
    };
    let mut uses = Uses::new();
    for (version, who) in of_side(&object.producers) {
        uses.entry(version).or_default().0 = who.len();
    }
    for (version, who) in of_side(&object.consumers) {
        uses.entry(version).or_default().1 = who.len();
    }
    uses
}

/// How many send and take something, in few words; a dash for nobody.
pub(crate) fn in_use(producers: u64, consumers: u64) -> String {
    let side = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{} {many}", format::count(count))),
    };
    let sides = [side(producers, "sends", "send"), side(consumers, "takes", "take")];
    let words: Vec<String> = sides.into_iter().flatten().collect();
    if words.is_empty() { "\u{2013}".to_owned() } else { words.join(", ") }
}

/// The table of one side.
#[component]
pub(crate) fn FlowTable(
    /// Its heading.
    title: &'static str,
    /// What it says when there is nobody.
    #[prop(into)]
    none: Signal<&'static str>,
    /// Who there is.
    rows: Signal<Vec<FlowRow>>,
) -> impl IntoView {
    let note = Signal::derive(move || {
        let observed = rows.with(|rows| rows.iter().filter(|row| row.evidence.observed).count());
        let all = rows.with(Vec::len);
        if all == 0 { String::new() } else { format!("{observed} of {all} observed") }
    });
    let newest = move || {
        let newest = rows.with(|rows| rows.iter().map(|row| row.freshness.clone()).max_by_key(|seen| seen.as_of));
        newest.map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })
    };
    view! {
        <Part title=title note=note acts=newest.into_any() flush=true>
            {move || {
                let rows = rows.get();
                if rows.is_empty() {
                    return view! { <p class="m-small m-muted m-pad--below">{none}</p> }.into_any();
                }
                let columns = Columns::of(&rows);
                let heads = columns.heads();
                let rows = rows.into_iter().map(|row| view! { <FlowLine row=row columns=columns/> }).collect_view();
                view! { <Table label=title heads=heads>{rows}</Table> }.into_any()
            }}
        </Part>
    }
    .into_any()
}

#[component]
fn FlowLine(row: FlowRow, columns: Columns) -> impl IntoView {
    let name = match row.href {
        Some(href) => view! { <a class="m-cell__name" href=href>{row.name.clone()}</a> }.into_any(),
        None => view! { <span class="m-cell__name">{row.name.clone()}</span> }.into_any(),
    };
    let protocol = format::protocol(row.protocol);
    let sub = if row.client_id.is_empty() || row.client_id == row.name {
        protocol.to_owned()
    } else {
        format!("{protocol}, {}", row.client_id)
    };
    let seen = row.evidence.observed.then_some(row.freshness.as_of);
    let schemas = columns.schema.then(|| view! { <td><Schemas schemas=row.schemas/></td> });
    let behind = columns.behind.then(
        || view! { <td class="m-end m-num m-nowrap">{behind(row.lag, &row.lag_history, row.freshness.stale)}</td> },
    );
    view! {
        <tr>
            <td><div class="m-cell">{name}<span class="m-cell__sub">{sub}</span></div></td>
            <td class="m-low"><Topic name=row.address/></td>
            {schemas}
            <td class="m-low m-muted">{row.site}</td>
            <td class=columns.evidence()>
                <EvidenceRow declared=row.evidence.declared permitted=row.evidence.permitted observed=row.evidence.observed governed=row.protocol != Protocol::Kafka || row.evidence.permitted/>
            </td>
            {behind}
            <td class="m-end"><Rate per_second=row.rate stale=row.freshness.stale/></td>
            <td class="m-end m-muted"><Age at_ms=seen late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}

/// How far a consumer group is behind, and how that went.
fn behind(lag: Option<i64>, history: &[u64], stale: bool) -> AnyView {
    let Some(lag) = lag else { return view! { <span class="m-muted">"\u{2013}"</span> }.into_any() };
    let drawn = (history.len() > 1).then(|| view! { <Spark samples=Signal::stored(samples(history)) stale=stale/> });
    view! { <span class="m-rate">{drawn}<span class="m-rate__value">{format::count(lag.max(0).unsigned_abs())}</span></span> }.into_any()
}

/// The schemas that payloads name, each with its version.
#[component]
fn Schemas(schemas: Vec<FlowSchema>) -> impl IntoView {
    if schemas.is_empty() {
        return view! { <span class="m-muted">"\u{2013}"</span> }.into_any();
    }
    let more = schemas.len().saturating_sub(SCHEMAS_MAX);
    let each = schemas.into_iter().take(SCHEMAS_MAX).map(schema).collect_view();
    view! {
        <div class="m-cell">
            {each}
            {(more > 0).then(|| view! { <span class="m-cell__sub">{format!("and {more} more")}</span> })}
        </div>
    }
    .into_any()
}

fn schema(schema: FlowSchema) -> AnyView {
    let FlowSchema { id, subject, version, registry, href, .. } = schema;
    let (Some(subject), Some(version)) = (subject, version) else {
        let why = "No registry that is known here has this id, or several have it and nothing says which one is meant";
        return view! { <span class="m-muted m-nowrap" title=why>{format!("id {id}, not known")}</span> }.into_any();
    };
    let text = format!("{subject} v{version}");
    let title = format!("schema id {id} of {}", registry.as_deref().unwrap_or("this portal\u{2019}s registry"));
    match href {
        Some(href) => view! { <a class="m-nowrap" href=href title=title>{text}</a> }.into_any(),
        None => view! { <span class="m-nowrap" title=title>{text}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_use;

    #[test]
    fn who_uses_something_is_said_in_few_words() {
        assert_eq!(in_use(0, 0), "\u{2013}");
        assert_eq!(in_use(1, 0), "1 sends");
        assert_eq!(in_use(2, 1), "2 send, 1 takes");
        assert_eq!(in_use(0, 1_200), format!("{} take", crate::format::count(1_200)));
    }
}
