//! Questions to an HTTP listener that change nothing there. Each has a connection of its own, of whose answer the beginning is
//! read by hand: what answers may be anything.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::climb::{Login, Odd, is_tls};
use super::dial::{Connection, Time};

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 8 * 1024;
/// Answered by a listener that runs, to everybody.
pub(super) const HEALTH: &str = "/healthz";
/// Without a filter it is refused (400), after the login was looked at and before anything is done.
pub(super) const EVENTS: &str = "/v1/events";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// What it says is wrong; may be empty.
    pub(super) detail: String,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
}

/// Sends a GET, and reads the answer as far as it says something.
pub(super) async fn ask(
    mut io: Connection,
    host: &str,
    path: &str,
    login: Option<&Login>,
    time: Time,
) -> Result<Answer, Odd> {
    let request = request(host, path, login);
    let exchange = async {
        io.write_all(request.as_bytes()).await.map_err(|_| Odd::Closed)?;
        io.flush().await.map_err(|_| Odd::Closed)?;
        read(&mut io).await
    };
    time.bound(exchange).await.ok_or(Odd::Late)?
}

/// The path that asks for a filter of the mesh dialect.
pub(super) fn receive(filter: &str) -> String {
    let mut path = format!("{EVENTS}?filter=");
    for byte in filter.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn request(host: &str, path: &str, login: Option<&Login>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    if let Some(login) = login {
        let both = BASE64_STANDARD.encode(format!("{}:{}", login.username, login.expose()));
        text.push_str(&format!("User-Agent: {}\r\nAuthorization: Basic {both}\r\n", login.client_id));
    }
    text.push_str("\r\n");
    text
}

async fn read(io: &mut Connection) -> Result<Answer, Odd> {
    let mut bytes = Vec::new();
    let mut part = [0; 1024];
    loop {
        // Who wrote all they had may end a connection hard.
        let count = io.read(&mut part).await.unwrap_or(0);
        bytes.extend_from_slice(&part[..count]);
        if is_tls(&bytes) {
            return Err(Odd::Tls);
        }
        let is_over = count == 0 || bytes.len() >= ANSWER_BYTES_MAX;
        if !bytes.is_empty() && !b"HTTP/1.".starts_with(&bytes[..bytes.len().min(7)]) {
            return Err(Odd::broken("What answers there does not speak HTTP."));
        }
        if let Some((status, body)) = parsed(&bytes)
            && (is_over || status < 300 || is_whole(&bytes, body))
        {
            return answer(status, body);
        }
        if is_over {
            return Err(if bytes.is_empty() { Odd::Closed } else { Odd::broken("What answers there breaks off.") });
        }
    }
}

/// The status and the body so far, once the head is whole.
fn parsed(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let line = std::str::from_utf8(bytes[..end].split(|byte| *byte == b'\r').next()?).ok()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    Some((status, &bytes[end + 4..]))
}

/// Whether the body is as long as the head says.
fn is_whole(bytes: &[u8], body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len() - body.len()]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

fn answer(status: u16, body: &[u8]) -> Result<Answer, Odd> {
    // What some servers say to whoever comes without TLS.
    if status == 400 && body.windows(5).any(|five| five == b"HTTPS") {
        return Err(Odd::Tls);
    }
    let detail = serde_json::from_slice::<Problem>(body).map(|problem| problem.detail).unwrap_or_default();
    Ok(Answer { status, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_of(bytes: &'static [u8]) -> Result<Answer, Odd> {
        let (mut far, near) = tokio::io::duplex(64 * 1024);
        far.write_all(bytes).await.expect("written");
        drop(far);
        let mut near: Connection = Box::new(near);
        read(&mut near).await
    }

    #[tokio::test]
    async fn answers_are_read_as_far_as_they_say_something() {
        let stream = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        assert_eq!(read_of(stream).await.map(|answer| answer.status).ok(), Some(200));
        let problem = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 27\r\n\r\n{\"detail\": \"no rule for a\"}";
        let refused = read_of(problem).await.expect("an answer");
        assert_eq!((refused.status, refused.detail.as_str()), (403, "no rule for a"));
    }

    #[tokio::test]
    async fn what_is_no_http_is_told_apart() {
        assert!(matches!(read_of(b"\x15\x03\x03\x00\x02\x02\x32").await, Err(Odd::Tls)));
        assert!(matches!(read_of(b"HTTP/1.1 400 Bad\r\n\r\nplain HTTP to an HTTPS port").await, Err(Odd::Tls)));
        assert!(matches!(read_of(b"").await, Err(Odd::Closed)));
        assert!(matches!(read_of(b"SSH-2.0-x\r\n").await, Err(Odd::Broken(_))));
        assert!(matches!(read_of(b"HTTP/1.1 20").await, Err(Odd::Broken(_))));
    }

    #[test]
    fn filters_are_written_into_the_path() {
        assert_eq!(receive("orders/*/>"), "/v1/events?filter=orders%2F%2A%2F%3E");
    }
}
