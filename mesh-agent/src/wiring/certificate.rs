//! Keeps the certificate that the agent's listeners show: from files that somebody gave, or else from the portal, asked for
//! the names that desired state gives and renewed after a third of its life.
//!
//! A portal that is away changes nothing until the certificate ends. One for other names than are wanted now is shown until
//! the portal has given the next: clients that know it by a name it has are served all the while.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::sleep;

use crate::causes::chain;
use crate::control::listener::{Issued, ask};
use crate::home::Home;
use crate::identity::Identity;
use crate::listener::tls::{Shown, Standing};
use crate::status::now_ms;
use crate::task::Tasks;

/// Longest time without a look at the clock.
const LOOK_INTERVAL: Duration = Duration::from_secs(3_600);
/// How often it is looked whether the files changed.
const FILES_INTERVAL: Duration = Duration::from_secs(5);
/// First and longest pause after a failed attempt.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// A certificate of an authority of one's own, both PEM. They are read again when they change.
#[derive(Clone, Debug)]
pub struct ListenerFiles {
    /// The listener's certificate first, then those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Says what is wanted, and gives what is shown.
#[derive(Debug)]
pub(super) struct Keeper {
    wanted: watch::Sender<Vec<String>>,
    standing: Standing,
}

type Told = watch::Sender<Result<Shown, String>>;

impl Keeper {
    /// Begins to keep it.
    pub(super) fn start(
        home: Home,
        identity: watch::Receiver<Arc<Identity>>,
        files: Option<ListenerFiles>,
        tasks: &Tasks,
    ) -> Self {
        let (wanted, names) = watch::channel(Vec::new());
        let waits = "no certificate for clients yet: it is asked for at the portal".to_owned();
        let (told, shown) = watch::channel(Err(waits));
        match files {
            Some(files) => tasks.spawn_until_stopped("certificate files", follow(files, told, FILES_INTERVAL)),
            None => tasks.spawn_until_stopped("listener certificate", issue(home, identity, names, told)),
        }
        Self { wanted, standing: Standing::of(shown) }
    }

    /// Names of all listeners from now on, ascending.
    pub(super) fn want(&self, names: Vec<String>) {
        self.wanted.send_if_modified(|wanted| {
            let news = *wanted != names;
            *wanted = names;
            news
        });
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.clone()
    }
}

async fn issue(
    home: Home,
    identity: watch::Receiver<Arc<Identity>>,
    mut wanted: watch::Receiver<Vec<String>>,
    told: Told,
) {
    let mut kept = Issued::load(&home);
    let mut failures = 0;
    loop {
        let names = wanted.borrow_and_update().clone();
        if names.is_empty() {
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        }
        let shown = kept.as_ref().and_then(read);
        let left = match &shown {
            Some(shown) if kept.as_ref().is_some_and(|issued| issued.names == names) => renewal(shown.validity_ms),
            _ => Duration::ZERO,
        };
        if let Some(shown) = shown.clone() {
            _ = told.send_replace(Ok(shown));
        }
        let pause = if left.is_zero() {
            let current = identity.borrow().clone();
            match Box::pin(ask(&home, &current, names, |issued| read(issued).is_some())).await {
                Ok(issued) => {
                    tracing::info!(names = ?issued.names, "got a certificate for clients");
                    (kept, failures) = (Some(issued), 0);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "no new certificate for clients; trying again");
                    if shown.is_none() {
                        _ = told.send_replace(Err(format!("no certificate for clients yet: {error}")));
                    }
                    failures += 1;
                    retry(failures)
                }
            }
        } else {
            left.min(LOOK_INTERVAL)
        };
        tokio::select! {
            () = sleep(pause) => {}
            changed = wanted.changed() => match changed {
                Ok(()) => {
                    wanted.mark_changed();
                    failures = 0;
                }
                Err(_) => return,
            },
        }
    }
}

fn read(issued: &Issued) -> Option<Shown> {
    Shown::read(&issued.certificate_pem, &issued.key_pem).ok()
}

/// Until a third of its life is over.
fn renewal((from, until): (i64, i64)) -> Duration {
    let at = from + (until - from) / 3;
    Duration::from_millis(u64::try_from(at - now_ms()).unwrap_or(0))
}

fn retry(failures: u32) -> Duration {
    let whole = RETRY.0.saturating_mul(1 << failures.min(12)).min(RETRY.1);
    whole.mul_f64(rand::random_range(0.5..=1.0))
}

type Stamp = (Option<SystemTime>, u64);

async fn follow(files: ListenerFiles, told: Told, every: Duration) {
    let mut read: Option<(Stamp, Stamp)> = None;
    loop {
        let stamps = (stamp(&files.certificate), stamp(&files.key));
        if read != Some(stamps) {
            match load(&files) {
                Ok(shown) => {
                    tracing::info!(certificate = %files.certificate.display(), "certificate for clients read");
                    _ = told.send_replace(Ok(shown));
                    read = Some(stamps);
                }
                Err(why) => {
                    // Read again at the next look: the two may be replaced one after the other.
                    told.send_modify(|told| {
                        *told = match std::mem::replace(told, Err(String::new())) {
                            Ok(shown) => Ok(shown.but(format!("{why}; what was read before is shown"))),
                            Err(_) => Err(why),
                        }
                    });
                }
            }
        }
        sleep(every).await;
    }
}

fn load(files: &ListenerFiles) -> Result<Shown, String> {
    let text = |path: &Path, option: &str| {
        let read = std::fs::read_to_string(path);
        read.map_err(|error| format!("the file given by {option}, {}, cannot be read: {error}", path.display()))
    };
    let (certificate, key) = (text(&files.certificate, "--listener-cert")?, text(&files.key, "--listener-key")?);
    Shown::read(&certificate, &key)
        .map(Shown::of_its_own)
        .map_err(|error| format!("the files given by --listener-cert and --listener-key cannot be used: {error}"))
}

fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok();
    (data.as_ref().and_then(|data| data.modified().ok()), data.map_or(0, |data| data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn until(shown: &mut watch::Receiver<Result<Shown, String>>, so: impl Fn(&Result<Shown, String>) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(30), shown.wait_for(|now| so(now))).await;
        drop(waited.expect("in time").expect("kept"));
    }

    fn write(files: &ListenerFiles) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["mqtt.lyon.example".to_owned()]).expect("a name");
        std::fs::write(&files.certificate, params.self_signed(&key).expect("signed").pem()).expect("written");
        std::fs::write(&files.key, key.serialize_pem()).expect("written");
    }

    #[tokio::test]
    async fn files_win_are_read_again_and_a_bad_one_is_told_while_the_last_is_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let files = ListenerFiles { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        let (told, mut shown) = watch::channel(Err("nothing".to_owned()));
        let tasks = Tasks::new("test");
        tasks.spawn_until_stopped("files", follow(files.clone(), told, Duration::from_millis(5)));
        until(&mut shown, |now| now.as_ref().is_err_and(|why| why.contains("--listener-cert"))).await;
        write(&files);
        until(&mut shown, Result::is_ok).await;
        let first = shown.borrow().as_ref().expect("shown").leaf().to_vec();
        std::fs::write(&files.key, "no key at all").expect("written");
        let is_told = |now: &Result<Shown, String>| now.as_ref().is_ok_and(|now| now.complaint().is_some());
        until(&mut shown, is_told).await;
        assert_eq!(shown.borrow().as_ref().expect("shown").leaf(), first);
        write(&files);
        until(&mut shown, |now| now.as_ref().is_ok_and(|now| now.leaf() != first && now.complaint().is_none())).await;
    }
}
