//! What a document says of itself, and its tags.

use std::collections::HashSet;

use serde_json::Value;

use super::Lint;
use super::rules::{
    DEFAULT_CONTENT_TYPE, ID, INFO_CONTACT, INFO_CONTACT_PROPERTIES, INFO_DESCRIPTION, INFO_LICENSE, INFO_LICENSE_URL,
    LATEST_VERSION, TAGS, TAGS_UNIQUE,
};
use crate::document::Version;
use crate::parts::Kind;
use crate::pointer::Pointer;
use crate::refs::Found;

pub(super) fn check(lint: &mut Lint<'_>) {
    document(lint);
    info(lint);
    tags(lint);
}

fn document(lint: &mut Lint<'_>) {
    let root = lint.root;
    if root.get("id").is_none() {
        lint.add(&ID, Pointer::root(), "the document has no id", "add `id`, such as `urn:shop:orders:till`");
    }
    let says_type = |value: &Value| value.get("contentType").is_some();
    let is_typed =
        |part: &Value| says_type(part) || part["traits"].as_array().is_some_and(|traits| traits.iter().any(says_type));
    let untyped = lint.parts.all(Kind::Message).find(|part| !is_typed(part.value)).map(|part| part.at.clone());
    if let (None, Some(at)) = (root.get("defaultContentType"), untyped) {
        let message = format!("the message at `{at}` has no content type, and the document has no default");
        let advice = "add `defaultContentType`, such as `application/json`, or `contentType` to the message";
        lint.add(&DEFAULT_CONTENT_TYPE, Pointer::root(), message, advice);
    }
    if lint.version != Version::V3_1 {
        let message = format!("the document is of AsyncAPI {}, the latest is {}", lint.version, Version::V3_1);
        lint.add(&LATEST_VERSION, Pointer::of(["asyncapi"]), message, "stay with 3.0.0 as long as your tools do");
    }
}

fn info(lint: &mut Lint<'_>) {
    let Some(info) = lint.root.get("info").filter(|info| info.is_object()) else { return };
    let at = Pointer::of(["info"]);
    if is_blank(info.get("description")) {
        let advice = "say what the application or API does, for whom, and whose view the document takes";
        lint.add(&INFO_DESCRIPTION, at.clone(), "the document has no description", advice);
    }
    match info.get("contact") {
        None => {
            lint.add(&INFO_CONTACT, at.clone(), "the document names no contact", "add `info.contact`: a team will do");
        }
        Some(contact) => {
            let missing: Vec<_> =
                ["name", "url", "email"].into_iter().filter(|key| is_blank(contact.get(key))).collect();
            if !missing.is_empty() {
                let message = format!("the contact has no {}", missing.join(" and no "));
                lint.add(&INFO_CONTACT_PROPERTIES, at.child("contact"), message, "add what is missing");
            }
        }
    }
    match info.get("license") {
        None => {
            lint.add(
                &INFO_LICENSE,
                at,
                "the document names no license",
                "add `info.license`: under which terms may it be used?",
            );
        }
        Some(license) if is_blank(license.get("url")) => {
            lint.add(&INFO_LICENSE_URL, at.child("license"), "the license has no URL", "add `info.license.url`");
        }
        Some(_) => {}
    }
    if info.get("tags").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        lint.add(&TAGS, Pointer::of(["info"]), "the document has no tags", "add `info.tags`, such as the domain");
    }
}

fn is_blank(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_none_or(|text| text.trim().is_empty())
}

fn tags(lint: &mut Lint<'_>) {
    let mut twice = Vec::new();
    for part in lint.parts.iter() {
        let mut seen = HashSet::new();
        for tag in (Found { at: part.at.clone(), value: part.value }).items("tags") {
            if let Some(name) = lint.refs.behind(&tag).text("name")
                && part.reference().is_none()
                && !matches!(part.kind, Kind::Components)
                && !seen.insert(name)
            {
                twice.push((tag.at, name));
            }
        }
    }
    for (at, name) in twice {
        lint.add(&TAGS_UNIQUE, at, format!("the tag `{name}` stands twice in one list"), "keep one of them");
    }
}
