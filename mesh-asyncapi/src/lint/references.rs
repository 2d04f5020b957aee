//! References: inside the document, to something, of the right kind, and not in circles.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Lint;
use super::rules::{
    CHANNEL_SERVERS, INVALID_REF, RECURSIVE, REF_CIRCULAR, REF_FORMAT, REF_SIBLINGS, REMOTE, RESOLVED, SECURITY_DEFINED,
};
use crate::parts::{Kind, Part, is_json_schema};
use crate::pointer::Pointer;
use crate::refs::{Broken, Found};
use crate::schema::format_around;

pub(super) fn check(lint: &mut Lint<'_>) {
    let kinds: HashMap<Pointer, Kind> = lint.parts.iter().map(|part| (part.at.clone(), part.kind)).collect();
    let references: Vec<(Part<'_>, &str)> = lint.parts.references().map(|(part, text)| (part.clone(), text)).collect();
    for (part, text) in &references {
        siblings(lint, part);
        match lint.refs.follow(&Found { at: part.at.clone(), value: part.value }) {
            Ok(_) => target(lint, part, text, &kinds),
            Err(Broken::Remote) => {
                let message = format!("`{text}` points out of the document");
                let advice = "copy what it means into `components` and refer to that: nothing is fetched here";
                lint.add(&REMOTE, part.at.clone(), message, advice);
            }
            Err(Broken::Dangling) => dangling(lint, part, text),
            Err(Broken::Circular) => {
                let message = format!("`{text}` leads back to itself");
                lint.add(&REF_CIRCULAR, part.at.clone(), message, "let one of the references be what is meant");
            }
        }
    }
    formats(lint);
    recursion(lint, &references);
}

fn siblings(lint: &mut Lint<'_>, part: &Part<'_>) {
    let others = part.value.as_object().into_iter().flatten().filter(|(key, _)| *key != "$ref");
    let others: Vec<_> = others.map(|(key, _)| format!("`{key}`")).collect();
    if !others.is_empty() {
        let message = format!("{} stands beside `$ref`, where tools leave it out", others.join(", "));
        lint.add(&REF_SIBLINGS, part.at.clone(), message, "move it to what the reference means, or remove it");
    }
}

fn dangling(lint: &mut Lint<'_>, part: &Part<'_>, text: &str) {
    let (rule, message, advice) = match part.kind {
        Kind::ServerOf if text.starts_with("#/servers/") => {
            (&CHANNEL_SERVERS, format!("the server `{text}` does not exist"), "name one of `servers`, or add it there")
        }
        Kind::SecurityScheme => (
            &SECURITY_DEFINED,
            format!("the security scheme `{text}` is not defined"),
            "add it to `components.securitySchemes`, or name one that is there",
        ),
        _ => (
            &INVALID_REF,
            format!("`{text}` leads to nothing"),
            "correct the reference (a `/` inside a key is written `~1`), or add what it means",
        ),
    };
    lint.add(rule, part.at.clone(), message, advice);
}

/// Whether the reference leads to what is meant.
fn target(lint: &mut Lint<'_>, part: &Part<'_>, text: &str, kinds: &HashMap<Pointer, Kind>) {
    let Some(at) = Pointer::from_reference(text) else { return };
    let is_object = at.get(lint.root).is_some_and(|value| value.is_object() || value.is_boolean());
    let wanted = part.kind.target();
    match kinds.get(&at) {
        Some(kind) if kind.target() == wanted => {}
        // Extensions and the like, of which nothing is known.
        None if is_object => {}
        found => {
            let found = found.map_or_else(|| "something else".to_owned(), |kind| format!("a {}", kind.word()));
            let message = format!("`{text}` is {found}, where a {} is due", wanted.word());
            lint.add(&RESOLVED, part.at.clone(), message, "refer to one, or put it there");
        }
    }
}

fn formats(lint: &mut Lint<'_>) {
    let mut found = Vec::new();
    let schemas = lint.parts.references().filter(|(part, _)| matches!(part.kind, Kind::Subschema | Kind::Schema));
    for (part, text) in schemas {
        let behind = lint.refs.behind(&Found { at: part.at.clone(), value: part.value });
        // A payload may be one of another format as a whole, and never a part of one.
        let own = behind.text("schemaFormat").filter(|_| part.kind == Kind::Subschema);
        let format = own.map(str::to_owned).or_else(|| format_around(lint.root, &behind.at));
        if let Some(format) = format.filter(|format| !is_json_schema(Some(format))) {
            let message = format!("`{text}` is a schema of the format `{format}`, and stands in one of JSON Schema");
            found.push((part.at.clone(), message));
        }
    }
    for part in lint.parts.all(Kind::Schema) {
        let schema = Found { at: part.at.clone(), value: part.value };
        let (Some(format), Some(inner)) = (schema.text("schemaFormat"), schema.field("schema")) else { continue };
        let Some(other) = lint.refs.follow(&inner).ok().filter(|other| other.at != inner.at) else { continue };
        let other_format = other.text("schemaFormat");
        if other_format.is_some() || !is_json_schema(Some(format)) {
            let other = other_format.unwrap_or("the default one");
            found.push((
                inner.at,
                format!("the reference leads to a schema of the format `{other}`, and stands in `{format}`"),
            ));
        }
    }
    for (at, message) in found {
        lint.add(
            &REF_FORMAT,
            at,
            message,
            "refer to the object with `schemaFormat` as a whole, or write the schema out",
        );
    }
}

/// Schemas that contain themselves: what is left when everything that leads out is taken away, again and again.
fn recursion(lint: &mut Lint<'_>, references: &[(Part<'_>, &str)]) {
    let schemas = references.iter().filter(|(part, _)| matches!(part.kind, Kind::Subschema | Kind::Schema));
    let ways: Vec<(&Pointer, Pointer)> =
        schemas.filter_map(|(part, text)| Some((&part.at, Pointer::from_reference(text)?))).collect();
    let named: BTreeSet<&Pointer> = ways.iter().map(|(_, to)| to).collect();
    let mut edges: BTreeMap<&Pointer, BTreeSet<&Pointer>> = BTreeMap::new();
    for (from, to) in &ways {
        let mut around = Some((*from).clone());
        while let Some(pointer) = around {
            if let Some(name) = named.get(&pointer) {
                edges.entry(name).or_default().insert(to);
            }
            around = pointer.parent();
        }
    }
    loop {
        let before = edges.len();
        let known: BTreeSet<&Pointer> = edges.keys().copied().collect();
        let reached: BTreeSet<&Pointer> = edges.values().flatten().copied().collect();
        edges.retain(|name, to| {
            to.retain(|to| known.contains(to));
            !to.is_empty() && reached.contains(name)
        });
        if edges.len() == before {
            break;
        }
    }
    let recursive: Vec<Pointer> = edges.into_keys().cloned().collect();
    for at in recursive {
        let message = format!("the schema `{}` contains itself", at.last().unwrap_or_default());
        lint.add(&RECURSIVE, at, message, "nothing, if it is meant: some generators of code do not follow");
    }
}
