//! A product that is offered, and access to it: made over REST by the people whose work that is, as a customer would.
//!
//! One person writes and asks, another releases and decides, because the portal lets nobody do both.

use anyhow::{Context, ensure};
use demo::portal::Client;
use demo::wait::until;
use serde_json::{Value, json};

use crate::SOON;
use crate::mesh::{Login, Mesh};

/// The product of this market: readings of stores, which its clients send and receive.
#[derive(Debug)]
pub struct Market {
    developer: Client,
    approver: Client,
    product: String,
    version: String,
}

/// What an application was given.
#[derive(Clone, Debug)]
pub struct Access {
    /// The grant.
    pub grant: String,
    application: String,
}

impl Market {
    /// A filter of MQTT that all readings match.
    pub const FILTER: &str = "readings/+/taken";

    /// The topic of a store's readings.
    #[must_use]
    pub fn topic(store: &str) -> String {
        format!("readings/{store}/taken")
    }

    /// The product, which is published with its first plan.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn open(mesh: &mut Mesh) -> anyhow::Result<Self> {
        let mut people = Vec::new();
        for login in ["developer", "approver"] {
            let password = mesh.person(login).await?;
            people.push(mesh.api.signed_in("login", &json!({ "login": login, "password": password })).await?);
        }
        let [developer, approver] = <[Client; 2]>::try_from(people).map_err(|_| anyhow::anyhow!("two people"))?;
        let domain = json!({ "name": "stores", "owner": "stores", "topics": ["readings/>"] });
        let domain = developer.post("domains", &domain).await?;
        let mut market = Self { developer, approver, product: String::new(), version: String::new() };
        let event = json!({ "kind": "event", "address": "readings/{store}/taken", "schema": null });
        let (_, event) = market.released(&domain, "event", "reading-taken", &event).await?;
        let api = json!({ "kind": "event_api", "sends": [event], "receives": [event] });
        let (_, api) = market.released(&domain, "event_api", "readings-api", &api).await?;
        let product = json!({ "kind": "product", "apis": [api] });
        (market.product, market.version) = market.released(&domain, "product", "readings", &product).await?;
        Ok(market)
    }

    /// The ids of an object and of its released version.
    async fn released(
        &self,
        domain: &Value,
        kind: &str,
        name: &str,
        content: &Value,
    ) -> anyhow::Result<(String, String)> {
        let input = json!({ "kind": kind, "name": name, "domain": domain["id"] });
        let object = id(&self.developer.post("designs", &input).await?)?;
        let input = json!({ "content": content });
        let version = id(&self.developer.post(&format!("designs/{object}/versions"), &input).await?)?;
        let path = format!("design-versions/{version}");
        // What is offered to others is released by somebody who did not write it.
        let by = if kind == "event" { &self.developer } else { &self.approver };
        for (to, by) in [("in_review", &self.developer), ("released", by)] {
            let now = by.get(&path).await?;
            let step = json!({ "revision": now["revision"], "value": { "to": to } });
            by.post(&format!("{path}/move"), &step).await.with_context(|| format!("take {name} to {to}"))?;
        }
        Ok((object, version))
    }

    /// A plan that can be asked for, with so many events a second in each direction; none = without a quota. The product is
    /// published at every site from then on.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn plan(&self, name: &str, events: Option<u32>) -> anyhow::Result<String> {
        let input = json!({ "name": name, "protocols": ["mqtt", "http"], "events": events,
            "approval": { "kind": "manual", "people": 1 } });
        let plan = self.developer.post(&format!("products/{}/plans", self.product), &input).await?;
        let id = id(&plan)?;
        let step = json!({ "revision": plan["revision"], "value": { "to": "published" } });
        self.approver.post(&format!("plans/{id}/move"), &step).await.context("publish a plan")?;
        let product = format!("products/{}", self.product);
        let publications = self.developer.get(&product).await?["publications"].clone();
        if publications.as_array().is_none_or(Vec::is_empty) {
            let everywhere = json!({ "version": self.version });
            self.developer
                .post(&format!("{product}/publications"), &everywhere)
                .await
                .context("publish the product")?;
        }
        Ok(id)
    }

    /// Access of a new application under a plan: asked for, approved, and known to every agent.
    ///
    /// # Errors
    /// The portal refuses, or an agent does not take it.
    pub async fn access(&self, application: &str, plan: &str) -> anyhow::Result<Access> {
        let input = json!({ "name": application, "owner": "developer" });
        let application = id(&self.developer.post("applications", &input).await?)?;
        let wish = json!({ "application": application, "version": self.version, "plan": plan,
            "purpose": "Watches the readings of all stores" });
        let request = self.developer.post("access-requests", &wish).await?;
        ensure!(request["state"] == "pending", "somebody has to decide: {request}");
        let seen = json!([{ "id": request["id"], "revision": request["revision"] }]);
        let decision = json!({ "requests": seen, "act": "approve" });
        let decided = self.approver.post("access-requests/decide", &decision).await?;
        let grant = decided["done"][0]["grant"].as_str().with_context(|| format!("it was given: {decided}"))?;
        let access = Access { grant: grant.to_owned(), application };
        self.phase(&access, "live").await?;
        Ok(access)
    }

    /// A client that may log in while there is access.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn credential(&self, access: &Access, username: &str) -> anyhow::Result<Login> {
        let path = format!("applications/{}/credentials", access.application);
        let issued = self.developer.post(&path, &json!({ "username": username })).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("read a new credential");
        let credential = &issued["credential"];
        Ok(Login { id: id(credential)?, username: text(&credential["username"])?, secret: text(&issued["secret"])? })
    }

    /// The same with a certificate instead of a secret; with a request of the client's own, or with a key that is made for it.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn certificate(&self, access: &Access, username: &str, csr: Option<&str>) -> anyhow::Result<Value> {
        let path = format!("applications/{}/certificates", access.application);
        let input = json!({ "credential": { "username": username }, "certificate": { "csr_pem": csr } });
        self.developer.post(&path, &input).await
    }

    /// Another certificate for a credential; the earlier one ends at once.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn renewed(&self, credential: &str, csr: &str) -> anyhow::Result<Value> {
        let input = json!({ "csr_pem": csr, "overlap_minutes": 0 });
        self.developer.post(&format!("credentials/{credential}/certificates"), &input).await
    }

    /// Where the clients of a grant connect.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn doors(&self, access: &Access) -> anyhow::Result<Value> {
        let connect = self.developer.get(&format!("grants/{}/connect", access.grant)).await?;
        Ok(connect["doors"].clone())
    }

    /// What a test of a connection comes to.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn tested(&self, access: &Access, login: &Login) -> anyhow::Result<Value> {
        let input = json!({ "credential": login.id, "secret": login.secret });
        self.developer.post(&format!("grants/{}/test", access.grant), &input).await
    }

    /// The document of the product under a plan.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn document(&self, plan: &str) -> anyhow::Result<Value> {
        self.developer.get(&format!("design-versions/{}/asyncapi.json?plan={plan}", self.version)).await
    }

    /// The grant as the portal shows it now.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn grant(&self, access: &Access) -> anyhow::Result<Value> {
        self.approver.get(&format!("grants/{}", access.grant)).await
    }

    /// Waits until the portal shows a grant in this phase.
    ///
    /// # Errors
    /// It does not come to that.
    pub async fn phase(&self, access: &Access, phase: &str) -> anyhow::Result<Value> {
        until(&format!("the grant is {phase}"), SOON, async || {
            let grant = self.grant(access).await?;
            Ok((grant["phase"] == phase).then_some(grant))
        })
        .await
    }

    /// Ends a grant for good; agents have still to follow.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn revoke(&self, access: &Access) -> anyhow::Result<Value> {
        let grant = self.grant(access).await?;
        let step =
            json!({ "revision": grant["revision"], "value": { "to": "revoke", "reason": "it is not used any more" } });
        self.approver.post(&format!("grants/{}/move", access.grant), &step).await.context("revoke a grant")
    }
}

fn id(object: &Value) -> anyhow::Result<String> {
    object["id"].as_str().map(str::to_owned).with_context(|| format!("read the id of {object}"))
}
