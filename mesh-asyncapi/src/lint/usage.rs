//! What nothing refers to.

use std::collections::BTreeSet;

use super::Lint;
use super::rules::{UNUSED_CHANNEL, UNUSED_COMPONENT};
use crate::parts::Kind;
use crate::pointer::Pointer;

pub(super) fn check(lint: &mut Lint<'_>) {
    let mut used = BTreeSet::new();
    let mut channels = BTreeSet::new();
    for (part, text) in lint.parts.references() {
        let Some(to) = Pointer::from_reference(text) else { continue };
        if part.kind == Kind::ChannelOf {
            channels.insert(to.clone());
        }
        // A reference from within itself is no use of it; one to something inside it is.
        let mut part_of = Some(to);
        while let Some(pointer) = part_of {
            part_of = pointer.parent();
            if !part.at.is_within(&pointer) {
                used.insert(pointer);
            }
        }
    }
    let is_component =
        |at: &Pointer| at.is_like(&["components", "*", "*"]) && !at.is_like(&["components", "securitySchemes", "*"]);
    let components = lint.parts.iter().map(|part| &part.at).filter(|at| is_component(at));
    let unused: Vec<Pointer> = components.filter(|at| !used.contains(at)).cloned().collect();
    for at in unused {
        let message = format!("the component `{}` is used nowhere", at.last().unwrap_or_default());
        lint.add(&UNUSED_COMPONENT, at, message, "refer to it, or remove it");
    }
    let unused: Vec<Pointer> = lint
        .refs
        .root()
        .entries("channels")
        .map(|(_, channel)| channel.at)
        .filter(|at| !channels.contains(at))
        .collect();
    for at in unused {
        let message = format!("no operation uses the channel `{}`", at.last().unwrap_or_default());
        lint.add(&UNUSED_CHANNEL, at, message, "add the operation that does, or remove the channel");
    }
}
