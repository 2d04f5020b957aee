//! From the users that a cluster has to those that are wanted: a pure comparison.
//!
//! The invariant: **nothing is ever planned about anybody whose name does not begin with the prefix of this mesh's own users**,
//! whatever the cluster holds and whatever is wanted. What an administrator denies to one of our users stays denied.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::desired::{
    KafkaAccess, KafkaAcl, KafkaOperation, KafkaPattern, KafkaResource, KafkaUser, KafkaUserRef, Scram,
};

use super::password::Unknown;

/// Kafka's number of SCRAM-SHA-512.
pub(super) const SHA_512: i8 = 2;
/// Kafka's number of "allow".
pub(super) const ALLOW: i8 = 3;
/// Every host.
const ANYWHERE: &str = "*";

/// What a cluster holds, in Kafka's numbers; other people's too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Users, with the rounds by mechanism.
    pub(super) users: BTreeMap<String, BTreeMap<i8, i32>>,
    /// Entries of access lists; none = it has no authorizer.
    pub(super) entries: Option<BTreeSet<Entry>>,
}

/// One entry of an access list, in Kafka's numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// `User:name`.
    pub(super) principal: String,
    pub(super) resource: i8,
    pub(super) pattern: i8,
    pub(super) name: String,
    pub(super) host: String,
    pub(super) operation: i8,
    pub(super) permission: i8,
}

/// What has to be done, in this order: whoever loses access loses it before anybody gets any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Entries to take away, by user. First, since a connection that stands is held to them and not to the user's being there.
    pub(super) take: Vec<(String, Entry)>,
    /// Ways to log in that are to be taken away: user and mechanism.
    pub(super) remove: Vec<(String, i8)>,
    /// Passwords to set.
    pub(super) set: Vec<(String, Scram)>,
    /// Entries to bring in, by user.
    pub(super) give: Vec<(String, Entry)>,
    /// Users that cannot be brought to what is wanted, and why.
    pub(super) stuck: BTreeMap<String, &'static str>,
}

/// Why a cluster keeps nobody to anything.
pub(super) const NO_AUTHORIZER: &str = "the cluster has no authorizer, so whoever logs in may do everything: set \
     authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer at its nodes";

impl Plan {
    /// What leads from what is held to what is wanted. `set` are those whose password was set as it is wanted since this agent
    /// began: which one a user has cannot be seen.
    pub(super) fn of(
        access: &KafkaAccess,
        held: &Held,
        set: &BTreeSet<KafkaUserRef>,
        now_ms: i64,
        open: impl Fn(&KafkaUser) -> Result<Scram, Unknown>,
    ) -> Self {
        let mut plan = Self::default();
        let wanted: BTreeMap<&str, &KafkaUser> = access
            .users
            .iter()
            .filter(|user| access.is_own(&user.username))
            .map(|user| (user.username.as_str(), user))
            .collect();
        plan.take_away(access, held, |name| wanted.get(name).copied().filter(|user| user.is_present(now_ms)));
        for (name, user) in wanted.iter().filter(|(_, user)| user.is_present(now_ms)) {
            plan.bring_in(name, user, held, set.contains(&user.reference()), &open);
        }
        plan
    }

    fn take_away<'a>(&mut self, access: &KafkaAccess, held: &Held, wanted: impl Fn(&str) -> Option<&'a KafkaUser>) {
        for entry in held.entries.iter().flatten().filter(|entry| entry.permission == ALLOW) {
            let Some(name) = entry.user().filter(|name| access.is_own(name)) else { continue };
            let is_wanted = wanted(name).is_some_and(|user| user.acls.iter().any(|acl| Entry::of(name, acl) == *entry));
            if !is_wanted {
                self.take.push((name.to_owned(), entry.clone()));
            }
        }
        for (name, mechanisms) in held.users.iter().filter(|(name, _)| access.is_own(name)) {
            // Another way in than ours was not made by us, for a user that is.
            let gone = mechanisms.keys().filter(|mechanism| wanted(name).is_none() || **mechanism != SHA_512);
            self.remove.extend(gone.map(|mechanism| (name.clone(), *mechanism)));
        }
    }

    fn bring_in(
        &mut self,
        name: &str,
        user: &KafkaUser,
        held: &Held,
        is_set: bool,
        open: impl Fn(&KafkaUser) -> Result<Scram, Unknown>,
    ) {
        let Some(entries) = &held.entries else {
            self.stuck.insert(name.to_owned(), NO_AUTHORIZER);
            return;
        };
        let rounds = held.users.get(name).and_then(|mechanisms| mechanisms.get(&SHA_512));
        match (open(user), rounds) {
            (Err(unknown), None) => {
                self.stuck.insert(name.to_owned(), unknown.reason());
                return;
            }
            // It goes on with the password that it has.
            (Err(unknown), Some(_)) => {
                if !is_set && unknown.concerns_who_is_there() {
                    self.stuck.insert(name.to_owned(), unknown.reason());
                }
            }
            (Ok(scram), rounds) => {
                if !is_set || rounds.is_none_or(|rounds| u32::try_from(*rounds) != Ok(scram.iterations)) {
                    self.set.push((name.to_owned(), scram));
                }
            }
        }
        let missing = user.acls.iter().map(|acl| Entry::of(name, acl)).filter(|entry| !entries.contains(entry));
        self.give.extend(missing.map(|entry| (name.to_owned(), entry)));
    }

    /// Whether there is nothing to do that could be done.
    pub(super) fn is_done(&self) -> bool {
        self.take.is_empty() && self.remove.is_empty() && self.set.is_empty() && self.give.is_empty()
    }

    /// Whether anything has to be done about a user.
    pub(super) fn concerns(&self, name: &str) -> bool {
        let entries = self.take.iter().chain(&self.give).map(|(name, _)| name);
        let removed = self.remove.iter().map(|(name, _)| name);
        let set = self.set.iter().map(|(name, _)| name);
        entries.chain(removed).chain(set).any(|concerned| concerned == name)
    }
}

impl Entry {
    /// What a right of a user is at the cluster.
    pub(super) fn of(username: &str, acl: &KafkaAcl) -> Self {
        Self {
            principal: format!("User:{username}"),
            resource: match acl.resource {
                KafkaResource::Topic => 2,
                KafkaResource::Group => 3,
            },
            pattern: match acl.pattern {
                KafkaPattern::Literal => 3,
                KafkaPattern::Prefixed => 4,
            },
            name: acl.name.clone(),
            host: ANYWHERE.to_owned(),
            operation: match acl.operation {
                KafkaOperation::Read => 3,
                KafkaOperation::Write => 4,
                KafkaOperation::Describe => 8,
            },
            permission: ALLOW,
        }
    }

    /// Whose it is; none = it is no user's.
    fn user(&self) -> Option<&str> {
        self.principal.strip_prefix("User:")
    }
}

#[cfg(test)]
mod tests;
