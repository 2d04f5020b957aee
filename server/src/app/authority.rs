//! Who may speak for whom: three certificate authorities and the key that signs policy.
//!
//! A fifth key, which speaks for nobody, seals the secrets of others that the portal must be able to read again (`vault`).
//!
//! Agents, devices and listeners have separate authorities, because a device's certificate must never join the fabric, nor
//! play a listener. The policy key is none of them: whoever steals one of the four cannot use it for another's purpose. All
//! of them lie in one folder of files with mode 0600. Portals on one database share that folder (`--secrets`); whoever reads
//! or writes it holds its lock for that moment, so two that start at once do not make two sets of keys.

mod certificates;
mod files;
mod scram;
mod vault;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
pub use certificates::DeviceCertificate;
use ed25519_dalek::SigningKey;
use mesh_protocol::desired::{PasswordFor, Scram};
use mesh_protocol::enrol::PORTAL_TLS_NAME;
use mesh_protocol::id::AgentId;
use mesh_protocol::sealed::{self, Sealed};
use mesh_protocol::signed::{Domain, Signed};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

pub(super) use scram::salted;

/// Life of an agent's certificate, in days (DATAPLANE.md 5).
pub const CERTIFICATE_DAYS: i64 = 90;
/// Life of an authority's own certificate, in days.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Clocks of agents may be this far behind, in hours.
const BACKDATE_HOURS: i64 = 24;

/// File of the key that signs policy.
const POLICY_KEY: &str = "policy.key";
/// File of the key that signs after the next rotation.
const NEXT_POLICY_KEY: &str = "policy-next.key";

/// Why the authority could not do it.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file cannot be read or written.
    #[error("cannot use the secret file {}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("the secret file {} is damaged: restore it from a backup", .0.display())]
    Damaged(PathBuf),
    /// The certificate library refused.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A secret in the database does not open.
    #[error("a sealed secret does not open: the database and the secrets folder must be from the same backup")]
    Sealed,
    /// The agent's request is not one.
    #[error("the certificate request is not a PKCS#10 request with an ECDSA P-256 key")]
    Request,
    /// A device's request is not one.
    #[error(
        "this is not a certificate request (PKCS#10, PEM) on a key that listeners can check: ECDSA P-256 or P-384, Ed25519, \
         or RSA of 2048 bits and more"
    )]
    DeviceRequest,
}

/// The keys of this portal. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    agents: Issuing,
    devices: Issuing,
    listeners: Issuing,
    vault: vault::Vault,
    policy: ArcSwap<PolicyKeys>,
}

/// The keys of the policy as they are now: a rotation at another process changes the files under a running portal.
pub struct PolicyKeys {
    current: SigningKey,
    next: SigningKey,
}

/// One certificate authority.
struct Issuing {
    certificate_pem: String,
    certificate_der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What the agents' port presents.
#[derive(Debug)]
pub struct ServerIdentity {
    /// Leaf, then the agents' authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Key of the leaf.
    pub key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    /// Loads the keys from a folder, or makes them at the first start.
    ///
    /// # Errors
    /// A file cannot be read or written, or is damaged.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        files::prepare_folder(folder)?;
        let _lock = files::lock(folder)?;
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            agents: Issuing::open(folder, "agents-ca", "Meshport agents")?,
            devices: Issuing::open(folder, "devices-ca", "Meshport devices")?,
            listeners: Issuing::open(folder, "listeners-ca", "Meshport listeners")?,
            vault: vault::Vault::open(folder)?,
            policy: ArcSwap::from_pointee(PolicyKeys::open(folder)?),
        })))
    }

    /// Whether a folder holds the keys of a portal.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(POLICY_KEY).is_file()
    }

    /// Reads the policy keys again: another process may have rotated them.
    ///
    /// # Errors
    /// A file cannot be read, or is damaged.
    pub fn reload_policy_keys(&self) -> Result<(), AuthorityError> {
        let _lock = files::lock(&self.0.folder)?;
        self.0.policy.store(Arc::new(PolicyKeys::open(&self.0.folder)?));
        Ok(())
    }

    /// Makes the next policy key the one that signs, and a new one the next. The one that signed until now is gone.
    ///
    /// # Errors
    /// A file cannot be written. When the renaming is what failed, nothing changed.
    pub fn rotate_policy_key(&self) -> Result<(), AuthorityError> {
        let folder = &self.0.folder;
        let _lock = files::lock(folder)?;
        files::rename(&folder.join(NEXT_POLICY_KEY), &folder.join(POLICY_KEY))?;
        self.0.policy.store(Arc::new(PolicyKeys::open(folder)?));
        Ok(())
    }

    /// Seals a secret that the portal has to read again to a place, such as the row it is kept in.
    #[must_use]
    pub fn seal(&self, place: &str, secret: &[u8]) -> Vec<u8> {
        self.0.vault.seal(place, secret)
    }

    /// What was sealed to a place.
    ///
    /// # Errors
    /// It was sealed to another one, with another key, or altered.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        self.0.vault.unseal(place, sealed)
    }

    /// Seals a salted password for one user to an agent's public key, 64 hex digits; always alike, because the same policy
    /// revision must always say the same. None = that is no key.
    #[must_use]
    pub fn seal_password(&self, scram: &Scram, place: &PasswordFor<'_>, to: &str) -> Option<Sealed> {
        place.seal(scram, &sealed::public_key(to)?, |parts| self.0.vault.derive(parts))
    }

    /// The agents' authority, PEM.
    #[must_use]
    pub fn agents_ca_pem(&self) -> &str {
        &self.0.agents.certificate_pem
    }

    /// The agents' authority, DER.
    #[must_use]
    pub fn agents_ca(&self) -> &CertificateDer<'static> {
        &self.0.agents.certificate_der
    }

    /// The devices' authority, PEM. Listeners with TLS believe it, and nobody else about devices.
    #[must_use]
    pub fn devices_ca_pem(&self) -> &str {
        &self.0.devices.certificate_pem
    }

    /// What join tokens pin: SHA-256 of the agents' authority.
    #[must_use]
    pub fn ca_pin(&self) -> [u8; 32] {
        Sha256::digest(self.agents_ca()).into()
    }

    /// Tells two sets of secrets apart.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(self.ca_pin())
    }

    /// Public keys that may sign desired state, now and next, 64 hex digits each.
    #[must_use]
    pub fn policy_keys(&self) -> Vec<String> {
        self.policy().announced()
    }

    /// The policy keys as they are now, to announce and sign with the same ones.
    #[must_use]
    pub fn policy(&self) -> Arc<PolicyKeys> {
        self.0.policy.load_full()
    }

    /// Signs a document with the current policy key.
    #[must_use]
    pub fn sign(&self, domain: Domain, body: Vec<u8>) -> Signed {
        self.policy().sign(domain, body)
    }

    /// Issues an agent's certificate over the key of its request; everything else in the request is ignored.
    /// Gives the PEM and its end in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// The request is not one, or its key is not ECDSA P-256.
    pub fn issue_agent(&self, agent: AgentId, csr_pem: &str) -> Result<(String, i64), AuthorityError> {
        let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(|_| AuthorityError::Request)?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(AuthorityError::Request);
        }
        let (params, ends) = leaf(&agent.to_string(), &agent.to_string())?;
        let certificate = params.signed_by(&request.public_key, &self.0.agents.issuer)?;
        Ok((certificate.pem(), ends.unix_timestamp() * 1000))
    }

    /// A fresh certificate for the agents' port. It is made anew at every start and while the portal runs, so it
    /// never expires and its key never touches the disk.
    ///
    /// # Errors
    /// The certificate library's.
    pub fn server_identity(&self) -> Result<ServerIdentity, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let (params, _) = leaf(PORTAL_TLS_NAME, PORTAL_TLS_NAME)?;
        let certificate = params.signed_by(&key, &self.0.agents.issuer)?;
        Ok(ServerIdentity {
            chain: vec![certificate.der().clone(), self.agents_ca().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        })
    }
}

impl std::fmt::Debug for PolicyKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PolicyKeys(..)")
    }
}

impl PolicyKeys {
    fn open(folder: &Path) -> Result<Self, AuthorityError> {
        Ok(Self {
            current: files::signing_key(&folder.join(POLICY_KEY))?,
            next: files::signing_key(&folder.join(NEXT_POLICY_KEY))?,
        })
    }

    /// Public keys that may sign desired state, now and next, 64 hex digits each.
    #[must_use]
    pub fn announced(&self) -> Vec<String> {
        [&self.current, &self.next].map(|key| hex::encode(key.verifying_key().as_bytes())).to_vec()
    }

    /// Signs a document with the current key.
    #[must_use]
    pub fn sign(&self, domain: Domain, body: Vec<u8>) -> Signed {
        Signed::sign(domain, body, &self.current)
    }
}

fn leaf(common_name: &str, dns_name: &str) -> Result<(CertificateParams, OffsetDateTime), AuthorityError> {
    let mut params = CertificateParams::new(vec![dns_name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(BACKDATE_HOURS);
    params.not_after = now + Duration::days(CERTIFICATE_DAYS);
    let ends = params.not_after;
    Ok((params, ends))
}

impl Issuing {
    fn open(folder: &Path, name: &str, common_name: &str) -> Result<Self, AuthorityError> {
        let (key_path, pem_path) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.pem")));
        let key = match files::read(&key_path)? {
            Some(pem) => KeyPair::from_pem(&pem).map_err(|_| AuthorityError::Damaged(key_path))?,
            None => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                files::write(&key_path, &key.serialize_pem())?;
                key
            }
        };
        let certificate_pem = match files::read(&pem_path)? {
            Some(pem) => pem,
            None => {
                let pem = root(common_name)?.self_signed(&key)?.pem();
                files::write(&pem_path, &pem)?;
                pem
            }
        };
        let certificate_der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| AuthorityError::Damaged(pem_path.clone()))?;
        let issuer = Issuer::from_ca_cert_der(&certificate_der, key).map_err(|_| AuthorityError::Damaged(pem_path))?;
        Ok(Self { certificate_pem, certificate_der, issuer })
    }
}

fn root(common_name: &str) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::hours(BACKDATE_HOURS);
    params.not_after = now + Duration::days(AUTHORITY_DAYS);
    Ok(params)
}

#[cfg(test)]
mod tests;
