//! Pages of lists: every list that the portal gives is cut here.
//!
//! A page goes on behind a key, never at an index: the cursor is the key of the last row its reader has seen, and the
//! next page begins with the first row behind it, whether that last row is still there or not. Rows are put in the
//! order of their keys here as well. A database orders text by its collation; a cursor that is compared in another
//! order than the rows stand in skips some and repeats others.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use frontend::api::{ListQuery, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Result;
use crate::domain::field::FieldErrors;

/// Rows of a plain list when nobody says how many: more than a mesh of usual size has.
const LIST: u32 = 500;
/// Most rows of a plain list at once.
const LIST_MAX: u32 = 1_000;

/// Which part of a list a caller wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'a> {
    cursor: Option<&'a str>,
    limit: usize,
}

impl<'a> Slice<'a> {
    /// With the list's own limits.
    pub(super) fn of(cursor: Option<&'a str>, asked: Option<u32>, default: u32, max: u32) -> Self {
        let limit = asked.unwrap_or(default).clamp(1, max) as usize;
        Self { cursor: cursor.filter(|text| !text.is_empty()), limit }
    }

    /// Of a list without limits of its own.
    pub(super) fn of_list(query: &'a ListQuery) -> Self {
        Self::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX)
    }

    /// Rows of a page.
    pub(super) fn limit(self) -> usize {
        self.limit
    }

    /// The key of the last row the caller has seen; none = begin with the first.
    pub(super) fn after<K: DeserializeOwned>(self) -> Result<Option<K>> {
        let Some(text) = self.cursor else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let foreign = || FieldErrors::one("cursor", "is not one that this list gave: leave it out to begin anew");
        Ok(Some(key.ok_or_else(foreign)?))
    }

    /// A page of rows that begin behind the cursor already and are one more than the limit when there are more.
    pub(super) fn cut<T, K: Serialize>(self, mut rows: Vec<T>, total: u64, key: impl Fn(&T) -> K) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = if more { rows.last().map(|row| write(&key(row))) } else { None };
        Page { items: rows, next, total }
    }
}

/// A cursor.
pub(super) fn write<K: Serialize>(key: &K) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).expect("keys are texts, numbers and ids"))
}

/// The rows behind the cursor, in the order of `key`, which is another for every row.
pub(super) fn page<T, K>(rows: Vec<T>, slice: Slice<'_>, key: impl Fn(&T) -> K) -> Result<Page<T>>
where
    K: Ord + Serialize + DeserializeOwned,
{
    let (after, total) = (slice.after::<K>()?, rows.len() as u64);
    let is_behind = |key: &K| after.as_ref().is_none_or(|last| key > last);
    let mut behind: Vec<(K, T)> =
        rows.into_iter().map(|row| (key(&row), row)).filter(|(key, _)| is_behind(key)).collect();
    behind.sort_by(|(a, _), (b, _)| a.cmp(b));
    behind.truncate(slice.limit + 1);
    Ok(slice.cut(behind.into_iter().map(|(_, row)| row).collect(), total, key))
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;

    /// Reads a list page by page; `between` changes it after each.
    fn read<K>(mut rows: Vec<&str>, key: impl Fn(&&str) -> K, between: impl Fn(&mut Vec<&str>)) -> Vec<String>
    where
        K: Ord + Serialize + DeserializeOwned,
    {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let slice = page(rows.clone(), Slice::of(cursor.as_deref(), Some(2), 2, 2), &key).expect("a page");
            assert_eq!(slice.total, rows.len() as u64);
            seen.extend(slice.items.into_iter().map(str::to_owned));
            cursor = slice.next;
            if cursor.is_none() {
                return seen;
            }
            between(&mut rows);
        }
    }

    fn own(row: &&str) -> String {
        (*row).to_owned()
    }

    #[test]
    fn rows_that_a_database_ordered_by_another_collation_come_once_each() {
        // As PostgreSQL gives them with the collation en_US.
        let rows = vec!["a", "B", "b-1", "B2", "b-3", "c", "Z"];
        assert_eq!(read(rows.clone(), own, |_| {}), ["B", "B2", "Z", "a", "b-1", "b-3", "c"]);
        let newest_first = read(rows, |row| Reverse(own(row)), |_| {});
        assert_eq!(newest_first, ["c", "b-3", "b-1", "a", "Z", "B2", "B"]);
    }

    #[test]
    fn a_row_that_is_gone_does_not_send_its_reader_back() {
        let gone = |rows: &mut Vec<&str>| rows.retain(|row| !["b", "d"].contains(row));
        assert_eq!(read(vec!["a", "b", "c", "d", "e"], own, gone), ["a", "b", "c", "e"]);
        let comes = |rows: &mut Vec<&str>| {
            if !rows.contains(&"aa") {
                rows.extend(["aa", "z"]);
            }
        };
        assert_eq!(read(vec!["a", "b", "c"], own, comes), ["a", "b", "c", "z"], "what comes before is not seen");
    }

    #[test]
    fn a_foreign_cursor_is_an_error_beside_its_field() {
        let read = |cursor: &str| Slice::of(Some(cursor), None, 1, 1).after::<String>();
        assert!(read("%%%").is_err());
        assert!(read(&BASE64_URL_SAFE_NO_PAD.encode("5")).is_err(), "a key of another list");
        assert!(matches!(read(""), Ok(None)));
    }

    #[test]
    fn limits_hold_whatever_is_asked() {
        let limit = |asked| Slice::of(None, asked, 5, 10).limit();
        assert_eq!([limit(None), limit(Some(0)), limit(Some(7)), limit(Some(u32::MAX))], [5, 1, 7, 10]);
    }
}
