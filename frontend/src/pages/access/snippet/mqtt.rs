//! Over MQTT 5: Mosquitto's own clients, paho-mqtt and rumqttc.

use super::literal::{list, python, rust, shell};
use super::{Login, fill};
use crate::api::ConnectEvent;

/// What every program of a shell begins with.
pub(super) const SHELL_LOGIN: &str = r#"[ -n "$MESHPORT_USER" ] || MESHPORT_USER=@user@
: "${MESHPORT_SECRET:?export it first: the secret of the credential}"
"#;
/// What every program in Python reads.
pub(super) const PYTHON_LOGIN: &str = r#"USER = os.environ.get("MESHPORT_USER", @user@)
SECRET = os.environ.get("MESHPORT_SECRET") or sys.exit("export MESHPORT_SECRET first: the secret of the credential")
"#;
/// What every program in Rust reads.
pub(super) const RUST_LOGIN: &str = r#"    let user = std::env::var("MESHPORT_USER").unwrap_or_else(|_| @user@.to_owned());
    let secret = std::env::var("MESHPORT_SECRET")
        .map_err(|_| "export MESHPORT_SECRET first: the secret of the credential")?;
"#;
/// How many events a program in Rust takes.
pub(super) const RUST_LEFT: &str = r#"    // None or 0: goes on.
    let mut left: i64 = std::env::args().nth(1).map_or(Ok(0), |count| count.parse())?;
"#;

/// As Mosquitto's clients take where and as whom.
const SHELL_DOOR: &str = r#"-V mqttv5 -h @host@ -p @port@@tls@ -u "$MESHPORT_USER" -P "$MESHPORT_SECRET" -q 1"#;

pub(super) fn shell_receive(login: &Login<'_>, filters: &[String]) -> String {
    let topics: Vec<String> = filters.iter().map(|filter| format!("    -t {}", shell(filter))).collect();
    let text = [
        "#!/bin/sh\n# Receives events over MQTT. Run: apt-get install mosquitto-clients, then sh receive.sh [how many events]\n",
        SHELL_LOGIN,
        "exec mosquitto_sub ",
        SHELL_DOOR,
        " -F '%t %p' ${1:+-C \"$1\"} \\\n",
        &topics.join(" \\\n"),
        "\n",
    ];
    in_shell(login, &text.concat(), &[])
}

pub(super) fn shell_send(login: &Login<'_>, event: &ConnectEvent) -> String {
    let (how, payload) = match &event.payload {
        Some(payload) => ("sh send.sh", format!("-m {}", shell(payload))),
        None => ("sh send.sh < payload", "-s".to_owned()),
    };
    let text = [
        "#!/bin/sh\n# Sends an event over MQTT. Run: apt-get install mosquitto-clients, then @how@\n",
        SHELL_LOGIN,
        "exec mosquitto_pub ",
        SHELL_DOOR,
        " -D publish content-type @content_type@ \\\n    -t @topic@ @payload@\n",
    ];
    let values = [
        ("how", how),
        ("content_type", &shell(&event.content_type)),
        ("topic", &shell(&event.topic)),
        ("payload", &payload),
    ];
    in_shell(login, &text.concat(), &values)
}

pub(super) fn in_shell(login: &Login<'_>, text: &str, values: &[(&str, &str)]) -> String {
    let (user, host, port) = (shell(login.user), shell(login.bare_host()), login.port.to_string());
    let tls = if login.tls { " --tls-use-os-certs" } else { "" };
    let mut all = vec![("user", user.as_str()), ("host", &host), ("port", &port), ("tls", tls)];
    all.extend(values);
    fill(text, &all)
}

const PYTHON_RECEIVE: &str = r#"import os
import sys

import paho.mqtt.client as mqtt

@login@FILTERS = @filters@
left = int(sys.argv[1]) if len(sys.argv) > 1 else 0  # 0: goes on
problem = None


def end(client, why=None):
    global problem
    problem = why
    client.on_message = None
    client.disconnect()


def on_connect(client, userdata, flags, reason, properties):
    if reason.is_failure:
        end(client, f"not let in: {reason}. {getattr(properties, 'ReasonString', '')}")
    else:
        client.subscribe([(name, mqtt.SubscribeOptions(qos=1)) for name in FILTERS])


def on_subscribe(client, userdata, mid, reasons, properties):
    for name, reason in zip(FILTERS, reasons):
        if reason.is_failure:
            end(client, f"not subscribed to {name}: {reason}. {getattr(properties, 'ReasonString', '')}")


def on_message(client, userdata, message):
    global left
    print(message.topic, message.payload.decode(errors="replace"), flush=True)
    left -= 1
    if left == 0:
        end(client)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.username_pw_set(USER, SECRET)
@tls@client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect(@host@, @port@)
client.loop_forever()
sys.exit(problem)
"#;

pub(super) fn python_receive(login: &Login<'_>, filters: &[String]) -> String {
    let head = "# Receives events over MQTT. Run: pip install paho-mqtt, then python3 receive.py [how many events]\n";
    in_python(login, &[head, PYTHON_RECEIVE].concat(), &[("filters", &list(filters, python))])
}

const PYTHON_SEND: &str = r#"import os
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

@login@TOPIC = @topic@
PAYLOAD = @payload@
problem = None


def end(client, why=None):
    global problem
    problem = why
    client.disconnect()


def on_connect(client, userdata, flags, reason, properties):
    if reason.is_failure:
        end(client, f"not let in: {reason}. {getattr(properties, 'ReasonString', '')}")
        return
    about = Properties(PacketTypes.PUBLISH)
    about.ContentType = @content_type@
    client.publish(TOPIC, PAYLOAD, qos=1, properties=about)


def on_publish(client, userdata, mid, reason, properties):
    if reason.is_failure:
        end(client, f"not taken: {reason}. {getattr(properties, 'ReasonString', '')}")
    else:
        end(client)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.username_pw_set(USER, SECRET)
@tls@client.on_connect = on_connect
client.on_publish = on_publish
client.connect(@host@, @port@)
client.loop_forever()
sys.exit(problem)
"#;

pub(super) fn python_send(login: &Login<'_>, event: &ConnectEvent) -> String {
    let (how, payload) = match &event.payload {
        Some(payload) => ("python3 send.py", python(payload)),
        None => ("python3 send.py < payload", "sys.stdin.buffer.read()".to_owned()),
    };
    let head = "# Sends an event over MQTT. Run: pip install paho-mqtt, then @how@\n";
    let values = [
        ("how", how),
        ("topic", &python(&event.topic)),
        ("payload", &payload),
        ("content_type", &python(&event.content_type)),
    ];
    in_python(login, &[head, PYTHON_SEND].concat(), &values)
}

fn in_python(login: &Login<'_>, text: &str, values: &[(&str, &str)]) -> String {
    let (user, host, port) = (python(login.user), python(login.bare_host()), login.port.to_string());
    let own = fill(PYTHON_LOGIN, &[("user", &user)]);
    let tls = if login.tls { "client.tls_set()\n" } else { "" };
    let mut all = vec![("login", own.as_str()), ("host", &host), ("port", &port), ("tls", tls)];
    all.extend(values);
    fill(text, &all)
}

const RUST_RECEIVE: &str = r#"use std::error::Error;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, SubscribeReasonCode};
use rumqttc::v5::{Client, Event, MqttOptions};

const FILTERS: [&str; @count@] = @filters@;

fn main() -> Result<(), Box<dyn Error>> {
@login@@left@    let mut options = MqttOptions::new(format!("{user}-{}", std::process::id()), @host@, @port@);
    options.set_credentials(user, secret).set_max_packet_size(Some(16 * 1024 * 1024));
@tls@    let (client, mut connection) = Client::new(options, 16);
    let mut ended = false;
    for event in connection.iter() {
        match event? {
            Event::Incoming(Packet::ConnAck(_)) => {
                client.subscribe_many(FILTERS.map(|name| Filter::new(name, QoS::AtLeastOnce)))?;
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                for (name, code) in FILTERS.iter().zip(&answer.return_codes) {
                    if !matches!(code, SubscribeReasonCode::Success(_)) {
                        return Err(format!("not subscribed to {name}: {code:?}").into());
                    }
                }
            }
            Event::Incoming(Packet::Publish(event)) if !ended => {
                println!("{} {}", String::from_utf8_lossy(&event.topic), String::from_utf8_lossy(&event.payload));
                left -= 1;
                if left == 0 {
                    ended = true;
                    client.disconnect()?;
                }
            }
            Event::Outgoing(Outgoing::Disconnect) => return Ok(()),
            _ => {}
        }
    }
    Err("the connection ended".into())
}
"#;

pub(super) fn rust_receive(login: &Login<'_>, filters: &[String]) -> String {
    let head = "// Receives events over MQTT. Cargo.toml: @crate@. Run: cargo run [-- how many events]\n";
    let values =
        [("filters", list(filters, rust)), ("count", filters.len().to_string()), ("left", RUST_LEFT.to_owned())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    in_rust(login, &[head, RUST_RECEIVE].concat(), &values)
}

const RUST_SEND: &str = r#"use std::error::Error;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, PublishProperties};
use rumqttc::v5::{Client, Event, MqttOptions};

const TOPIC: &str = @topic@;

fn main() -> Result<(), Box<dyn Error>> {
@login@@payload@    let mut options = MqttOptions::new(format!("{user}-{}", std::process::id()), @host@, @port@);
    options.set_credentials(user, secret);
@tls@    let (client, mut connection) = Client::new(options, 16);
    let about = PublishProperties { content_type: Some(@content_type@.to_owned()), ..Default::default() };
    client.publish_with_properties(TOPIC, QoS::AtLeastOnce, false, payload, about)?;
    for event in connection.iter() {
        match event? {
            Event::Incoming(Packet::PubAck(answer)) => match answer.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => client.disconnect()?,
                reason => {
                    let words = answer.properties.and_then(|told| told.reason_string).unwrap_or_default();
                    return Err(format!("not taken: {reason:?}. {words}").into());
                }
            },
            Event::Outgoing(Outgoing::Disconnect) => return Ok(()),
            _ => {}
        }
    }
    Err("the connection ended".into())
}
"#;

pub(super) fn rust_send(login: &Login<'_>, event: &ConnectEvent) -> String {
    let how = if event.payload.is_some() { "cargo run" } else { "cargo run < payload" };
    let head = "// Sends an event over MQTT. Cargo.toml: @crate@. Run: @how@\n";
    let payload = rust_payload(event.payload.as_deref());
    let values = [
        ("how", how),
        ("topic", &rust(&event.topic)),
        ("payload", &payload),
        ("content_type", &rust(&event.content_type)),
    ];
    in_rust(login, &[head, RUST_SEND].concat(), &values)
}

/// Lines that make `payload` of an example, or of standard input.
pub(super) fn rust_payload(payload: Option<&str>) -> String {
    match payload {
        Some(text) => format!("    let payload = {};\n", rust(text)),
        None => {
            "    let mut payload = Vec::new();\n    std::io::Read::read_to_end(&mut std::io::stdin(), &mut payload)?;\n"
                .to_owned()
        }
    }
}

fn in_rust(login: &Login<'_>, text: &str, values: &[(&str, &str)]) -> String {
    let (user, host, port) = (rust(login.user), rust(login.bare_host()), login.port.to_string());
    let own = fill(RUST_LOGIN, &[("user", &user)]);
    let (needs, tls) = if login.tls {
        (r#"rumqttc = "0.25""#, "    options.set_transport(rumqttc::Transport::tls_with_default_config());\n")
    } else {
        (r#"rumqttc = { version = "0.25", default-features = false }"#, "")
    };
    let mut all = vec![("login", own.as_str()), ("host", &host), ("port", &port), ("tls", tls), ("crate", needs)];
    all.extend(values);
    fill(text, &all)
}
