//! Writes a PUBLISH from an event's own bytes: no copy of the payload but the one into the buffer, no allocation.

use bytes::{BufMut, BytesMut};
use mesh_protocol::event::Event;
use mqtt_protocol_core::mqtt::packet::Qos;

/// The largest remaining length MQTT can write.
const REMAINING_MAX: usize = 268_435_455;

/// An event on its way to one subscriber.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Outgoing<'a> {
    pub(in super::super) event: &'a Event,
    /// Packet id of a delivery at QoS 1 or 2; none = QoS 0.
    pub(in super::super) id: Option<u16>,
    /// The subscriber wants the flag as it was published.
    pub(in super::super) retain: bool,
    /// It may have been delivered before.
    pub(in super::super) dup: bool,
    /// Ids of the subscriptions that matched.
    pub(in super::super) subscription_ids: &'a [u32],
    /// Milliseconds the event has left to live.
    pub(in super::super) ttl_left_ms: Option<u64>,
}

/// Appends the packet; false and nothing written when it is larger than allowed.
pub(super) fn write(out: &mut BytesMut, outgoing: &Outgoing<'_>, qos: Qos, v5: bool, packet_max: usize) -> bool {
    let event = outgoing.event;
    let mut counted = Count(0);
    if v5 {
        properties(&mut counted, outgoing);
    }
    let properties_length = counted.0;
    let mut remaining = 2 + event.topic.as_str().len() + event.payload.len();
    remaining += if outgoing.id.is_some() { 2 } else { 0 };
    remaining += if v5 { varint_length(properties_length) + properties_length } else { 0 };
    let length = 1 + varint_length(remaining) + remaining;
    if remaining > REMAINING_MAX || length > packet_max {
        return false;
    }
    out.reserve(length);
    out.put_u8(fixed_header(outgoing, qos));
    varint(out, remaining);
    text(out, event.topic.as_str());
    if let Some(id) = outgoing.id {
        out.put_u16(id);
    }
    if v5 {
        varint(out, properties_length);
        properties(out, outgoing);
    }
    out.put_slice(&event.payload);
    true
}

fn fixed_header(outgoing: &Outgoing<'_>, qos: Qos) -> u8 {
    let mut header = 0x30 | (qos as u8) << 1;
    header |= if outgoing.dup && qos != Qos::AtMostOnce { 0b1000 } else { 0 };
    header | u8::from(outgoing.retain)
}

/// Where properties go: into the buffer, or only counted.
trait Sink {
    fn byte(&mut self, byte: u8);
    fn bytes(&mut self, bytes: &[u8]);
}

struct Count(usize);

impl Sink for Count {
    fn byte(&mut self, _: u8) {
        self.0 += 1;
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

impl Sink for BytesMut {
    fn byte(&mut self, byte: u8) {
        self.put_u8(byte);
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }
}

fn properties(sink: &mut impl Sink, outgoing: &Outgoing<'_>) {
    let headers = &outgoing.event.headers;
    if let Some(left_ms) = outgoing.ttl_left_ms {
        sink.byte(0x02);
        let seconds = u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
        sink.bytes(&seconds.to_be_bytes());
    }
    if let Some(content_type) = &headers.content_type {
        sink.byte(0x03);
        text(sink, content_type);
    }
    if let Some(topic) = &headers.reply_to {
        sink.byte(0x08);
        text(sink, topic.as_str());
    }
    if let Some(data) = &headers.correlation_id {
        sink.byte(0x09);
        binary(sink, data);
    }
    for &id in outgoing.subscription_ids {
        sink.byte(0x0b);
        varint(sink, id as usize);
    }
    let named = [
        ("traceparent", &headers.traceparent),
        ("message-id", &headers.message_id),
        ("schema-ref", &headers.schema_ref),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            user_property(sink, name, value);
        }
    }
    for (name, value) in &headers.user {
        user_property(sink, name, value);
    }
}

fn user_property(sink: &mut impl Sink, name: &str, value: &str) {
    sink.byte(0x26);
    text(sink, name);
    text(sink, value);
}

fn text(sink: &mut impl Sink, text: &str) {
    // Admission bounds every header by MQTT's own bound; an event from elsewhere that is longer is cut at a character.
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    binary(sink, &text.as_bytes()[..end]);
}

fn binary(sink: &mut impl Sink, data: &[u8]) {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    sink.bytes(&length.to_be_bytes());
    sink.bytes(&data[..usize::from(length)]);
}

fn varint_length(value: usize) -> usize {
    let mut counted = Count(0);
    varint(&mut counted, value);
    counted.0
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(sink: &mut impl Sink, mut value: usize) {
    while value >= 0x80 {
        sink.byte((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    sink.byte(value as u8);
}
