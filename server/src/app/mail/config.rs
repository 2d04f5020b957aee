//! The mail server of this portal.

/// Where mail is given to be sent, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, which its certificate must be valid for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Tls,
    /// Login name and password; none = without.
    pub login: Option<(String, String)>,
    /// The sender: `portal@example.com`, or `Meshport <portal@example.com>`.
    pub from: String,
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Tls {
    /// It begins plain and must become TLS before anything is said (port 587).
    #[default]
    Starttls,
    /// It is TLS from its beginning (port 465).
    Tls,
    /// It is not: for a server on this machine only.
    None,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.login.as_ref().map(|(user, _)| user);
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

/// Why a mail server cannot be used as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// No sender.
    #[error("--smtp needs a sender: add --smtp-from, such as \"Meshport <portal@example.com>\"")]
    NoFrom,
    /// The sender is none.
    #[error("--smtp-from is no address: write it as portal@example.com or \"Meshport <portal@example.com>\"")]
    From,
    /// No port, or none that can be one.
    #[error("--smtp must be HOST:PORT, such as mail.example.com:587")]
    Address,
    /// A password would travel in the clear.
    #[error("--smtp-tls none would send the password in the clear: use starttls or tls, or leave --smtp-user out")]
    Clear,
    /// A login name without a password.
    #[error(
        "--smtp-user needs a password: put it into MESHPORT_SMTP_PASSWORD, or into a file with --smtp-password-file"
    )]
    NoPassword,
}

impl Server {
    /// A server as it stands on the command line.
    ///
    /// # Errors
    /// What cannot be, and what to do.
    pub fn new(
        address: &str,
        tls: Tls,
        user: Option<String>,
        password: Option<String>,
        from: Option<String>,
    ) -> Result<Self, ServerError> {
        let (host, port) = address.rsplit_once(':').ok_or(ServerError::Address)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(ServerError::Address)?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(ServerError::Address);
        }
        let login = match (user, password.filter(|password| !password.is_empty())) {
            (None, _) => None,
            (Some(_), None) => return Err(ServerError::NoPassword),
            (Some(_), Some(_)) if tls == Tls::None => return Err(ServerError::Clear),
            (Some(user), Some(password)) => Some((user, password)),
        };
        let from = from.ok_or(ServerError::NoFrom)?;
        super::post::mailbox(&from).map_err(|_| ServerError::From)?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, tls, login, from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(
        address: &str,
        tls: Tls,
        user: Option<&str>,
        password: Option<&str>,
        from: &str,
    ) -> Result<Server, ServerError> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Server::new(address, tls, own(user), own(password), Some(from.to_owned()))
    }

    #[test]
    fn what_cannot_work_is_refused_at_the_start() {
        let from = "Meshport <portal@example.com>";
        let server = new("mail.example:587", Tls::Starttls, Some("ada"), Some("secret"), from).expect("a server");
        assert_eq!((server.host.as_str(), server.port), ("mail.example", 587));
        assert!(!format!("{server:?}").contains("secret"), "a password is in no log");
        let refused = [
            (new("mail.example", Tls::Tls, None, None, from), ServerError::Address),
            (new(":25", Tls::Tls, None, None, from), ServerError::Address),
            (new("mail.example:0", Tls::Tls, None, None, from), ServerError::Address),
            (new("mail.example:25", Tls::None, Some("ada"), Some("x"), from), ServerError::Clear),
            (new("mail.example:25", Tls::Tls, Some("ada"), None, from), ServerError::NoPassword),
            (new("mail.example:25", Tls::Tls, None, None, "nobody"), ServerError::From),
        ];
        for (outcome, why) in refused {
            assert_eq!(outcome, Err(why));
        }
        assert_eq!(Server::new("a:25", Tls::None, None, None, None), Err(ServerError::NoFrom));
    }
}
