//! Giving a letter to the mail server.

use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as Secured, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use uuid::Uuid;

use super::config::{Server, Tls};
use crate::domain::mail::Letter;

/// Longest wait for one answer of the server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why a letter was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("an address is none that mail can be sent to")]
    Address(#[source] lettre::address::AddressError),
    #[error("the letter cannot be written")]
    Letter(#[source] lettre::error::Error),
    #[error("the mail server {0} did not take it")]
    Smtp(String, #[source] lettre::transport::smtp::Error),
}

impl PostError {
    /// Whether another try would end the same way.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Address(_) | Self::Letter(_) => true,
            Self::Smtp(_, error) => error.is_permanent(),
        }
    }
}

/// An address with or without a name before it.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, lettre::address::AddressError> {
    text.parse()
}

/// Sends a letter.
pub(super) async fn send(server: &Server, to: &str, letter: &Letter) -> Result<(), PostError> {
    let message = written(server, to, letter)?;
    let failed = |error| PostError::Smtp(server.host.clone(), error);
    let transport = transport(server).map_err(failed)?;
    transport.send(message).await.map(drop).map_err(failed)
}

fn written(server: &Server, to: &str, letter: &Letter) -> Result<Message, PostError> {
    let from = mailbox(&server.from).map_err(PostError::Address)?;
    let id = format!("<{}@{}>", Uuid::now_v7().simple(), from.email.domain());
    // Nobody's holiday answer comes back.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    Message::builder()
        .from(from)
        .to(mailbox(to).map_err(PostError::Address)?)
        .subject(letter.subject.clone())
        .message_id(Some(id))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(PostError::Letter)
}

fn transport(server: &Server) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    let secured = || TlsParameters::new(server.host.clone());
    let tls = match server.tls {
        Tls::Starttls => Secured::Required(secured()?),
        Tls::Tls => Secured::Wrapper(secured()?),
        Tls::None => Secured::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.clone());
    let builder = builder.port(server.port).tls(tls).timeout(Some(TIMEOUT));
    Ok(match &server.login {
        Some((user, password)) => builder.credentials(Credentials::new(user.clone(), password.clone())),
        None => builder,
    }
    .build())
}
