//! The problem answers of the REST API, declared for every operation by what it takes and what it asks of its caller.
//!
//! They are the same everywhere, because [`Error::into_answer`](crate::app::Error::into_answer) and the extractors make
//! them; declaring them beside each operation would only be forgotten.

use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Content, HttpMethod, OpenApi, Ref, RefOr, ResponseBuilder};

use crate::app::permission::{Access, ENDPOINTS};

/// What each status says.
const PROBLEMS: &[(u16, &str)] = &[
    (400, "The request cannot be read."),
    (401, "Nobody is signed in, the token is not valid, or name and password do not fit."),
    (403, "The caller's role may not do this, or another site made the browser ask."),
    (404, "There is no such object, or the caller may not know of it."),
    (409, "Somebody else changed it meanwhile, or the state of other objects forbids it."),
    (422, "Something is wrong with the fields that are named."),
    (429, "Too many attempts: wait a minute."),
    (503, "It needs something that is not there now, such as an agent's session."),
];

/// Adds them to a document.
pub(super) fn declare(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            for (status, description) in PROBLEMS {
                if gives(*status, path, &method, operation) {
                    let answer = ResponseBuilder::new().description(*description);
                    let schema = Ref::from_schema_name("ApiError");
                    let answer = answer.content("application/problem+json", Content::new(Some(schema))).build();
                    operation.responses.responses.entry(status.to_string()).or_insert_with(|| answer.into());
                }
            }
        }
    }
}

fn gives(status: u16, path: &str, method: &HttpMethod, operation: &Operation) -> bool {
    let name = operation.operation_id.as_deref().unwrap_or_default();
    let access = ENDPOINTS.iter().find(|(endpoint, _)| *endpoint == name).map_or(Access::Open, |(_, access)| *access);
    let (is_safe, is_login) = (*method == HttpMethod::Get, name == "login");
    let is_of_one = path.contains("{id}");
    // What is in a queue is asked of its agent, which may refuse.
    let is_asked = path.ends_with("/events");
    // What would be done may be something else by now.
    let is_previewed = matches!(name, "apply_drift" | "push_drift" | "apply_ownership" | "import_owners");
    // A service token has no feed and no mail of its own; of webhooks there may be too many.
    let is_own = matches!(
        name,
        "notifications" | "mark_notifications" | "design_watch" | "my_mail" | "update_my_mail" | "send_test_mail"
    );
    let is_posted = name == "send_test_mail";
    match status {
        400 => operation.request_body.is_some() || has_query(operation),
        401 => is_login || access != Access::Open,
        403 => !is_safe || matches!(access, Access::Right(_)),
        404 => is_of_one,
        409 => is_of_one && (!is_safe || is_asked) || is_previewed || is_own || name == "create_webhook",
        422 => operation.request_body.is_some() || has_query(operation) || is_posted,
        429 => is_login,
        503 => is_asked || is_posted || matches!(name, "publish" | "tail"),
        _ => false,
    }
}

fn has_query(operation: &Operation) -> bool {
    let is_query = |parameter: &RefOr<utoipa::openapi::path::Parameter>| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    };
    operation.parameters.iter().flatten().any(is_query)
}
