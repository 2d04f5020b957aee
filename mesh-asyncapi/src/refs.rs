//! What references mean.
//!
//! Only references into the same document are followed: nothing is ever fetched, so a document cannot make the portal
//! call an address. Every chain is bounded, because a reference may lead to itself.

use serde_json::Value;

use crate::parts::reference;
use crate::pointer::Pointer;

/// Longest chain of references.
const CHAIN_MAX: usize = 32;

/// Why a reference means nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It points out of the document.
    Remote,
    /// Nothing stands there.
    Dangling,
    /// It leads back to itself.
    Circular,
}

/// What something stands for: itself, or what its reference leads to in the end.
#[derive(Clone, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) at: Pointer,
    pub(crate) value: &'a Value,
}

impl<'a> Found<'a> {
    /// A field of it.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
        self.value.as_object()?.get(name).map(|value| Self { at: self.at.child(name), value })
    }

    /// A field of it that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.as_object()?.get(name)?.as_str()
    }

    /// The entries of a field that is an object.
    pub(crate) fn entries(&self, name: &str) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let at = self.at.child(name);
        let map = self.value.as_object().and_then(|map| map.get(name)).and_then(Value::as_object);
        map.into_iter().flatten().map(move |(key, value)| (key.as_str(), Self { at: at.child(key), value }))
    }

    /// The items of a field that is a list.
    pub(crate) fn items(&self, name: &str) -> impl Iterator<Item = Self> + use<'a> {
        let at = self.at.child(name);
        let list = self.value.as_object().and_then(|map| map.get(name)).and_then(Value::as_array);
        list.into_iter().flatten().enumerate().map(move |(index, value)| Self { at: at.child(index), value })
    }
}

/// A document in which references are followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refs<'a> {
    root: &'a Value,
}

impl<'a> Refs<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> Found<'a> {
        Found { at: Pointer::root(), value: self.root }
    }

    /// Follows references until there is none.
    pub(crate) fn follow(&self, from: &Found<'a>) -> Result<Found<'a>, Broken> {
        let mut found = from.clone();
        for _ in 0..CHAIN_MAX {
            match reference(found.value) {
                None => return Ok(found),
                Some(text) => found = self.look_up(text)?,
            }
        }
        Err(Broken::Circular)
    }

    /// What stands behind something; itself, where a reference means nothing.
    pub(crate) fn behind(&self, from: &Found<'a>) -> Found<'a> {
        self.follow(from).unwrap_or_else(|_| from.clone())
    }

    /// One step.
    pub(crate) fn look_up(&self, reference: &str) -> Result<Found<'a>, Broken> {
        if !reference.starts_with('#') {
            return Err(Broken::Remote);
        }
        let at = Pointer::from_reference(reference).ok_or(Broken::Dangling)?;
        let value = at.get(self.root).ok_or(Broken::Dangling)?;
        Ok(Found { at, value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn chains_are_followed_to_their_end() {
        let root = json!({
            "a": {"$ref": "#/b~1c"}, "b/c": {"$ref": "#/d"}, "d": {"x": 1},
            "loop": {"$ref": "#/pool"}, "pool": {"$ref": "#/loop"},
            "none": {"$ref": "#/nothing"}, "far": {"$ref": "https://shop.example/x.yaml"},
        });
        let refs = Refs::new(&root);
        let follow = |key: &str| {
            let found = refs.root().field(key).expect("a key");
            refs.follow(&found).map(|found| found.at.to_string())
        };
        assert_eq!(follow("a"), Ok("/d".into()));
        assert_eq!(follow("loop"), Err(Broken::Circular));
        assert_eq!(follow("none"), Err(Broken::Dangling));
        assert_eq!(follow("far"), Err(Broken::Remote));
    }
}
