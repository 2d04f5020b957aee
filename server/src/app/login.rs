//! How people get in and stay in: the one-time setup code, passwords, sessions.
//!
//! Passwords are argon2id, computed off the async threads and never more than two at once, so that a flood of logins
//! costs neither latency nor memory. Session ids, setup codes and service tokens are 256 random bits, stored hashed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use frontend::api::{LiveTopic, LoginInput, Me, SetupInput, SetupState};
use mesh_protocol::id::PersonId;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::change::Change;
use super::clock::now_ms;
use super::edit::Done;
use super::permission::Permit;
use super::person::api_role;
use super::{App, Caller, Error, Result};
use crate::domain::field::FieldErrors;
use crate::domain::person::{self, Person, PortalRole, SESSION_IDLE_MS_MAX, SESSION_MS_MAX, State};
use crate::domain::service_token::{self, ServiceToken};
use crate::store::Session;

/// Password hashes computed at once.
const HASHES_AT_ONCE: usize = 2;
/// Failed attempts a login name or an address may make in one window.
const FAILURES_MAX: u32 = 10;
/// Length of that window.
const WINDOW_MS: i64 = 60_000;
/// Names and addresses remembered; beyond that the oldest windows go first.
const REMEMBERED_MAX: usize = 10_000;
/// A session in use is noted no more often than this.
const TOUCH_INTERVAL_MS: i64 = 60_000;
/// Settings that hold the hash of a setup code are called this, and the hash: every portal on a database has its own.
const SETUP_CODE: &str = "setup_code:";
/// A setup link that an earlier start or another portal gave is good for this long.
const SETUP_CODE_MS_MAX: i64 = 7 * 24 * 60 * 60 * 1000;

/// What stands between the login form and the passwords.
#[derive(Debug)]
pub(super) struct Guard {
    hashing: Semaphore,
    failures: Mutex<HashMap<String, (i64, u32)>>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { hashing: Semaphore::new(HASHES_AT_ONCE), failures: Mutex::default() }
    }
}

/// A fresh session's id, for the cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret(pub String);

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// 256 random bits as text.
pub(super) fn random_secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// As such secrets are stored.
pub(super) fn hash_of(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

impl Guard {
    /// Refuses a name or address with too many failures behind it.
    fn check(&self, keys: &[String], now_ms: i64) -> Result<()> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let blocked = |key: &String| {
            failures.get(key).is_some_and(|(began, count)| now_ms - began < WINDOW_MS && *count >= FAILURES_MAX)
        };
        if keys.iter().any(blocked) { Err(Error::TooManyAttempts) } else { Ok(()) }
    }

    fn note_failure(&self, keys: &[String], now_ms: i64) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED_MAX {
            failures.retain(|_, (began, _)| now_ms - *began < WINDOW_MS);
        }
        if failures.len() >= REMEMBERED_MAX {
            failures.clear();
        }
        for key in keys {
            let entry = failures.entry(key.clone()).or_insert((now_ms, 0));
            if now_ms - entry.0 >= WINDOW_MS {
                *entry = (now_ms, 0);
            }
            entry.1 += 1;
        }
    }

    /// Runs a piece of password work off the async threads.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _turn = self.hashing.acquire().await.map_err(|_| Error::Internal("the login guard is closed"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Internal("the password work did not end"))
    }
}

impl App {
    /// Hashes a new password.
    pub(super) async fn hash_password(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let hashed = move || {
            let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).ok()?;
            Argon2::default().hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).ok()
        };
        self.0.guard.run(hashed).await?.ok_or(Error::Internal("the password cannot be hashed"))
    }

    async fn verify_password(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let password = password.to_owned();
        let verified = move || {
            // An unknown name costs the same work as a known one.
            let (hash, known) = match hash {
                Some(hash) => (hash, true),
                None => (DECOY.to_owned(), false),
            };
            let parsed = PasswordHash::new(&hash);
            parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()) && known
        };
        self.0.guard.run(verified).await
    }

    /// Whether the first person still has to be made.
    ///
    /// # Errors
    /// The database's.
    pub async fn setup_state(&self) -> Result<SetupState> {
        let needed = self.store().read().await?.people().await?.is_empty();
        Ok(SetupState { needed, demo: self.config().demo })
    }

    /// A fresh one-time code for the setup link; none when somebody can sign in already. The codes of other portals on
    /// this database stay good, because each prints its own link; the first that is used ends all of them.
    ///
    /// # Errors
    /// The database's.
    pub async fn new_setup_code(&self) -> Result<Option<String>> {
        let mut tx = self.store().write().await?;
        if !tx.people().await?.is_empty() {
            return Ok(None);
        }
        let (code, now_ms) = (random_secret(), now_ms());
        tx.delete_settings(SETUP_CODE, now_ms - SETUP_CODE_MS_MAX).await?;
        let hash = hex::encode(hash_of(&code));
        tx.set_setting(&format!("{SETUP_CODE}{hash}"), &hash, now_ms).await?;
        tx.commit().await?;
        Ok(Some(code))
    }

    /// Makes the first admin and signs them in.
    ///
    /// # Errors
    /// The code is wrong or used, the input is wrong, or the database's.
    pub async fn setup(&self, input: SetupInput) -> Result<(Me, SessionSecret)> {
        let mut errors = FieldErrors::default();
        person::check_username(&mut errors, &input.login);
        person::check_password(&mut errors, &input.password);
        errors.check()?;
        let password_hash = self.hash_password(&input.password).await?;
        let mut edit = self.edit(Permit::of_portal()).await?;
        edit.lock().await?;
        let hash = hex::encode(hash_of(&input.code));
        let used = edit.tx.take_setting(&format!("{SETUP_CODE}{hash}"), &hash).await?;
        if !used || !edit.tx.people().await?.is_empty() {
            let message = "is wrong or was used: start the portal again to get a new setup link";
            return Err(FieldErrors::one("code", message).into());
        }
        let person = Person {
            id: PersonId(Uuid::now_v7()),
            username: input.login,
            display_name: input.name,
            role: PortalRole::Admin,
            domains: Vec::new(),
            state: State::Enabled,
            revision: 1,
            created_at_ms: edit.now_ms,
            login_at_ms: None,
        };
        edit.tx.insert_person(&person, &password_hash).await?;
        let forever = i64::MAX;
        edit.tx.delete_settings(SETUP_CODE, forever).await?;
        let summary = format!("made the first admin {}", person.username);
        let done = Done::new("person.setup", person.id, &summary, LiveTopic::People);
        edit.finish(done.after(&super::person::config(&person, ""))).await?;
        self.begin_session(&person).await
    }

    /// Signs a person in.
    ///
    /// # Errors
    /// Name or password is wrong, too many attempts, or the database's.
    pub async fn login(&self, input: LoginInput, from: Option<IpAddr>) -> Result<(Me, SessionSecret)> {
        let keys: Vec<String> = [format!("name {}", input.login)]
            .into_iter()
            .chain(from.filter(|address| !address.is_loopback()).map(|address| format!("address {address}")))
            .collect();
        self.0.guard.check(&keys, now_ms())?;
        let found = self.store().read().await?.password_of(&input.login).await?;
        let (id, hash) = found.unzip();
        let right = self.verify_password(&input.password, hash).await?;
        let person = match id {
            Some(id) if right => self.store().read().await?.person(id).await?,
            _ => None,
        };
        let Some(person) = person.filter(|person| person.state == State::Enabled) else {
            self.0.guard.note_failure(&keys, now_ms());
            return Err(Error::BadLogin);
        };
        self.begin_session(&person).await
    }

    async fn begin_session(&self, person: &Person) -> Result<(Me, SessionSecret)> {
        let now_ms = now_ms();
        let secret = random_secret();
        let session = Session { person: person.id, seen_at_ms: now_ms, expires_at_ms: now_ms + SESSION_MS_MAX };
        let mut tx = self.store().write().await?;
        tx.insert_session(&hash_of(&secret), &session).await?;
        tx.note_login(person.id, now_ms).await?;
        tx.commit().await?;
        let me = self.me(&caller(person.clone())).await?;
        Ok((me, SessionSecret(secret)))
    }

    /// Ends a session, and the streams that were opened with it.
    ///
    /// # Errors
    /// The database's.
    pub async fn logout(&self, session: &str) -> Result<()> {
        let mut tx = self.store().write().await?;
        tx.delete_session(&hash_of(session)).await?;
        self.commit(tx, &Change { logins: true, ..Change::default() }).await
    }

    /// Whoever a session's cookie belongs to; nobody for one that ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn caller_of_session(&self, session: &str) -> Result<Caller> {
        let (hash, now_ms) = (hash_of(session), now_ms());
        let Some((found, person)) = self.find_session(&hash, now_ms).await? else { return Ok(Caller::Anonymous) };
        if now_ms - found.seen_at_ms >= TOUCH_INTERVAL_MS {
            let mut tx = self.store().write().await?;
            tx.touch_session(&hash, now_ms).await?;
            tx.commit().await?;
        }
        Ok(caller(person))
    }

    /// A session that has not ended, with its person.
    async fn find_session(&self, hash: &[u8], now_ms: i64) -> Result<Option<(Session, Person)>> {
        let mut tx = self.store().read().await?;
        let Some(found) = tx.session(hash).await? else { return Ok(None) };
        if now_ms >= found.expires_at_ms || now_ms - found.seen_at_ms >= SESSION_IDLE_MS_MAX {
            return Ok(None);
        }
        let person = tx.person(found.person).await?.filter(|person| person.state == State::Enabled);
        Ok(person.map(|person| (found, person)))
    }

    /// Whoever a request came from that is still open, as they are now: nobody when session or token have ended. An
    /// open stream is no use of a session: it does not keep it from ending.
    ///
    /// # Errors
    /// The database's.
    pub async fn caller_now(&self, session: Option<&str>, token: Option<&str>) -> Result<Caller> {
        let now_ms = now_ms();
        if let Some(token) = token {
            let found = self.store().read().await?.service_token(&hash_of(token)).await?;
            let found = found.filter(|found| found.is_valid(now_ms));
            return Ok(found.map_or(Caller::Anonymous, service));
        }
        let Some(session) = session else { return Ok(Caller::Anonymous) };
        let found = self.find_session(&hash_of(session), now_ms).await?;
        Ok(found.map_or(Caller::Anonymous, |(_, person)| caller(person)))
    }

    /// Whoever a service token belongs to.
    ///
    /// # Errors
    /// The token is not one, or has ended; or the database's.
    pub async fn caller_of_token(&self, token: &str) -> Result<Caller> {
        if !token.starts_with(service_token::PREFIX) {
            return Err(Error::Unauthenticated);
        }
        let now_ms = now_ms();
        let found = self.store().read().await?.service_token(&hash_of(token)).await?;
        let token = found.filter(|token| token.is_valid(now_ms)).ok_or(Error::Unauthenticated)?;
        if token.used_at_ms.is_none_or(|used| now_ms - used >= TOUCH_INTERVAL_MS) {
            let mut tx = self.store().write().await?;
            tx.touch_service_token(token.id, now_ms).await?;
            tx.commit().await?;
        }
        Ok(service(token))
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// Nobody is.
    pub async fn me(&self, caller: &Caller) -> Result<Me> {
        let (id, login, name, role) = match caller {
            Caller::Anonymous => return Err(Error::Unauthenticated),
            Caller::Person { id, username, display_name, role, .. } => {
                (*id, username.clone(), display_name.clone(), *role)
            }
            Caller::Service { id, name, role, .. } => (PersonId(*id), format!("token {name}"), name.clone(), *role),
        };
        let environment = self.snapshot().await?.mesh.environment.name.clone();
        Ok(Me { id, login, name, role: api_role(role), rights: caller.rights(), environment, demo: self.config().demo })
    }

    /// Removes sessions that ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn purge_sessions(&self) -> Result<()> {
        let now_ms = now_ms();
        let mut tx = self.store().write().await?;
        tx.purge_sessions(now_ms, now_ms - SESSION_IDLE_MS_MAX).await?;
        Ok(tx.commit().await?)
    }
}

fn service(token: ServiceToken) -> Caller {
    Caller::Service { id: token.id, name: token.name, role: token.role, domains: token.domains }
}

fn caller(person: Person) -> Caller {
    let Person { id, username, display_name, role, domains, .. } = person;
    Caller::Person { id, username, display_name, role, domains }
}

/// The hash of a password nobody has, with the parameters of all others.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bWVzaHBvcnQtZGVjb3k$0uPTPbbS0l1N5xk8Qn0N2Q3oWb4nqkqE1s7Zb8G1b9Q";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoy_costs_what_a_password_costs() {
        let decoy = PasswordHash::new(DECOY).expect("a hash");
        let params = argon2::Params::try_from(&decoy).expect("parameters");
        assert_eq!(params.m_cost(), argon2::Params::DEFAULT_M_COST);
        assert_eq!(params.t_cost(), argon2::Params::DEFAULT_T_COST);
    }

    #[test]
    fn the_eleventh_failure_in_a_minute_waits() {
        let guard = Guard::default();
        let key = ["name ada".to_owned()];
        for _ in 0..FAILURES_MAX {
            assert!(guard.check(&key, 0).is_ok());
            guard.note_failure(&key, 0);
        }
        assert!(matches!(guard.check(&key, WINDOW_MS - 1), Err(Error::TooManyAttempts)));
        assert!(guard.check(&key, WINDOW_MS).is_ok());
    }
}
