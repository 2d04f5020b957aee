//! What was used of a grant, day by day, beside what its plan allows.

use leptos::prelude::*;
use mesh_protocol::desired::Quota;

use super::{Empty, Table};
use crate::api::{UsageRow, UsageTotals};
use crate::format;

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// Use of one grant, the newest day or hour first, with a bar that shows the events of each against the busiest, and what
/// the plan allows above. For the page of either side of a grant: who gave it and who uses it.
#[component]
pub fn UsageTable(
    /// Rows as the API gives them, the oldest first.
    #[prop(into)]
    rows: Signal<Vec<UsageRow>>,
    /// What the plan allows; nothing = no limit.
    #[prop(optional)]
    quota: Quota,
) -> impl IntoView {
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    view! {
        <p class="m-small m-muted">{quota_line(&quota)}</p>
        {move || {
            if is_empty.get() {
                let text = "Use is counted by the agents from the first event on and shown within a minute.";
                return view! { <Empty icon="clock" title="Nothing was used" text=text/> }.into_any();
            }
            let lines = rows.with(|rows| lines(rows));
            let has_value = lines.iter().any(|line| line.value.is_some());
            let drawn = lines.into_iter().map(|line| draw(line, has_value)).collect_view();
            let heads: &'static [(&'static str, &'static str)] = if has_value { &HEADS } else { &HEADS[..HEADS.len() - 1] };
            view! { <Table label="Use by day" heads=heads class="m-table--inset">{drawn}</Table> }.into_any()
        }}
    }
    .into_any()
}

const HEADS: [(&str, &str); 6] = [
    ("From (UTC)", ""),
    ("Published", "m-end"),
    ("Received", "m-end"),
    ("Share of the busiest", "m-low"),
    ("Beyond the quota", "m-end"),
    ("Value", "m-end"),
];

/// One row in words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    from: String,
    published: String,
    received: String,
    /// Of the busiest row, in hundredths.
    percent: u64,
    refused: u64,
    value: Option<String>,
}

fn draw(line: Line, has_value: bool) -> AnyView {
    let Line { from, published, received, percent, refused, value } = line;
    let label = format!("{percent} % of the busiest");
    view! {
        <tr>
            <td class="m-num">{from}</td>
            <td class="m-num m-end">{published}</td>
            <td class="m-num m-end">{received}</td>
            <td class="m-low">
                <svg class="m-meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=label>
                    <rect class="m-meter__rest" width="100" height="6"></rect>
                    <rect class="m-meter__part" width=percent height="6"></rect>
                </svg>
            </td>
            <td class="m-num m-end" class:m-warn={refused > 0}>{format::count(refused)}</td>
            {has_value.then(|| view! { <td class="m-num m-end">{value.unwrap_or_default()}</td> })}
        </tr>
    }
    .into_any()
}

fn lines(rows: &[UsageRow]) -> Vec<Line> {
    let events = |row: &UsageRow| u128::from(row.published.events) + u128::from(row.received.events);
    let most = rows.iter().map(events).max().unwrap_or(0).max(1);
    let words = |totals: &UsageTotals| match totals.events {
        0 => "\u{2013}".to_owned(),
        events => format!("{} events, {}", format::count(events), format::bytes(totals.bytes)),
    };
    let line = |row: &UsageRow| Line {
        from: from_words(row),
        published: words(&row.published),
        received: words(&row.received),
        percent: u64::try_from((events(row) * 100).div_ceil(most)).unwrap_or(100),
        refused: row.published.refused_events.saturating_add(row.received.refused_events),
        value: row.value.as_ref().map(|value| format!("{} {}", value.amount, value.currency)),
    };
    rows.iter().rev().map(line).collect()
}

/// `2026-11-30`, with its hour when the row is less than a day.
fn from_words(row: &UsageRow) -> String {
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp(row.from.div_euclid(1_000)) else { return String::new() };
    let (date, hour) = (at.date(), at.hour());
    let day = format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day());
    if row.to - row.from < DAY_MS { format!("{day} {hour:02}:00") } else { day }
}

/// What a plan allows, in a sentence.
fn quota_line(quota: &Quota) -> String {
    let events = quota.events_per_s.map(|rate| format!("{} events", format::count(rate.into())));
    let bytes = quota.bytes_per_s.map(|rate| format!("{} of payload", format::bytes(rate)));
    let limits: Vec<String> = [events, bytes].into_iter().flatten().collect();
    if limits.is_empty() {
        return "The plan has no quota: use is counted and not limited.".to_owned();
    }
    let burst = match quota.burst_s() {
        1 => "one second of it".to_owned(),
        seconds => format!("{seconds} seconds of it"),
    };
    let limits = limits.join(" and ");
    format!("The plan allows {limits} a second in each direction, at all sites together, and {burst} at once.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::UsageValue;

    fn row(day: i64, published: u64, received: u64) -> UsageRow {
        let totals = |events| UsageTotals { events, bytes: events * 1_024, refused_events: events / 10 };
        UsageRow {
            grant: uuid::Uuid::nil().into(),
            name: String::new(),
            from: day * DAY_MS,
            to: (day + 1) * DAY_MS,
            published: totals(published),
            received: totals(received),
            value: None,
        }
    }

    #[test]
    fn the_newest_comes_first_and_bars_are_of_the_busiest() {
        let lines = lines(&[row(20_000, 1_000, 0), row(20_001, 1, 0), row(20_002, 0, 0)]);
        let shown: Vec<_> = lines.iter().map(|line| (line.from.as_str(), line.percent, line.refused)).collect();
        assert_eq!(shown, [("2024-10-06", 0, 0), ("2024-10-05", 1, 0), ("2024-10-04", 100, 100)]);
        assert_eq!(lines[2].published, "1,000 events, 1000 KB");
        assert_eq!(lines[0].published, "\u{2013}");
    }

    #[test]
    fn hours_say_so_and_money_is_as_it_came() {
        let value = Some(UsageValue { amount: "12.000001".to_owned(), currency: "EUR".to_owned() });
        let from = 20_000 * DAY_MS + 5 * 3_600_000;
        let hour = UsageRow { from, to: from + 3_600_000, value, ..row(0, u64::MAX >> 11, u64::MAX >> 11) };
        let line = lines(&[hour]).remove(0);
        assert_eq!((line.from.as_str(), line.value.as_deref()), ("2024-10-04 05:00", Some("12.000001 EUR")));
        assert_eq!(line.percent, 100);
    }

    #[test]
    fn a_quota_is_told_in_a_sentence() {
        let quota = |events_per_s, bytes_per_s, burst_s| quota_line(&Quota { events_per_s, bytes_per_s, burst_s });
        assert!(quota(None, None, None).contains("no quota"));
        let text = quota(Some(1_000), Some(1 << 20), Some(5));
        assert!(text.contains("1,000 events and 1.0 MB of payload a second") && text.contains("5 seconds"), "{text}");
        assert!(quota(Some(1), None, None).contains("one second of it at once"));
    }
}
