//! Over HTTP: one request for an event that is sent, one stream of Server-Sent Events for those that come.

use super::literal::{list, python, rust, shell};
use super::mqtt::{PYTHON_LOGIN, RUST_LEFT, RUST_LOGIN, SHELL_LOGIN, in_shell, rust_payload};
use super::{Login, fill};
use crate::api::{ConnectEvent, encoded};

/// Most filters of one stream, as listeners have it.
const FILTERS_MAX: usize = 64;

fn base(login: &Login<'_>) -> String {
    let scheme = if login.tls { "https" } else { "http" };
    format!("{scheme}://{}:{}/v1/events", login.host, login.port)
}

/// Where a topic is sent to. Clients take levels like `..` out of a path, so a topic that has one is written as one part of it.
fn url_of(login: &Login<'_>, topic: &str) -> String {
    let levels: Vec<String> = topic.split('/').map(encoded).collect();
    let between = if levels.iter().any(|level| level == "." || level == "..") { "%2F" } else { "/" };
    format!("{}/{}", base(login), levels.join(between))
}

/// The filters of a stream, and a remark when they are not all.
fn filters_of(filters: &[String], comment: &str) -> (Vec<String>, String) {
    let taken: Vec<String> = filters.iter().take(FILTERS_MAX).cloned().collect();
    let remark = if filters.len() > taken.len() {
        format!("{comment} The first {} of {} filters: one stream takes no more.\n", taken.len(), filters.len())
    } else {
        String::new()
    };
    (taken, remark)
}

const SHELL_RECEIVE: &str = r#"left=${1:-0} # 0: goes on
kind=
curl --no-buffer --silent --show-error --fail-with-body -u "$MESHPORT_USER:$MESHPORT_SECRET" -G @url@ \
@filters@ | {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
            "") kind= ;;
            event:*) kind=${line#event: } ;;
            data:*)
                # What is no event says that events were dropped, or why the stream ends.
                [ -z "$kind" ] || { printf '%s: %s\n' "$kind" "${line#data: }" >&2; continue; }
                printf '%s\n' "${line#data: }"
                left=$((left - 1))
                [ "$left" -ne 0 ] || exit 0 ;;
            :* | id:*) ;;
            *) printf '%s\n' "$line" >&2 ;;
        esac
    done
    exit 1
}
"#;

pub(super) fn shell_receive(login: &Login<'_>, filters: &[String]) -> String {
    let (taken, remark) = filters_of(filters, "#");
    let lines: Vec<String> =
        taken.iter().map(|filter| format!("    --data-urlencode {}", shell(&format!("filter={filter}")))).collect();
    let head = "#!/bin/sh\n# Receives events over HTTP, one JSON object a line. Run: sh receive.sh [how many events]\n";
    let values = [("url", shell(&base(login))), ("filters", lines.join(" \\\n")), ("remark", remark)];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    in_shell(login, &[head, "@remark@", SHELL_LOGIN, SHELL_RECEIVE].concat(), &values)
}

pub(super) fn shell_send(login: &Login<'_>, event: &ConnectEvent) -> String {
    let (how, payload) = match &event.payload {
        Some(payload) => ("sh send.sh", format!("--data-raw {}", shell(payload))),
        None => ("sh send.sh < payload", "--data-binary @-".to_owned()),
    };
    let text = [
        "#!/bin/sh\n# Sends an event over HTTP. Run: @how@\n",
        SHELL_LOGIN,
        "curl --silent --show-error --fail-with-body --write-out '\\n' -u \"$MESHPORT_USER:$MESHPORT_SECRET\" -H @content_type@ \\\n",
        "    @payload@ @url@\n",
    ];
    let values = [
        ("how", how),
        ("payload", &payload),
        ("content_type", &shell(&format!("content-type: {}", event.content_type))),
        ("url", &shell(&url_of(login, &event.topic))),
    ];
    in_shell(login, &text.concat(), &values)
}

const PYTHON_RECEIVE: &str = r#"import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

@login@FILTERS = @filters@
URL = @url@ + "?" + urllib.parse.urlencode([("filter", name) for name in FILTERS])
left = int(sys.argv[1]) if len(sys.argv) > 1 else 0  # 0: goes on

basic = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
request = urllib.request.Request(URL, headers={"Authorization": f"Basic {basic}"})
try:
    stream = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    sys.exit(f"{error}: {error.read().decode(errors='replace')}")
kind = ""
for line in stream:
    name, _, value = line.decode().rstrip("\r\n").partition(": ")
    if name == "event":
        kind = value
    elif name == "data" and kind:
        # Events were dropped, or why the stream ends.
        print(f"{kind}: {value}", file=sys.stderr)
        kind = ""
    elif name == "data":
        event = json.loads(value)
        print(event["topic"], event.get("payload", event.get("payload_base64")), flush=True)
        left -= 1
        if left == 0:
            break
else:
    sys.exit("the stream ended")
"#;

pub(super) fn python_receive(login: &Login<'_>, filters: &[String]) -> String {
    let (taken, remark) = filters_of(filters, "#");
    let head = "# Receives events over HTTP, without anything to install. Run: python3 receive.py [how many events]\n";
    let values = [("filters", list(&taken, python)), ("url", python(&base(login))), ("remark", remark)];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    in_python(login, &[head, "@remark@", PYTHON_RECEIVE].concat(), &values)
}

const PYTHON_SEND: &str = r#"import base64
import os
import sys
import urllib.error
import urllib.request

@login@URL = @url@
PAYLOAD = @payload@

basic = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
headers = {"Authorization": f"Basic {basic}", "Content-Type": @content_type@}
request = urllib.request.Request(URL, data=PAYLOAD, headers=headers)
try:
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as error:
    sys.exit(f"{error}: {error.read().decode(errors='replace')}")
"#;

pub(super) fn python_send(login: &Login<'_>, event: &ConnectEvent) -> String {
    let (how, payload) = match &event.payload {
        Some(payload) => ("python3 send.py", format!("{}.encode()", python(payload))),
        None => ("python3 send.py < payload", "sys.stdin.buffer.read()".to_owned()),
    };
    let head = "# Sends an event over HTTP, without anything to install. Run: @how@\n";
    let values = [
        ("how", how),
        ("url", &python(&url_of(login, &event.topic))),
        ("payload", &payload),
        ("content_type", &python(&event.content_type)),
    ];
    in_python(login, &[head, PYTHON_SEND].concat(), &values)
}

fn in_python(login: &Login<'_>, text: &str, values: &[(&str, &str)]) -> String {
    let own = fill(PYTHON_LOGIN, &[("user", &python(login.user))]);
    let mut all = vec![("login", own.as_str())];
    all.extend(values);
    fill(text, &all)
}

const RUST_RECEIVE: &str = r#"use std::error::Error;

/// Each filter is percent-encoded: @plain@.
const URL: &str = @url@;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
@login@@left@    let mut stream = reqwest::Client::new().get(URL).basic_auth(user, Some(secret)).send().await?;
    if !stream.status().is_success() {
        return Err(format!("{}: {}", stream.status(), stream.text().await?).into());
    }
    let (mut waiting, mut kind) = (Vec::new(), String::new());
    while let Some(part) = stream.chunk().await? {
        waiting.extend_from_slice(&part);
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            let line = String::from_utf8(line)?;
            match line.trim_end().split_once(": ") {
                Some(("event", value)) => kind = value.to_owned(),
                // Events were dropped, or why the stream ends.
                Some(("data", value)) if !kind.is_empty() => eprintln!("{}: {value}", std::mem::take(&mut kind)),
                Some(("data", event)) => {
                    println!("{event}");
                    left -= 1;
                    if left == 0 {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }
    Err("the stream ended".into())
}
"#;

/// The filters stand in the comment as literals, so that none can end its line.
pub(super) fn rust_receive(login: &Login<'_>, filters: &[String]) -> String {
    let (taken, remark) = filters_of(filters, "//");
    let query: Vec<String> = taken.iter().map(|filter| format!("filter={}", encoded(filter))).collect();
    let url = rust(&format!("{}?{}", base(login), query.join("&")));
    let head = "// Receives events over HTTP, one JSON object a line. Cargo.toml: @crate@. Run: cargo run [-- how many events]\n";
    let plain: Vec<String> = taken.iter().map(|filter| rust(filter)).collect();
    let values = [("url", url), ("plain", plain.join(", ")), ("remark", remark), ("left", RUST_LEFT.to_owned())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    in_rust(login, &[head, "@remark@", RUST_RECEIVE].concat(), &values)
}

const RUST_SEND: &str = r#"use std::error::Error;

const URL: &str = @url@;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
@login@@payload@    let request = reqwest::Client::new().post(URL).basic_auth(user, Some(secret));
    let answer = request.header("content-type", @content_type@).body(payload).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        return Err(format!("{status}: {text}").into());
    }
    println!("{text}");
    Ok(())
}
"#;

pub(super) fn rust_send(login: &Login<'_>, event: &ConnectEvent) -> String {
    let how = if event.payload.is_some() { "cargo run" } else { "cargo run < payload" };
    let head = "// Sends an event over HTTP. Cargo.toml: @crate@. Run: @how@\n";
    let payload = rust_payload(event.payload.as_deref());
    let values = [
        ("how", how),
        ("url", &rust(&url_of(login, &event.topic))),
        ("payload", &payload),
        ("content_type", &rust(&event.content_type)),
    ];
    in_rust(login, &[head, RUST_SEND].concat(), &values)
}

fn in_rust(login: &Login<'_>, text: &str, values: &[(&str, &str)]) -> String {
    let own = fill(RUST_LOGIN, &[("user", &rust(login.user))]);
    let tls = if login.tls { r#", features = ["rustls"]"# } else { "" };
    let needs = format!(
        r#"reqwest = {{ version = "0.13", default-features = false{tls} }}, tokio = {{ version = "1", features = ["macros", "rt"] }}"#
    );
    let mut all = vec![("login", own.as_str()), ("crate", &needs)];
    all.extend(values);
    fill(text, &all)
}
