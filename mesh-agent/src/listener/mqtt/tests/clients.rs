//! Clients that remember what they were told.

use std::time::Duration;

use mesh_protocol::desired::ListenerProtocol;
use rumqttc::v5::mqttbytes::v5::{
    Packet, PubAckReason, PubCompReason, PubRecReason, PublishProperties, SubscribeReasonCode,
};
use rumqttc::{AsyncClient, Incoming, MqttOptions, v5};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{Mesh, PATIENCE, SECRET, config, port};
use crate::listener::Running;

pub(super) const QOS0: v5::mqttbytes::QoS = v5::mqttbytes::QoS::AtMostOnce;
pub(super) const QOS1: v5::mqttbytes::QoS = v5::mqttbytes::QoS::AtLeastOnce;

impl Mesh {
    pub(super) async fn mqtt(&self) -> Running {
        self.listen(&config(ListenerProtocol::Mqtt)).await
    }
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// An MQTT 5 client.
pub(super) struct V5 {
    pub(super) client: v5::AsyncClient,
    /// Seen and not asked for yet.
    kept: Vec<Packet>,
    seen: mpsc::UnboundedReceiver<Result<Packet, String>>,
}

impl V5 {
    pub(super) fn options(running: &Running, till: u32, client_id: &str) -> v5::MqttOptions {
        let mut options = v5::MqttOptions::new(client_id, "127.0.0.1", port(running));
        options.set_credentials(format!("till-{till}"), SECRET).set_keep_alive(Duration::from_secs(60));
        options.set_max_packet_size(Some(1024 * 1024));
        options
    }

    pub(super) async fn connect(mesh: &Mesh, running: &Running, till: u32) -> Self {
        let mut client = Self::with(mesh, Self::options(running, till, &format!("client-{till}")));
        client.wait("CONNACK", |packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
        client
    }

    /// Connects and keeps the connection going, until it ends.
    pub(super) fn with(mesh: &Mesh, options: v5::MqttOptions) -> Self {
        let (client, mut connection) = v5::AsyncClient::new(options, 100);
        let (tell, seen) = mpsc::unbounded_channel();
        mesh.tasks.spawn_until_stopped("client", async move {
            loop {
                let told = match connection.poll().await {
                    Ok(v5::Event::Incoming(packet)) => tell.send(Ok(packet)),
                    Ok(v5::Event::Outgoing(_)) => Ok(()),
                    Err(error) => {
                        let _ = tell.send(Err(format!("{error:?}")));
                        return;
                    }
                };
                if told.is_err() {
                    return;
                }
            }
        });
        Self { client, kept: Vec::new(), seen }
    }

    /// The first packet that is what is asked for; others before it are kept for later.
    pub(super) async fn wait<T>(&mut self, what: &str, wanted: impl Fn(Packet) -> Option<T>) -> T {
        for at in 0..self.kept.len() {
            if let Some(found) = wanted(self.kept[at].clone()) {
                self.kept.remove(at);
                return found;
            }
        }
        within(what, async {
            loop {
                match self.seen.recv().await {
                    Some(Ok(packet)) => match wanted(packet.clone()) {
                        Some(found) => return found,
                        None => self.kept.push(packet),
                    },
                    other => panic!("no {what}: {other:?}"),
                }
            }
        })
        .await
    }

    pub(super) async fn message(&mut self) -> v5::mqttbytes::v5::Publish {
        self.wait("PUBLISH", |packet| match packet {
            Packet::Publish(publish) => Some(publish),
            _ => None,
        })
        .await
    }

    pub(super) async fn subscribe(&mut self, filter: &str, qos: v5::mqttbytes::QoS) -> SubscribeReasonCode {
        self.client.subscribe(filter, qos).await.expect("the client runs");
        self.suback().await
    }

    pub(super) async fn suback(&mut self) -> SubscribeReasonCode {
        let codes = self.wait("SUBACK", |packet| match packet {
            Packet::SubAck(suback) => Some(suback.return_codes),
            _ => None,
        });
        codes.await[0]
    }

    pub(super) async fn send(&self, topic: &str, qos: v5::mqttbytes::QoS, payload: impl Into<Vec<u8>>) {
        self.client.publish(topic, qos, false, payload.into()).await.expect("the client runs");
    }

    pub(super) async fn send_with(&self, topic: &str, properties: PublishProperties) {
        self.client.publish_with_properties(topic, QOS1, false, "x", properties).await.expect("the client runs");
    }

    pub(super) async fn puback(&mut self) -> PubAckReason {
        self.wait("PUBACK", |packet| match packet {
            Packet::PubAck(puback) => Some(puback.reason),
            _ => None,
        })
        .await
    }

    pub(super) async fn pubrec(&mut self) -> PubRecReason {
        self.wait("PUBREC", |packet| match packet {
            Packet::PubRec(pubrec) => Some(pubrec.reason),
            _ => None,
        })
        .await
    }

    pub(super) async fn pubcomp(&mut self) -> PubCompReason {
        self.wait("PUBCOMP", |packet| match packet {
            Packet::PubComp(pubcomp) => Some(pubcomp.reason),
            _ => None,
        })
        .await
    }

    /// How the connection ended: the DISCONNECT's reason as text, or the transport's error.
    pub(super) async fn end(&mut self) -> String {
        within("the end", async {
            let mut said = String::new();
            loop {
                match self.seen.recv().await {
                    Some(Ok(Packet::Disconnect(disconnect))) => {
                        said = format!("{:?} {:?}", disconnect.reason_code, disconnect.properties);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return format!("{said} {error}"),
                    None => return said,
                }
            }
        })
        .await
    }

    /// Still there, and answered: nothing ended it meanwhile.
    pub(super) async fn is_served(&mut self) {
        self.send("open/ping", QOS1, "x").await;
        self.puback().await;
    }
}

/// An MQTT 3.1.1 client.
pub(super) struct V4 {
    pub(super) client: AsyncClient,
    seen: mpsc::UnboundedReceiver<Result<Incoming, String>>,
}

impl V4 {
    pub(super) async fn connect(mesh: &Mesh, running: &Running, till: u32) -> Self {
        Self::come(mesh, running, till, true).await.0
    }

    /// Connects; says whether its session was there.
    pub(super) async fn come(mesh: &Mesh, running: &Running, till: u32, clean: bool) -> (Self, bool) {
        let mut options = MqttOptions::new(format!("old-client-{till}"), "127.0.0.1", port(running));
        options.set_credentials(format!("till-{till}"), SECRET).set_keep_alive(Duration::from_secs(60));
        options.set_clean_session(clean);
        let (client, mut connection) = AsyncClient::new(options, 100);
        let (tell, seen) = mpsc::unbounded_channel();
        mesh.tasks.spawn_until_stopped("client", async move {
            loop {
                match connection.poll().await {
                    Ok(rumqttc::Event::Incoming(packet)) => drop(tell.send(Ok(packet))),
                    Ok(rumqttc::Event::Outgoing(_)) => {}
                    Err(error) => return drop(tell.send(Err(format!("{error:?}")))),
                }
            }
        });
        let mut client = Self { client, seen };
        let present = client.wait("CONNACK", |packet| match packet {
            Incoming::ConnAck(connack) => Some(connack.session_present),
            _ => None,
        });
        let present = present.await;
        (client, present)
    }

    pub(super) async fn message(&mut self) -> rumqttc::Publish {
        self.wait("PUBLISH", |packet| match packet {
            Incoming::Publish(publish) => Some(publish),
            _ => None,
        })
        .await
    }

    pub(super) async fn wait<T>(&mut self, what: &str, wanted: impl Fn(Incoming) -> Option<T>) -> T {
        within(what, async {
            loop {
                match self.seen.recv().await {
                    Some(Ok(packet)) => {
                        if let Some(found) = wanted(packet) {
                            return found;
                        }
                    }
                    other => panic!("no {what}: {other:?}"),
                }
            }
        })
        .await
    }

    pub(super) async fn end(&mut self) {
        within("the end", async { while let Some(Ok(_)) = self.seen.recv().await {} }).await;
    }
}

/// A TCP connection and bytes.
pub(super) struct Raw(TcpStream);

impl Raw {
    pub(super) async fn open(running: &Running) -> Self {
        Self(TcpStream::connect(running.address()).await.expect("the listener accepts"))
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // A listener that closed already has said what it thinks of the bytes.
        let _ = self.0.write_all(bytes).await;
    }

    pub(super) async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        within("bytes", self.0.read_exact(&mut bytes)).await.expect("the listener answers");
        bytes
    }

    /// What comes until the listener closes.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end, too.
        let _ = within("the end", self.0.read_to_end(&mut bytes)).await;
        bytes
    }
}

/// A CONNECT of a till.
pub(super) fn connect(version: u8, till: u8, client_id: &str) -> Vec<u8> {
    let mut body = b"\0\x04MQTT".to_vec();
    body.extend([version, 0b1100_0010, 0, 60]);
    if version == 5 {
        body.push(0);
    }
    for text in [client_id, &format!("till-{till}"), SECRET] {
        body.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
        body.extend(text.as_bytes());
    }
    let mut packet = vec![0x10, u8::try_from(body.len()).expect("short")];
    packet.extend(body);
    packet
}
