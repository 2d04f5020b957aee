//! People: who may sign in, with which role.

use frontend::api::{self, Edit, ListQuery, LiveTopic, Page, PersonInput, PersonView};
use mesh_protocol::id::PersonId;
use uuid::Uuid;

use super::edit::{self, Done};
use super::page::{Slice, page};
use super::permission::{Permit, Right};
use super::trial::end_trial;
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::mail::check_email;
use crate::domain::person::{self, Person, PortalRole, State};
use crate::domain::principal::{Kind, Principal};

impl App {
    /// People, by login name.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn people(&self, caller: &Caller, query: ListQuery) -> Result<Page<PersonView>> {
        caller.permit(Right::PeopleWrite)?;
        let mut tx = self.store().read().await?;
        let (people, mut emails) = (tx.people().await?, tx.emails().await?);
        let page = page(people, Slice::of_list(&query), |person| person.username.clone())?;
        Ok(page.map(|person| {
            let email = emails.remove(&person.id).unwrap_or_default();
            view(person, email)
        }))
    }

    /// Makes a person.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn create_person(&self, caller: &Caller, input: PersonInput) -> Result<PersonView> {
        let permit = caller.permit(Right::PeopleWrite)?;
        self.insert_person(permit, input).await
    }

    /// Makes or resets a person from the console of the machine the portal runs on.
    ///
    /// # Errors
    /// The input is wrong, or the database's.
    pub async fn put_person_from_console(&self, input: PersonInput) -> Result<PersonView> {
        let people = self.store().read().await?.people().await?;
        match people.into_iter().find(|person| person.username == input.login) {
            None => self.insert_person(Permit::of_portal(), input).await,
            Some(person) => {
                let revision = i64::try_from(person.revision).unwrap_or(i64::MAX);
                // A new password does not let anybody see more.
                let is_viewer = domain_role(input.role) == PortalRole::Viewer;
                let domains = if is_viewer { person.domains } else { Vec::new() };
                let value = PersonInput { domains, ..input };
                self.replace_person(Permit::of_portal(), person.id, Edit { revision, value }).await
            }
        }
    }

    async fn insert_person(&self, permit: Permit, input: PersonInput) -> Result<PersonView> {
        let mut errors = FieldErrors::default();
        person::check_username(&mut errors, &input.login);
        errors.text("name", &input.name);
        let password = input.password.unwrap_or_default();
        person::check_password(&mut errors, &password);
        let email = address(&mut errors, input.email.as_deref()).unwrap_or_default();
        let all = &self.snapshot().await?.domains;
        person::check_domains(&mut errors, domain_role(input.role), &input.domains, all);
        errors.check()?;
        let password_hash = self.hash_password(&password).await?;
        let mut edit = self.edit(permit).await?;
        let person = Person {
            id: PersonId(Uuid::now_v7()),
            username: input.login,
            display_name: input.name,
            role: domain_role(input.role),
            domains: input.domains,
            state: state(input.enabled),
            revision: 1,
            created_at_ms: edit.now_ms,
            login_at_ms: None,
        };
        edit.tx.insert_person(&person, &password_hash).await?;
        edit.tx.set_email(person.id, &email).await?;
        let summary = format!("added {} as {}", person.username, person.role.name());
        edit.finish(done("person.create", person.id, &summary).after(&config(&person, &email))).await?;
        Ok(view(person, email))
    }

    /// Changes a person. A new password, another role or a disabled state ends their sessions, with the streams they
    /// opened, and the clients they made to try the mesh.
    ///
    /// # Errors
    /// The caller may not, the input is wrong or stale, it would leave nobody who may, or the database's.
    pub async fn update_person(&self, caller: &Caller, id: PersonId, input: Edit<PersonInput>) -> Result<PersonView> {
        let permit = caller.permit(Right::PeopleWrite)?;
        self.replace_person(permit, id, input).await
    }

    async fn replace_person(&self, permit: Permit, id: PersonId, input: Edit<PersonInput>) -> Result<PersonView> {
        let Edit { revision, value } = input;
        let mut errors = FieldErrors::default();
        errors.text("name", &value.name);
        if let Some(password) = &value.password {
            person::check_password(&mut errors, password);
        }
        let email = address(&mut errors, value.email.as_deref());
        let all = &self.snapshot().await?.domains;
        person::check_domains(&mut errors, domain_role(value.role), &value.domains, all);
        errors.check()?;
        let password_hash = match &value.password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        let mut edit = self.edit(permit).await?;
        let old = edit.tx.person(id).await?.ok_or(Error::NotFound { what: "person" })?;
        if old.username != value.login {
            return Err(FieldErrors::one("login", "cannot change").into());
        }
        let new = Person {
            display_name: value.name,
            role: domain_role(value.role),
            domains: value.domains,
            state: state(value.enabled),
            ..old.clone()
        };
        let summary = match &password_hash {
            Some(_) => format!("changed {} and their password", new.username),
            None => format!("changed {}", new.username),
        };
        edit.lock().await?;
        edit.tx.update_person(&new, password_hash.as_deref(), seen(revision), edit.now_ms).await?;
        must_keep_an_admin(&edit.tx.people().await?)?;
        let before = edit.tx.mail_reader(id).await?.map(|reader| reader.email).unwrap_or_default();
        let email = email.unwrap_or_else(|| before.clone());
        if email != before {
            edit.tx.set_email(id, &email).await?;
        }
        if password_hash.is_some() || new.role != old.role || new.state != old.state {
            edit.tx.delete_sessions_of(id).await?;
            self.end_trials_of(&mut edit, id, &summary).await?;
        }
        edit.finish(done("person.update", id, &summary).before(&config(&old, &before)).after(&config(&new, &email)))
            .await?;
        Ok(view(Person { revision: old.revision + 1, ..new }, email))
    }

    /// Removes a person with their sessions and the clients they made to try the mesh.
    ///
    /// # Errors
    /// The caller may not, it is stale, it would leave nobody who may, or the database's.
    pub async fn delete_person(&self, caller: &Caller, id: PersonId, revision: i64) -> Result<()> {
        let mut edit = self.edit(caller.permit(Right::PeopleWrite)?).await?;
        let old = edit.tx.person(id).await?.ok_or(Error::NotFound { what: "person" })?;
        let summary = format!("removed {}", old.username);
        edit.lock().await?;
        self.end_trials_of(&mut edit, id, &summary).await?;
        let email = edit.tx.mail_reader(id).await?.map(|reader| reader.email).unwrap_or_default();
        edit.tx.delete_person(id, seen(revision)).await?;
        must_keep_an_admin(&edit.tx.people().await?)?;
        edit.finish(done("person.delete", id, &summary).before(&config(&old, &email))).await
    }

    /// Ends the short-lived clients of a person whose login ends: they would go on for up to an hour.
    async fn end_trials_of(&self, edit: &mut edit::Edit, person: PersonId, summary: &str) -> Result<()> {
        let principals = edit.tx.principals(self.environment()).await?;
        let is_theirs = |found: &&Principal| found.kind == Kind::Trial && found.person == Some(person);
        let trials: Vec<_> = principals.iter().filter(is_theirs).collect();
        if trials.is_empty() {
            return Ok(());
        }
        edit.take_revision(summary).await?;
        for trial in trials {
            end_trial(edit, trial).await?;
        }
        Ok(())
    }
}

/// The revision a person saw; a negative one fits no row.
pub(super) fn seen(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(u64::MAX)
}

/// A revision for the API.
pub(super) fn shown(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn must_keep_an_admin(people: &[Person]) -> Result<()> {
    if people.iter().any(|person| person.role == PortalRole::Admin && person.state == State::Enabled) {
        return Ok(());
    }
    Err(Error::Conflict("this is the last admin: make another one first".to_owned()))
}

fn done<'a>(action: &'a str, id: PersonId, summary: &'a str) -> Done<'a> {
    Done::new(action, id, summary, LiveTopic::People)
}

/// A person as the API takes them, without the password.
pub(super) fn config(person: &Person, email: &str) -> PersonInput {
    PersonInput {
        login: person.username.clone(),
        name: person.display_name.clone(),
        role: api_role(person.role),
        domains: person.domains.clone(),
        enabled: person.state == State::Enabled,
        password: None,
        email: Some(email.to_owned()),
    }
}

/// Where somebody gets mail, checked; none = it was not given.
fn address(errors: &mut FieldErrors, given: Option<&str>) -> Option<String> {
    let email = given?.trim();
    check_email(errors, email);
    Some(email.to_owned())
}

fn state(enabled: bool) -> State {
    if enabled { State::Enabled } else { State::Disabled }
}

fn view(person: Person, email: String) -> PersonView {
    PersonView {
        id: person.id,
        revision: shown(person.revision),
        login: person.username,
        name: person.display_name,
        role: api_role(person.role),
        domains: person.domains,
        enabled: person.state == State::Enabled,
        last_login: person.login_at_ms,
        email,
    }
}

/// A role as the API names it.
#[must_use]
pub fn api_role(role: PortalRole) -> api::PortalRole {
    match role {
        PortalRole::Viewer => api::PortalRole::Viewer,
        PortalRole::Developer => api::PortalRole::Developer,
        PortalRole::Approver => api::PortalRole::Approver,
        PortalRole::Operator => api::PortalRole::Operator,
        PortalRole::Admin => api::PortalRole::Admin,
    }
}

/// A role of the API.
#[must_use]
pub fn domain_role(role: api::PortalRole) -> PortalRole {
    match role {
        api::PortalRole::Viewer => PortalRole::Viewer,
        api::PortalRole::Developer => PortalRole::Developer,
        api::PortalRole::Approver => PortalRole::Approver,
        api::PortalRole::Operator => PortalRole::Operator,
        api::PortalRole::Admin => PortalRole::Admin,
    }
}
