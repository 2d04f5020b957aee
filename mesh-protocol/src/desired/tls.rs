//! Listeners that speak TLS, and the certificates by which clients log in there.
//!
//! Both stand beside the plain listeners and the policy, not in them, so that an agent from before there were any leaves them
//! aside: it opens no port in the clear that was meant to be encrypted, and lets nobody in whom it cannot check.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Listener;
use crate::id::PrincipalId;

/// An endpoint that speaks TLS only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsListener {
    /// What it is inside TLS.
    #[serde(flatten)]
    pub listener: Listener,
    /// How it shows and asks for certificates.
    pub tls: ListenerTls,
}

/// Certificates at a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerTls {
    /// DNS names and addresses by which clients know it, ascending; its certificate is issued for exactly these.
    pub names: Vec<String>,
    /// The authority of listeners, PEM: who issues their certificates, unless an agent has been given one of another.
    pub authority_pem: String,
    /// The authority of devices, PEM. A client may show a certificate of it; one of any other is refused.
    pub clients_pem: String,
}

/// A certificate that a principal may log in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Who logs in with it.
    pub principal: PrincipalId,
    /// Which.
    pub fingerprint: Fingerprint,
}

/// SHA-256 of a certificate (DER); 64 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u8; 32]);

/// Why a text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a certificate's fingerprint is 64 hex digits")]
pub struct FingerprintError;

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| FingerprintError)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_its_hex_digits_and_nothing_else() {
        let fingerprint = Fingerprint([0xab; 32]);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!(serde_json::to_string(&fingerprint).expect("serializes"), format!("\"{}\"", "ab".repeat(32)));
        for bad in ["", "ab", &"ab".repeat(33), &"zz".repeat(32)] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }

    #[test]
    fn an_older_reader_finds_the_listener_but_not_among_its_own() {
        let text = r#"{"id":"00000000-0000-0000-0000-000000000001","name":"mqtts","protocol":"mqtt","bind":"0.0.0.0:8883",
            "payload_bytes_max":1,"connections_max":1,"custody_timeout_ms":100,
            "tls":{"names":["mqtt.lyon.example"],"authority_pem":"A","clients_pem":"B"}}"#;
        let listener: TlsListener = serde_json::from_str(text).expect("readable");
        assert_eq!((listener.listener.name.as_str(), listener.tls.names.len()), ("mqtts", 1));
        let written = serde_json::to_value(&listener).expect("serializes");
        assert_eq!(serde_json::from_value::<TlsListener>(written).expect("readable"), listener);
    }
}
