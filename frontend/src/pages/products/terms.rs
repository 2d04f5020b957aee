//! Terms of plans and of grants in words: what is given, how much of it, and for what.

use leptos::prelude::*;

use crate::api::{AccessTerms, PlanApproval, PlanInput, PlanPer, PlanPrice, PlanProtocol};
use crate::components::Topic;
use crate::format;

/// What a protocol is called.
pub(super) fn protocol_word(protocol: PlanProtocol) -> &'static str {
    match protocol {
        PlanProtocol::Mqtt => "MQTT",
        PlanProtocol::Http => "HTTP",
        PlanProtocol::Kafka => "Kafka",
    }
}

/// `MQTT, HTTP`
pub(super) fn protocols_words(protocols: &[PlanProtocol]) -> String {
    protocols.iter().copied().map(protocol_word).collect::<Vec<_>>().join(", ")
}

/// A price as people write it: `EUR 2.50 a month`.
pub(super) fn price_words(price: &PlanPrice) -> String {
    let per = match price.per {
        PlanPer::Event => "an event",
        PlanPer::Gibibyte => "a GiB",
        PlanPer::Month => "a month",
    };
    format!("{} {} {per}", price.currency, amount_text(price.millionths))
}

/// Millionths as a decimal number with at least two digits behind the point, and no more than it needs.
pub(super) fn amount_text(millionths: u64) -> String {
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    let digits = format!("{rest:06}");
    let digits = digits.trim_end_matches('0');
    format!("{whole}.{digits:0<2}")
}

/// The millionths of a decimal number with at most six digits behind its point.
pub(super) fn amount_of(text: &str) -> Result<u64, String> {
    let wrong = || format!("“{text}” is no amount: write it as 2.50");
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if rest.len() > 6 || rest.chars().any(|c| !c.is_ascii_digit()) || whole.chars().any(|c| !c.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let rest: u64 = format!("{rest:0<6}").parse().map_err(|_| wrong())?;
    whole.checked_mul(1_000_000).and_then(|whole| whole.checked_add(rest)).ok_or_else(wrong)
}

/// Who lets somebody in, in words.
pub(super) fn approval_words(approval: &PlanApproval) -> String {
    let people =
        |count: u8| if count == 1 { "one person says yes".to_owned() } else { format!("{count} people say yes") };
    match approval {
        PlanApproval::Auto => "at once".to_owned(),
        PlanApproval::Manual { people: count } => format!("when {}", people(*count)),
        PlanApproval::Rules { people: count, without_tags, same_owner, receive_only, days } => {
            let mut rules = Vec::new();
            if !without_tags.is_empty() {
                rules.push(format!("no field is tagged {}", without_tags.join(" or ")));
            }
            if *same_owner {
                rules.push("application and product have one owner".to_owned());
            }
            if *receive_only {
                rules.push("nothing is sent".to_owned());
            }
            if let Some(days) = days {
                rules.push(format!("it is for {days} days at most"));
            }
            format!("at once if {}; else when {}", rules.join(", "), people(*count))
        }
    }
}

/// How much may be used, in words.
pub(super) fn quota_words(events: Option<u32>, bytes: Option<u64>) -> String {
    let events = events.map(|events| format!("{} events/s", format::count(events.into())));
    let bytes = bytes.map(|bytes| format!("{}/s", format::bytes(bytes)));
    match (events, bytes) {
        (None, None) => "no limit".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(events), Some(bytes)) => format!("{events}, {bytes}"),
    }
}

/// One of a plan's terms in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) struct TermLine {
    /// What it is about.
    pub(in crate::pages) what: &'static str,
    /// What is offered now; empty of a new plan.
    pub(in crate::pages) now: String,
    /// What would be offered.
    pub(in crate::pages) then: String,
    /// Others would have more by it.
    pub(in crate::pages) gives_more: bool,
}

/// The words of each of a plan's terms, with the fields of the plan that they are about.
fn all_words(plan: &PlanInput) -> [(&'static str, &'static [&'static str], String); 8] {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let lasts = plan.days.map_or_else(|| "without an end".to_owned(), |days| format!("{days} days"));
    let price = plan.price.as_ref().map_or_else(|| "free".to_owned(), price_words);
    [
        ("Name", &["name"], plan.name.clone()),
        ("What it is for", &["description"], or(&plan.description, "not said")),
        ("Who is let in", &["approval"], approval_words(&plan.approval)),
        ("Addresses", &["filters"], or(&plan.filters.join(", "), "all of the product")),
        ("Clients connect by", &["protocols"], protocols_words(&plan.protocols)),
        ("Quota", &["events", "bytes"], quota_words(plan.events, plan.bytes)),
        ("Access lasts", &["days"], lasts),
        ("Price", &["price"], price),
    ]
}

/// All terms of a plan.
pub(in crate::pages) fn terms_in_words(plan: &PlanInput) -> Vec<TermLine> {
    let line = |(what, _, then)| TermLine { what, now: String::new(), then, gives_more: false };
    all_words(plan).into_iter().map(line).collect()
}

/// The terms that differ; `gives_more_by` are the fields by which others would have more.
pub(in crate::pages) fn changed_terms(now: &PlanInput, then: &PlanInput, gives_more_by: &[String]) -> Vec<TermLine> {
    let both = all_words(now).into_iter().zip(all_words(then));
    let differs = both.filter(|((.., now), (.., then))| now != then);
    let line = |((what, fields, now), (.., then)): ((&'static str, &[&str], String), (_, _, String))| TermLine {
        what,
        now,
        then,
        gives_more: gives_more_by.iter().any(|field| fields.contains(&field.as_str())),
    };
    differs.map(line).collect()
}

/// Exactly what is given, line by line.
#[component]
pub(in crate::pages) fn Terms(
    /// What is given.
    terms: AccessTerms,
) -> impl IntoView {
    let sites = if terms.sites.is_empty() { "every site".to_owned() } else { terms.sites.join(", ") };
    let lines = |verb: &'static str, filters: Vec<String>| {
        filters
            .into_iter()
            .map(move |filter| view! { <li class="m-line m-line--wrap"><span class="m-muted">{verb}</span><Topic name=filter/></li> })
            .collect_view()
    };
    let nothing = terms.publish.is_empty() && terms.subscribe.is_empty();
    let protocols = if terms.protocols.is_empty() { "any".to_owned() } else { protocols_words(&terms.protocols) };
    view! {
        <ul class="m-plain">
            {lines("subscribe", terms.subscribe)}
            {lines("publish", terms.publish)}
            {nothing.then(|| view! { <li class="m-muted">"nothing"</li> })}
        </ul>
        <dl class="m-facts">
            <dt>"At"</dt>
            <dd>{sites}</dd>
            <dt>"By"</dt>
            <dd>{protocols}</dd>
            <dt>"Quota"</dt>
            <dd>{quota_words(terms.events, terms.bytes)}", in each direction"</dd>
        </dl>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for (text, millionths) in [("2.50", 2_500_000), ("0.000001", 1), ("12.00", 12_000_000), ("0.125", 125_000)] {
            assert_eq!(amount_of(text), Ok(millionths));
            assert_eq!(amount_text(millionths), text);
        }
        assert_eq!(amount_of("7"), Ok(7_000_000));
        for wrong in ["", "-1", "1.2.3", "1,50", "0.0000001", "99999999999999999999", "1e3"] {
            assert!(amount_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_change_is_what_differs_and_says_where_it_gives_more() {
        let now = PlanInput { name: "free".to_owned(), events: Some(10), days: Some(30), ..PlanInput::default() };
        let then = PlanInput { events: Some(5), days: None, filters: vec!["orders/>".to_owned()], ..now.clone() };
        let lines = changed_terms(&now, &then, &["days".to_owned()]);
        let words: Vec<_> =
            lines.iter().map(|line| (line.what, line.now.as_str(), line.then.as_str(), line.gives_more)).collect();
        let expected = [
            ("Addresses", "all of the product", "orders/>", false),
            ("Quota", "10 events/s", "5 events/s", false),
            ("Access lasts", "30 days", "without an end", true),
        ];
        assert_eq!(words, expected);
        assert_eq!(changed_terms(&now, &now, &[]), []);
        assert_eq!(terms_in_words(&now).len(), 8);
    }

    #[test]
    fn prices_quotas_and_approvals_are_sentences() {
        let price = PlanPrice { millionths: 2_500_000, currency: "EUR".to_owned(), per: PlanPer::Month };
        assert_eq!(price_words(&price), "EUR 2.50 a month");
        assert_eq!(quota_words(Some(1_000), Some(2048)), "1,000 events/s, 2.0 KB/s");
        assert_eq!(quota_words(None, None), "no limit");
        let rules = PlanApproval::Rules {
            people: 2,
            without_tags: vec!["PII".to_owned()],
            same_owner: false,
            receive_only: true,
            days: Some(30),
        };
        let words =
            "at once if no field is tagged PII, nothing is sent, it is for 30 days at most; else when 2 people say yes";
        assert_eq!(approval_words(&rules), words);
    }
}
