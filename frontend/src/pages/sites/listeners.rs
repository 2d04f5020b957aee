//! The endpoints of a site: where clients connect, and with which limits.

use leptos::prelude::*;
use mesh_protocol::desired::{DeniedV3Publish, ListenerProtocol};
use mesh_protocol::id::{ListenerId, SiteId};

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{Edit, ListenerInput, ListenerView, SiteView};
use crate::components::{Button, Dialog, Field, PartChip, Select, Table, Tone, all_stale};
use crate::editor::{Editing, Editor, Section, closing};
use crate::format;
use crate::pages::access::Authority;
use crate::viewer::{Viewer, right};

/// How a protocol is written.
pub(super) const fn protocol_name(protocol: ListenerProtocol) -> &'static str {
    match protocol {
        ListenerProtocol::Mqtt => "MQTT 3.1.1 and 5",
        ListenerProtocol::Http => "HTTP and SSE",
    }
}

/// The section with a site's listeners.
#[component]
pub(super) fn Listeners(site: Signal<SiteView>) -> impl IntoView {
    let editing = Editing::<ListenerView>::new();
    view! {
        <Section
            title="Listeners"
            note="where clients of this site connect"
            verb="New listener"
            right=right::LISTENER_WRITE
            on_press=move |()| editing.make()
        >
            {move || listener_table(site.with(|site| site.listeners.clone()), editing)}
        </Section>
        <Dialog open=editing.open label="Listener" class="m-dialog m-dialog--wide">
            <ListenerForm listener=editing.of() site=site.with_untracked(|site| site.id) open=editing.open/>
        </Dialog>
    }
    .into_any()
}

fn listener_table(listeners: Vec<ListenerView>, editing: Editing<ListenerView>) -> AnyView {
    if listeners.is_empty() {
        return view! { <p class="m-small m-muted">"None: no client can connect at this site."</p> }.into_any();
    }
    let may = Signal::derive(|| Viewer::has(right::LISTENER_WRITE));
    let rows = listeners
        .into_iter()
        .map(|listener| {
            let addresses: Vec<String> = listener.parts.iter().flat_map(|part| part.addresses.clone()).collect();
            let stale = all_stale(&listener.parts);
            let clients: u64 = listener.parts.iter().filter_map(|part| part.figures.get("connections")).sum();
            let for_edit = listener.clone();
            let config = listener.config;
            let label = format!("Edit listener {}", config.name);
            let address = if addresses.is_empty() { config.bind } else { addresses.join(", ") };
            view! {
                <tr>
                    <td>
                        <div class="m-cell">
                            <span class="m-cell__name">{config.name}</span>
                            <span class="m-cell__sub">{protocol_name(config.protocol)} {config.tls.then_some(", TLS")}</span>
                        </div>
                    </td>
                    <td class="m-mono m-small" class:m-faint=stale>{address}</td>
                    <td><PartChip parts=listener.parts/></td>
                    <td class="m-low m-end m-num" class:m-faint=stale>{format::count(clients)} " of " {format::count(config.connections_max.into())}</td>
                    <td class="m-low m-end m-num">{format::bytes(config.payload_bytes_max.into())}</td>
                    <td class="m-tight">
                        <span class="m-acts">
                            <Button small=true tone=Tone::Quiet right=may label=label on_press=move |()| editing.change(for_edit.clone())>
                                "Edit"
                            </Button>
                        </span>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Listeners"
            class="m-table--inset m-table--two"
            heads=&[
                ("Listener", ""),
                ("Address", ""),
                ("State", ""),
                ("Clients", "m-low m-end"),
                ("Largest payload", "m-low m-end"),
                ("", "m-tight"),
            ]
        >
            {rows}
        </Table>
    }
    .into_any()
}

fn fresh(site: SiteId) -> ListenerInput {
    ListenerInput {
        site,
        name: String::new(),
        protocol: ListenerProtocol::Mqtt,
        bind: "0.0.0.0:1883".to_owned(),
        payload_bytes_max: 1024 * 1024,
        connections_max: 10_000,
        custody_timeout_ms: 10_000,
        denied_v3_publish: DeniedV3Publish::Disconnect,
        tls: false,
        server_names: Vec::new(),
    }
}

/// What stands between commas or spaces.
fn listed(text: &str) -> Vec<String> {
    text.split([',', ' ', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[component]
fn ListenerForm(listener: Option<ListenerView>, site: SiteId, open: RwSignal<bool>) -> impl IntoView {
    let known = listener.as_ref().map(|listener| (listener.id, listener.revision));
    let config = listener.map_or_else(|| fresh(site), |listener| listener.config);
    let name = RwSignal::new(config.name.clone());
    let bind = RwSignal::new(config.bind.clone());
    let protocol = RwSignal::new(if config.protocol == ListenerProtocol::Http { "http" } else { "mqtt" }.to_owned());
    let payload = RwSignal::new((config.payload_bytes_max / 1024).to_string());
    let connections = RwSignal::new(config.connections_max.to_string());
    let timeout = RwSignal::new((config.custody_timeout_ms / 1000).to_string());
    let denied = config.denied_v3_publish == DeniedV3Publish::Acknowledge;
    let denied = RwSignal::new(if denied { "acknowledge" } else { "disconnect" }.to_owned());
    let tls = RwSignal::new(if config.tls { "tls" } else { "plain" }.to_owned());
    let names = RwSignal::new(config.server_names.join(", "));
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, value: ListenerInput| async move {
            match known {
                None => api.0.create_listener(value).await,
                Some((id, revision)) => api.0.update_listener(id, Edit { revision, value }).await,
            }
        },
        move |_| close.run("Listener saved. The agents of the site open it now."),
    );
    let delete = Act::new(
        |api, (id, revision): (ListenerId, i64)| async move { api.0.delete_listener(id, revision).await },
        move |()| close.run("Listener deleted."),
    );
    let submit = Callback::new(move |()| {
        let number = |field: RwSignal<String>| field.get_untracked().trim().parse::<u32>().unwrap_or(0);
        save.run(ListenerInput {
            site,
            name: name.get_untracked().trim().to_owned(),
            protocol: if protocol.get_untracked() == "http" { ListenerProtocol::Http } else { ListenerProtocol::Mqtt },
            bind: bind.get_untracked().trim().to_owned(),
            payload_bytes_max: number(payload).saturating_mul(1024),
            connections_max: number(connections),
            custody_timeout_ms: number(timeout).saturating_mul(1000),
            denied_v3_publish: if denied.get_untracked() == "acknowledge" {
                DeniedV3Publish::Acknowledge
            } else {
                DeniedV3Publish::Disconnect
            },
            tls: tls.get_untracked() == "tls",
            server_names: listed(&names.get_untracked()),
        });
    });
    let pair = |key: &str, words: &str| (key.to_owned(), words.to_owned());
    view! {
        <Editor
            title=if known.is_some() { "Change listener" } else { "New listener" }
            save=save
            open=open
            right=right::LISTENER_WRITE
            on_save=submit
            on_delete=known.map(|known| Callback::new(move |()| delete.run(known)))
            consequence="Its clients are disconnected and cannot connect here again. Other listeners go on."
        >
            <div class="m-form__row">
                <Field label="Name" name="name" value=name required=true error=save.field("name")/>
                <Select label="Speaks" name="protocol" value=protocol choices=vec![pair("mqtt", "MQTT 3.1.1 and 5"), pair("http", "HTTP and SSE")]/>
            </div>
            <Field label="Address and port" name="bind" value=bind mono=true required=true hint="Port 0: the agent chooses a free one once and reports it" error=save.field("bind")/>
            <Select label="Encryption" name="tls" value=tls choices=vec![pair("plain", "none"), pair("tls", "TLS, with client certificates if clients have them")]/>
            <Show when=move || tls.get() == "tls">
                <Field label="Names clients use" name="server_names" value=names mono=true hint="DNS names and addresses, with commas between; the address it is bound to is one by itself" error=save.field("server_names")/>
                <p class="m-small m-muted">"Clients must trust the authority of listeners: " <Authority/></p>
            </Show>
            <div class="m-form__row">
                <Field label="Largest payload, KB" name="payload" kind="number" value=payload hint="At most 8192" error=save.field("payload_bytes_max")/>
                <Field label="Most clients" name="connections" kind="number" value=connections error=save.field("connections_max")/>
                <Field label="Wait for custody, s" name="timeout" kind="number" value=timeout hint="Then the publisher gets an error" error=save.field("custody_timeout_ms")/>
            </div>
            <Show when=move || protocol.get() == "mqtt">
                <Select
                    label="A denied MQTT 3.1.1 publish"
                    name="denied"
                    value=denied
                    choices=vec![
                        ("disconnect".to_owned(), "closes the connection, the only honest answer there".to_owned()),
                        ("acknowledge".to_owned(), "is acknowledged, dropped and counted as a policy event".to_owned()),
                    ]
                />
            </Show>
            <ActError act=delete/>
        </Editor>
    }
    .into_any()
}
