//! Operations: their channel, their messages, and replies.

use super::Lint;
use super::rules::{OPERATION_CHANNEL, OPERATION_MESSAGES, OPERATION_NO_MESSAGES, OPERATION_SUMMARY, REPLY_ADDRESS};
use crate::parts::{Kind, Part};
use crate::pointer::Pointer;
use crate::refs::Found;

pub(super) fn check(lint: &mut Lint<'_>) {
    let operations: Vec<Part<'_>> = lint.parts.all(Kind::Operation).cloned().collect();
    for operation in operations {
        let found = Found { at: operation.at.clone(), value: operation.value };
        if operation.at.is_like(&["operations", "*"]) {
            channel(lint, &found);
        }
        messages_of(lint, &found);
        content(lint, &found);
        if let Some(reply) = found.field("reply") {
            let reply = lint.refs.behind(&reply);
            messages_of(lint, &reply);
            reply_address(lint, &reply);
        }
    }
}

fn channel(lint: &mut Lint<'_>, operation: &Found<'_>) {
    let Some(channel) = operation.field("channel") else { return };
    let Some(text) = channel.text("$ref") else { return };
    if text.starts_with('#') && !Pointer::from_reference(text).is_some_and(|at| at.is_like(&["channels", "*"])) {
        let message = format!("`{text}` is not one of the document's channels");
        lint.add(&OPERATION_CHANNEL, channel.at, message, "refer to `#/channels/...`, which may refer to a component");
    }
}

fn messages_of(lint: &mut Lint<'_>, of: &Found<'_>) {
    let Some(channel) = of.field("channel").and_then(|channel| channel.text("$ref")) else { return };
    let Some(channel_at) = Pointer::from_reference(channel) else { return };
    for message in of.items("messages") {
        let Some(text) = message.text("$ref") else { continue };
        let at = Pointer::from_reference(text);
        let is_of_channel = at.is_some_and(|at| {
            at.is_within(&channel_at.child("messages")) && at.steps().len() == channel_at.steps().len() + 2
        });
        if text.starts_with('#') && !is_of_channel {
            let message_text = format!("`{text}` is no message of the channel `{channel}`");
            let advice = format!("refer to the channel's entry: `{channel}/messages/...`");
            lint.add(&OPERATION_MESSAGES, message.at, message_text, advice);
        }
    }
}

fn content(lint: &mut Lint<'_>, operation: &Found<'_>) {
    let says = |key: &str| operation.text(key).is_some_and(|text| !text.trim().is_empty());
    if !["title", "summary", "description"].into_iter().any(says) {
        let advice = "add `summary`: what happens when a client does this?";
        lint.add(&OPERATION_SUMMARY, operation.at.clone(), "the operation is not described", advice);
    }
    let channel = operation.field("channel").map(|channel| lint.refs.behind(&channel));
    let has_messages = match operation.value.get("messages") {
        Some(_) => operation.items("messages").next().is_some(),
        None => channel.is_some_and(|channel| channel.entries("messages").next().is_some()),
    };
    if !has_messages {
        let advice = "add messages to the channel, so that a reader knows what is sent";
        lint.add(&OPERATION_NO_MESSAGES, operation.at.clone(), "the operation has no messages", advice);
    }
}

fn reply_address(lint: &mut Lint<'_>, reply: &Found<'_>) {
    let (Some(_), Some(channel)) = (reply.field("address"), reply.field("channel")) else { return };
    let behind = lint.refs.behind(&channel);
    if let Some(address) = behind.text("address") {
        let message =
            format!("the reply's address comes with the message, and its channel has the address `{address}`");
        lint.add(
            &REPLY_ADDRESS,
            channel.at,
            message,
            "let the channel have `address: null`, or remove `reply.address`",
        );
    }
}
