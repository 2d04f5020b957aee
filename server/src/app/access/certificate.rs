//! Credentials that log in with a certificate at listeners with TLS.
//!
//! The client's key stays with the client: it sends a request, or takes a key that is made here, given out in this one answer
//! and kept nowhere. What is kept is the certificate's fingerprint. Nothing ends by a list of revoked certificates: agents know
//! those that count, so that a removed one is cut with the next policy revision.

use frontend::api::{CertificateInput, CertificateView, CertificateWish, CredentialCertificate, ListenerAuthority};
use mesh_protocol::id::{ApplicationId, PrincipalId};
use uuid::Uuid;

use super::credential::{done, find};
use crate::app::authority::{AuthorityError, DeviceCertificate};
use crate::app::edit::Edit;
use crate::app::permission::Right;
use crate::app::principal::config;
use crate::app::snapshot::Snapshot;
use crate::app::{App, Caller, Error, Result};
use crate::domain::access::grant::State;
use crate::domain::certificate::{CERTIFICATES_MAX, Certificate, DAYS, DAYS_MAX};
use crate::domain::field::FieldErrors;
use crate::domain::principal::{OVERLAP_MINUTES_MAX, Principal};

const DAY_MS: i64 = 24 * 3_600_000;
/// Longest request that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

impl App {
    /// Issues a credential that logs in with a certificate to an application that has a grant.
    ///
    /// # Errors
    /// The caller may not, there is no such application, it has no grant, the input is wrong, or the database's.
    pub async fn issue_certificate(
        &self,
        caller: &Caller,
        application: ApplicationId,
        input: CertificateInput,
    ) -> Result<CredentialCertificate> {
        let permit = caller.permit(Right::AccessRequest)?;
        let snapshot = self.snapshot().await?;
        let of = find(&snapshot, application)?;
        self.answers_for(caller, of).await?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let username = self.may_be_issued(&mut edit, &snapshot, of, &input.credential).await?;
        let id = PrincipalId(Uuid::now_v7());
        let new = Principal::credential(id, username, application, input.credential.expires_at, edit.now_ms);
        let issued = self.certificate(&mut edit, &new, &input.certificate).await?;
        let summary = format!("issued the credential {} with a certificate to {}", new.username, of.spec.name);
        edit.take_revision(&summary).await?;
        let now_ms = edit.now_ms;
        edit.tx.insert_principal(self.environment(), &new, now_ms).await?;
        edit.tx.insert_certificate(&kept(&new, &issued, now_ms)).await?;
        edit.finish(done("credential.issue", new.id, &summary).after(&config(&new))).await?;
        self.given(new.id, issued).await
    }

    /// Gives a credential another certificate; those it has work for the overlap.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong, or the database's.
    pub async fn renew_certificate(
        &self,
        caller: &Caller,
        id: PrincipalId,
        input: CertificateWish,
    ) -> Result<CredentialCertificate> {
        let permit = caller.permit(Right::AccessRequest)?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let of = self.credential(caller, &mut edit, id).await?;
        if input.overlap_minutes > OVERLAP_MINUTES_MAX {
            let message = format!("is longer than {OVERLAP_MINUTES_MAX} minutes");
            return Err(FieldErrors::one("overlap_minutes", message).into());
        }
        let issued = self.certificate(&mut edit, &of, &input).await?;
        let now_ms = edit.now_ms;
        let summary = format!("gave the credential {} another certificate", of.username);
        edit.take_revision(&summary).await?;
        edit.tx.end_certificates(id, now_ms + i64::from(input.overlap_minutes) * 60_000).await?;
        let mut earlier = edit.tx.certificates(self.environment()).await?;
        earlier.retain(|one| one.principal == id);
        // The oldest give way: a client that asks again and again has those that overlap, not a row for each.
        let surplus = (earlier.len() + 1).saturating_sub(CERTIFICATES_MAX);
        let (oldest, rest) = earlier.split_at(surplus.min(earlier.len()));
        for one in oldest.iter().chain(rest.iter().filter(|one| one.is_over(now_ms))) {
            edit.tx.delete_certificate(one.fingerprint).await?;
        }
        edit.tx.insert_certificate(&kept(&of, &issued, now_ms)).await?;
        edit.finish(done("credential.certificate", id, &summary)).await?;
        self.given(id, issued).await
    }

    /// The same for whoever asks, PEM: every listener with TLS refers to it.
    #[must_use]
    pub fn listener_authority_pem(&self) -> &str {
        self.authority().listeners_ca_pem()
    }

    /// Who issues what listeners with TLS show: for clients to trust.
    ///
    /// # Errors
    /// The caller may not.
    pub async fn listener_authority(&self, caller: &Caller) -> Result<ListenerAuthority> {
        caller.permit(Right::MeshRead)?;
        let authority = self.authority();
        Ok(ListenerAuthority {
            pem: authority.listeners_ca_pem().to_owned(),
            fingerprint: authority.listeners_ca_fingerprint().to_string(),
        })
    }

    /// A certificate that ends when it is asked to, and with what it is for at the latest.
    async fn certificate(&self, edit: &mut Edit, of: &Principal, wish: &CertificateWish) -> Result<DeviceCertificate> {
        let mut errors = FieldErrors::default();
        let days = wish.days.unwrap_or(DAYS);
        if !(1..=DAYS_MAX).contains(&days) {
            errors.add("days", format_args!("must be 1 to {DAYS_MAX}"));
        }
        let csr = wish.csr_pem.as_deref().map(str::trim).filter(|pem| !pem.is_empty());
        if csr.is_some_and(|pem| pem.len() > REQUEST_BYTES_MAX) {
            errors.add("csr_pem", format_args!("is longer than {REQUEST_BYTES_MAX} bytes"));
        }
        errors.check()?;
        let grants = edit.tx.open_grants(self.environment()).await?;
        let its =
            grants.iter().filter(|grant| Some(grant.application) == of.application && grant.state == State::Active);
        let ends: Vec<_> = its.map(|grant| grant.until_ms).collect();
        let last = if ends.contains(&None) { None } else { ends.into_iter().flatten().max() };
        let asked = edit.now_ms + i64::from(days) * DAY_MS;
        let until = [of.expires_at_ms, last].into_iter().flatten().fold(asked, i64::min);
        if until <= edit.now_ms {
            return Err(Error::Conflict(
                "this credential, or the access it is for, has ended: issue another".to_owned(),
            ));
        }
        self.authority().issue_device((&of.username, of.id), csr, until).map_err(|error| match error {
            AuthorityError::DeviceRequest => FieldErrors::one("csr_pem", error).into(),
            error => Error::from(error),
        })
    }

    async fn given(&self, id: PrincipalId, issued: DeviceCertificate) -> Result<CredentialCertificate> {
        Ok(CredentialCertificate {
            credential: self.credential_view(id).await?,
            certificate_pem: issued.certificate_pem,
            key_pem: issued.key_pem,
            authority_pem: self.authority().listeners_ca_pem().to_owned(),
            fingerprint: issued.fingerprint.to_string(),
            ends_at: issued.ends_at_ms,
        })
    }
}

fn kept(of: &Principal, issued: &DeviceCertificate, now_ms: i64) -> Certificate {
    Certificate {
        principal: of.id,
        fingerprint: issued.fingerprint,
        ends_at_ms: issued.ends_at_ms,
        created_at_ms: now_ms,
        expires_at_ms: None,
    }
}

/// Certificates that a principal may log in with, as pages see them.
pub(super) fn valid(principal: PrincipalId, snapshot: &Snapshot, now_ms: i64) -> Vec<CertificateView> {
    let its = snapshot.mesh.certificates.iter().filter(|one| one.principal == principal && !one.is_over(now_ms));
    let view = |one: &Certificate| CertificateView {
        fingerprint: one.fingerprint.to_string(),
        until: one.until_ms(),
        created_at: one.created_at_ms,
    };
    its.map(view).collect()
}
