//! Who logs in where a broker connection leads that is no Kafka cluster.

use mesh_protocol::desired::{Surveyed, is_encrypted, is_this_machine};

use crate::kafka::secret::{Secret, Secrets};
use crate::part::StartError;

/// Who logs in, and the password, if anybody does.
///
/// # Errors
/// The password is not known here: what to do.
pub(crate) fn password<'a>(
    surveyed: &'a Surveyed,
    secrets: &dyn Secrets,
) -> Result<Option<(&'a str, Secret)>, StartError> {
    let Some(login) = &surveyed.login else { return Ok(None) };
    // Works as soon as somebody runs the command, without an edit in the portal.
    let password = secrets.get(&login.secret).ok_or_else(|| {
        StartError::Failing(format!(
            "the password of {} at {} is not known here: run `mesh-agent secret set {}` on this machine",
            login.username, surveyed.name, login.secret
        ))
    })?;
    Ok(Some((&login.username, password)))
}

/// Whether a password would cross the network as it is.
pub(crate) fn sends_readable(surveyed: &Surveyed) -> bool {
    surveyed.login.is_some() && !is_encrypted(&surveyed.url) && !is_this_machine(&surveyed.url)
}

/// What to do about a login that was refused: that of this user with this secret, or that of nobody.
pub(crate) fn how_to_log_in(login: Option<(&str, &str)>) -> String {
    match login {
        None => "give the broker connection a login".to_owned(),
        Some((user, secret)) => format!(
            "its password of {user} is another one: set it anew with `mesh-agent secret set {secret}` on this machine"
        ),
    }
}
