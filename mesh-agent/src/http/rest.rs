//! Questions to a REST API, one after the other. Who answers is not trusted: an answer has a longest time and a largest size,
//! and what it says is cut to what one can show.

use std::error::Error;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioTimer;
use mesh_protocol::desired::{Surveyed, check_webhook_url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::login::{how_to_log_in, password, sends_readable};
use crate::causes::chain;
use crate::http::connect::{self, Connector, OnTasks, TlsError};
use crate::kafka::secret::Secrets;
use crate::part::StartError;
use crate::task::Tasks;

/// Longest wait for one answer with its body.
const ANSWER: Duration = Duration::from_secs(20);
/// Largest body of an answer that is read.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Connections without a question are closed after this time.
const IDLE: Duration = Duration::from_secs(30);
/// Most characters of a refusal that are told.
const TOLD_CHARS_MAX: usize = 200;
/// Most characters of a text that is shown: states, classes, reasons.
const TEXT_CHARS_MAX: usize = 500;
/// Longest name of anything, in bytes: what is longer is left out and counted.
const NAME_BYTES_MAX: usize = 1_024;

/// Asks one API.
#[derive(Debug)]
pub(crate) struct Rest {
    client: Client<Connector, Empty<Bytes>>,
    /// Without a slash at its end.
    base: String,
    /// Scheme and host: a path may hold what is nobody's business.
    name: String,
    login: Option<HeaderValue>,
    /// Who logs in; none = nobody.
    user: Option<String>,
    /// Name of its password; empty without a login.
    secret: String,
}

/// Why there is no answer to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such thing, or it has nothing to say about it.
    Absent,
    /// It must know who asks (401).
    Unknown(String),
    /// Who asks may not (403).
    Denied(String),
    /// Nobody answers.
    Lost(String),
    /// Somebody answers, and not with what was asked for.
    Odd(String),
}

impl Failure {
    /// For people.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Absent => "there is no such thing".to_owned(),
            Self::Unknown(reason) | Self::Denied(reason) | Self::Lost(reason) | Self::Odd(reason) => reason,
        }
    }
}

impl Rest {
    /// # Errors
    /// What is wrong with the broker connection or with this machine, and what to do.
    pub(crate) fn new(surveyed: &Surveyed, secrets: &dyn Secrets, tasks: &Tasks) -> Result<Self, StartError> {
        let rejected = |what: String| StartError::Rejected(format!("broker connection {}: {what}", surveyed.name));
        check_webhook_url(&surveyed.url).map_err(|error| rejected(format!("the URL {error}")))?;
        let base = surveyed.url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|error| rejected(format!("the URL cannot be used: {error}")))?;
        let secure = uri.scheme_str() == Some("https");
        let tls = secure.then(|| connect::tls(surveyed.ca_pem.as_deref())).transpose();
        let tls = tls.map_err(|error| match error {
            TlsError::NoRoots => StartError::Failing(error.to_string()),
            _ => rejected(chain(&error)),
        })?;
        if sends_readable(surveyed) {
            return Err(rejected("the password would be sent readable: use https".to_owned()));
        }
        let client = Client::builder(OnTasks(tasks.clone()))
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            // Whoever names a broker connection means it: it is where such things are, inside.
            .build(Connector::new(tls, true));
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let name = format!("{}://{authority}", uri.scheme_str().unwrap_or("http"));
        let header = login(surveyed, secrets)?;
        let (user, secret) = surveyed.login.clone().map(|login| (login.username, login.secret)).unzip();
        Ok(Self { client, base, name, login: header, user, secret: secret.unwrap_or_default() })
    }

    /// Who asks, for people.
    pub(crate) fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("ANONYMOUS")
    }

    /// Asks for what is at this path, given by its segments as they are.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        self.get_with(path, "").await
    }

    /// The same with a query, which is sent as it is; empty = none.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) async fn get_with<T: DeserializeOwned>(&self, path: &[&str], query: &str) -> Result<T, Failure> {
        let (place, answer) = self.answer(path, query).await?;
        read(&self.name, &place, answer)
    }

    /// As [`Rest::get`], where much depends on it that there is none: only the API's own word for that is believed, a code
    /// of its own in the answer. Somebody else may have answered where the API is not.
    ///
    /// # Errors
    /// [`Failure`], never [`Failure::Absent`].
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, Failure> {
        let (place, (status, body)) = self.answer(path, "").await?;
        if status == StatusCode::NOT_FOUND && serde_json::from_slice::<Refused>(&body).is_ok() {
            return Ok(None);
        }
        match read(&self.name, &place, (status, body)) {
            Err(Failure::Absent) => Err(Failure::Odd(format!(
                "{} answered {status} to {place} without a code of its own: the URL must be that of the API, with the path \
                 that stands before {place}",
                self.name
            ))),
            read => read.map(Some),
        }
    }

    /// What is answered to a path, and the path as it was asked.
    async fn answer(&self, path: &[&str], query: &str) -> Result<(String, (StatusCode, Bytes)), Failure> {
        let place: String = path.iter().map(|segment| format!("/{}", encoded(segment))).collect();
        let mut address = if path.is_empty() { format!("{}/", self.base) } else { format!("{}{place}", self.base) };
        if !query.is_empty() {
            address = format!("{address}?{query}");
        }
        let uri: Uri = address.parse().map_err(|error| Failure::Odd(format!("{address} is no address: {error}")))?;
        match timeout(ANSWER, self.ask(uri)).await {
            Ok(answer) => Ok((place, answer?)),
            Err(_) => Err(Failure::Lost(format!("{} did not answer within {} s", self.name, ANSWER.as_secs()))),
        }
    }

    /// Asks the first question of a scan. Of its failures some mean that nothing can be read at all; `otherwise` is what is
    /// there when the answer is that there is no such thing.
    ///
    /// # Errors
    /// Why nothing can be read, and what to do.
    pub(crate) async fn first<T: DeserializeOwned>(
        &self,
        path: &[&str],
        otherwise: &str,
    ) -> Result<Result<T, Failure>, String> {
        self.first_of(self.get(path).await, otherwise)
    }

    /// The same of an answer that is there.
    ///
    /// # Errors
    /// Why nothing can be read, and what to do.
    pub(crate) fn first_of<T>(
        &self,
        answer: Result<T, Failure>,
        otherwise: &str,
    ) -> Result<Result<T, Failure>, String> {
        match answer {
            Err(Failure::Absent) => Err(format!("{} {otherwise}", self.name)),
            Err(Failure::Unknown(reason)) => Err(format!("{reason}; {}", self.how_to_log_in())),
            Err(Failure::Lost(reason)) => Err(reason),
            answer => Ok(answer),
        }
    }

    /// What to do when it must know who asks.
    pub(crate) fn how_to_log_in(&self) -> String {
        how_to_log_in(self.user.as_deref().map(|user| (user, self.secret.as_str())))
    }

    async fn ask(&self, uri: Uri) -> Result<(StatusCode, Bytes), Failure> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("meshport/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(login) = &self.login {
            headers.insert(AUTHORIZATION, login.clone());
        }
        let lost = |error: &dyn Error| Failure::Lost(format!("{} cannot be reached: {}", self.name, chain(error)));
        let response = self.client.request(request).await.map_err(|error| lost(&error))?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => Ok((parts.status, body.to_bytes())),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(Failure::Odd(format!("{} answered with more than {BODY_BYTES_MAX} bytes", self.name)))
            }
            Err(error) => Err(lost(&*error)),
        }
    }
}

/// What an API says when it refuses, as far as it matters.
#[derive(Deserialize)]
struct Refused {
    #[serde(rename = "error_code")]
    _code: i64,
}

/// The header of a login; none = there is no login.
fn login(surveyed: &Surveyed, secrets: &dyn Secrets) -> Result<Option<HeaderValue>, StartError> {
    let Some((username, password)) = password(surveyed, secrets)? else { return Ok(None) };
    let credentials = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
    let mut header = HeaderValue::try_from(format!("Basic {credentials}")).expect("Base64 can stand in a header");
    header.set_sensitive(true);
    Ok(Some(header))
}

/// What an answer says. `place` is what was asked for.
fn read<T: DeserializeOwned>(name: &str, place: &str, (status, body): (StatusCode, Bytes)) -> Result<T, Failure> {
    let told = |body: &[u8]| {
        let told = line(&String::from_utf8_lossy(&body[..body.len().min(4 * TOLD_CHARS_MAX)]), TOLD_CHARS_MAX);
        let told = if told.is_empty() { told } else { format!(": {told}") };
        format!("{name} answered {status} to {place}{told}")
    };
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::NO_CONTENT => Err(Failure::Absent),
        StatusCode::UNAUTHORIZED => Err(Failure::Unknown(told(&body))),
        StatusCode::FORBIDDEN => Err(Failure::Denied(told(&body))),
        _ if status.is_redirection() => {
            Err(Failure::Odd(format!("{name} answered {status} to {place}: redirects are not followed")))
        }
        _ if !status.is_success() => Err(Failure::Odd(told(&body))),
        _ => serde_json::from_slice(&body).map_err(|error| {
            Failure::Odd(format!(
                "{name} answered {place} with something else than its API says: {}",
                line(&error.to_string(), TOLD_CHARS_MAX)
            ))
        }),
    }
}

/// A segment of a path: subjects have slashes, connectors have spaces.
fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => text.push(char::from(byte)),
            // A segment of dots alone would be taken for a way up.
            b'.' if segment.bytes().any(|byte| byte != b'.') => text.push('.'),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// One line of a text, cut to so many characters.
fn line(text: &str, chars_max: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(chars_max).collect()
}

/// A text of the API as it may be shown: one line, not too long.
pub(crate) fn shown(text: &str) -> String {
    line(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default(), TEXT_CHARS_MAX)
}

/// Names in order, each once, at most so many, and how many were left out: too many, too long or empty.
pub(crate) fn bounded(names: Vec<String>, max: usize) -> (Vec<String>, u64) {
    let all = names.len();
    let usable = |name: &String| !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains('\0');
    let mut kept: Vec<String> = names.into_iter().filter(usable).collect();
    let unusable = all - kept.len();
    kept.sort_unstable();
    kept.dedup();
    let more = kept.len().saturating_sub(max);
    kept.truncate(max);
    (kept, (unusable + more) as u64)
}

#[cfg(test)]
mod tests;
