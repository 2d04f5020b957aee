//! Service tokens: how scripts sign in.

use std::cmp::Reverse;

use frontend::api::{ListQuery, LiveTopic, Page, TokenCreated, TokenInput, TokenView};
use uuid::Uuid;

use super::edit::Done;
use super::login::{hash_of, random_secret};
use super::page::{Slice, page};
use super::permission::Right;
use super::person::{api_role, domain_role};
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::person::check_domains;
use crate::domain::service_token::{PREFIX, ServiceToken};

/// Longest life of a token that has an end, in days.
const DAYS_MAX: u32 = 3_650;

impl App {
    /// Service tokens, newest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn tokens(&self, caller: &Caller, query: ListQuery) -> Result<Page<TokenView>> {
        caller.permit(Right::TokenWrite)?;
        let tokens = self.store().read().await?.service_tokens().await?;
        Ok(page(tokens, Slice::of_list(&query), |token| Reverse(token.id))?.map(view))
    }

    /// Makes a service token.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_token(&self, caller: &Caller, input: TokenInput) -> Result<TokenCreated> {
        let mut edit = self.edit(caller.permit(Right::TokenWrite)?).await?;
        let mut errors = FieldErrors::default();
        errors.name("name", &input.name);
        let role = domain_role(input.role);
        if !caller.role().is_some_and(|own| own.includes(role)) {
            errors.add("role", "is more than your own");
        }
        if input.days.is_some_and(|days| days == 0 || days > DAYS_MAX) {
            errors.add("days", format_args!("must be 1 to {DAYS_MAX}"));
        }
        check_domains(&mut errors, role, &input.domains, &self.snapshot().await?.domains);
        errors.check()?;
        let secret = format!("{PREFIX}{}", random_secret());
        let token = ServiceToken {
            id: Uuid::now_v7(),
            name: input.name,
            role,
            domains: input.domains,
            created_by: edit.actor().to_owned(),
            created_at_ms: edit.now_ms,
            expires_at_ms: input.days.map(|days| edit.now_ms + i64::from(days) * 86_400_000),
            used_at_ms: None,
        };
        edit.tx.insert_service_token(&hash_of(&secret), &token).await?;
        let summary = format!("made the service token {} as {}", token.name, token.role.name());
        let (id, token) = (token.id, view(token));
        edit.finish(done("token.create", id, &summary).after(&token)).await?;
        Ok(TokenCreated { token, secret })
    }

    /// Removes a service token; it opens nothing from now on.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn delete_token(&self, caller: &Caller, id: String) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::TokenWrite)?).await?;
        let id: Uuid = id.parse().map_err(|_| Error::NotFound { what: "token" })?;
        let tokens = edit.tx.service_tokens().await?;
        let old = tokens.into_iter().find(|token| token.id == id).ok_or(Error::NotFound { what: "token" })?;
        let summary = format!("removed the service token {}", old.name);
        if !edit.tx.delete_service_token(id).await? {
            return Err(Error::NotFound { what: "token" });
        }
        edit.finish(done("token.delete", id, &summary).before(&view(old))).await
    }
}

fn done<'a>(action: &'a str, id: Uuid, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::People)
}

fn view(token: ServiceToken) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        name: token.name,
        role: api_role(token.role),
        domains: token.domains,
        created_at: token.created_at_ms,
        expires_at: token.expires_at_ms,
        last_used: token.used_at_ms,
    }
}
