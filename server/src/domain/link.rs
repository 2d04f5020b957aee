//! A link: a configured fabric connection between two sites, which people can switch off and on.
//!
//! A link that is off is policy, not a failure: nobody dials it, and what is guaranteed waits for it at the agents.

use std::collections::BTreeSet;

use mesh_protocol::id::{LinkId, SiteId};

use super::field::FieldErrors;

/// Agents at `from` dial agents at `to`; events pass both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Stable id.
    pub id: LinkId,
    /// The site that dials.
    pub from: SiteId,
    /// The site that answers.
    pub to: SiteId,
    /// It is dialled; otherwise somebody switched it off.
    pub enabled: bool,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
    /// Who changed it last; empty for a link of a portal that did not keep this.
    pub updated_by: String,
}

/// Checks the ends of a new link against the links there are: one link joins two sites, whoever dials.
///
/// # Errors
/// What is wrong, by field.
pub fn check(from: SiteId, to: SiteId, existing: &[Link]) -> Result<(), FieldErrors> {
    if from == to {
        return Err(FieldErrors::one("to", "is the same site"));
    }
    let joined = |link: &Link| (link.from, link.to) == (from, to) || (link.from, link.to) == (to, from);
    if existing.iter().any(joined) {
        return Err(FieldErrors::one("to", "is linked with that site already"));
    }
    Ok(())
}

impl Link {
    /// Checks an edit: the ends of a link stay, because what waits for it is known by them.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check_edit(&self, from: SiteId, to: SiteId) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        for (field, changed) in [("from", from != self.from), ("to", to != self.to)] {
            if changed {
                errors.add(field, "cannot change: make another link and delete this one");
            }
        }
        errors.check()
    }

    /// The sites at its two ends: `from` and all that is behind it, and the same of `to`. Where another way joins both
    /// ends, only the ends themselves.
    #[must_use]
    pub fn sides(&self, links: &[Self]) -> [BTreeSet<SiteId>; 2] {
        let others: Vec<&Self> = links.iter().filter(|link| link.id != self.id).collect();
        let near = reach(self.from, &others);
        if near.contains(&self.to) {
            return [BTreeSet::from([self.from]), BTreeSet::from([self.to])];
        }
        [near, reach(self.to, &others)]
    }
}

/// The sites that links join to one, itself included.
fn reach(from: SiteId, links: &[&Link]) -> BTreeSet<SiteId> {
    let mut reached = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(site) = next.pop() {
        let others = links.iter().filter_map(|link| match site {
            site if site == link.from => Some(link.to),
            site if site == link.to => Some(link.from),
            _ => None,
        });
        next.extend(others.filter(|other| reached.insert(*other)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(n: u128) -> SiteId {
        SiteId(uuid::Uuid::from_u128(n))
    }

    fn link(from: u128, to: u128) -> Link {
        Link {
            id: LinkId(uuid::Uuid::from_u128(100 * from + to)),
            from: site(from),
            to: site(to),
            enabled: true,
            revision: 1,
            updated_at_ms: 0,
            updated_by: String::new(),
        }
    }

    #[test]
    fn two_sites_have_one_link_whoever_dials() {
        let link = link(1, 2);
        assert!(check(site(2), site(1), std::slice::from_ref(&link)).is_err());
        assert!(check(site(1), site(1), &[]).is_err());
        assert_eq!(check(site(1), site(3), &[link]), Ok(()));
    }

    #[test]
    fn an_edit_leaves_the_ends() {
        let link = link(1, 2);
        assert_eq!(link.check_edit(site(1), site(2)), Ok(()));
        let turned = link.check_edit(site(2), site(1)).expect_err("the other way round");
        assert_eq!(turned.0.keys().collect::<Vec<_>>(), ["from", "to"]);
    }

    #[test]
    fn behind_an_end_is_what_no_other_way_reaches() {
        let sides = |all: &[Link]| all[0].sides(all).map(|side| side.into_iter().collect::<Vec<_>>());
        let chain = [link(1, 2), link(3, 2), link(4, 3)];
        assert_eq!(sides(&chain), [vec![site(1)], vec![site(2), site(3), site(4)]]);
        let ring = [link(1, 2), link(3, 2), link(1, 3)];
        assert_eq!(sides(&ring), [vec![site(1)], vec![site(2)]], "over 3 there is another way");
    }
}
