//! A load client that costs little beside the broker it loads: one thread, one blocking socket, packets by hand.
//!
//! Speaks as much of MQTT 5 as the measurement needs. A refusal, a packet out of order or a missing answer is an error:
//! nothing is measured on a connection that does not work as it should.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::mesh::Login;

/// Read from the socket at once.
const READ_BYTES: usize = 256 * 1024;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// Packet types, as they stand in the first byte.
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const DISCONNECT: u8 = 0xe0;
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;
/// Reason codes from here on are failures.
const FAILURES: u8 = 0x80;

/// At most or at least once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce,
}

impl Qos {
    const fn number(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
        }
    }
}

/// Something the broker sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    /// The payload of an event.
    Event(&'a [u8]),
    /// A publish was taken; `wanted`: by somebody who wants it.
    Taken { wanted: bool },
}

/// A connected client.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    input: Box<[u8]>,
    filled: Range<usize>,
    out: Vec<u8>,
    next_id: u16,
}

impl Client {
    pub(crate) fn connect(address: &str, login: Option<&Login>, client_id: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true).context("switch Nagle's algorithm off")?;
        let input = vec![0; READ_BYTES].into_boxed_slice();
        let mut client = Self { stream, input, filled: 0..0, out: Vec::new(), next_id: 1 };
        client.limit(ANSWER)?;
        let mut body = Vec::new();
        text(&mut body, "MQTT");
        // Version 5, clean start, keep-alive a minute, no properties.
        let flags = 0b10 | if login.is_some() { 0b1100_0000 } else { 0 };
        body.extend([5, flags, 0, 60, 0]);
        text(&mut body, client_id);
        if let Some(login) = login {
            text(&mut body, &login.username);
            text(&mut body, &login.secret);
        }
        packet(&mut client.out, CONNECT, &[&body]);
        client.flush()?;
        let (kind, body) = client.packet()?.context("wait for CONNACK")?;
        let reason = client.input[body].get(1).copied().unwrap_or(FAILURES);
        ensure!(kind == CONNACK && reason == 0, "{client_id} is not let in: {kind:#x} with reason {reason:#x}");
        Ok(client)
    }

    /// How long [`Client::next`] waits.
    pub(crate) fn limit(&self, limit: Duration) -> anyhow::Result<()> {
        self.stream.set_read_timeout(Some(limit)).context("limit the wait for the broker")
    }

    pub(crate) fn subscribe(&mut self, filter: &str, qos: Qos) -> anyhow::Result<()> {
        let mut body = vec![0, 1, 0];
        text(&mut body, filter);
        body.push(qos.number());
        packet(&mut self.out, SUBSCRIBE, &[&body]);
        self.flush()?;
        let (kind, body) = self.packet()?.context("wait for SUBACK")?;
        let granted = self.input[body].last().copied();
        ensure!(kind == SUBACK && granted == Some(qos.number()), "{filter} is not granted: {granted:?}");
        Ok(())
    }

    /// Adds an event to what the next [`Client::flush`] sends.
    pub(crate) fn publish(&mut self, topic: &str, qos: Qos, payload: &[u8]) {
        let mut head = Vec::with_capacity(topic.len() + 5);
        text(&mut head, topic);
        if qos == Qos::AtLeastOnce {
            head.extend(self.next_id.to_be_bytes());
            self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        }
        head.push(0);
        packet(&mut self.out, PUBLISH | (qos.number() << 1), &[&head, payload]);
    }

    /// Bytes that wait for [`Client::flush`].
    pub(crate) const fn unsent(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.out).context("send to the broker")?;
        self.out.clear();
        Ok(())
    }

    /// Whether [`Client::next`] has something without reading from the socket.
    pub(crate) fn has_more(&self) -> bool {
        complete(&self.input[self.filled.clone()]).is_some()
    }

    /// The next thing the broker sent; none when it was silent for the limit. An event at QoS 1 is acknowledged with the
    /// next flush.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Incoming<'_>>> {
        let Some((kind, body)) = self.packet()? else { return Ok(None) };
        let bytes = &self.input[body];
        match kind & 0xf0 {
            PUBLISH => {
                let topic = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
                let mut at = 2 + topic;
                if kind & 0b110 != 0 {
                    packet(&mut self.out, PUBACK, &[&bytes[at..at + 2]]);
                    at += 2;
                }
                let (properties, length) = variable(&bytes[at..]).context("read a PUBLISH")?;
                Ok(Some(Incoming::Event(&bytes[at + length + properties..])))
            }
            PUBACK => {
                let reason = bytes.get(2).copied().unwrap_or(0);
                ensure!(reason < FAILURES, "a publish was refused with reason {reason:#x}");
                Ok(Some(Incoming::Taken { wanted: reason != NO_MATCHING_SUBSCRIBERS }))
            }
            DISCONNECT => bail!("the broker ends the connection with reason {:#x}", bytes.first().unwrap_or(&0)),
            _ => bail!("the broker sends an unexpected packet {kind:#x}"),
        }
    }

    pub(crate) fn disconnect(mut self) -> anyhow::Result<()> {
        packet(&mut self.out, DISCONNECT, &[]);
        self.flush()
    }

    /// First byte and place in `input` of the next packet; none when the limit has passed.
    fn packet(&mut self) -> anyhow::Result<Option<(u8, Range<usize>)>> {
        loop {
            if let Some((head, length)) = complete(&self.input[self.filled.clone()]) {
                let start = self.filled.start;
                self.filled.start += head + length;
                return Ok(Some((self.input[start], start + head..start + head + length)));
            }
            if self.filled.start > 0 {
                self.input.copy_within(self.filled.clone(), 0);
                self.filled = 0..self.filled.len();
            }
            ensure!(self.filled.end < self.input.len(), "the broker sends a packet above {READ_BYTES} bytes");
            match self.stream.read(&mut self.input[self.filled.end..]) {
                Ok(0) => bail!("the broker has closed the connection"),
                Ok(read) => self.filled.end += read,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("read from the broker"),
            }
        }
    }
}

/// Lengths of head and body of the first packet, when all of it is there.
fn complete(bytes: &[u8]) -> Option<(usize, usize)> {
    let (length, digits) = variable(bytes.get(1..)?)?;
    (bytes.len() > digits + length).then_some((1 + digits, length))
}

/// A number in MQTT's seven-bit digits, and how many there were.
fn variable(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}

fn packet(out: &mut Vec<u8>, first: u8, parts: &[&[u8]]) {
    out.push(first);
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    loop {
        let digit = u8::try_from(length & 0x7f).expect("seven bits");
        length >>= 7;
        out.push(digit | if length > 0 { 0x80 } else { 0 });
        if length == 0 {
            break;
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).expect("names here are short").to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_found_when_all_of_it_is_there() {
        for length in [0, 1, 127, 128, 20_000] {
            let mut bytes = Vec::new();
            packet(&mut bytes, PUBLISH, &[&vec![7; length]]);
            let head = bytes.len() - length;
            assert_eq!(complete(&bytes), Some((head, length)));
            assert_eq!(complete(&bytes[..bytes.len() - 1]), None);
            bytes.push(PUBACK);
            assert_eq!(complete(&bytes), Some((head, length)), "what follows changes nothing");
        }
    }
}
