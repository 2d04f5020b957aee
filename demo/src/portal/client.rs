//! A client of the REST API, as a customer's script would have one: paths, JSON, a token.

use anyhow::Context;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Talks to `/api/v1` of one portal as one person or service.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    identity: HeaderMap,
}

/// An answer that is no success.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path} was answered with {status}: {problem}")]
pub struct ApiFailure {
    method: Method,
    path: String,
    /// HTTP status.
    pub status: StatusCode,
    /// The problem document.
    pub problem: Value,
}

impl Client {
    /// A client that has not signed in.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(portal: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(30)).build();
        let http = http.context("make an HTTP client")?;
        Ok(Self { http, base: portal.to_owned(), identity: HeaderMap::new() })
    }

    /// The same portal, with a service token.
    ///
    /// # Errors
    /// The token has characters that a header cannot carry.
    pub fn with_token(&self, token: &str) -> anyhow::Result<Self> {
        let mut identity = HeaderMap::new();
        identity.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).context("use the token")?);
        Ok(Self { identity, ..self.clone() })
    }

    /// The same portal, signed in as a person. `path` is `login` or `setup`.
    ///
    /// # Errors
    /// The portal refuses.
    pub async fn signed_in(&self, path: &str, input: &Value) -> anyhow::Result<Self> {
        let answer = self.http.post(self.address(path)).json(input).header("origin", &self.base).send().await;
        let answer = answer.with_context(|| format!("reach {path}"))?;
        let status = answer.status();
        let cookies: Vec<_> =
            answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
        let cookies: Vec<_> = cookies.iter().filter_map(|cookie| cookie.split(';').next()).collect();
        let mut identity = HeaderMap::new();
        identity.insert(COOKIE, HeaderValue::from_str(&cookies.join("; ")).context("keep the session's cookie")?);
        if !status.is_success() {
            let problem = answer.json().await.unwrap_or(Value::Null);
            return Err(ApiFailure { method: Method::POST, path: path.to_owned(), status, problem }.into());
        }
        Ok(Self { identity, ..self.clone() })
    }

    /// `GET /api/v1/<path>`.
    ///
    /// # Errors
    /// [`ApiFailure`], or the portal cannot be reached.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// `POST /api/v1/<path>`.
    ///
    /// # Errors
    /// [`ApiFailure`], or the portal cannot be reached.
    pub async fn post(&self, path: &str, input: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(input)).await
    }

    /// `PUT /api/v1/<path>` of a whole new value, based on the revision that `seen` shows.
    ///
    /// # Errors
    /// [`ApiFailure`], or the portal cannot be reached.
    pub async fn put(&self, path: &str, seen: &Value, value: &Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(&json!({ "revision": seen["revision"], "value": value }))).await
    }

    /// `DELETE /api/v1/<path>` of what `seen` shows.
    ///
    /// # Errors
    /// [`ApiFailure`], or the portal cannot be reached.
    pub async fn delete(&self, path: &str, seen: &Value) -> anyhow::Result<()> {
        let path = format!("{path}?revision={}", seen["revision"]);
        self.call(Method::DELETE, &path, None).await.map(drop)
    }

    /// The HTML of a page, as the portal renders it for this identity.
    ///
    /// # Errors
    /// The portal cannot be reached or answers with an error.
    pub async fn page(&self, path: &str) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}{path}", self.base)).headers(self.identity.clone());
        let answer = request.send().await.with_context(|| format!("reach the page {path}"))?;
        let answer = answer.error_for_status().with_context(|| format!("open the page {path}"))?;
        answer.text().await.with_context(|| format!("read the page {path}"))
    }

    /// All items of a list, whether it is paged or whole.
    ///
    /// # Errors
    /// [`ApiFailure`], or the portal cannot be reached.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = if cursor.is_empty() { path.to_owned() } else { format!("{path}{joint}cursor={cursor}") };
            match self.get(&page).await? {
                Value::Array(items) => return Ok(items),
                Value::Object(mut page) => {
                    let Some(Value::Array(items)) = page.remove("items") else { anyhow::bail!("{path} is no list") };
                    all.extend(items);
                    match page.remove("next") {
                        Some(Value::String(next)) => cursor = next,
                        _ => return Ok(all),
                    }
                }
                _ => anyhow::bail!("{path} is no list"),
            }
        }
    }

    /// The one of a list whose `field` (a JSON pointer) is `value`.
    ///
    /// # Errors
    /// [`ApiFailure`], or the portal cannot be reached.
    pub async fn find(&self, path: &str, field: &str, value: &str) -> anyhow::Result<Option<Value>> {
        let items = self.list(path).await?;
        Ok(items.into_iter().find(|item| item.pointer(field).and_then(Value::as_str) == Some(value)))
    }

    async fn call(&self, method: Method, path: &str, input: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method.clone(), self.address(path)).headers(self.identity.clone());
        // A portal refuses edits by cookie that come from another origin.
        request = request.header("origin", &self.base);
        if let Some(input) = input {
            request = request.json(input);
        }
        let answer = request.send().await.with_context(|| format!("reach the portal for {method} {path}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("read the answer to {method} {path}"))?;
        let body =
            serde_json::from_str(&text).unwrap_or(if text.is_empty() { Value::Null } else { Value::String(text) });
        if !status.is_success() {
            return Err(ApiFailure { method, path: path.to_owned(), status, problem: body }.into());
        }
        Ok(body)
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }
}
