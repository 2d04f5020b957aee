//! How clients prove who they are. Schemes say how, never with what.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::extensions::put;
use super::key::SchemeKey;

/// A way for clients to prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// SASL PLAIN, of Kafka and AMQP.
    Plain,
    /// SASL SCRAM-SHA-256.
    ScramSha256,
    /// SASL SCRAM-SHA-512.
    ScramSha512,
    /// SASL GSSAPI: Kerberos.
    Gssapi,
    /// OAuth 2 with client credentials; SASL OAUTHBEARER of Kafka, too.
    OAuth2 {
        /// Where tokens come from.
        token_url: String,
        /// The scopes there are, and what each allows.
        scopes: BTreeMap<String, String>,
    },
    /// OpenID Connect.
    OpenIdConnect {
        /// Its discovery document.
        url: String,
    },
    /// A certificate of the client.
    X509,
    /// User and password, of MQTT and AMQP.
    UserPassword,
    /// HTTP basic authentication.
    HttpBasic,
    /// A token in HTTP's `Authorization`.
    HttpBearer {
        /// What kind of token, such as `JWT`. Empty = not told.
        format: String,
    },
    /// A key in a header.
    HttpApiKey {
        /// The header.
        header: String,
    },
}

/// What a server or operation asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A scheme.
    Scheme(SchemeKey),
    /// A scheme of OAuth 2 or OpenID Connect, with scopes.
    Scopes(SchemeKey, Vec<String>),
}

impl Requirement {
    pub(super) fn scheme(&self) -> &SchemeKey {
        match self {
            Self::Scheme(key) | Self::Scopes(key, _) => key,
        }
    }
}

impl Scheme {
    pub(super) fn to_value(&self, description: &str) -> Value {
        let mut object = Map::new();
        let mut set = |key: &str, value: Value| put(&mut object, key, value);
        set("type", self.kind().into());
        set("description", description.into());
        match self {
            Self::OAuth2 { token_url, scopes } => {
                let flow = json!({ "tokenUrl": token_url, "availableScopes": scopes });
                set("flows", json!({ "clientCredentials": flow }));
            }
            Self::OpenIdConnect { url } => set("openIdConnectUrl", url.clone().into()),
            Self::HttpBasic => set("scheme", "basic".into()),
            Self::HttpBearer { format } => {
                set("scheme", "bearer".into());
                set("bearerFormat", format.clone().into());
            }
            Self::HttpApiKey { header } => {
                set("name", header.clone().into());
                set("in", "header".into());
            }
            _ => {}
        }
        object.into()
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::ScramSha256 => "scramSha256",
            Self::ScramSha512 => "scramSha512",
            Self::Gssapi => "gssapi",
            Self::OAuth2 { .. } => "oauth2",
            Self::OpenIdConnect { .. } => "openIdConnect",
            Self::X509 => "X509",
            Self::UserPassword => "userPassword",
            Self::HttpBasic | Self::HttpBearer { .. } => "http",
            Self::HttpApiKey { .. } => "httpApiKey",
        }
    }

    /// Whether it has scopes.
    pub(super) fn has_scopes(&self) -> bool {
        matches!(self, Self::OAuth2 { .. } | Self::OpenIdConnect { .. })
    }
}
