//! Versions that a form may refer to, by the words people write: `order 1.2.0`.

use mesh_protocol::id::DesignVersionId;

use super::state_word;
use crate::api::{Api, ApiError, DesignKind, DesignObjectView, DesignQuery, DesignState};
use crate::components::Choice;

/// Rows asked for at once.
const PAGE: u32 = 1_000;

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Known {
    pub(super) id: DesignVersionId,
    /// `order 1.2.0`; where two domains have an object of that name, `retail/order 1.2.0`.
    pub(super) label: String,
    pub(super) state: DesignState,
}

/// All versions of a kind that may be built on, newest numbers first.
pub(super) async fn all(api: Api, kind: DesignKind) -> Result<Vec<Known>, ApiError> {
    let (mut objects, mut cursor) = (Vec::new(), None);
    loop {
        let query = DesignQuery { kind: Some(kind), cursor, limit: Some(PAGE), ..DesignQuery::default() };
        let page = api.0.design_objects(query).await?;
        objects.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(labelled(&objects));
        }
    }
}

fn labelled(objects: &[DesignObjectView]) -> Vec<Known> {
    let is_twice = |name: &str| objects.iter().filter(|other| other.config.name == name).count() > 1;
    let mut all = Vec::new();
    for object in objects {
        let name = &object.config.name;
        let name = if is_twice(name) { format!("{}/{name}", object.domain_name) } else { name.clone() };
        let versions = object.versions.iter().filter(|version| version.state != DesignState::Retired);
        all.extend(versions.map(|version| Known {
            id: version.id,
            label: format!("{name} {}", version.number),
            state: version.state,
        }));
    }
    all
}

/// For a select; the first says that there is none.
pub(super) fn choices(known: &[Known], none: &str) -> Vec<Choice> {
    let one =
        |known: &Known| (known.id.to_string(), format!("{} ({})", known.label, state_word(known.state).to_lowercase()));
    std::iter::once((String::new(), none.to_owned())).chain(known.iter().map(one)).collect()
}

/// How people write a version; its id when it is not among these.
pub(super) fn label(known: &[Known], id: DesignVersionId) -> String {
    known.iter().find(|one| one.id == id).map_or_else(|| id.to_string(), |one| one.label.clone())
}

/// The version that somebody wrote.
pub(super) fn find(known: &[Known], text: &str) -> Result<DesignVersionId, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let found = known.iter().find(|one| one.label == text || one.id.to_string() == text);
    found
        .map(|one| one.id)
        .ok_or_else(|| format!("`{text}` is none that is there: write a name and a number, `order 1.0.0`"))
}

/// The versions that somebody wrote, one a line.
pub(super) fn find_lines(known: &[Known], text: &str) -> Result<Vec<DesignVersionId>, String> {
    lines(text).map(|line| find(known, line)).collect()
}

/// The same with a name before each: `shop.Money = money 1.0.0`.
pub(super) fn find_named(known: &[Known], text: &str) -> Result<Vec<(String, DesignVersionId)>, String> {
    let named = |line: &str| {
        let (name, version) =
            line.split_once('=').ok_or_else(|| format!("`{line}` has no =: write NAME = order 1.0.0"))?;
        Ok((name.trim().to_owned(), find(known, version)?))
    };
    lines(text).map(named).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn known(number: u128, label: &str) -> Known {
        Known { id: DesignVersionId(Uuid::from_u128(number)), label: label.to_owned(), state: DesignState::Released }
    }

    #[test]
    fn what_people_write_is_found_and_what_is_not_there_is_named() {
        let all = [known(1, "order 1.0.0"), known(2, "retail/money 2.1.0")];
        assert_eq!(find(&all, "  order   1.0.0 "), Ok(all[0].id));
        assert_eq!(find_lines(&all, "order 1.0.0\n\nretail/money 2.1.0\n"), Ok(vec![all[0].id, all[1].id]));
        assert_eq!(find_named(&all, "shop.Money = retail/money 2.1.0"), Ok(vec![("shop.Money".to_owned(), all[1].id)]));
        assert!(find_lines(&all, "order 9.0.0").is_err_and(|why| why.contains("`order 9.0.0`")));
        assert!(find_named(&all, "order 1.0.0").is_err_and(|why| why.contains("no =")));
        assert_eq!(find(&all, &label(&all, all[1].id)), Ok(all[1].id), "what a form shows reads back");
        assert_eq!(choices(&all, "None").len(), 3);
    }
}
