//! How a call travels: as JSON, by whatever carries it.

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{Answer, ApiError};

/// HTTP methods that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes, or does.
    Post,
    /// Replaces.
    Put,
    /// Takes away.
    Delete,
}

/// A request below `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method.
    pub verb: Verb,
    /// Path with its query, from the root of the portal.
    pub path: String,
    /// JSON.
    pub body: Option<String>,
}

/// What came back: status and body. An error means that nothing came back.
pub type Exchange = Pin<Box<dyn Future<Output = Result<(u16, String), ()>> + Send>>;

/// Carries requests to the portal.
pub trait Transport: Send + Sync + 'static {
    /// One request, one answer.
    fn exchange(&self, request: Request) -> Exchange;
}

/// The portal, reached over REST.
#[derive(Clone, Copy, Debug, Default)]
pub struct RestApi<T>(pub T);

impl<T: Transport> RestApi<T> {
    pub(super) fn get<O: DeserializeOwned + 'static>(&self, path: &str) -> Answer<'static, O> {
        self.call(Verb::Get, path, None)
    }

    pub(super) fn delete<O: DeserializeOwned + 'static>(&self, path: &str) -> Answer<'static, O> {
        self.call(Verb::Delete, path, None)
    }

    pub(super) fn send<O: DeserializeOwned + 'static>(
        &self,
        verb: Verb,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<'static, O> {
        match serde_json::to_string(body) {
            Ok(body) => self.call(verb, path, Some(body)),
            Err(error) => {
                let error = ApiError::new("invalid", 0, format!("the input cannot be sent: {error}"));
                Box::pin(async move { Err(error) })
            }
        }
    }

    fn call<O: DeserializeOwned + 'static>(&self, verb: Verb, path: &str, body: Option<String>) -> Answer<'static, O> {
        let exchange = self.0.exchange(Request { verb, path: format!("/api/v1{path}"), body });
        Box::pin(async move {
            let (status, text) = exchange.await.map_err(|()| unreachable_portal())?;
            if (200..300).contains(&status) {
                let text = if text.is_empty() { "null" } else { &text };
                serde_json::from_str(text).map_err(|error| not_understood(status, &error))
            } else {
                Err(serde_json::from_str(&text).unwrap_or_else(|error| not_understood(status, &error)))
            }
        })
    }
}

fn unreachable_portal() -> ApiError {
    let mut error = ApiError::new("unavailable", 0, "the portal cannot be reached");
    error.detail = Some("The agents keep working without it. Check the network, then try again.".into());
    error
}

fn not_understood(status: u16, error: &serde_json::Error) -> ApiError {
    let mut problem = ApiError::new("internal", status, "the portal answered in a way this page does not understand");
    problem.detail = Some(format!("Reload the page: it may be older than the portal. ({error})"));
    problem
}
