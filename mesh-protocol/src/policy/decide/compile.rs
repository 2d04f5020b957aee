//! From the policy as it stands in desired state to one that decides.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::login::{Identity, Logins};
use super::reason::DenyReason;
use super::rules::{Rank, RankedRule, RuleSet, specificity};
use super::session::Session;
use crate::deny_list::DenyList;
use crate::desired::{Policy, Scope, Site};
use crate::id::{PrincipalId, RoleId, RuleId, SiteId};
use crate::policy::{Action, Rule, Subject};
use crate::topic::{Filter, FilterError, FilterTree, Topic};

/// The variables a rule may hold.
const VARIABLES: [&str; 4] = ["username", "client_id", "site", "region"];

/// A policy that decides, for one site. Cloning costs a reference count.
#[derive(Clone, Debug)]
pub struct CompiledPolicy(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    site: Site,
    logins: Logins,
    /// Sorted by specificity; a [`Rank`] is an index.
    pub(super) rules: Vec<RankedRule>,
    /// Rules without variables of the client.
    shared: FxHashMap<Subject, Arc<RuleSet>>,
    /// Rules with variables of the client.
    varying: FxHashMap<Subject, Vec<Rank>>,
    scopes: Vec<Scope>,
    scope_tree: FilterTree<Rank>,
}

/// Why a policy cannot be enforced. The agent rejects the document and keeps what it had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Two principals with one user name: the wrong one could be let in.
    #[error("two principals have the user name {0}: rename one of them")]
    DuplicateUsername(String),
    /// A filter names a variable that does not exist.
    #[error(
        "rule {rule} uses ${{{variable}}}, which is not known: use ${{username}}, ${{client_id}}, ${{site}} or ${{region}}"
    )]
    UnknownVariable {
        /// The rule.
        rule: RuleId,
        /// The name it uses.
        variable: String,
    },
    /// A filter holds `${` that begins no variable.
    #[error("rule {rule}: {error}")]
    Filter {
        /// The rule.
        rule: RuleId,
        /// What is wrong.
        error: FilterError,
    },
    /// A scope's filter holds a variable; scopes speak of no client.
    #[error("the scope {0} uses a variable in its filter: write the topic out")]
    VariableInScope(String),
}

impl CompiledPolicy {
    /// Makes a policy ready to decide at a site.
    ///
    /// # Errors
    /// [`PolicyError`]: the policy contradicts itself or uses what does not exist.
    pub fn compile(policy: &Policy, site: &Site) -> Result<Self, PolicyError> {
        Self::compile_with(policy, site, &DenyList::default())
    }

    /// As [`CompiledPolicy::compile`], where the principals of a deny list may not log in.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn compile_with(policy: &Policy, site: &Site, denied: &DenyList) -> Result<Self, PolicyError> {
        policy.rules.iter().try_for_each(check_rule)?;
        let names = Names::of(policy);
        let mut here: Vec<&Rule> = policy.rules.iter().filter(|rule| applies_at(rule, site.id)).collect();
        here.sort_by_cached_key(|rule| specificity(rule));
        let rules: Vec<RankedRule> = here.into_iter().map(|rule| names.rank(rule, site)).collect();
        let (shared, varying) = split(&rules);
        Ok(Self(Arc::new(Inner {
            site: site.clone(),
            logins: Logins::of(policy, denied)?,
            rules,
            shared,
            varying,
            scopes: policy.scopes.clone(),
            scope_tree: scope_tree(&policy.scopes)?,
        })))
    }

    /// Who has this user name and secret.
    ///
    /// A wrong secret takes as long as a right one, and an unknown user as long as a known one with one secret. State
    /// and expiry are told only to a client that has the secret.
    ///
    /// # Errors
    /// Why the login is refused.
    pub fn authenticate(&self, username: &str, secret: &str, now_ms: i64) -> Result<Identity, DenyReason> {
        self.0.logins.authenticate(username, secret, now_ms)
    }

    /// The identity of a principal that needs no secret: a route's, or one the portal speaks for.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn identify(&self, principal: PrincipalId, now_ms: i64) -> Result<Identity, DenyReason> {
        self.0.logins.identify(principal, now_ms)
    }

    /// When the next principal expires, milliseconds since the Unix epoch: its sessions must end then.
    #[must_use]
    pub fn next_expiry(&self, now_ms: i64) -> Option<i64> {
        self.0.logins.next_expiry(now_ms)
    }

    /// The rules about one client, compiled. Its login was checked before, or it needs none: a route's connector.
    ///
    /// # Errors
    /// The principal is unknown here, disabled, expired or revoked. Whether it may connect is asked of the session.
    pub fn session(&self, principal: PrincipalId, client_id: &str, now_ms: i64) -> Result<Session, DenyReason> {
        let identity = self.identify(principal, now_ms)?;
        Ok(Session::new(Arc::clone(&self.0), identity, client_id))
    }

    /// Whether a topic may be at a site: the first scope that keeps it away, if any.
    ///
    /// # Errors
    /// That scope.
    pub fn scope_allows(&self, topic: &Topic, site: SiteId, region: &str) -> Result<(), &Scope> {
        let mut forbidding: Option<Rank> = None;
        self.0.scope_tree.matches(topic, &mut |&index| {
            let scope = &self.0.scopes[index as usize];
            let inside = scope.sites.contains(&site) || scope.regions.iter().any(|allowed| allowed == region);
            if !inside && forbidding.is_none_or(|known| index < known) {
                forbidding = Some(index);
            }
        });
        forbidding.map_or(Ok(()), |index| Err(&self.0.scopes[index as usize]))
    }

    /// What keeps topics inside sites or regions.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// The site it was compiled for.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.0.site
    }
}

impl Inner {
    /// The subjects whose rules apply to an identity, most specific first.
    fn subjects(identity: &Identity) -> impl Iterator<Item = Subject> {
        std::iter::once(Subject::Principal(identity.principal))
            .chain(identity.roles.iter().copied().map(Subject::Role))
            .chain([Subject::Anyone])
    }

    pub(super) fn shared_rules(&self, identity: &Identity) -> Vec<Arc<RuleSet>> {
        Self::subjects(identity).filter_map(|subject| self.shared.get(&subject).cloned()).collect()
    }

    /// The rules that vary by client, compiled for one; none when there are none.
    pub(super) fn own_rules(&self, identity: &Identity, client_id: &str) -> Option<Arc<RuleSet>> {
        let mut own: Option<RuleSet> = None;
        let ranks = Self::subjects(identity).filter_map(|subject| self.varying.get(&subject)).flatten();
        for &rank in ranks {
            let rule = &self.rules[rank as usize];
            if let Some(filter) = self.filter_for(rule, identity, client_id) {
                own.get_or_insert_default().add(rank, rule.action, rule.effect, &filter);
            }
        }
        own.map(Arc::new)
    }

    /// A rule's filter for one client; none when it matches nothing.
    pub(super) fn filter_for(&self, rule: &RankedRule, identity: &Identity, client_id: &str) -> Option<Filter> {
        let filter = rule.filter.as_ref()?;
        if !rule.varies() {
            return Some(filter.clone());
        }
        rule.written.substitute(&|name| match name {
            "username" => Some(&*identity.username),
            "client_id" => Some(client_id),
            "site" => Some(&*self.site.name),
            "region" => Some(&*self.site.region),
            _ => None,
        })
    }

    pub(super) fn applies_to(rule: &RankedRule, identity: &Identity) -> bool {
        Self::subjects(identity).any(|subject| subject == rule.subject)
    }
}

impl RankedRule {
    /// Whether its filter differs by client. Connect rules do not consult theirs.
    fn varies(&self) -> bool {
        self.action != Action::Connect && self.filter.as_ref().is_some_and(varies)
    }
}

fn varies(filter: &Filter) -> bool {
    filter.variables().any(|name| matches!(name, "username" | "client_id"))
}

fn applies_at(rule: &Rule, site: SiteId) -> bool {
    rule.sites.is_empty() || rule.sites.contains(&site)
}

fn check_rule(rule: &Rule) -> Result<(), PolicyError> {
    rule.filter.check_variables().map_err(|error| PolicyError::Filter { rule: rule.id, error })?;
    match rule.filter.variables().find(|name| !VARIABLES.contains(name)) {
        Some(name) => Err(PolicyError::UnknownVariable { rule: rule.id, variable: name.to_owned() }),
        None => Ok(()),
    }
}

/// What rules call their subjects.
struct Names<'a> {
    roles: FxHashMap<RoleId, &'a str>,
    principals: FxHashMap<PrincipalId, &'a str>,
}

impl<'a> Names<'a> {
    fn of(policy: &'a Policy) -> Self {
        Self {
            roles: policy.roles.iter().map(|role| (role.id, &*role.name)).collect(),
            principals: policy.principals.iter().map(|principal| (principal.id, &*principal.username)).collect(),
        }
    }

    fn rank(&self, rule: &Rule, site: &Site) -> RankedRule {
        RankedRule {
            id: rule.id,
            subject: rule.subject,
            subject_name: self.name(rule.subject).into(),
            action: rule.action,
            effect: rule.effect,
            filter: at_site(rule, site),
            written: rule.filter.clone(),
        }
    }

    fn name(&self, subject: Subject) -> String {
        match subject {
            Subject::Principal(id) => match self.principals.get(&id) {
                Some(name) => format!("principal {name}"),
                None => format!("principal {id}"),
            },
            Subject::Role(id) => match self.roles.get(&id) {
                Some(name) => format!("role {name}"),
                None => format!("role {id}"),
            },
            Subject::Anyone => "anyone".to_owned(),
        }
    }
}

/// A rule's filter with what is known of the site. One that varies by client stays as written until the client is known.
fn at_site(rule: &Rule, site: &Site) -> Option<Filter> {
    if rule.action == Action::Connect || varies(&rule.filter) {
        return Some(rule.filter.clone());
    }
    rule.filter.substitute(&|name| match name {
        "site" => Some(&*site.name),
        "region" => Some(&*site.region),
        _ => None,
    })
}

type Split = (FxHashMap<Subject, Arc<RuleSet>>, FxHashMap<Subject, Vec<Rank>>);

fn split(rules: &[RankedRule]) -> Split {
    let mut shared: FxHashMap<Subject, RuleSet> = FxHashMap::default();
    let mut varying: FxHashMap<Subject, Vec<Rank>> = FxHashMap::default();
    for (rank, rule) in (0..).zip(rules) {
        if rule.varies() {
            varying.entry(rule.subject).or_default().push(rank);
        } else if let Some(filter) = &rule.filter {
            shared.entry(rule.subject).or_default().add(rank, rule.action, rule.effect, filter);
        }
    }
    (shared.into_iter().map(|(subject, rules)| (subject, Arc::new(rules))).collect(), varying)
}

fn scope_tree(scopes: &[Scope]) -> Result<FilterTree<Rank>, PolicyError> {
    let mut tree = FilterTree::new();
    for (index, scope) in (0..).zip(scopes) {
        if scope.filter.has_variables() {
            return Err(PolicyError::VariableInScope(scope.name.clone()));
        }
        tree.insert(&scope.filter, index);
    }
    Ok(tree)
}
