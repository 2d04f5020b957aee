//! A small client of Kafka's own protocol, for the questions and changes that the client library does not know, or not as
//! they are wanted: it salts passwords itself, and so would have to be told them.
//!
//! One connection to one broker, one question at a time, each with a deadline. Versions are agreed on with the broker: a
//! question that it does not know is answered so here, and never sent. Nothing is kept between two looks at a cluster, so
//! there is nothing that could be half open.

mod login;
mod shape;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode;
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeAclsRequest, RequestHeader, ResponseHeader, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message, StrBytes, VersionRange};
use mesh_protocol::desired::BrokerConnection;
use mesh_protocol::report::BrokerNode;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::kafka::config::{self, Credentials};
use crate::kafka::secret::Secrets;
use crate::part::StartError;
use crate::trust;
use login::{Dialogue, Next};

pub(crate) use login::LoginError;
pub(crate) use shape::Ask;

/// In Kafka's filters: any type, pattern, operation or permission.
const ANY: i8 = 1;

/// Longest wait until a connection stands and we are logged in.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Largest answer, in bytes: the sizes of some 300,000 replicas. Decoded, it may take 25 times as much.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What administrators of the cluster see us as.
const CLIENT_ID: &str = "meshport-agent";

/// How the brokers of a cluster are connected to.
#[derive(Clone)]
pub(crate) struct Access {
    tls: Option<TlsConnector>,
    login: Option<Credentials>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("tls", &self.tls.is_some()).field("login", &self.login).finish()
    }
}

/// Why a question has no answer. What it was about is said by who asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("its version of Kafka does not know the question")]
    Unknown,
    #[error("{0} does not answer in time")]
    Slow(String),
    #[error("no connection to {0}")]
    Connect(String, #[source] io::Error),
    #[error("no secure connection to {0}")]
    Tls(String, #[source] io::Error),
    #[error("{0} refuses the login")]
    Refused(String),
    #[error("no login at {0}")]
    Login(String, #[source] LoginError),
    #[error("the connection to {0} broke")]
    Broken(String, #[source] io::Error),
    #[error("the answer of {0} cannot be understood")]
    Garbled(String),
}

impl Access {
    /// From desired state, as the client library has it.
    pub(crate) fn new(broker: &BrokerConnection, secrets: &dyn Secrets) -> Result<Self, StartError> {
        let security = &broker.security;
        let tls = security.tls.then(|| trust::client(security.ca_pem.as_deref())).transpose();
        let tls = tls.map_err(|error| {
            StartError::Rejected(format!(
                "TLS with {} is not possible: {error}; paste the PEM of its authority into the broker connection",
                broker.name
            ))
        })?;
        let login = config::credentials(broker, secrets)?;
        Ok(Self { tls: tls.map(|tls| TlsConnector::from(Arc::new(tls))), login })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection to one broker.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    address: String,
    versions: BTreeMap<i16, VersionRange>,
    asked: i32,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects, agrees on versions, logs in.
    pub(crate) async fn open(access: &Access, node: &BrokerNode) -> Result<Self, AskError> {
        let opening = timeout(CONNECT, Self::opened(access, &node.address));
        opening.await.unwrap_or_else(|_| Err(AskError::Slow(node.address.clone())))
    }

    async fn opened(access: &Access, address: &str) -> Result<Self, AskError> {
        let name = || address.to_owned();
        let tcp = TcpStream::connect(address).await.map_err(|error| AskError::Connect(name(), error))?;
        // A question is written at once; nothing is gained by waiting for more.
        let _best_effort = tcp.set_nodelay(true);
        let stream: Box<dyn Stream> = match &access.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let failed = |error| AskError::Tls(name(), error);
                let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
                let host = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
                Box::new(tls.connect(host, tcp).await.map_err(failed)?)
            }
        };
        let mut connection = Self { stream, address: name(), versions: BTreeMap::new(), asked: 0 };
        connection.agree().await?;
        if let Some(login) = &access.login {
            connection.log_in(login).await?;
        }
        Ok(connection)
    }

    async fn agree(&mut self) -> Result<(), AskError> {
        // Every broker answers version 0.
        let known = self.exchange(&ApiVersionsRequest::default(), 0).await?;
        let ranges = known
            .api_keys
            .into_iter()
            .map(|api| (api.api_key, VersionRange { min: api.min_version, max: api.max_version }));
        self.versions = ranges.collect();
        Ok(())
    }

    async fn log_in(&mut self, login: &Credentials) -> Result<(), AskError> {
        let mechanism = StrBytes::from_static_str(config::mechanism_name(login.mechanism));
        let shaken = self.exchange(&SaslHandshakeRequest::default().with_mechanism(mechanism), 1).await?;
        if shaken.error_code != 0 {
            return Err(AskError::Refused(self.address.clone()));
        }
        let (mut dialogue, mut say) = Dialogue::begin(login, &nonce());
        loop {
            let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(say));
            let answer = self.ask(&request).await?;
            if answer.error_code != 0 {
                return Err(AskError::Refused(self.address.clone()));
            }
            match dialogue.hear(&answer.auth_bytes).map_err(|error| AskError::Login(self.address.clone(), error))? {
                Next::Say(next) => say = next,
                Next::LoggedIn => return Ok(()),
            }
        }
    }

    /// Asks in the newest version that both know.
    ///
    /// # Errors
    /// [`AskError`]; after all but [`AskError::Unknown`] the connection is of no use any more.
    pub(crate) async fn ask<A: Ask>(&mut self, request: &A) -> Result<A::Response, AskError> {
        let theirs = self.versions.get(&A::KEY).ok_or(AskError::Unknown)?;
        let both = theirs.intersect(&A::VERSIONS).intersect(&<A::Response as Message>::VERSIONS);
        if both.is_empty() {
            return Err(AskError::Unknown);
        }
        self.exchange(request, both.max).await
    }

    async fn exchange<A: Ask>(&mut self, request: &A, version: i16) -> Result<A::Response, AskError> {
        let exchanged = timeout(ANSWER, self.exchanged(request, version)).await;
        exchanged.unwrap_or_else(|_| Err(AskError::Slow(self.address.clone())))
    }

    async fn exchanged<A: Ask>(&mut self, request: &A, version: i16) -> Result<A::Response, AskError> {
        self.asked = self.asked.wrapping_add(1);
        let frame = frame(request, version, self.asked).ok_or_else(|| AskError::Garbled(self.address.clone()))?;
        let broken = |error| AskError::Broken(self.address.clone(), error);
        self.stream.write_all(&frame).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        let length = self.stream.read_u32().await.map_err(broken)? as usize;
        if length > ANSWER_BYTES_MAX {
            return Err(AskError::Garbled(self.address.clone()));
        }
        let mut answer = BytesMut::zeroed(length);
        self.stream.read_exact(&mut answer).await.map_err(broken)?;
        read::<A>(answer.freeze(), version, self.asked).ok_or_else(|| AskError::Garbled(self.address.clone()))
    }
}

/// Length, header, body.
fn frame<A: Ask>(request: &A, version: i16, number: i32) -> Option<BytesMut> {
    let header = RequestHeader::default()
        .with_request_api_key(A::KEY)
        .with_request_api_version(version)
        .with_correlation_id(number)
        .with_client_id(Some(StrBytes::from_static_str(CLIENT_ID)));
    let mut frame = BytesMut::new();
    frame.put_u32(0);
    header.encode(&mut frame, A::header_version(version)).ok()?;
    request.encode(&mut frame, version).ok()?;
    let length = u32::try_from(frame.len() - 4).ok()?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Some(frame)
}

fn read<A: Ask>(mut answer: Bytes, version: i16, number: i32) -> Option<A::Response> {
    let header = ResponseHeader::decode(&mut answer, A::Response::header_version(version)).ok()?;
    // The decoder trusts every length.
    if !shape::holds::<A>(&answer, version) {
        return None;
    }
    let body = A::Response::decode(&mut answer, version).ok()?;
    (header.correlation_id == number && !answer.has_remaining()).then_some(body)
}

/// What makes this login another than all before.
fn nonce() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// Asks for every entry of every access list.
pub(crate) fn every_acl() -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_pattern_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

/// What a broker's error code means; none = it is none.
pub(crate) fn refusal(code: i16) -> Option<ResponseError> {
    code.err()
}

#[cfg(test)]
mod tests;
