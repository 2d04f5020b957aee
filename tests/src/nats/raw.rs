//! A client of NATS that weighs as little as the one of MQTT ([`crate::mqtt::raw`]): one thread, one blocking socket,
//! lines by hand. With a client library on one side only, the clients would be part of what is compared.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

/// Read from the socket at once.
const READ_BYTES: usize = 256 * 1024;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);
const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\
    \"protocol\":1,\"lang\":\"bench\",\"version\":\"1\"}\r\nPING\r\n";
/// Deliveries of a stream ask for their acknowledgement under such subjects.
const ACKNOWLEDGE: &[u8] = b"$JS.ACK.";
/// Words of the longest first line of a message.
const WORDS: usize = 6;

/// A connected client.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    input: Box<[u8]>,
    filled: Range<usize>,
    /// What was found at the beginning of what is filled, when it was looked at already.
    found: Option<(Parsed, usize)>,
    out: Vec<u8>,
    subscriptions: u32,
}

/// Something the server sent; places are counted from the beginning of what was looked at.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Message { reply: Range<usize>, payload: Range<usize> },
    Ping,
    Pong,
    Nothing,
}

impl Client {
    pub(crate) fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true).context("switch Nagle's algorithm off")?;
        let input = vec![0; READ_BYTES].into_boxed_slice();
        let mut client = Self { stream, input, filled: 0..0, found: None, out: CONNECT.to_vec(), subscriptions: 0 };
        client.limit(ANSWER)?;
        client.pong().context("greet the NATS server")?;
        Ok(client)
    }

    /// How long [`Client::next`] waits.
    pub(crate) fn limit(&self, limit: Duration) -> anyhow::Result<()> {
        self.stream.set_read_timeout(Some(limit)).context("limit the wait for the NATS server")
    }

    /// Subscribes and waits until the server has done so.
    pub(crate) fn subscribe(&mut self, subject: &str) -> anyhow::Result<()> {
        self.subscriptions += 1;
        self.out.extend_from_slice(format!("SUB {subject} {}\r\nPING\r\n", self.subscriptions).as_bytes());
        self.pong().with_context(|| format!("subscribe to {subject}"))
    }

    /// Waits until the server has taken everything that was sent.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        self.out.extend_from_slice(b"PING\r\n");
        self.pong()
    }

    /// Sends, and passes over everything until the answer to a PING.
    fn pong(&mut self) -> anyhow::Result<()> {
        self.flush()?;
        loop {
            match self.parsed()? {
                Some(Parsed::Pong) => return Ok(()),
                Some(_) => {}
                None => bail!("the NATS server does not answer"),
            }
        }
    }

    /// Adds a message to what the next [`Client::flush`] sends; `reply`: where its acknowledgement shall go.
    pub(crate) fn publish(&mut self, subject: &str, reply: Option<&str>, payload: &[u8]) {
        let parts: [&[u8]; 3] = [b"PUB ", subject.as_bytes(), b" "];
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
        if let Some(reply) = reply {
            self.out.extend_from_slice(reply.as_bytes());
            self.out.push(b' ');
        }
        self.out.extend_from_slice(payload.len().to_string().as_bytes());
        for part in [b"\r\n", payload, b"\r\n"] {
            self.out.extend_from_slice(part);
        }
    }

    /// Bytes that wait for [`Client::flush`].
    pub(crate) const fn unsent(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.out).context("send to the NATS server")?;
        self.out.clear();
        Ok(())
    }

    /// Whether [`Client::next`] has something without reading from the socket.
    pub(crate) fn has_more(&mut self) -> anyhow::Result<bool> {
        // What is no message must not be taken for one: who then waits for it may wait for ever.
        while let Some(parsed) = self.look()? {
            if matches!(parsed, Parsed::Message { .. }) {
                return Ok(true);
            }
            self.advance();
        }
        Ok(false)
    }

    /// The first packet of what is there, which stays; its places are counted from there.
    fn look(&mut self) -> anyhow::Result<Option<&Parsed>> {
        if self.found.is_none() {
            self.found = parse(&self.input[self.filled.clone()])?;
        }
        Ok(self.found.as_ref().map(|(parsed, _)| parsed))
    }

    /// Takes the packet that was looked at; places are those in `input`.
    fn advance(&mut self) -> Option<Parsed> {
        let (parsed, used) = self.found.take()?;
        let start = self.filled.start;
        self.filled.start += used;
        let moved = |place: Range<usize>| place.start + start..place.end + start;
        Some(match parsed {
            Parsed::Message { reply, payload } => Parsed::Message { reply: moved(reply), payload: moved(payload) },
            Parsed::Ping => {
                self.out.extend_from_slice(b"PONG\r\n");
                Parsed::Nothing
            }
            other => other,
        })
    }

    /// The payload of the next message; none when nothing came for the limit. What a stream delivers is acknowledged with
    /// the next flush.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        loop {
            let (reply, payload) = match self.parsed()? {
                None => return Ok(None),
                Some(Parsed::Message { reply, payload }) => (reply, payload),
                Some(_) => continue,
            };
            if self.input[reply.clone()].starts_with(ACKNOWLEDGE) {
                let parts: [&[u8]; 3] = [b"PUB ", &self.input[reply], b" 0\r\n\r\n"];
                parts.iter().for_each(|part| self.out.extend_from_slice(part));
            }
            return Ok(Some(&self.input[payload]));
        }
    }

    /// Asks JetStream's API on a connection of its own and returns the answer.
    pub(crate) fn ask(address: &str, subject: &str, question: &Value) -> anyhow::Result<Value> {
        let mut client = Self::connect(address)?;
        client.subscribe("_INBOX.ask")?;
        client.publish(subject, Some("_INBOX.ask"), question.to_string().as_bytes());
        client.flush()?;
        let answer = client.next()?.with_context(|| format!("{subject} was not answered"))?;
        let answer: Value = serde_json::from_slice(answer).with_context(|| format!("nobody answers at {subject}"))?;
        ensure!(answer.get("error").is_none(), "{subject}: {}", answer["error"]);
        Ok(answer)
    }

    /// The next packet, with places in `input`; none when the limit has passed.
    fn parsed(&mut self) -> anyhow::Result<Option<Parsed>> {
        loop {
            if self.look()?.is_some() {
                return Ok(self.advance());
            }
            if self.filled.start > 0 {
                self.input.copy_within(self.filled.clone(), 0);
                self.filled = 0..self.filled.len();
            }
            ensure!(self.filled.end < self.input.len(), "the NATS server sends a message above {READ_BYTES} bytes");
            match self.stream.read(&mut self.input[self.filled.end..]) {
                Ok(0) => bail!("the NATS server has closed the connection"),
                Ok(read) => self.filled.end += read,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("read from the NATS server"),
            }
        }
    }
}

/// The first packet and how many bytes it has, when all of it is there.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<(Parsed, usize)>> {
    let Some((words, line)) = words(bytes) else { return Ok(None) };
    let used = line + 2;
    let word = |at: usize| &bytes[words[at].clone()];
    let plain = |parsed| Ok(Some((parsed, used)));
    // `MSG subject sid [reply] bytes`; with headers their length stands before that of all.
    let with_headers = match word(0) {
        b"MSG" => false,
        b"HMSG" => true,
        b"PING" => return plain(Parsed::Ping),
        b"PONG" => return plain(Parsed::Pong),
        b"INFO" | b"+OK" => return plain(Parsed::Nothing),
        _ => bail!("the NATS server says {:?}", String::from_utf8_lossy(&bytes[..line])),
    };
    let least = if with_headers { 5 } else { 4 };
    let count = words.iter().take_while(|word| !word.is_empty()).count();
    ensure!(count == least || count == least + 1, "a message of NATS begins with {count} words");
    let total = number(word(count - 1))?;
    let headers = if with_headers { number(word(count - 2))? } else { 0 };
    ensure!(headers <= total, "a message of NATS has longer headers than it is itself");
    if bytes.len() < used + total + 2 {
        return Ok(None);
    }
    let reply = if count > least { words[3].clone() } else { 0..0 };
    Ok(Some((Parsed::Message { reply, payload: used + headers..used + total }, used + total + 2)))
}

/// Where the first words of the first line are, and where it ends; none when the end is not there yet. Words beyond those
/// matter to nobody.
fn words(bytes: &[u8]) -> Option<([Range<usize>; WORDS], usize)> {
    let mut words = [const { 0..0 }; WORDS];
    let (mut count, mut start) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b' ' && *byte != b'\r' {
            continue;
        }
        if at > start && count < WORDS {
            words[count] = start..at;
            count += 1;
        }
        start = at + 1;
        if *byte == b'\r' {
            return (bytes.get(at + 1) == Some(&b'\n')).then_some((words, at));
        }
    }
    None
}

fn number(word: &[u8]) -> anyhow::Result<usize> {
    let text = std::str::from_utf8(word).ok();
    text.and_then(|text| text.parse().ok()).context("a message of NATS tells no length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, reply: &str, payload: &str) {
        let parsed = parse(bytes.as_bytes()).expect("valid");
        let Some((Parsed::Message { reply: its_reply, payload: its_payload }, used)) = parsed else {
            panic!("{bytes:?} is {parsed:?}");
        };
        assert_eq!((&bytes[its_reply], &bytes[its_payload], used), (reply, payload, bytes.len()));
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes.as_bytes()[..end]).expect("valid"), None, "{:?}", &bytes[..end]);
        }
    }

    #[test]
    fn messages_are_found_when_all_of_them_is_there() {
        check("MSG bench.0 1 5\r\nhello\r\n", "", "hello");
        check("MSG bench.0 1 $JS.ACK.far.c.1.1.1.1.0 2\r\n\r\n\r\n", "$JS.ACK.far.c.1.1.1.1.0", "\r\n");
        check("HMSG _INBOX.a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", "", "");
        check("HMSG _INBOX.a 1 re 16 18\r\nNATS/1.0 100\r\n\r\nhi\r\n", "re", "hi");
    }

    #[test]
    fn other_packets_are_one_line() {
        for (line, expected) in [("PING", Parsed::Ping), ("PONG", Parsed::Pong), ("INFO {}", Parsed::Nothing)] {
            let bytes = format!("{line}\r\nMSG");
            assert_eq!(parse(bytes.as_bytes()).expect("valid"), Some((expected, line.len() + 2)));
        }
        for bad in ["-ERR 'Authorization Violation'\r\n", "MSG a 1 x\r\n", "HMSG a 1 9 2\r\nab\r\n"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
