//! The mail server on the command line. Its password never stands there: others on the machine can read that.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::app::mail::Server;
use crate::app::mail::config::Tls;

/// Where the password may stand.
const PASSWORD: &str = "MESHPORT_SMTP_PASSWORD";

/// The mail server; without it people are told in the portal only.
#[derive(Clone, Debug, Default, Args)]
pub struct MailArgs {
    /// `host:port` of the mail server (SMTP) that takes what people get by mail.
    #[arg(long, env = "MESHPORT_SMTP")]
    pub smtp: Option<String>,
    /// How the connection to it is secured.
    #[arg(long, default_value = "starttls", env = "MESHPORT_SMTP_TLS", value_enum)]
    pub smtp_tls: Tls,
    /// Login name at the mail server. The password is in MESHPORT_SMTP_PASSWORD or in a file.
    #[arg(long, env = "MESHPORT_SMTP_USER")]
    pub smtp_user: Option<String>,
    /// File that holds the password.
    #[arg(long, env = "MESHPORT_SMTP_PASSWORD_FILE")]
    pub smtp_password_file: Option<PathBuf>,
    /// Sender of the mail, such as `Meshport <portal@example.com>`.
    #[arg(long, env = "MESHPORT_SMTP_FROM")]
    pub smtp_from: Option<String>,
}

impl MailArgs {
    /// The mail server; none = none was named.
    ///
    /// # Errors
    /// It cannot be used as it was given, and what to do.
    pub fn server(&self) -> anyhow::Result<Option<Server>> {
        let Some(address) = &self.smtp else { return Ok(None) };
        let password = match &self.smtp_password_file {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("read the mail server's password from {}", path.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => std::env::var(PASSWORD).ok(),
        };
        let (user, from) = (self.smtp_user.clone(), self.smtp_from.clone());
        Ok(Some(Server::new(address, self.smtp_tls, user, password, from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_comes_from_its_file_without_the_end_of_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "s e c\r\n").expect("written");
        let args = MailArgs {
            smtp: Some("mail.example:587".into()),
            smtp_user: Some("ada".into()),
            smtp_password_file: Some(path),
            smtp_from: Some("portal@mail.example".into()),
            ..MailArgs::default()
        };
        let server = args.server().expect("a server").expect("one was named");
        assert_eq!(server.login, Some(("ada".to_owned(), "s e c".to_owned())));
        assert_eq!(MailArgs::default().server().expect("nothing is wrong"), None);
        let missing = MailArgs { smtp_password_file: Some(folder.path().join("none")), ..args };
        assert!(missing.server().is_err());
    }
}
