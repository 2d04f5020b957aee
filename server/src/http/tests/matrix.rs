//! The matrix: every endpoint of the OpenAPI document, called as every role and as nobody, against the table of
//! permissions. An endpoint that is not in the table, or enforces something else than it says, fails here.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::TestPortal;
use crate::app::permission::{Access, ENDPOINTS};
use crate::domain::person::PortalRole;

pub(super) struct Endpoint {
    pub(super) operation: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// It names one object by its id, which is of none.
    pub(super) is_of_one: bool,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let document = serde_json::to_value(crate::http::openapi()).expect("a document");
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let is_of_one = path.contains("{id}");
            let mut path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
            if path.ends_with("/tail") {
                path.push_str("?site=00000000-0000-0000-0000-000000000000&filter=a");
            }
            if path.ends_with("/design-difference") {
                let id = "00000000-0000-0000-0000-000000000000";
                path.push_str(&format!("?from={id}&to={id}"));
            }
            if method == "delete" {
                path.push_str("?revision=1");
            }
            found.push(Endpoint {
                operation: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase(),
                path,
                is_of_one,
                body: operation.get("requestBody").map(|body| sample(body, &document)),
            });
        }
    }
    found
}

/// A body that can be read, made from the document's own schema.
fn sample(body: &Value, document: &Value) -> Value {
    let schema = &body["content"]["application/json"]["schema"];
    value(schema, document, 0)
}

fn value(schema: &Value, document: &Value, depth: usize) -> Value {
    assert!(depth < 20, "the schema of a body refers to itself");
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        return value(document.pointer(pointer).expect("a known schema"), document, depth + 1);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| value(part, document, depth + 1));
        let objects = parts.filter_map(|part| part.as_object().cloned());
        return Value::Object(objects.flatten().collect());
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(first) =
            schema[choice].as_array().and_then(|choices| choices.iter().find(|one| one["type"] != "null"))
        {
            return value(first, document, depth + 1);
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or_default().to_owned(),
        kind => kind.as_str().unwrap_or_default().to_owned(),
    };
    match kind.as_str() {
        "object" => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let properties = required.iter().filter_map(Value::as_str);
            properties
                .map(|name| (name.to_owned(), named(name, &schema["properties"][name], document, depth)))
                .collect()
        }
        "array" => json!([]),
        "integer" => json!(1),
        "number" => json!(1.0),
        "boolean" => json!(true),
        _ if schema["format"] == "uuid" => json!("00000000-0000-0000-0000-000000000000"),
        _ => json!("x"),
    }
}

/// Fields whose schema only says "text" or "object".
fn named(name: &str, schema: &Value, document: &Value, depth: usize) -> Value {
    match name {
        "subject" => json!("anyone"),
        "action" => json!("publish"),
        "effect" => json!("allow"),
        "protocol" => json!("mqtt"),
        "mode" => json!("direct"),
        "mechanism" => json!("SCRAM-SHA-256"),
        "start" => json!("latest"),
        _ => value(schema, document, depth + 1),
    }
}

#[test]
fn the_table_names_exactly_the_endpoints_there_are() {
    let table: BTreeSet<&str> = ENDPOINTS.iter().map(|(operation, _)| *operation).collect();
    let found = endpoints();
    let found: BTreeSet<&str> = found.iter().map(|endpoint| endpoint.operation.as_str()).collect();
    assert_eq!(found.difference(&table).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in permission::ENDPOINTS");
    assert_eq!(table.difference(&found).collect::<Vec<_>>(), Vec::<&&str>::new(), "in the table and nowhere else");
}

#[tokio::test]
async fn every_endpoint_enforces_what_the_table_says() {
    let portal = TestPortal::start().await;
    let admin = portal.admin().await;
    let mut callers: Vec<(Option<PortalRole>, Option<String>)> = vec![(None, None)];
    for role in PortalRole::ALL {
        let input = json!({"name": role.name(), "role": role.name()});
        let token = portal.call("POST", "/api/v1/tokens", Some(&admin), Some(input)).await;
        callers.push((Some(role), Some(token.body["secret"].as_str().expect("a secret").to_owned())));
    }
    for endpoint in endpoints() {
        let (_, access) =
            ENDPOINTS.iter().find(|(operation, _)| *operation == endpoint.operation).expect("in the table");
        for (role, token) in &callers {
            let reply = portal.call(&endpoint.method, &endpoint.path, token.as_deref(), endpoint.body.clone()).await;
            let expected = match (access, role) {
                (Access::Open, _) => None,
                (_, None) => Some(StatusCode::UNAUTHORIZED),
                (Access::SignedIn, Some(_)) => None,
                (Access::Right(right), Some(role)) if right.is_of(*role) => None,
                (Access::Right(_), Some(_)) => Some(StatusCode::FORBIDDEN),
            };
            let what = format!("{} as {role:?}: {} {}", endpoint.operation, reply.status, reply.body);
            match expected {
                Some(status) => assert_eq!(reply.status, status, "{what}"),
                None => {
                    let refused = [StatusCode::FORBIDDEN, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_REQUEST];
                    assert!(!refused.contains(&reply.status), "{what}");
                    let wrong_login = endpoint.operation == "login";
                    assert!(wrong_login || reply.status != StatusCode::UNAUTHORIZED, "{what}");
                }
            }
        }
    }
}
