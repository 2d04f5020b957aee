//! Slices of lists that are in memory: a cursor names the last row a caller has seen, so rows that come and go
//! meanwhile never make one be shown twice or skipped.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use frontend::api::Page;

use super::Result;
use crate::domain::field::FieldErrors;

/// Where a caller wants to go on; none = at the beginning.
#[derive(Debug)]
pub(super) struct Cursor(Option<String>);

impl Cursor {
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        let key = BASE64_URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match key {
            Some(key) => Ok(Self(Some(key))),
            None => {
                Err(FieldErrors::one("cursor", "is not one that this list gave: leave it out to begin anew").into())
            }
        }
    }

    fn write(key: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(key)
    }
}

/// How many rows a caller gets.
pub(super) fn limit(asked: Option<u32>, default: u32, max: u32) -> usize {
    asked.unwrap_or(default).clamp(1, max) as usize
}

/// The rows after the cursor. `key` names a row; a row that is gone sends its reader to the beginning.
pub(super) fn page<T>(rows: Vec<T>, after: Cursor, limit: usize, key: impl Fn(&T) -> String) -> Result<Page<T>> {
    let total = rows.len() as u64;
    let start = match after.0 {
        None => 0,
        Some(last) => rows.iter().position(|row| key(row) == last).map_or(0, |index| index + 1),
    };
    let rest = rows.len().saturating_sub(start);
    let items: Vec<T> = rows.into_iter().skip(start).take(limit).collect();
    let next = if rest > limit { items.last().map(|row| Cursor::write(&key(row))) } else { None };
    Ok(Page { items, next, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole_list() {
        let rows: Vec<u32> = (0..25).collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let after = Cursor::read(cursor.as_deref()).expect("own cursor");
            let slice = page(rows.clone(), after, 10, ToString::to_string).expect("a page");
            assert_eq!(slice.total, 25);
            seen.extend(slice.items);
            cursor = slice.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_foreign_cursor_is_an_error_beside_its_field() {
        assert!(Cursor::read(Some("%%%")).is_err());
        assert!(Cursor::read(Some("")).is_ok());
    }
}
