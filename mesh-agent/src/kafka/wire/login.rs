//! Logging in: SASL PLAIN and SCRAM (RFC 5802, 7677) as a dialogue without IO.
//!
//! The server must prove as well that it knows the password, or that from which it can be checked: an answer that does not
//! is no login. Kafka takes user names and passwords as they are, without the preparation that the RFC asks for.

use base64::prelude::{BASE64_STANDARD, Engine};
use mesh_protocol::desired::SaslMechanism;
use ring::{digest, hmac, pbkdf2};

use crate::kafka::config::Credentials;

/// Most rounds of key derivation a server may ask for; Kafka's own are 4,096 to 16,384.
const ITERATIONS_MAX: u32 = 100_000;

/// Why a login failed at our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("its answer to the login cannot be understood")]
    Garbled,
    #[error("it asks for more than {ITERATIONS_MAX} rounds of key derivation")]
    TooManyRounds,
    #[error("it could not prove that it knows this user: something else answers in its place")]
    NotTheServer,
}

/// A login under way.
#[derive(Debug)]
pub(super) enum Dialogue {
    Plain,
    Scram(Box<Scram>),
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Say(Vec<u8>),
    LoggedIn,
}

impl Dialogue {
    /// Begins; `nonce` is fresh and has no comma.
    pub(super) fn begin(login: &Credentials, nonce: &str) -> (Self, Vec<u8>) {
        let (user, password) = (login.user.as_str(), login.password.expose());
        let hashes = match login.mechanism {
            SaslMechanism::Plain => return (Self::Plain, format!("\0{user}\0{password}").into_bytes()),
            SaslMechanism::ScramSha256 => Hashes::SHA_256,
            SaslMechanism::ScramSha512 => Hashes::SHA_512,
        };
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={user},r={nonce}");
        let said = format!("n,,{bare}").into_bytes();
        let scram = Scram { hashes, password: password.to_owned(), nonce: nonce.to_owned(), bare, expected: None };
        (Self::Scram(Box::new(scram)), said)
    }

    /// Takes the server's answer.
    ///
    /// # Errors
    /// It is not the server's, or not to be understood.
    pub(super) fn hear(&mut self, answer: &[u8]) -> Result<Next, LoginError> {
        match self {
            Self::Plain => Ok(Next::LoggedIn),
            Self::Scram(scram) => scram.hear(std::str::from_utf8(answer).map_err(|_| LoginError::Garbled)?),
        }
    }
}

/// The functions of one SCRAM mechanism.
#[derive(Clone, Copy)]
struct Hashes {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    derive: pbkdf2::Algorithm,
}

impl Hashes {
    const SHA_256: Self = Self { digest: &digest::SHA256, hmac: hmac::HMAC_SHA256, derive: pbkdf2::PBKDF2_HMAC_SHA256 };
    const SHA_512: Self = Self { digest: &digest::SHA512, hmac: hmac::HMAC_SHA512, derive: pbkdf2::PBKDF2_HMAC_SHA512 };

    fn sign(self, key: &[u8], text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac, key), text)
    }
}

/// Never shown: it holds the password.
pub(super) struct Scram {
    hashes: Hashes,
    password: String,
    nonce: String,
    bare: String,
    /// The key and the words that the server must sign; none = it has not spoken yet.
    expected: Option<(hmac::Key, Vec<u8>)>,
}

impl std::fmt::Debug for Scram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scram").field("heard", &self.expected.is_some()).finish_non_exhaustive()
    }
}

impl Scram {
    fn hear(&mut self, answer: &str) -> Result<Next, LoginError> {
        let Some((key, spoken)) = &self.expected else { return self.prove(answer) };
        let given = attribute(answer, "v").ok_or(LoginError::NotTheServer)?;
        let given = BASE64_STANDARD.decode(given).map_err(|_| LoginError::Garbled)?;
        hmac::verify(key, spoken, &given).map(|()| Next::LoggedIn).map_err(|_| LoginError::NotTheServer)
    }

    fn prove(&mut self, challenge: &str) -> Result<Next, LoginError> {
        let nonce = attribute(challenge, "r").ok_or(LoginError::Garbled)?;
        let salt = attribute(challenge, "s").and_then(|salt| BASE64_STANDARD.decode(salt).ok());
        let rounds = attribute(challenge, "i").and_then(|rounds| rounds.parse::<std::num::NonZeroU32>().ok());
        let (Some(salt), Some(rounds)) = (salt, rounds) else { return Err(LoginError::Garbled) };
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(LoginError::NotTheServer);
        }
        if rounds.get() > ITERATIONS_MAX {
            return Err(LoginError::TooManyRounds);
        }
        let mut salted = vec![0; self.hashes.digest.output_len()];
        pbkdf2::derive(self.hashes.derive, rounds, &salt, self.password.as_bytes(), &mut salted);
        let client_key = self.hashes.sign(&salted, b"Client Key");
        let stored_key = digest::digest(self.hashes.digest, client_key.as_ref());
        // "biws" is the channel binding: none.
        let unproven = format!("c=biws,r={nonce}");
        let spoken = format!("{},{challenge},{unproven}", self.bare);
        let signature = self.hashes.sign(stored_key.as_ref(), spoken.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let server_key = self.hashes.sign(&salted, b"Server Key");
        self.expected = Some((hmac::Key::new(self.hashes.hmac, server_key.as_ref()), spoken.into_bytes()));
        Ok(Next::Say(format!("{unproven},p={}", BASE64_STANDARD.encode(proof)).into_bytes()))
    }
}

/// The value of `name=value` in a list with commas.
fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::secret::Secret;

    fn login(mechanism: SaslMechanism, user: &str) -> Credentials {
        Credentials { mechanism, user: user.to_owned(), password: Secret::new("pencil") }
    }

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn proven() -> Dialogue {
        let (mut dialogue, first) = Dialogue::begin(&login(SaslMechanism::ScramSha256, "user"), NONCE);
        assert_eq!(first, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let proof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(dialogue.hear(CHALLENGE.as_bytes()), Ok(Next::Say(proof.as_bytes().to_vec())));
        dialogue
    }

    /// The example of RFC 7677.
    #[test]
    fn scram_says_what_the_standard_says() {
        let answer = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(proven().hear(answer), Ok(Next::LoggedIn));
    }

    #[test]
    fn a_server_that_does_not_know_the_user_is_not_believed() {
        let forged = b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(proven().hear(forged), Err(LoginError::NotTheServer));
        assert_eq!(proven().hear(b"e=other-error"), Err(LoginError::NotTheServer));
        let begun = || Dialogue::begin(&login(SaslMechanism::ScramSha512, "user"), NONCE).0;
        assert_eq!(begun().hear(b"r=another,s=AAAA,i=4096"), Err(LoginError::NotTheServer));
        assert_eq!(begun().hear(format!("r={NONCE},s=AAAA,i=4096").as_bytes()), Err(LoginError::NotTheServer));
        assert_eq!(begun().hear(format!("r={NONCE}x,s=AAAA,i=0").as_bytes()), Err(LoginError::Garbled));
        assert_eq!(begun().hear(format!("r={NONCE}x,s=AAAA,i=4000000000").as_bytes()), Err(LoginError::TooManyRounds));
        assert_eq!(begun().hear(&[0xff]), Err(LoginError::Garbled));
    }

    #[test]
    fn plain_is_one_message_and_names_are_escaped_for_scram_alone() {
        let (mut plain, said) = Dialogue::begin(&login(SaslMechanism::Plain, "a,b=c"), NONCE);
        assert_eq!((said.as_slice(), plain.hear(b"")), (b"\0a,b=c\0pencil".as_slice(), Ok(Next::LoggedIn)));
        let (_, said) = Dialogue::begin(&login(SaslMechanism::ScramSha512, "a,b=c"), NONCE);
        assert!(said.starts_with(b"n,,n=a=2Cb=3Dc,r="));
    }
}
