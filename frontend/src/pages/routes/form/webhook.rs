//! The part of a route's form that describes an HTTP endpoint.

use leptos::prelude::*;
use mesh_protocol::desired::{WebhookFormat, check_webhook_url};

use crate::act::Act;
use crate::api::{RouteInput, WebhookTarget};
use crate::components::{Check, Choice, Field, Select, TextArea, either};
use crate::load::{Load, load};
use crate::pages::brokers::First;

const BINARY: &str = "binary";
const STRUCTURED: &str = "structured";

/// The fields as they stand.
#[derive(Clone, Copy)]
pub(super) struct WebhookDraft {
    site: RwSignal<String>,
    url: RwSignal<String>,
    format: RwSignal<String>,
    secret: RwSignal<String>,
    ca_pem: RwSignal<String>,
    timeout_ms: RwSignal<String>,
    concurrency: RwSignal<String>,
    deliveries_max: RwSignal<String>,
    private_addresses: RwSignal<bool>,
}

impl Default for WebhookDraft {
    fn default() -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Self {
            site: text(""),
            url: text(""),
            format: text(BINARY),
            secret: text(""),
            ca_pem: text(""),
            timeout_ms: text(&WebhookTarget::timeout_ms().to_string()),
            concurrency: text(&WebhookTarget::concurrency().to_string()),
            deliveries_max: text(""),
            private_addresses: RwSignal::new(false),
        }
    }
}

impl WebhookDraft {
    pub(super) fn fill(self, target: &WebhookTarget) {
        self.site.set(target.site.to_string());
        self.url.set(target.url.clone());
        self.format.set(if target.format == WebhookFormat::Structured { STRUCTURED } else { BINARY }.to_owned());
        self.secret.set(target.secret.clone().unwrap_or_default());
        self.ca_pem.set(target.ca_pem.clone().unwrap_or_default());
        self.timeout_ms.set(target.timeout_ms.to_string());
        self.concurrency.set(target.concurrency.to_string());
        self.deliveries_max.set(target.deliveries_max.map(|most| most.to_string()).unwrap_or_default());
        self.private_addresses.set(target.private_addresses);
    }

    /// What would be saved; none until a site is chosen. What is no number becomes 0, which the portal refuses at its field.
    pub(super) fn target(self) -> Option<WebhookTarget> {
        let trimmed = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        let filled = |field: RwSignal<String>| Some(trimmed(field)).filter(|text| !text.is_empty());
        let structured = self.format.get_untracked() == STRUCTURED;
        let url = trimmed(self.url);
        // The field is there only then.
        let ca_pem = filled(self.ca_pem).filter(|_| url.starts_with("https://"));
        Some(WebhookTarget {
            site: self.site.get_untracked().parse().ok()?,
            url,
            format: if structured { WebhookFormat::Structured } else { WebhookFormat::Binary },
            secret: filled(self.secret),
            ca_pem,
            timeout_ms: trimmed(self.timeout_ms).parse().unwrap_or_default(),
            concurrency: trimmed(self.concurrency).parse().unwrap_or_default(),
            deliveries_max: filled(self.deliveries_max).map(|most| most.parse().unwrap_or_default()),
            private_addresses: self.private_addresses.get_untracked(),
        })
    }
}

/// What is wrong with a URL while one types it.
fn url_error(text: &str) -> Option<String> {
    let text = text.trim();
    // Not before there is something to judge.
    if !text.contains("://") { None } else { check_webhook_url(text).err().map(|error| format!("The URL {error}")) }
}

/// What is wrong when no site was chosen, which only happens where there is none.
fn site_error(lacks_site: bool) -> Option<String> {
    lacks_site.then(|| "Create a site first: its agent calls the endpoint.".to_owned())
}

#[component]
pub(super) fn WebhookFields(draft: WebhookDraft, save: Act<RouteInput>, lacks_site: RwSignal<bool>) -> impl IntoView {
    let sites = load(
        &[],
        || (),
        |api, ()| async move {
            let sites = api.0.all_sites().await?;
            Ok(sites.into_iter().map(|site| (site.id.to_string(), site.name)).collect::<Vec<Choice>>())
        },
    );
    let pair = |key: &str, words: &str| (key.to_owned(), words.to_owned());
    let formats = vec![
        pair(BINARY, "Payload as the body, attributes as headers"),
        pair(STRUCTURED, "One JSON document with everything"),
    ];
    view! {
        <Field
            label="URL"
            name="url"
            value=draft.url
            mono=true
            required=true
            placeholder="https://erp.example/hooks/orders"
            hint="Each event is one POST. Redirects are not followed"
            error=either(save.field("to.url"), move || draft.url.with(|text| url_error(text)))
        />
        <div class="m-form__row">
            <Load resource=sites what="sites" let:sites>
                <First choices=sites value=draft.site/>
                <Select
                    label="Called by the agent of"
                    name="webhook-site"
                    value=draft.site
                    choices=sites
                    hint="It keeps what waits for the endpoint"
                    error=either(save.field("to.site"), move || site_error(lacks_site.get()))
                />
            </Load>
            <Select label="As a CloudEvent" name="format" value=draft.format choices=formats/>
        </div>
        <Field
            label="Name of the signing secret at the agent"
            name="webhook-secret"
            value=draft.secret
            mono=true
            hint="Not the secret: that is stored at the agent with mesh-agent secret set NAME. Signed as Standard Webhooks say; empty: not signed"
            error=save.field("to.secret")
        />
        <div class="m-form__row">
            <Field
                label="Must answer within, in ms"
                name="timeout_ms"
                kind="number"
                value=draft.timeout_ms
                required=true
                error=save.field("to.timeout_ms")
            />
            <Field
                label="Requests at once"
                name="concurrency"
                kind="number"
                value=draft.concurrency
                required=true
                hint="Events of one ordering key never overtake"
                error=save.field("to.concurrency")
            />
            <Field
                label="Give up after, in deliveries"
                name="deliveries_max"
                kind="number"
                value=draft.deliveries_max
                hint="Then it is a dead letter. Empty: tried for ever"
                error=save.field("to.deliveries_max")
            />
        </div>
        <Show when=move || draft.url.with(|url| url.trim().starts_with("https://"))>
            <TextArea
                label="CA of the endpoint, PEM"
                name="webhook-ca"
                value=draft.ca_pem
                hint="Empty: the CAs of the agent's system"
                error=save.field("to.ca_pem")
            />
        </Show>
        <div class="m-choices">
            <Check label="It is in a private network or on the agent's own machine" checked=draft.private_addresses/>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::url_error;

    #[test]
    fn a_url_is_judged_once_it_looks_like_one() {
        assert_eq!(url_error("htt"), None);
        assert_eq!(url_error("https://erp.example/hooks"), None);
        assert!(url_error("ftp://erp.example").is_some_and(|error| error.contains("https://")));
        assert!(url_error("https://me:secret@erp.example").is_some());
    }
}
