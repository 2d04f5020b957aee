//! Fields of one's own, which begin with `x-`.

use serde_json::{Map, Value};

/// Fields that begin with `x-`, in the order of the alphabet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extensions(Map<String, Value>);

/// A name that no extension can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of an extension: begin with `x-`, then letters, digits, `.`, `_` and `-`")]
pub struct BadExtension(pub String);

impl Extensions {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field. Null and empty texts are left out.
    ///
    /// # Errors
    /// The name does not begin with `x-`, or has signs that names cannot have.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<(), BadExtension> {
        let rest = name.strip_prefix("x-").filter(|rest| !rest.is_empty());
        let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if rest.is_none_or(|rest| !rest.chars().all(is_sign)) {
            return Err(BadExtension(name.to_owned()));
        }
        let value = value.into();
        if !(value.is_null() || value.as_str().is_some_and(str::is_empty)) {
            self.0.insert(name.to_owned(), value);
        }
        Ok(())
    }

    pub(super) fn write(&self, object: &mut Map<String, Value>) {
        let mut sorted = self.0.clone();
        sorted.sort_keys();
        object.extend(sorted);
    }
}

/// Sets a field of an object unless it is empty: `null`, `""`, `[]` and `{}` are left out.
pub(super) fn put(object: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    let value = value.into();
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    if !is_empty {
        object.insert(key.to_owned(), value);
    }
}

/// Tags as objects, each name once.
pub(super) fn tags(names: &[String]) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    names.iter().filter(|name| seen.insert(*name)).map(|name| serde_json::json!({ "name": name })).collect()
}

/// The setters that most parts have.
macro_rules! described {
    ($($name:ident),*) => {$(
        impl $name {
            /// Its name for people.
            #[must_use]
            pub fn title(mut self, title: impl Into<String>) -> Self {
                self.title = title.into();
                self
            }

            /// What it is, in a sentence.
            #[must_use]
            pub fn summary(mut self, summary: impl Into<String>) -> Self {
                self.summary = summary.into();
                self
            }

            /// What it is, in Markdown.
            #[must_use]
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.description = description.into();
                self
            }

            /// One more tag.
            #[must_use]
            pub fn tag(mut self, name: impl Into<String>) -> Self {
                self.tags.push(name.into());
                self
            }

            /// Fields of one's own.
            #[must_use]
            pub fn extensions(mut self, extensions: $crate::build::Extensions) -> Self {
                self.extensions = extensions;
                self
            }
        }
    )*};
}
pub(super) use described;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_x() {
        let mut extensions = Extensions::new();
        assert_eq!(extensions.set("x-mesh-owner", "Team Orders"), Ok(()));
        assert_eq!(extensions.set("x-ep-event-id", ""), Ok(()), "left out");
        for name in ["mesh-owner", "x-", "x-a b", "X-a"] {
            assert_eq!(extensions.set(name, 1), Err(BadExtension(name.into())));
        }
        let mut object = Map::new();
        extensions.write(&mut object);
        assert_eq!(Value::Object(object), serde_json::json!({"x-mesh-owner": "Team Orders"}));
    }
}
