//! One request to the endpoint, and what its answer means.
//!
//! | answer | meaning |
//! | --- | --- |
//! | 2xx | taken |
//! | 408, 425, 429, 5xx, no answer in time, a connection that fails or breaks | again, not earlier than `Retry-After` |
//! | 3xx | refused for good: redirects are not followed, because the next place was named by nobody who may edit routes |
//! | everything else, 410 too | refused for good |
//! | an address that may not be called | nothing was sent: it waits until the route or the name is mended |
//!
//! Of an answer's body only the beginning is read, for the reason; the rest is not waited for.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioTimer;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use tokio::time::{Instant, timeout_at};

use crate::causes::chain;
use crate::http::connect::{ConnectError, Connector, OnTasks};
use crate::task::Tasks;

/// Connections without a request are closed after this time; many servers close them after a minute.
const IDLE: Duration = Duration::from_secs(30);
/// A connection of HTTP/2 is asked so often whether it lives, and closed when it does not say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
/// Longest pause that an endpoint gets by asking for it.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(15 * 60);
/// Most bytes of an answer that are read, so that its connection can be used again.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Most characters of an answer that become part of a reason.
const TOLD_CHARS_MAX: usize = 200;
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    client: Client<Connector, Full<Bytes>>,
    uri: Uri,
    /// Scheme and host: a path may hold what is nobody's business.
    name: String,
    timeout: Duration,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    /// It did not work this time.
    Again {
        reason: String,
        after: Duration,
    },
    /// It will never work.
    Refused(String),
    /// Nothing was sent, and nothing else would be: somebody has to mend the route or the network.
    Barred(String),
}

impl Endpoint {
    pub(super) fn new(uri: Uri, connector: Connector, timeout: Duration, idle_max: usize, tasks: &Tasks) -> Self {
        let client = Client::builder(OnTasks(tasks.clone()))
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle_max)
            .http2_keep_alive_interval(KEEP_ALIVE.0)
            .http2_keep_alive_timeout(KEEP_ALIVE.1)
            .build(connector);
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let name = format!("{}://{authority}", uri.scheme_str().unwrap_or("http"));
        Self { client, uri, name, timeout }
    }

    /// Sends a request and waits for the answer, at most as long as the route says.
    pub(super) async fn call(&self, headers: HeaderMap, body: Bytes) -> Answer {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        let agent = concat!("meshport/", env!("CARGO_PKG_VERSION"));
        request.headers_mut().insert(USER_AGENT, hyper::header::HeaderValue::from_static(agent));
        let until = Instant::now() + self.timeout;
        match timeout_at(until, self.client.request(request)).await {
            Ok(Ok(response)) => self.answer(response, until).await,
            Ok(Err(error)) => self.failed(&error),
            Err(_) => again(format!("{} did not answer within {} ms", self.name, self.timeout.as_millis())),
        }
    }

    fn failed(&self, error: &(dyn Error + 'static)) -> Answer {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(connect) = error.downcast_ref::<ConnectError>() {
                return match connect {
                    ConnectError::Private { .. } | ConnectError::NoHost => Answer::Barred(chain(connect)),
                    _ => again(format!("{} cannot be reached: {}", self.name, chain(connect))),
                };
            }
            cause = error.source();
        }
        again(format!("the connection to {} broke: {}", self.name, chain(error)))
    }

    async fn answer(&self, response: Response<Incoming>, until: Instant) -> Answer {
        let (parts, body) = response.into_parts();
        let told = beginning(body, until).await;
        let now = OffsetDateTime::now_utc();
        judge(&self.name, parts.status, &parts.headers, &told, now)
    }
}

fn again(reason: String) -> Answer {
    Answer::Again { reason, after: Duration::ZERO }
}

/// What an answer means. `told` is the beginning of its body.
fn judge(name: &str, status: StatusCode, headers: &HeaderMap, told: &str, now: OffsetDateTime) -> Answer {
    let reason = || {
        let told = if told.is_empty() { String::new() } else { format!(": {told}") };
        format!("{name} answered {status}{told}")
    };
    match status {
        _ if status.is_success() => Answer::Taken,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Answer::Again { reason: reason(), after: retry_after(headers, now) }
        }
        _ if status.is_server_error() => Answer::Again { reason: reason(), after: retry_after(headers, now) },
        _ if status.is_redirection() => {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            let to: String = to.chars().take(TOLD_CHARS_MAX).collect();
            Answer::Refused(format!(
                "{name} answered {status} and points to {to}: redirects are not followed; if that is the right place, \
                 name it in the route"
            ))
        }
        _ => Answer::Refused(reason()),
    }
}

/// Seconds or a date; never more than [`RETRY_AFTER_MAX`]. What cannot be read asks for nothing.
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Duration {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => PrimitiveDateTime::parse(text, HTTP_DATE)
            .ok()
            .and_then(|date| Duration::try_from(date.assume_utc() - now).ok())
            .unwrap_or_default(),
    };
    asked.min(RETRY_AFTER_MAX)
}

/// The beginning of a body as one line of text. A body that ends soon is read to its end, so that its connection can be
/// used again.
async fn beginning(mut body: Incoming, until: Instant) -> String {
    let mut told = Vec::new();
    let mut bytes = 0;
    while bytes <= BODY_BYTES_MAX
        && let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await
    {
        let Some(data) = frame.data_ref() else { continue };
        bytes += data.len();
        let room = (4 * TOLD_CHARS_MAX).saturating_sub(told.len());
        told.extend_from_slice(&data[..data.len().min(room)]);
    }
    let text = String::from_utf8_lossy(&told);
    let line: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().take(TOLD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use time::macros::datetime;

    fn answer(status: u16, header: Option<(hyper::header::HeaderName, &'static str)>) -> Answer {
        let headers: HeaderMap =
            header.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect();
        let now = datetime!(1994-11-06 08:49:00 UTC);
        judge("http://erp", StatusCode::from_u16(status).expect("a status"), &headers, "full", now)
    }

    fn after(header: &'static str) -> u64 {
        match answer(429, Some((RETRY_AFTER, header))) {
            Answer::Again { after, .. } => after.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_work_later_is_tried_again_and_the_rest_is_refused() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answer(status, None), Answer::Taken, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(matches!(answer(status, None), Answer::Again { after: Duration::ZERO, .. }), "{status}");
        }
        for status in [400, 401, 403, 404, 405, 410, 413, 422] {
            assert!(matches!(answer(status, None), Answer::Refused(_)), "{status}");
        }
        assert_eq!(answer(404, None), Answer::Refused("http://erp answered 404 Not Found: full".to_owned()));
    }

    #[test]
    fn a_redirect_says_where_to_and_is_not_followed() {
        for status in [301, 302, 303, 307, 308] {
            let Answer::Refused(reason) = answer(status, Some((LOCATION, "https://other/"))) else {
                panic!("{status}")
            };
            assert!(reason.contains("https://other/") && reason.contains("not followed"), "{reason}");
        }
    }

    #[test]
    fn an_endpoint_may_ask_for_a_pause_within_bounds() {
        assert_eq!([after("7"), after("0"), after("soon"), after("-1")], [7, 0, 0, 0]);
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), 37);
        assert_eq!(after("Sun, 06 Nov 1994 08:48:37 GMT"), 0, "it has passed");
        assert_eq!([after("99999999999"), after("Sun, 06 Nov 2094 08:49:37 GMT")], [900, 900]);
    }
}
