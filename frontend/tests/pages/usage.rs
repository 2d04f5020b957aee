//! Use of a grant, as a page that shows it draws it.

use frontend::api::{UsageRow, UsageTotals, UsageValue};
use frontend::components::UsageTable;
use leptos::prelude::*;
use mesh_protocol::desired::Quota;

use super::run;

fn drawn(rows: Vec<UsageRow>, quota: Quota) -> String {
    run(async {
        let owner = Owner::new();
        owner.with(|| view! { <UsageTable rows=Signal::stored(rows) quota=quota/> }.to_html())
    })
}

fn row(day: i64, events: u64, value: Option<&str>) -> UsageRow {
    let from = day * 86_400_000;
    let published = UsageTotals { events, bytes: events * 100, refused_events: events / 100 };
    let value = value.map(|amount| UsageValue { amount: amount.to_owned(), currency: "EUR".to_owned() });
    let (grant, received) = (uuid::Uuid::nil().into(), UsageTotals::default());
    UsageRow { grant, name: "orders, gold".to_owned(), from, to: from + 86_400_000, published, received, value }
}

#[test]
fn use_of_a_grant_is_a_table_by_day_with_bars_and_the_quota_above() {
    let quota = Quota { events_per_s: Some(100), ..Quota::default() };
    let html = drawn(vec![row(20_000, 200, Some("0.20")), row(20_001, 50, Some("0.05"))], quota);
    for text in ["100 events a second", "2024-10-04", "2024-10-05", "200 events", "0.20 EUR", "width=\"25\"", "Value"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(html.find("2024-10-05") < html.find("2024-10-04"), "the newest first: {html}");
    assert!(html.contains("m-warn"), "what was beyond the quota stands out: {html}");
    assert!(!html.contains(" style="), "{html}");
}

#[test]
fn without_a_price_there_is_no_value_and_without_use_a_sentence() {
    let html = drawn(vec![row(20_000, 5, None)], Quota::default());
    assert!(!html.contains("Value") && html.contains("no quota"), "{html}");
    let html = drawn(Vec::new(), Quota::default());
    assert!(html.contains("Nothing was used") && !html.contains("<table"), "{html}");
}
