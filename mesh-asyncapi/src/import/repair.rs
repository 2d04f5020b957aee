//! Keys that version 3 does not know get `x-` in front: what they said is kept, and tools take the document.

use serde_json::Value;

use super::Note;
use crate::document::Document;
use crate::official;
use crate::pointer::Pointer;

/// A key that goes can uncover another one further in.
const ROUNDS_MAX: usize = 3;

pub(super) fn repair(document: &mut Document, notes: &mut Vec<Note>) {
    for _ in 0..ROUNDS_MAX {
        let unknown: Vec<Pointer> = official::unknown_keys(document);
        if unknown.is_empty() {
            return;
        }
        let mut value = document.value().clone();
        for at in unknown {
            rename(&mut value, &at, notes);
        }
        match Document::new(value) {
            Ok(repaired) => *document = repaired,
            Err(_) => return,
        }
    }
}

fn rename(value: &mut Value, at: &Pointer, notes: &mut Vec<Note>) {
    let (Some(around), Some(key)) = (at.parent(), at.last()) else { return };
    let Some(map) = around.get_mut(value).and_then(Value::as_object_mut) else { return };
    // The same key again: not even an extension can stand there.
    if key.starts_with("x-") {
        if map.shift_remove(key).is_some() {
            notes.push(Note { at: at.clone(), message: format!("`{key}` is left out: nothing else can stand there.") });
        }
        return;
    }
    let sign = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let new = format!("x-{}", key.chars().map(sign).collect::<String>());
    if let Some(inner) = map.shift_remove(key)
        && !map.contains_key(&new)
    {
        notes.push(Note {
            at: at.clone(),
            message: format!("`{key}` is kept as `{new}`: version 3 does not know it there."),
        });
        map.insert(new, inner);
    }
}
