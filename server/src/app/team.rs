//! Teams: who is in them, how they are reached, and what they own.
//!
//! Whoever writes the catalog edits teams; the leads of a team edit their own, whatever their role, but for its name, by which
//! it owns what it owns.
//!
//! An owner is a name. A team has one of its own, so what it owns is what names it; who sees only some domains sees the
//! teams that answer for something there, and of what those own no more than that.

mod owned;

use frontend::api::{
    Edit, ListQuery, LiveTopic, OwnedQuery, OwnedView, OwnerChoice, Page, TeamInput, TeamMemberInput, TeamMemberView,
    TeamOwns, TeamQuery, TeamRemoval, TeamView,
};
use mesh_protocol::id::TeamId;
use uuid::Uuid;

use self::owned::Holdings;
use super::catalog::read_key;
use super::edit::Done;
use super::page::{Slice, page};
use super::permission::{Permit, Right};
use super::person::{seen, shown};
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::person::{Person, State};
use crate::domain::team::{Member, Owned, Spec, Team};

/// First part of the actions of all edits here, by which the audit trail tells that names of owners may have changed.
pub(super) const AUDIT_KIND: &str = "team";
/// Rows of the list of teams when nobody says how many, and most of them.
const LIST: u32 = 100;
const LIST_MAX: u32 = 1_000;
/// The same of what a team owns.
const OWNED: u32 = 100;
const OWNED_MAX: u32 = 500;

impl App {
    /// Teams, by name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn teams(&self, caller: &Caller, query: TeamQuery) -> Result<Page<TeamView>> {
        caller.permit(Right::Read)?;
        let (holdings, people) = self.holdings(caller).await?;
        let counts = holdings.counts();
        let words: Vec<String> = query.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_lowercase).collect();
        let seen = holdings.teams().into_iter().map(|team| view(team, &people, counts.of(team)));
        let found = seen.filter(|team| has_words(team, &words)).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        page(found, slice, |team: &TeamView| team.name.clone())
    }

    /// One team.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn team(&self, caller: &Caller, id: TeamId) -> Result<TeamView> {
        caller.permit(Right::Read)?;
        let (holdings, people) = self.holdings(caller).await?;
        let team = holdings.team(id)?;
        Ok(view(team, &people, holdings.counts().of(team)))
    }

    /// What a team owns, by kind and name.
    ///
    /// # Errors
    /// The caller may not, there is none, the cursor is wrong, or the database's.
    pub async fn team_owned(&self, caller: &Caller, id: TeamId, query: OwnedQuery) -> Result<Page<OwnedView>> {
        caller.permit(Right::Read)?;
        let (holdings, _) = self.holdings(caller).await?;
        let mut owned = holdings.owned(holdings.team(id)?);
        owned.retain(|one| query.kind.is_none_or(|kind| kind == one.kind));
        let slice = Slice::of(query.cursor.as_deref(), query.limit, OWNED, OWNED_MAX);
        page(owned, slice, |one: &OwnedView| (owned::rank(one.kind), one.name.clone(), one.href.clone()))
    }

    /// Who can be named as an owner: teams, then people who may sign in. Others can be named too.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn owner_choices(&self, caller: &Caller, query: ListQuery) -> Result<Page<OwnerChoice>> {
        let mut tx = self.store().read().await?;
        let (teams, people) = (tx.teams(self.environment()).await?, tx.people().await?);
        // Leads choose among people, too.
        may_edit(caller, &teams)?;
        let teams = teams.into_iter().map(|team| OwnerChoice {
            name: team.spec.name,
            words: team.spec.description,
            team: Some(team.id),
            person: None,
        });
        let people = people.into_iter().filter(|person| person.state == State::Enabled);
        let people = people.map(|person| OwnerChoice {
            name: person.username,
            words: person.display_name,
            team: None,
            person: Some(person.id),
        });
        let key = |choice: &OwnerChoice| (choice.team.is_none(), choice.name.clone());
        page(teams.chain(people).collect(), Slice::of_list(&query), key)
    }

    /// Makes a team.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_team(&self, caller: &Caller, input: TeamInput) -> Result<TeamView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        let spec = spec(input).tidied();
        spec.check(None, &edit.tx.people().await?)?;
        let team = Team {
            id: TeamId(Uuid::now_v7()),
            spec,
            revision: 1,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_team(self.environment(), &team).await?;
        let summary = format!("added the team {}", team.spec.name);
        edit.finish(done("team.create", team.id, &summary).after(&config(&team.spec))).await?;
        self.team(caller, team.id).await
    }

    /// Changes a team. What names it gets its new name with it, which its leads may not give it.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong or stale, or the database's.
    pub async fn update_team(&self, caller: &Caller, id: TeamId, input: Edit<TeamInput>) -> Result<TeamView> {
        let environment = self.environment();
        let of_id = |mut teams: Vec<Team>| {
            teams.retain(|team| team.id == id);
            teams
        };
        let known = of_id(self.store().read().await?.teams(environment).await?);
        let mut edit = self.edit(may_edit(caller, &known)?).await?;
        // Nobody names the old name while it goes.
        edit.lock().await?;
        let known = of_id(edit.tx.teams(environment).await?);
        may_edit(caller, &known)?;
        let old = find(known, id)?;
        let spec = spec(input.value).tidied();
        if spec.name != old.spec.name && caller.permit(Right::CatalogWrite).is_err() {
            return Err(
                FieldErrors::one("name", "stays: its leads say who is in it, and a developer renames it").into()
            );
        }
        spec.check(Some(&old.spec), &edit.tx.people().await?)?;
        let by = edit.actor().to_owned();
        let team = Team { spec, updated_at_ms: edit.now_ms, updated_by: by.clone(), ..old.clone() };
        edit.tx.update_team(&team, seen(input.revision)).await?;
        let (before, now) = (&old.spec.name, &team.spec.name);
        let mut summary = format!("changed the team {now}");
        if before != now {
            let owned = edit.tx.owned_by(environment, before).await?.len();
            let now_ms = edit.now_ms;
            edit.tx.hand_over(environment, before, now, &by, now_ms).await?;
            summary = format!("renamed the team {before} to {now}, in {} too", things(owned));
        }
        let done = done("team.update", id, &summary);
        edit.finish(done.before(&config(&old.spec)).after(&config(&team.spec))).await?;
        self.0.latest.forget();
        self.team(caller, id).await
    }

    /// Removes a team; what it owns goes to somebody else.
    ///
    /// # Errors
    /// The caller may not, there is none, it owns something that nobody else is to own, it is stale, or the database's.
    pub async fn delete_team(&self, caller: &Caller, id: TeamId, removal: TeamRemoval) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let environment = self.environment();
        let old = find(edit.tx.teams(environment).await?, id)?;
        let name = &old.spec.name;
        let to = removal.hand_to.unwrap_or_default().trim().to_owned();
        let mut errors = FieldErrors::default();
        errors.text("hand_to", &to);
        if to == *name {
            errors.add("hand_to", "is this very team: name somebody else");
        }
        errors.check()?;
        let owned = self.known(edit.tx.owned_by(environment, name).await?).await?;
        if to.is_empty() && !owned.is_empty() {
            return Err(Error::Conflict(format!("{name} still owns {owned}: say who is to own them from now on")));
        }
        let (by, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        // Also what nobody knows any more: it would name a team that is not there.
        edit.tx.hand_over(environment, name, &to, &by, now_ms).await?;
        edit.tx.delete_team(id, seen(removal.revision)).await?;
        let summary = match owned.len() {
            0 => format!("removed the team {name}"),
            owned => format!("removed the team {name} and gave {} to {to}", things(owned)),
        };
        edit.finish(done("team.delete", id, &summary).before(&config(&old.spec))).await?;
        self.0.latest.forget();
        Ok(())
    }

    /// The same with discovered objects by their names, without those that were forgotten.
    async fn known(&self, owned: Owned) -> Result<Owned> {
        let world = self.world().await?;
        let name = |key: String| Some(world.catalog().get(&read_key(&key)?)?.row.name.clone());
        Ok(Owned { objects: owned.objects.into_iter().filter_map(name).collect(), ..owned })
    }

    async fn holdings(&self, caller: &Caller) -> Result<(Holdings, Vec<Person>)> {
        let (world, designs) = (self.world().await?, self.designs().await?);
        let sight = world.config.sight(caller);
        // Who works here is not of any domain.
        let people = if sight.is_whole() { self.store().read().await?.people().await? } else { Vec::new() };
        Ok((Holdings { world, designs, sight }, people))
    }
}

/// The permit to edit one of these teams: of whoever writes the catalog, and of their leads.
fn may_edit(caller: &Caller, teams: &[Team]) -> Result<Permit> {
    let refused = match caller.permit(Right::CatalogWrite) {
        Ok(permit) => return Ok(permit),
        Err(refused) => refused,
    };
    // Who sees only some domains is not shown who is in a team, and would save it without.
    let permit = caller.permit(Right::MeshRead)?;
    let leads = permit.person().is_some_and(|person| teams.iter().any(|team| team.is_led_by(person)));
    if leads { Ok(permit) } else { Err(refused) }
}

fn find(all: Vec<Team>, id: TeamId) -> Result<Team> {
    all.into_iter().find(|team| team.id == id).ok_or(Error::NotFound { what: "team" })
}

fn done<'a>(action: &'a str, team: TeamId, summary: &'a str) -> Done<'a> {
    Done::new(action, team, summary, LiveTopic::Catalog)
}

/// `1 thing`, `12 things`.
fn things(number: usize) -> String {
    if number == 1 { "1 thing".to_owned() } else { format!("{number} things") }
}

fn spec(input: TeamInput) -> Spec {
    let member = |member: TeamMemberInput| Member { person: member.person, is_lead: member.is_lead };
    Spec {
        name: input.name,
        description: input.description,
        contact: input.contact,
        members: input.members.into_iter().map(member).collect(),
    }
}

/// A team as the API takes it.
fn config(spec: &Spec) -> TeamInput {
    let member = |member: &Member| TeamMemberInput { person: member.person, is_lead: member.is_lead };
    TeamInput {
        name: spec.name.clone(),
        description: spec.description.clone(),
        contact: spec.contact.clone(),
        members: spec.members.iter().map(member).collect(),
    }
}

fn view(team: &Team, people: &[Person], owns: TeamOwns) -> TeamView {
    let member = |member: &Member| {
        let person = people.iter().find(|person| person.id == member.person)?;
        Some(TeamMemberView {
            person: person.id,
            login: person.username.clone(),
            name: person.display_name.clone(),
            enabled: person.state == State::Enabled,
            is_lead: member.is_lead,
        })
    };
    let mut members: Vec<TeamMemberView> = team.spec.members.iter().filter_map(member).collect();
    members.sort_by(|a, b| (!a.is_lead, &a.name, &a.login).cmp(&(!b.is_lead, &b.name, &b.login)));
    TeamView {
        id: team.id,
        revision: shown(team.revision),
        name: team.spec.name.clone(),
        description: team.spec.description.clone(),
        contact: team.spec.contact.clone(),
        members,
        owns,
        updated_at: team.updated_at_ms,
        updated_by: team.updated_by.clone(),
    }
}

/// Whether all words are somewhere in what a reader would look for.
fn has_words(team: &TeamView, words: &[String]) -> bool {
    let members = team.members.iter().flat_map(|member| [&member.name, &member.login]);
    let texts = [&team.name, &team.description, &team.contact].into_iter().chain(members);
    let texts: Vec<String> = texts.map(|text| text.to_lowercase()).collect();
    words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
}
