//! How payloads keep to what an event promises, as agents check it where they enter the mesh.

use leptos::prelude::*;

use crate::api::{ContractBreach, ContractView, DesignObjectView, DesignValidation};
use crate::components::{Age, Choice, Part, Table, Topic};
use crate::format;

/// What may happen to payloads, by the keys of the form, in the words of the form and of the page.
const WORDS: [(&str, &str, &str, DesignValidation); 4] = [
    ("unchecked", "Nobody looks at them", "nobody looks at them", DesignValidation::Unchecked),
    ("reported", "Count and show them, and deliver them", "agents count and deliver them", DesignValidation::Reported),
    (
        "diverted",
        "Accept them, and put them into the agent's dead letters",
        "agents put them into their dead letters",
        DesignValidation::Diverted,
    ),
    ("rejected", "Refuse them where they enter the mesh", "agents refuse them", DesignValidation::Rejected),
];

pub(super) fn key_of(validation: DesignValidation) -> String {
    WORDS.iter().find(|(.., its)| *its == validation).map(|(key, ..)| (*key).to_owned()).unwrap_or_default()
}

pub(super) fn validation_of(key: &str) -> DesignValidation {
    WORDS.iter().find(|(its, ..)| *its == key).map(|(.., validation)| *validation).unwrap_or_default()
}

pub(super) fn word(validation: DesignValidation) -> &'static str {
    WORDS.iter().find(|(.., its)| *its == validation).map_or("", |(_, _, word, _)| word)
}

pub(super) fn choices() -> Vec<Choice> {
    WORDS.iter().map(|(key, words, ..)| ((*key).to_owned(), (*words).to_owned())).collect()
}

/// The part of the page; nothing for what is not checked, nor was lately.
#[component]
pub(super) fn Contract(object: Signal<DesignObjectView>) -> impl IntoView {
    let contract = Memo::new(move |_| object.with(|object| object.contract.clone()));
    move || {
        contract.get().map(|contract| {
            let breaches = contract.breaches.clone();
            let rows = breaches.into_iter().map(|breach| view! { <Row breach=breach/> }).collect_view();
            let table = (!contract.breaches.is_empty()).then(|| {
                view! {
                    <Table
                        label="Invalid payloads"
                        heads=&[("What is wrong", ""), ("By", ""), ("Topic", "m-low"), ("What became of it", "m-low"), ("Times", "m-end"), ("Last", "m-end")]
                    >
                        {rows}
                    </Table>
                }
            });
            view! {
                <Part title="Contract" note="payloads held against the versions that are served, where they enter the mesh" flush=true>
                    <p class="m-pad--below">{sentence(&contract)}</p>
                    {table}
                </Part>
            }
        })
    }
}

/// `12 of 4,031 payloads were invalid in the last hour, last: $.amount is not a number, by client till-7 at berlin.`
fn sentence(contract: &ContractView) -> String {
    let among = |invalid, checked, when: &str| match (invalid, checked) {
        (_, 0) => format!("No payload was checked {when}"),
        (0, 1) => format!("The only payload {when} was valid"),
        (0, checked) => format!("All {} payloads were valid {when}", format::count(checked)),
        (invalid, checked) => {
            format!("{} of {} payloads were invalid {when}", format::count(invalid), format::count(checked))
        }
    };
    let became = became(contract).map(|words| format!(" ({words})")).unwrap_or_default();
    let hour = among(contract.invalid, contract.checked, "in the last hour");
    let day = (contract.checked_day > contract.checked).then(|| {
        let (invalid, checked) = (format::count(contract.invalid_day), format::count(contract.checked_day));
        format!("; {invalid} of {checked} in the last 24 hours")
    });
    let last = contract.breaches.first().map(|last| {
        let site = if last.site_name.is_empty() { String::new() } else { format!(" at {}", last.site_name) };
        format!(", last: {} {}, by client {}{site}", last.path, last.reason, last.client_id)
    });
    format!("{hour}{became}{}{}.", day.unwrap_or_default(), last.unwrap_or_default())
}

/// `7 refused, 5 dead letters, 1 delivered`, without what is none; none = nothing was invalid.
fn became(contract: &ContractView) -> Option<String> {
    let delivered = contract.invalid.saturating_sub(contract.rejected).saturating_sub(contract.diverted);
    let letters = if contract.diverted == 1 { "dead letter" } else { "dead letters" };
    let all = [(contract.rejected, "refused"), (contract.diverted, letters), (delivered, "delivered")];
    let said: Vec<_> = all
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", format::count(*count)))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// What became of the payloads of a row.
const fn fate(breach: &ContractBreach) -> &'static str {
    match (breach.rejected, breach.diverted) {
        (true, _) => "refused",
        (false, true) => "dead letter",
        (false, false) => "delivered",
    }
}

#[component]
fn Row(breach: ContractBreach) -> impl IntoView {
    let fate = fate(&breach);
    let who = if breach.principal_name.is_empty() { "a client that is gone".to_owned() } else { breach.principal_name };
    let place = if breach.site_name.is_empty() { String::new() } else { format!(" at {}", breach.site_name) };
    view! {
        <tr>
            <td>
                <div class="m-cell">
                    <span class="m-wrap"><code>{breach.path}</code> " " {breach.reason}</span>
                    <span class="m-cell__sub">{format!("by {}", breach.label)}</span>
                </div>
            </td>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/clients/{}", breach.principal)>{who}</a>
                    <span class="m-cell__sub">{format!("{}{place}", breach.client_id)}</span>
                </div>
            </td>
            <td class="m-low"><Topic name=breach.topic/></td>
            <td class="m-low m-muted">{fate}</td>
            <td class="m-end m-num">{format::count(breach.count)}</td>
            <td class="m-end m-muted"><Age at_ms=Some(breach.last)/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use mesh_protocol::event::Protocol;
    use uuid::Uuid;

    use super::*;

    fn breach() -> ContractBreach {
        ContractBreach {
            principal: Uuid::from_u128(1).into(),
            principal_name: "tills".to_owned(),
            client_id: "till-7".to_owned(),
            protocol: Protocol::Mqtt,
            site_name: "berlin".to_owned(),
            topic: "orders/fr/created".to_owned(),
            label: "order-created 1.2.0".to_owned(),
            path: "$.amount".to_owned(),
            reason: "is not a number".to_owned(),
            rejected: true,
            diverted: false,
            count: 12,
            first: 1,
            last: 2,
        }
    }

    #[test]
    fn one_sentence_says_how_it_is() {
        let of = |invalid, checked, day| {
            sentence(&ContractView {
                checked,
                invalid,
                checked_day: day,
                invalid_day: invalid,
                rejected: invalid.min(7),
                diverted: invalid.saturating_sub(8),
                breaches: if invalid > 0 { vec![breach()] } else { Vec::new() },
                ..ContractView::default()
            })
        };
        assert_eq!(
            of(12, 4_031, 4_031),
            "12 of 4,031 payloads were invalid in the last hour (7 refused, 4 dead letters, 1 delivered), last: $.amount is not a number, by client till-7 at berlin."
        );
        assert_eq!(of(0, 0, 0), "No payload was checked in the last hour.");
        assert_eq!(of(0, 7, 90), "All 7 payloads were valid in the last hour; 0 of 90 in the last 24 hours.");
        assert_eq!(of(0, 1, 1), "The only payload in the last hour was valid.");
    }

    #[test]
    fn what_became_of_a_row_is_one_word() {
        let of = |rejected, diverted| fate(&ContractBreach { rejected, diverted, ..breach() });
        assert_eq!([of(true, false), of(false, true), of(false, false)], ["refused", "dead letter", "delivered"]);
    }

    #[test]
    fn every_word_of_the_form_reads_back() {
        for (key, ..) in WORDS {
            assert_eq!(key_of(validation_of(key)), key);
        }
        assert_eq!(validation_of(""), DesignValidation::Unchecked);
    }
}
