//! Owners out of a list. Unlike the queue, a list may also give what has an owner to another one: each line says whose it
//! was before anything is done.

use std::collections::HashMap;

use frontend::api::{OwnershipImport, OwnershipKind, OwnershipLine, OwnershipVerdict};

use super::scene::{Scene, Thing, What};
use super::task::owner_line;
use super::write::{Change, Plan};
use crate::app::Result;
use crate::domain::field::FieldErrors;
use crate::domain::ownership::{Kind, Wanted, read};

/// Things by their kind and the names that a list may call them by.
struct Named<'t, 'a>(HashMap<(OwnershipKind, String), Vec<&'t Thing<'a>>>);

pub(super) fn plan(scene: &Scene, list: &OwnershipImport) -> Result<Plan> {
    let read = read(&list.csv).map_err(|why| FieldErrors::one("csv", why))?;
    let things = scene.things();
    let named = Named::of(&things);
    let (mut lines, mut changes) = (Vec::new(), Vec::new());
    let mut taken: HashMap<String, u64> = HashMap::new();
    for one in read {
        let wanted = match one.wanted {
            Ok(wanted) => wanted,
            Err(why) => {
                lines.push(refused(one.line, format!("line {}", one.line), OwnershipVerdict::Conflict, why));
                continue;
            }
        };
        let found = match named.find(&wanted) {
            Ok(found) => found,
            Err(why) => {
                let left_out = list.skip_unknown && matches!(why, Missing::Unknown);
                let verdict = if left_out { OwnershipVerdict::LeftOut } else { OwnershipVerdict::Conflict };
                let what = format!("{} {}", wanted.kind.name(), wanted.name);
                lines.push(refused(one.line, what, verdict, why.to_string()));
                continue;
            }
        };
        for thing in found {
            if let Some(before) = taken.insert(thing.key.clone(), one.line) {
                let why = format!("stands in line {before} already: leave one of the two out");
                lines.push(refused(one.line, thing.label(), OwnershipVerdict::Conflict, why));
                continue;
            }
            let verdict = if thing.owner == wanted.owner { OwnershipVerdict::Same } else { OwnershipVerdict::Change };
            if verdict == OwnershipVerdict::Change {
                changes.push(Change::of(thing, &wanted.owner, thing.tags().to_vec(), scene));
            }
            lines.push(owner_line(thing, one.line, verdict, &wanted.owner));
        }
    }
    Ok(Plan::new(lines, changes, list))
}

fn refused(line: u64, what: String, verdict: OwnershipVerdict, note: String) -> OwnershipLine {
    OwnershipLine { line: Some(line), what, verdict, before: String::new(), after: String::new(), note }
}

/// Why nothing is meant by a line.
enum Missing {
    Unknown,
    /// Several are, by names that tell them apart.
    Several(Vec<String>),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("is not there: look for how it is written"),
            Self::Several(names) => write!(f, "may be one of several: write {}", names.join(" or ")),
        }
    }
}

impl<'t, 'a> Named<'t, 'a> {
    fn of(things: &'t [Thing<'a>]) -> Self {
        let mut named = Self(HashMap::new());
        for thing in things {
            let mut put = |name: String| named.0.entry((thing.kind(), name)).or_default().push(thing);
            put(thing.name().to_owned());
            if let Some(full) = full_name(thing) {
                put(full);
            }
        }
        named
    }

    /// What a line is about: one thing, or an application with what was designed of it.
    fn find(&self, wanted: &Wanted) -> std::result::Result<Vec<&'t Thing<'a>>, Missing> {
        let found = self.0.get(&(kind(wanted.kind), wanted.name.clone())).map(Vec::as_slice).unwrap_or_default();
        let with_clients = found.iter().copied().filter(|thing| matches!(thing.what, What::Application(_)));
        let others: Vec<&Thing<'_>> =
            found.iter().copied().filter(|thing| !matches!(thing.what, What::Application(_))).collect();
        if others.len() > 1 {
            return Err(Missing::Several(others.iter().filter_map(|thing| full_name(thing)).collect()));
        }
        let found: Vec<&Thing<'_>> = with_clients.chain(others).collect();
        if found.is_empty() { Err(Missing::Unknown) } else { Ok(found) }
    }
}

/// The name that tells a thing from others of its name.
fn full_name(thing: &Thing<'_>) -> Option<String> {
    let place = match thing.what {
        What::Design(_) => thing.domain.map(|domain| domain.spec.name.as_str()),
        What::Entry(entry) => entry.row.broker.as_deref(),
        What::Domain(_) | What::Application(_) => None,
    };
    Some(format!("{}/{}", place?, thing.name()))
}

const fn kind(kind: Kind) -> OwnershipKind {
    match kind {
        Kind::Domain => OwnershipKind::Domain,
        Kind::Event => OwnershipKind::Event,
        Kind::Schema => OwnershipKind::Schema,
        Kind::Application => OwnershipKind::Application,
        Kind::Address => OwnershipKind::Address,
        Kind::Topic => OwnershipKind::Topic,
    }
}
