//! What clients do at a place of a document: whom a change there concerns.

use super::Whose;
use crate::build::Action;
use crate::document::Document;
use crate::parts::reference;
use crate::pointer::Pointer;
use crate::refs::{Found, Refs};

/// What clients do with a part: an operation, a channel, a message, or something in one. Empty = with none in particular,
/// such as a server, or nothing.
#[must_use]
pub fn done_by_clients(document: &Document, at: &Pointer, whose: Whose) -> Vec<Action> {
    let refs = Refs::new(document.value());
    let root = refs.root();
    let target = |item: &Found<'_>| {
        let at = Pointer::from_reference(reference(item.value)?)?;
        let value = at.get(document.value())?;
        Some((at.clone(), refs.behind(&Found { at, value })))
    };
    let mut done = Vec::new();
    for (_, entry) in root.entries("operations") {
        let operation = refs.behind(&entry);
        let Some(action) = operation.text("action").and_then(Action::by_name) else { continue };
        let action = if whose == Whose::Application { action.mirrored() } else { action };
        let channel = operation.field("channel").and_then(|channel| target(&channel));
        let mut messages: Vec<(Pointer, Found<'_>)> =
            operation.items("messages").filter_map(|item| target(&item)).collect();
        if operation.value.get("messages").is_none() {
            let all = channel.iter().flat_map(|(_, channel)| channel.entries("messages"));
            messages = all.map(|(_, message)| (message.at.clone(), refs.behind(&message))).collect();
        }
        let of_message =
            |at: &Pointer| messages.iter().any(|(named, found)| at.is_within(named) || at.is_within(&found.at));
        // A message of the channel that the operation does not name is not its.
        let of_channel = channel.iter().any(|(named, found)| {
            [named, &found.at]
                .into_iter()
                .any(|channel| at.is_within(channel) && !at.is_within(&channel.child("messages")))
        });
        let is_here = at.is_within(&entry.at) || at.is_within(&operation.at) || of_channel || of_message(at);
        if is_here && !done.contains(&action) {
            done.push(action);
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_of_those_who_do_something_there() {
        let value = json!({
            "asyncapi": "3.0.0", "info": {"title": "T", "version": "1"}, "servers": {"s": {}},
            "channels": {
                "a": {"messages": {"m": {"$ref": "#/components/messages/M"}, "n": {}}},
                "b": {"messages": {"m": {"$ref": "#/components/messages/M"}}},
            },
            "operations": {
                "x": {"action": "send", "channel": {"$ref": "#/channels/a"}, "messages": [{"$ref": "#/channels/a/messages/m"}]},
                "y": {"action": "receive", "channel": {"$ref": "#/channels/b"}},
            },
            "components": {"messages": {"M": {"payload": {}}}},
        });
        let document = Document::new(value).expect("a document");
        let done = |at: &str| done_by_clients(&document, &Pointer::parse(at), Whose::Clients);
        assert_eq!(done("/channels/a/address"), [Action::Send]);
        assert_eq!(done("/operations/y"), [Action::Receive]);
        assert_eq!(done("/components/messages/M/payload"), [Action::Send, Action::Receive]);
        assert_eq!((done("/channels/a/messages/n"), done("/servers/s")), (vec![], vec![]));
        let turned = done_by_clients(&document, &Pointer::parse("/channels/a"), Whose::Application);
        assert_eq!(turned, [Action::Receive], "clients of an application do the opposite");
    }
}
