//! Where the parts of a document stand in its text.
//!
//! Findings are made on values, which do not know where they came from. So the text is walked once more, and only when
//! somebody wants to see lines. JSON is walked as YAML, which it nearly is: where it is not, there is no place.

use std::collections::HashMap;

use granit_parser::Event;

use super::yaml::parser;
use super::{Place, TEXT_BYTES_MAX};
use crate::pointer::Pointer;

/// Finds the places of parts in a text, in the order in which they are asked for. A part that is not there has the
/// place of the nearest part around it; none = the text cannot be read that far.
#[must_use]
pub fn locate(text: &str, parts: &[Pointer]) -> Vec<Option<Place>> {
    let mut wanted: HashMap<Pointer, Option<Place>> = HashMap::new();
    for part in parts {
        let mut part = Some(part.clone());
        while let Some(pointer) = part {
            part = pointer.parent();
            wanted.insert(pointer, None);
        }
    }
    if text.len() <= TEXT_BYTES_MAX {
        walk(text, &mut wanted);
    }
    let place = |part: &Pointer| {
        let mut part = Some(part.clone());
        while let Some(pointer) = part {
            if let Some(place) = wanted.get(&pointer).copied().flatten() {
                return Some(place);
            }
            part = pointer.parent();
        }
        None
    };
    parts.iter().map(place).collect()
}

enum Frame {
    List(usize),
    /// The key whose value comes next, and where that stands.
    Map(Option<(String, Place)>),
}

fn walk(text: &str, wanted: &mut HashMap<Pointer, Option<Place>>) {
    let mut frames: Vec<Frame> = Vec::new();
    let mut way: Vec<Pointer> = vec![Pointer::root()];
    for event in parser(text) {
        let Ok((event, place)) = event else { return };
        match event {
            Event::SequenceEnd | Event::MappingEnd => {
                frames.pop();
                way.pop();
                done(&mut frames);
            }
            Event::Scalar(text, ..) if matches!(frames.last(), Some(Frame::Map(None))) => {
                if let Some(Frame::Map(key)) = frames.last_mut() {
                    *key = Some((text.into_owned(), place));
                }
            }
            Event::Scalar(..) | Event::Alias(_) => {
                mark(&frames, &way, place, wanted);
                done(&mut frames);
            }
            Event::SequenceStart(..) => {
                way.push(mark(&frames, &way, place, wanted));
                frames.push(Frame::List(0));
            }
            Event::MappingStart(..) => {
                way.push(mark(&frames, &way, place, wanted));
                frames.push(Frame::Map(None));
            }
            _ => {}
        }
    }
}

/// Notes where a value stands: at its key, if it has one.
fn mark(frames: &[Frame], way: &[Pointer], at: Place, wanted: &mut HashMap<Pointer, Option<Place>>) -> Pointer {
    let around = way.last().cloned().unwrap_or_default();
    let (pointer, place) = match frames.last() {
        None => (Pointer::root(), at),
        Some(Frame::List(index)) => (around.child(index), at),
        Some(Frame::Map(Some((key, place)))) => (around.child(key), *place),
        Some(Frame::Map(None)) => (around, at),
    };
    if let Some(found) = wanted.get_mut(&pointer) {
        found.get_or_insert(place);
    }
    pointer
}

/// A value is finished: on to the next one.
fn done(frames: &mut [Frame]) {
    match frames.last_mut() {
        Some(Frame::List(index)) => *index += 1,
        Some(Frame::Map(key)) => *key = None,
        None => {}
    }
}
