//! A link: a configured fabric connection between two sites.

use mesh_protocol::id::{LinkId, SiteId};

use super::field::FieldErrors;

/// Agents at `from` dial agents at `to`; events pass both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Stable id.
    pub id: LinkId,
    /// The site that dials.
    pub from: SiteId,
    /// The site that answers.
    pub to: SiteId,
    /// Edit counter.
    pub revision: u64,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sites_have_one_link_whoever_dials() {
        let site = |n: u128| SiteId(uuid::Uuid::from_u128(n));
        let link = Link { id: LinkId(uuid::Uuid::nil()), from: site(1), to: site(2), revision: 1 };
        assert!(check(site(2), site(1), &[link]).is_err());
        assert!(check(site(1), site(1), &[]).is_err());
        assert_eq!(check(site(1), site(3), &[link]), Ok(()));
    }
}
