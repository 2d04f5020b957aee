//! The texts of a JSON Schema: its own and those it refers to, and what a URI in one of them means.
//!
//! Nothing is ever fetched: a URI that no text answers to is an error of the schema.

use std::collections::HashMap;

use jsonschema::Draft;
use serde_json::Value;

use super::super::invalid::{Invalid, Rule};
use super::super::text::{locate, read_json};
use super::Reference;

/// The base of a schema that names none.
const BASE: &str = "json-schema:///";

/// A schema's own text (the first) and its references.
#[derive(Clone, Debug)]
pub(super) struct Documents(Vec<Document>);

#[derive(Clone, Debug)]
pub(super) struct Document {
    /// As referred to; none for the schema itself.
    pub(super) name: Option<String>,
    /// Where it says it lives.
    pub(super) base: String,
    pub(super) draft: Draft,
    pub(super) value: Value,
    text: String,
}

/// A value in a document, by the path to it.
pub(super) type Spot = (usize, Vec<String>);

impl Documents {
    pub(super) fn read(text: &str, references: &[Reference]) -> Result<Self, Invalid> {
        let mut documents = Vec::with_capacity(references.len() + 1);
        let texts = references.iter().map(|reference| (Some(reference.name.as_str()), reference.text.as_str()));
        for (name, text) in std::iter::once((None, text)).chain(texts) {
            documents.push(Document::read(name, text).map_err(|invalid| invalid.within(name))?);
        }
        Ok(Self(documents))
    }

    pub(super) fn all(&self) -> &[Document] {
        &self.0
    }

    /// The document a URI without fragment means.
    fn by_uri(&self, uri: &str) -> Option<usize> {
        let named = |document: &&Document| match &document.name {
            Some(name) => name == uri || resolve(BASE, name) == uri || uri.ends_with(&format!("/{name}")),
            None => false,
        };
        let exact = self.0.iter().position(|document| document.base == uri);
        exact.or_else(|| self.0.iter().position(|document| named(&document)))
    }

    /// The text that a URI means, whatever its fragment.
    pub(super) fn named(&self, uri: &str) -> Option<&Value> {
        let number = self.by_uri(uri.split('#').next().unwrap_or_default())?;
        Some(&self.0[number].value)
    }

    /// Everything that has a URI of its own.
    pub(super) fn index(&self) -> Index {
        let mut index = Index::default();
        for (number, document) in self.0.iter().enumerate() {
            index.ids.entry(document.base.clone()).or_insert_with(|| (number, Vec::new()));
            index.add(document, number, &document.value, &document.base, &mut Vec::new());
        }
        index
    }

    /// What a reference means that stands in a place with a base.
    pub(super) fn find(&self, index: &Index, base: &str, reference: &str) -> Option<Spot> {
        let uri = resolve(base, reference);
        let (resource, fragment) = uri.split_once('#').unwrap_or((&uri, ""));
        let fragment = decode(fragment);
        let whole = || {
            let named = self.by_uri(resource).map(|number| (number, Vec::new()));
            index.ids.get(resource).cloned().or(named)
        };
        if fragment.is_empty() {
            return whole();
        }
        if !fragment.starts_with('/') {
            let anchor = |resource: &str| index.anchors.get(&format!("{resource}#{fragment}")).cloned();
            let named = || self.by_uri(resource).and_then(|number| anchor(&self.0[number].base));
            return anchor(resource).or_else(named);
        }
        let (number, mut path) = whole()?;
        path.extend(fragment.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")));
        self.value(number, &path)?;
        Some((number, path))
    }

    /// The value at a path.
    pub(super) fn value(&self, number: usize, path: &[String]) -> Option<&Value> {
        path.iter().try_fold(&self.0[number].value, |value, step| match value {
            Value::Object(map) => map.get(step),
            Value::Array(list) => list.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The base that holds at a path: that of the innermost `$id` on the way.
    pub(super) fn base(&self, number: usize, path: &[String]) -> String {
        let document = &self.0[number];
        let mut base = document.base.clone();
        for length in 1..=path.len() {
            if let Some(id) = self.value(number, &path[..length]).and_then(|value| id(value, document.draft)) {
                base = resolve(&base, id);
            }
        }
        base
    }

    /// An error with its place.
    pub(super) fn wrong(&self, number: usize, path: &[String], rule: Rule, message: impl Into<String>) -> Invalid {
        let document = &self.0[number];
        Invalid::new(rule, message).at(locate(&document.text, path)).within(document.name.as_deref())
    }
}

impl Document {
    fn read(name: Option<&str>, text: &str) -> Result<Self, Invalid> {
        let (value, _) = read_json(text)?;
        if !value.is_object() && !value.is_boolean() {
            let message = "a JSON Schema is an object, or true or false";
            return Err(Invalid::new(Rule::Structure, message).at(locate(text, &[])));
        }
        let draft = draft(&value, text)?;
        let given = name.map_or(BASE.to_owned(), |name| resolve(BASE, name));
        let base = id(&value, draft).map_or(given.clone(), |id| resolve(&given, id));
        let base = base.split('#').next().unwrap_or_default().to_owned();
        Ok(Self { name: name.map(str::to_owned), base, draft, value, text: text.to_owned() })
    }
}

fn draft(value: &Value, text: &str) -> Result<Draft, Invalid> {
    let Some(dialect) = value.get("$schema") else { return Ok(Draft::Draft7) };
    let known = [
        ("draft-04", Draft::Draft4),
        ("draft-06", Draft::Draft6),
        ("draft-07", Draft::Draft7),
        ("2019-09", Draft::Draft201909),
        ("2020-12", Draft::Draft202012),
    ];
    let uri = dialect.as_str().unwrap_or_default();
    let draft = known.into_iter().find(|(word, _)| uri.contains("json-schema.org") && uri.contains(word));
    draft.map(|(_, draft)| draft).ok_or_else(|| {
        let hint = "name one of draft-04, draft-06, draft-07, 2019-09 or 2020-12, such as \
                    \"https://json-schema.org/draft/2020-12/schema\"";
        let message = format!("the draft {dialect} is not known: {hint}");
        Invalid::new(Rule::Dialect, message).at(locate(text, &["$schema".to_owned()]))
    })
}

/// URIs and anchors within the documents.
#[derive(Debug, Default)]
pub(super) struct Index {
    ids: HashMap<String, Spot>,
    anchors: HashMap<String, Spot>,
}

impl Index {
    fn add(&mut self, document: &Document, number: usize, value: &Value, base: &str, path: &mut Vec<String>) {
        let mut base = base.to_owned();
        if let Some(id) = id(value, document.draft) {
            base = resolve(&base, id);
            self.ids.entry(base.clone()).or_insert_with(|| (number, path.clone()));
        }
        for anchor in ["$anchor", "$dynamicAnchor"].iter().filter_map(|key| value.get(key)?.as_str()) {
            self.anchors.entry(format!("{base}#{anchor}")).or_insert_with(|| (number, path.clone()));
        }
        // Before 2019-09 an `$id` that is a fragment was an anchor.
        let old = ["$id", "id"].iter().filter_map(|key| value.get(key)?.as_str()?.strip_prefix('#')).next();
        if let Some(anchor) = old.filter(|anchor| !anchor.is_empty()) {
            self.anchors.entry(format!("{base}#{anchor}")).or_insert_with(|| (number, path.clone()));
        }
        let mut inside = |step: String, value: &Value| {
            path.push(step);
            self.add(document, number, value, &base, path);
            path.pop();
        };
        match value {
            // Values that are no schemas may look like some.
            Value::Object(map) => map
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "enum" | "const" | "default" | "examples"))
                .for_each(|(key, value)| inside(key.clone(), value)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(index, value)| inside(index.to_string(), value));
            }
            _ => {}
        }
    }
}

/// The `$id` of a schema, unless it is only an anchor.
fn id(value: &Value, draft: Draft) -> Option<&str> {
    let key = if draft == Draft::Draft4 { "id" } else { "$id" };
    value.get(key)?.as_str().filter(|id| !id.starts_with('#') && !id.is_empty())
}

/// A reference made absolute, for the forms schemas use: no `?`, and `..` only at the front.
fn resolve(base: &str, reference: &str) -> String {
    let base = base.split('#').next().unwrap_or_default();
    if has_scheme(reference) {
        return reference.to_owned();
    }
    if reference.is_empty() || reference.starts_with('#') {
        return format!("{base}{reference}");
    }
    let root = base.find("://").map_or(0, |at| base[at + 3..].find('/').map_or(base.len(), |slash| at + 3 + slash));
    if reference.starts_with('/') {
        return format!("{}{reference}", &base[..root]);
    }
    let mut folder = base.rfind('/').filter(|slash| *slash >= root).map_or(base, |slash| &base[..slash]);
    let mut rest = reference;
    loop {
        if let Some(next) = rest.strip_prefix("./") {
            rest = next;
        } else if let Some(next) = rest.strip_prefix("../") {
            rest = next;
            folder = folder.rfind('/').filter(|slash| *slash >= root).map_or(folder, |slash| &folder[..slash]);
        } else {
            return format!("{folder}/{rest}");
        }
    }
}

fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'))
    })
}

/// Undoes percent-encoding; what is none stays.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_made_absolute() {
        for (base, reference, expected) in [
            (BASE, "a.json", "json-schema:///a.json"),
            (BASE, "#/x", "json-schema:///#/x"),
            ("https://x.org/s/order.json", "line.json#/a", "https://x.org/s/line.json#/a"),
            ("https://x.org/s/order.json", "../line.json", "https://x.org/line.json"),
            ("https://x.org/s/order.json", "../../../line.json", "https://x.org/line.json"),
            ("https://x.org/s/order.json#frag", "/line.json", "https://x.org/line.json"),
            ("https://x.org", "line.json", "https://x.org/line.json"),
            ("https://x.org/a", "urn:x:y", "urn:x:y"),
            ("https://x.org/a", "#b", "https://x.org/a#b"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{base} {reference}");
        }
    }

    #[test]
    fn fragments_are_decoded() {
        assert_eq!(decode("/%24defs/a%2"), "/$defs/a%2");
    }
}
