//! The endpoint of a route that calls one.

use mesh_protocol::desired::{WEBHOOK_CONCURRENCY, WEBHOOK_TIMEOUT_MS, WebhookFormat, check_webhook_url};
use mesh_protocol::id::SiteId;
use serde::{Deserialize, Serialize};

use super::field::FieldErrors;

/// Largest authority of an endpoint, in bytes of PEM.
const CA_BYTES_MAX: usize = 64 * 1024;

/// Where requests go, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The site whose agent makes the requests and keeps what waits for them.
    pub site: SiteId,
    /// `https://...` or `http://...`.
    pub url: String,
    /// How an event stands in a request.
    pub format: WebhookFormat,
    /// Name of the signing secret at the agent; none = not signed.
    pub secret: Option<String>,
    /// PEM of the authority that signed the endpoint's certificate; none = those of the agent's system.
    pub ca_pem: Option<String>,
    /// How long the endpoint may take to answer, in milliseconds.
    pub timeout_ms: u32,
    /// Requests at once.
    pub concurrency: u16,
    /// An event that failed so often is a dead letter; none = it is tried for ever.
    pub deliveries_max: Option<u16>,
    /// Addresses of private networks and of the agent's own machine may be called.
    pub private_addresses: bool,
}

impl Webhook {
    /// Checks everything, given the sites there are. Paths of the errors are those of the API's input.
    pub(super) fn check(&self, errors: &mut FieldErrors, is_site: impl Fn(SiteId) -> bool) {
        if !is_site(self.site) {
            errors.add("to.site", "is not a site of this environment");
        }
        errors.take("to.url", check_webhook_url(&self.url));
        if let Some(secret) = &self.secret {
            errors.name("to.secret", secret);
        }
        if let Some(ca) = &self.ca_pem {
            if !self.url.starts_with("https://") {
                errors.add("to.ca_pem", "is only used with https");
            } else if !ca.contains("-----BEGIN CERTIFICATE-----") || ca.len() > CA_BYTES_MAX {
                errors.add("to.ca_pem", "must be a PEM certificate");
            }
        }
        if !WEBHOOK_TIMEOUT_MS.contains(&self.timeout_ms) {
            let (least, most) = WEBHOOK_TIMEOUT_MS.into_inner();
            errors.add("to.timeout_ms", format_args!("must be {least} to {most} milliseconds"));
        }
        if !WEBHOOK_CONCURRENCY.contains(&self.concurrency) {
            let (least, most) = WEBHOOK_CONCURRENCY.into_inner();
            errors.add("to.concurrency", format_args!("must be {least} to {most}"));
        }
        if self.deliveries_max == Some(0) {
            errors.add("to.deliveries_max", "must be at least 1; leave it out to try for ever");
        }
    }

    /// The endpoint's host, for pages: a path may say more than everybody needs to read.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook() -> Webhook {
        Webhook {
            site: SiteId(uuid::Uuid::from_u128(1)),
            url: "https://erp.example:8443/hooks?from=mesh".into(),
            format: WebhookFormat::Binary,
            secret: Some("erp".into()),
            ca_pem: None,
            timeout_ms: 10_000,
            concurrency: 8,
            deliveries_max: None,
            private_addresses: false,
        }
    }

    fn fields(webhook: &Webhook) -> Vec<String> {
        let mut errors = FieldErrors::default();
        webhook.check(&mut errors, |site| site == SiteId(uuid::Uuid::from_u128(1)));
        errors.0.into_keys().collect()
    }

    #[test]
    fn each_mistake_is_named_at_its_field() {
        assert_eq!(fields(&webhook()), [""; 0]);
        let wrong = Webhook {
            site: SiteId(uuid::Uuid::from_u128(2)),
            url: "http://me:secret@erp.example".into(),
            secret: Some("no name".into()),
            ca_pem: Some("pem".into()),
            timeout_ms: 0,
            concurrency: 0,
            deliveries_max: Some(0),
            ..webhook()
        };
        let all =
            ["to.ca_pem", "to.concurrency", "to.deliveries_max", "to.secret", "to.site", "to.timeout_ms", "to.url"];
        assert_eq!(fields(&wrong), all);
        let other = Webhook { ca_pem: Some("no certificate".into()), ..webhook() };
        assert_eq!(fields(&other), ["to.ca_pem"]);
    }

    #[test]
    fn pages_name_the_host() {
        assert_eq!(webhook().host(), "erp.example:8443");
        assert_eq!(Webhook { url: "http://erp".into(), ..webhook() }.host(), "erp");
    }
}
