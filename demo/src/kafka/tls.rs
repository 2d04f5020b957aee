//! Certificates of a secured broker, made once per broker folder.

use std::fs;
use std::path::Path;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::secrets::write_private;

/// Makes an authority and a server certificate in the folder unless they are there; returns the authority as PEM.
pub(super) fn certificates(folder: &Path) -> anyhow::Result<String> {
    let (ca_file, server_file) = (folder.join("ca.pem"), folder.join("server.pem"));
    if !(ca_file.exists() && server_file.exists()) {
        let (ca, server) = make().context("make certificates for Kafka")?;
        write_private(&server_file, &server)?;
        fs::write(&ca_file, ca).with_context(|| format!("write {}", ca_file.display()))?;
    }
    fs::read_to_string(&ca_file).with_context(|| format!("read {}", ca_file.display()))
}

/// The authority's certificate, and the server's key (PKCS#8) followed by its certificate, as Kafka reads it.
fn make() -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Demo Kafka CA");
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "kafka");
    let key = KeyPair::generate()?;
    let server = params.signed_by(&key, &ca)?;
    Ok((ca.pem(), format!("{}{}", key.serialize_pem(), server.pem())))
}
