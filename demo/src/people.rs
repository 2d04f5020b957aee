//! People of a new portal: the first admin by the setup link, the others by the admin, a token for automation.

use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use crate::portal::{Client, Portal};
use crate::state::State;
use crate::wait::until;

/// Usual is a moment.
const SETUP_LIMIT: Duration = Duration::from_secs(20);

/// One person for each role; the login name is the role's.
pub const LOGINS: [&str; 5] = ["admin", "operator", "approver", "developer", "viewer"];

/// A client of the API that acts as admin; sets the portal up when it is new.
///
/// # Errors
/// The portal refuses, or it was set up by somebody else and the secrets in the folder do not fit.
pub async fn automation(portal: &Portal, state: &mut State) -> anyhow::Result<Client> {
    let anybody = Client::new(&portal.url())?;
    if let Some(token) = &state.secrets.token {
        let client = anybody.with_token(token)?;
        if client.get("me").await.is_ok() {
            return Ok(client);
        }
    }
    let password = state.password_of_person(LOGINS[0]);
    state.save()?;
    let admin = if anybody.get("setup").await?["needed"] == json!(true) {
        // The link is printed once the portal listens, which may be after its first answer.
        let code =
            until("the portal prints its setup link", SETUP_LIMIT, async || portal.setup_code().map(Some)).await?;
        let input = json!({ "code": code, "login": LOGINS[0], "name": "Ada Admin", "password": password });
        anybody.signed_in("setup", &input).await?
    } else {
        anybody.signed_in("login", &json!({ "login": LOGINS[0], "password": password })).await?
    };
    let made = admin.post("tokens", &json!({ "name": "demo", "role": "admin" })).await?;
    let token = made["secret"].as_str().unwrap_or_default().to_owned();
    let client = anybody.with_token(&token)?;
    state.secrets.token = Some(token);
    state.save()?;
    Ok(client)
}

/// A client of the API that acts as one of the people.
///
/// # Errors
/// There is no such person in the folder, or the portal refuses.
pub async fn signed_in(portal: &str, state: &State, login: &str) -> anyhow::Result<Client> {
    let password = state.secrets.people.get(login).with_context(|| format!("find the password of {login}"))?;
    Client::new(portal)?.signed_in("login", &json!({ "login": login, "password": password })).await
}

/// Makes the people of all roles who are not there yet.
///
/// # Errors
/// The portal refuses.
pub async fn make(portal: &Client, state: &mut State) -> anyhow::Result<()> {
    let names = ["Ada Admin", "Omar Operator", "Anna Approver", "Dev Developer", "Vera Viewer"];
    for (login, name) in LOGINS.into_iter().zip(names) {
        let password = state.password_of_person(login);
        state.save()?;
        if portal.find("people", "/login", login).await?.is_none() {
            let input = json!({ "login": login, "name": name, "role": login, "enabled": true, "password": password });
            portal.post("people", &input).await?;
        }
    }
    Ok(())
}
