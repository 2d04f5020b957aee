//! Mail to people about what they are told: who wants what of it, how soon, and what a letter says.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::field::FieldErrors;
use super::notification::{Kind, Notification, Severity};

/// Longest address, in bytes (RFC 5321).
const ADDRESS_BYTES_MAX: usize = 254;
/// Longest part before the `@`, in bytes.
const LOCAL_BYTES_MAX: usize = 64;
/// Most notifications that one letter tells of; the rest is in the feed.
pub const LETTER_ITEMS_MAX: usize = 50;
/// A letter is tried for so long.
pub const TRIED_MS: i64 = 3 * 24 * 60 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// When the daily letter goes, after midnight UTC.
const DAILY_AT_MS: i64 = 6 * 60 * 60 * 1000;

/// How soon somebody gets mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Never.
    Off,
    /// At once.
    #[default]
    Now,
    /// Once a day, if there is anything that they have not read.
    Daily,
}

impl Pace {
    /// When something that happens now is mailed, in milliseconds since the Unix epoch; none = never.
    #[must_use]
    pub fn due_at_ms(self, now_ms: i64) -> Option<i64> {
        match self {
            Self::Off => None,
            Self::Now => Some(now_ms),
            Self::Daily => {
                let today = now_ms - now_ms.rem_euclid(DAY_MS) + DAILY_AT_MS;
                Some(if today > now_ms { today } else { today + DAY_MS })
            }
        }
    }
}

/// What somebody chose. By itself: at once, what asks them to do something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How soon.
    pub pace: Pace,
    /// Names of the kinds; none = those that ask for an action, also later ones.
    pub kinds: Option<BTreeSet<String>>,
}

impl Settings {
    /// Checks it.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if let Some(unknown) = self.kinds.iter().flatten().find(|kind| Kind::by_name(kind).is_none()) {
            errors.add("kinds", format_args!("hold `{unknown}`, which nothing sends: take it out"));
        }
        errors.check()
    }

    /// Whether they want mail about a kind.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.pace != Pace::Off
            && match &self.kinds {
                Some(kinds) => kinds.contains(kind),
                None => Kind::by_name(kind).is_some_and(Kind::asks),
            }
    }
}

/// Checks an address of mail; empty = nobody said.
pub fn check_email(errors: &mut FieldErrors, email: &str) {
    if email.is_empty() {
        return;
    }
    let is_legal = |byte: u8| byte.is_ascii_graphic() && !b"()<>[]:;@\\,\"".contains(&byte);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let sound = email.rsplit_once('@').is_some_and(|(local, host)| {
        let dotted = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        !local.is_empty()
            && local.len() <= LOCAL_BYTES_MAX
            && local.bytes().all(is_legal)
            && dotted
            && host.split('.').all(is_label)
    });
    if email.len() > ADDRESS_BYTES_MAX || !sound {
        errors.add("email", "must be an address such as ada@example.com");
    }
}

/// Where a notification is on its way to somebody by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It will be sent, or sent again.
    Waiting,
    /// A server took it.
    Sent,
    /// It was read, or went out of sight, before it was sent.
    LeftOut,
    /// It is not sent any more.
    GivenUp,
}

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl Letter {
    /// What happened, newest first. Links lead to the portal at `portal_url`.
    #[must_use]
    pub fn about(items: &[Notification], portal_url: &str) -> Self {
        let portal = portal_url.trim_end_matches('/');
        let subject = match items {
            [one] => one_line(&one.title),
            many => format!("{} notifications", many.len()),
        };
        let (mut text, mut html) = (String::new(), String::new());
        for item in items {
            let link = format!("{portal}{}", item.link);
            let _never = writeln!(text, "{}{}", mark(item.severity), one_line(&item.title));
            let _never = writeln!(html, "<h2><a href=\"{}\">{}</a></h2>", escaped(&link), escaped(&item.title));
            if !item.text.is_empty() {
                let _never = writeln!(text, "{}", item.text);
                let _never = writeln!(html, "<p>{}</p>", escaped(&item.text));
            }
            let _never = writeln!(text, "{link}\n");
        }
        let feed = format!("{portal}/notifications");
        let settings = format!("{portal}/me");
        let _never = writeln!(text, "--\nAll of it: {feed}\nWhat you get by mail: {settings}");
        let _never = writeln!(
            html,
            "<hr>\n<p><a href=\"{}\">All of it</a></p>\n<p><a href=\"{}\">What you get by mail</a></p>",
            escaped(&feed),
            escaped(&settings)
        );
        Self { subject: format!("[Meshport] {subject}"), text, html: document(&html) }
    }

    /// One that only shows that mail arrives.
    #[must_use]
    pub fn test(portal_url: &str) -> Self {
        let portal = portal_url.trim_end_matches('/');
        let words = "Mail from this portal arrives. Somebody asked for this message; nothing happened.";
        let html = format!("<p>{words}</p><p><a href=\"{0}\">{0}</a></p>", escaped(portal));
        Self {
            subject: "[Meshport] A test message".to_owned(),
            text: format!("{words}\n\n{portal}\n"),
            html: document(&html),
        }
    }
}

fn document(body: &str) -> String {
    format!("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"></head>\n<body>\n{body}</body></html>\n")
}

fn mark(severity: Severity) -> &'static str {
    if severity == Severity::Bad { "! " } else { "" }
}

/// A header holds one line, whatever a title holds.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text as HTML, in content and in attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use mesh_protocol::id::NotificationId;
    use uuid::Uuid;

    use super::*;

    fn is_address(text: &str) -> bool {
        let mut errors = FieldErrors::default();
        check_email(&mut errors, text);
        errors.0.is_empty()
    }

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for good in ["", "ada@example.com", "a.b+c@x-y.example", "o'hara@mail.example", "root@localhost"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "ada",
            "@example.com",
            "ada@",
            "ada@-x.example",
            "ada@x..example",
            "a b@x.example",
            "ada@x.example\r\nBcc: eve@x.example",
            "<ada@x.example>",
            "ada@eve@x.example",
            ".ada@x.example",
            long.as_str(),
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn by_itself_one_gets_what_asks_and_gets_it_at_once() {
        let own = Settings::default();
        assert!(own.wants("design.review_requested") && own.wants("agent.offline"));
        assert!(!own.wants("design.released") && !own.wants("one.of.tomorrow"));
        let chosen = Settings { kinds: Some(BTreeSet::from(["design.released".to_owned()])), ..own.clone() };
        assert!(chosen.wants("design.released") && !chosen.wants("agent.offline"));
        assert!(!Settings { pace: Pace::Off, ..chosen.clone() }.wants("design.released"));
        let wrong = Settings { kinds: Some(BTreeSet::from(["x".to_owned()])), ..own };
        assert!(wrong.check().expect_err("refused").0.contains_key("kinds"));
    }

    #[test]
    fn the_daily_letter_goes_at_six() {
        let (day, hour) = (DAY_MS, 60 * 60 * 1000);
        assert_eq!(Pace::Daily.due_at_ms(10 * day + 5 * hour), Some(10 * day + 6 * hour));
        assert_eq!(Pace::Daily.due_at_ms(10 * day + 6 * hour), Some(11 * day + 6 * hour), "the next day's");
        assert_eq!(Pace::Now.due_at_ms(7), Some(7));
        assert_eq!(Pace::Off.due_at_ms(7), None);
    }

    #[test]
    fn a_letter_says_the_same_twice_and_nothing_in_it_becomes_markup() {
        let item = |title: &str, severity| Notification {
            id: NotificationId(Uuid::nil()),
            kind: "design.released".into(),
            severity,
            title: title.into(),
            text: "By <b>eve</b> & \"bob\".".into(),
            link: "/designs/x".into(),
            object_kind: "design".into(),
            object_id: "x".into(),
            domain: None,
            at_ms: 1,
        };
        let one = Letter::about(&[item("order <script>\r\nBcc: x", Severity::Bad)], "https://portal.example/");
        assert_eq!(one.subject, "[Meshport] order <script> Bcc: x", "a header is one line");
        assert!(
            one.text
                .starts_with("! order <script> Bcc: x\nBy <b>eve</b> & \"bob\".\nhttps://portal.example/designs/x\n")
        );
        assert!(!one.html.contains("<script>") && !one.html.contains("<b>"), "{}", one.html);
        assert!(one.html.contains("&lt;script&gt;") && one.html.contains("&amp; &quot;bob&quot;"));
        assert!(one.html.contains("href=\"https://portal.example/designs/x\""));
        assert!(one.text.contains("https://portal.example/me"));
        let two = Letter::about(&[item("one", Severity::Note), item("two", Severity::Note)], "https://portal.example");
        assert_eq!(two.subject, "[Meshport] 2 notifications");
        assert!(two.text.contains("one\n") && two.text.contains("two\n"));
        assert!(Letter::test("https://portal.example").text.contains("arrives"));
    }
}
