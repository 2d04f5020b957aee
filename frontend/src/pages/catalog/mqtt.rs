//! What an MQTT broker says of itself, and of an address at which it keeps a message.

use leptos::prelude::*;
use mesh_protocol::report::{MqttAddressFacts, MqttFacts};

use super::surveyed::number;
use crate::components::Part;
use crate::format;

/// Version, clients, counts.
pub(super) fn broker_facts(mqtt: &MqttFacts, stamp: Option<AnyView>) -> AnyView {
    let addresses = number(mqtt.addresses, mqtt.addresses_left_out);
    let in_part = if mqtt.addresses_in_part { ", and maybe more: the time to look was too short for all" } else { "" };
    let silent = (!mqtt.tells).then(|| {
        view! { <p class="m-small m-muted">"It tells nothing of itself: it has no $SYS topics, or the user may not read them."</p> }
    });
    let facts = told(mqtt).into_iter().map(|(name, value)| {
        view! {
            <dt>{name}</dt>
            <dd class="m-num">{value}</dd>
        }
    });
    let facts = facts.collect_view();
    view! {
        <Part title="MQTT broker" note="numbers since it started" acts=stamp.into_any()>
            {silent}
            <dl class="m-facts">
                {facts}
                <dt>"Addresses with a retained message"</dt>
                <dd class="m-num">{format!("{addresses}{in_part}")}</dd>
            </dl>
        </Part>
    }
    .into_any()
}

/// What it tells, each with its name; what it does not tell is not there.
fn told(mqtt: &MqttFacts) -> Vec<(&'static str, String)> {
    let count = |number: Option<u64>| number.map(format::count);
    let both = |one: Option<String>, other: Option<String>| Some(format!("{}, {}", one?, other?));
    let in_out = |received: Option<String>, sent: Option<String>| {
        both(received.map(|text| format!("{text} in")), sent.map(|text| format!("{text} out")))
    };
    let clients = match (mqtt.clients_connected, mqtt.clients_total) {
        (Some(connected), Some(total)) => {
            Some(format!("{}, with sessions that wait {}", format::count(connected), format::count(total)))
        }
        (connected, _) => count(connected),
    };
    let all = [
        ("Version", mqtt.version.clone()),
        ("Up for", mqtt.uptime_s.map(span)),
        ("Clients", clients),
        ("Subscriptions", count(mqtt.subscriptions)),
        ("Retained messages, its own among them", count(mqtt.retained_messages)),
        ("Messages", in_out(count(mqtt.messages_received), count(mqtt.messages_sent))),
        ("Bytes", in_out(mqtt.bytes_received.map(format::bytes), mqtt.bytes_sent.map(format::bytes))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A time in its two largest units.
fn span(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The size of what is kept.
pub(super) fn address_facts(address: MqttAddressFacts, stamp: Option<AnyView>) -> AnyView {
    view! {
        <Part
            title="Retained message"
            note="what it says does not leave the agent; live messages at this address are not looked at"
            acts=stamp.into_any()
        >
            <dl class="m-facts">
                <dt>"Size"</dt>
                <dd class="m-num">{format::bytes(address.bytes)}</dd>
            </dl>
        </Part>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_not_there() {
        assert!(told(&MqttFacts::default()).is_empty());
        let mqtt = MqttFacts {
            clients_connected: Some(2),
            clients_total: Some(1_200),
            messages_received: Some(7),
            uptime_s: Some(90_000),
            ..MqttFacts::default()
        };
        let told = told(&mqtt);
        assert_eq!(
            told,
            [("Up for", "1 d 1 h".to_owned()), ("Clients", "2, with sessions that wait 1,200".to_owned())]
        );
        assert_eq!((span(61), span(7_300)), ("1 min 1 s".to_owned(), "2 h 1 min".to_owned()));
    }
}
