//! Certificates of listeners and of devices.
//!
//! Each has an authority of its own. What a listener shows says that it may serve and nothing else, what a device shows that
//! it may call and nothing else: a stolen device cannot play a listener, and whatever an agent's administrator does with a
//! listener's key, it logs in nowhere. Clients need to trust the authority of listeners only.

use mesh_protocol::desired::Fingerprint;
use mesh_protocol::id::PrincipalId;
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKey, PublicKeyData, SanType,
    SerialNumber,
};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use super::{Authority, AuthorityError, BACKDATE_HOURS, CERTIFICATE_DAYS};

/// Shortest RSA key of a device, in bytes of its modulus.
const RSA_BYTES_MIN: usize = 256;

/// A certificate of a device, as it is given once.
pub struct DeviceCertificate {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM, when it was made here: kept nowhere.
    pub key_pem: Option<String>,
    /// Which.
    pub fingerprint: Fingerprint,
    /// Its end, milliseconds since the Unix epoch.
    pub ends_at_ms: i64,
}

impl std::fmt::Debug for DeviceCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceCertificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority of listeners, PEM: what clients must trust.
    #[must_use]
    pub fn listeners_ca_pem(&self) -> &str {
        &self.0.listeners.certificate_pem
    }

    /// SHA-256 of the authority of listeners.
    #[must_use]
    pub fn listeners_ca_fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.0.listeners.certificate_der).into())
    }

    /// Issues the certificate that an agent's listeners show, over the key of its request and for exactly these names.
    ///
    /// # Errors
    /// The request is not one, its key is not ECDSA P-256, or a name is none.
    pub fn issue_listener(&self, names: &[String], csr_pem: &str) -> Result<String, AuthorityError> {
        let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(|_| AuthorityError::Request)?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(AuthorityError::Request);
        }
        let mut params = CertificateParams::new(names)?;
        // Names stand where clients look for them; the subject is for people.
        params.distinguished_name.push(DnType::CommonName, "Meshport listener");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = OffsetDateTime::now_utc();
        common(&mut params, now, now + Duration::days(CERTIFICATE_DAYS));
        Ok(params.signed_by(&request.public_key, &self.0.listeners.issuer)?.pem())
    }

    /// Issues a device's certificate until a time: over the key of its request, of which nothing else counts, or over a new one.
    ///
    /// # Errors
    /// The request is not one, or its key is none that listeners could check.
    pub fn issue_device(
        &self,
        (username, principal): (&str, PrincipalId),
        csr_pem: Option<&str>,
        until_ms: i64,
    ) -> Result<DeviceCertificate, AuthorityError> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name.push(DnType::CommonName, username);
        let uri = format!("urn:meshport:principal:{principal}");
        params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let until = OffsetDateTime::from_unix_timestamp(until_ms / 1000).map_err(|_| AuthorityError::Request)?;
        common(&mut params, OffsetDateTime::now_utc(), until);
        let issuer = &self.0.devices.issuer;
        let (certificate, key_pem) = match csr_pem {
            Some(pem) => (params.signed_by(&requested(pem)?, issuer)?, None),
            None => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                (params.signed_by(&key, issuer)?, Some(key.serialize_pem()))
            }
        };
        Ok(DeviceCertificate {
            certificate_pem: certificate.pem(),
            key_pem,
            fingerprint: Fingerprint(Sha256::digest(certificate.der()).into()),
            ends_at_ms: until.unix_timestamp() * 1000,
        })
    }
}

fn common(params: &mut CertificateParams, now: OffsetDateTime, until: OffsetDateTime) {
    // 128 random bits, of which the first is clear: a serial number is not negative.
    let mut serial: [u8; 16] = rand::random();
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - Duration::hours(BACKDATE_HOURS);
    params.not_after = until;
}

fn requested(pem: &str) -> Result<PublicKey, AuthorityError> {
    let request = CertificateSigningRequestParams::from_pem(pem).map_err(|_| AuthorityError::DeviceRequest)?;
    let key = request.public_key;
    let algorithm = key.algorithm();
    let curves = [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519];
    let is_rsa = algorithm == &PKCS_RSA_SHA256 && key.der_bytes().len() > RSA_BYTES_MIN;
    if is_rsa || curves.contains(&algorithm) { Ok(key) } else { Err(AuthorityError::DeviceRequest) }
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;

    const DAY_MS: i64 = 24 * 3_600_000;

    fn csr(key: &KeyPair) -> String {
        let params = CertificateParams::new(vec!["portal.meshport.internal".to_owned()]).expect("valid names");
        params.serialize_request(key).expect("a request").pem().expect("PEM")
    }

    fn in_ten_days() -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() * 1000 + 10 * DAY_MS
    }

    fn read<T>(pem: &str, check: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
        let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
        check(&certificate)
    }

    #[test]
    fn a_device_gets_its_own_name_on_its_own_key_and_may_only_call() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::open(folder.path()).expect("made");
        let (key, principal) = (KeyPair::generate().expect("a key"), PrincipalId(uuid::Uuid::from_u128(7)));
        let until = in_ten_days();
        let issued = authority.issue_device(("wall-7", principal), Some(&csr(&key)), until).expect("issued");
        assert_eq!((issued.key_pem.is_none(), issued.ends_at_ms / 1000), (true, until / 1000));
        read(&issued.certificate_pem, |certificate| {
            assert_eq!(certificate.subject().to_string(), "CN=wall-7", "the request's own is ignored");
            let names = certificate.subject_alternative_name().expect("readable").expect("present");
            let names = format!("{:?}", names.value.general_names);
            assert!(
                names.contains(&format!("urn:meshport:principal:{principal}")) && !names.contains("portal"),
                "{names}"
            );
            let usage = certificate.extended_key_usage().expect("readable").expect("present").value;
            assert!(usage.client_auth && !usage.server_auth && !certificate.is_ca());
            assert_eq!(certificate.public_key().raw, key.subject_public_key_info());
            assert_eq!(certificate.raw_serial().len(), 16);
            read(authority.devices_ca_pem(), |ca| {
                certificate.verify_signature(Some(ca.public_key())).expect("signed by the devices' authority");
                let limits = ca.basic_constraints().expect("readable").expect("present").value;
                assert_eq!((limits.ca, limits.path_len_constraint), (true, Some(0)));
            });
        });
        let made = authority.issue_device(("wall-7", principal), None, until).expect("issued");
        let key = KeyPair::from_pem(&made.key_pem.expect("made here")).expect("a key");
        read(&made.certificate_pem, |own| assert_eq!(own.public_key().raw, key.subject_public_key_info()));
        assert_ne!(made.fingerprint, issued.fingerprint);
    }

    #[test]
    fn what_is_no_request_or_has_a_key_that_nobody_checks_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::open(folder.path()).expect("made");
        let whom = ("wall-7", PrincipalId(uuid::Uuid::from_u128(7)));
        for good in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
            let key = KeyPair::generate_for(good).expect("a key");
            authority.issue_device(whom, Some(&csr(&key)), in_ten_days()).expect("issued");
        }
        let begun = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----";
        for bad in ["", "x", begun, authority.devices_ca_pem()] {
            let refused = authority.issue_device(whom, Some(bad), in_ten_days());
            assert!(matches!(refused, Err(AuthorityError::DeviceRequest)), "{bad}");
        }
    }

    #[test]
    fn a_listener_may_only_serve_under_the_names_it_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::open(folder.path()).expect("made");
        let names = ["10.0.0.1".to_owned(), "mqtt.lyon.example".to_owned()];
        let pem = authority.issue_listener(&names, &csr(&KeyPair::generate().expect("a key"))).expect("issued");
        read(&pem, |certificate| {
            let usage = certificate.extended_key_usage().expect("readable").expect("present").value;
            assert!(usage.server_auth && !usage.client_auth);
            let found = certificate.subject_alternative_name().expect("readable").expect("present");
            let found = format!("{:?}", found.value.general_names);
            assert!(found.contains("mqtt.lyon.example") && !found.contains("portal"), "{found}");
            read(authority.listeners_ca_pem(), |ca| {
                certificate.verify_signature(Some(ca.public_key())).expect("signed by the listeners' authority");
            });
            read(authority.devices_ca_pem(), |ca| {
                assert!(certificate.verify_signature(Some(ca.public_key())).is_err());
            });
        });
    }
}
