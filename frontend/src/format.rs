//! How figures are written: one place, so that the same number looks the same on every page.

use mesh_protocol::event::Protocol;

/// `12478` as `12,478`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate without its unit: one decimal below ten, none above; `0` only when it is nothing at all.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are small and not negative")]
pub fn rate(per_second: f64) -> String {
    if !per_second.is_finite() || per_second <= 0.0 {
        "0".into()
    } else if per_second < 0.05 {
        "<0.1".into()
    } else if per_second < 9.95 {
        let text = format!("{per_second:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    } else {
        count(per_second.round() as u64)
    }
}

/// An age in its largest unit: `41 s`, `14 min`, `2 h`, `6 d`.
#[must_use]
pub fn age(age_ms: i64) -> String {
    let seconds = age_ms.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Bytes in steps of 1024, one decimal below ten.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit > 0 && value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// `1 agent`, `6 agents`: the plural is the word plus `s`.
#[must_use]
pub fn plural(number: usize, word: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {word}{s}", count(number as u64))
}

/// `14:02:31` in UTC, for stamps whose day is clear.
#[must_use]
pub fn time_of_day(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How a protocol is written.
#[must_use]
pub const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Mqtt => "MQTT",
        Protocol::Http => "HTTP",
        Protocol::Kafka => "Kafka",
        Protocol::Amqp => "AMQP",
        Protocol::Mesh => "mesh",
    }
}

/// How far a fact may be trusted by its age alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Up to 10 s: the mark pulses.
    Live,
    /// Up to 60 s.
    Recent,
    /// Older: "last known".
    Stale,
}

impl Freshness {
    /// The freshness of something `age_ms` old.
    #[must_use]
    pub fn of(age_ms: i64) -> Self {
        match age_ms {
            ..=10_000 => Self::Live,
            10_001..=60_000 => Self::Recent,
            _ => Self::Stale,
        }
    }
}

/// The SVG paths (line, area) of a sparkline in a box of 72 by 20, on its own scale. Needs two samples.
#[must_use]
pub fn spark(samples: &[f64]) -> Option<(String, String)> {
    use std::fmt::Write as _;
    if samples.len() < 2 {
        return None;
    }
    let top = samples.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = 72.0 / (samples.len() - 1) as f64;
    let mut line = String::new();
    for (i, sample) in samples.iter().enumerate() {
        let command = if i == 0 { 'M' } else { 'L' };
        let y = 18.3 - 15.3 * (sample.max(0.0) / top);
        let _ = write!(line, "{command}{:.1} {y:.1}", i as f64 * step);
    }
    let area = format!("{line}L72 20H0z");
    Some((line, area))
}

/// Two letters for an avatar: the initials of the first and last word.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_478, "12,478"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn rates_keep_a_decimal_only_when_it_matters() {
        let cases =
            [(0.0, "0"), (0.01, "<0.1"), (0.31, "0.3"), (4.0, "4"), (4.24, "4.2"), (9.97, "10"), (12_478.4, "12,478")];
        for (rate_in, text) in cases {
            assert_eq!(rate(rate_in), text, "{rate_in}");
        }
        assert_eq!(rate(f64::NAN), "0");
    }

    #[test]
    fn ages_use_their_largest_unit() {
        let cases = [(-5, "0 s"), (41_000, "41 s"), (60_000, "1 min"), (7_200_000, "2 h"), (6 * 86_400_000, "6 d")];
        for (ms, text) in cases {
            assert_eq!(age(ms), text);
        }
    }

    #[test]
    fn freshness_ends_at_ten_and_sixty_seconds() {
        assert_eq!(Freshness::of(10_000), Freshness::Live);
        assert_eq!(Freshness::of(10_001), Freshness::Recent);
        assert_eq!(Freshness::of(60_001), Freshness::Stale);
    }

    #[test]
    fn bytes_and_plurals_read_as_words() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1536), "1.5 KB");
        assert_eq!(bytes(50 * 1024 * 1024 * 1024), "50 GB");
        assert_eq!(plural(1, "agent"), "1 agent");
        assert_eq!(plural(1200, "rule"), "1,200 rules");
    }

    #[test]
    fn a_sparkline_needs_two_samples_and_stays_in_its_box() {
        assert_eq!(spark(&[1.0]), None);
        let (line, area) = spark(&[0.0, 5.0, 10.0]).expect("three samples");
        assert_eq!(line, "M0.0 18.3L36.0 10.7L72.0 3.0");
        assert!(area.ends_with("L72 20H0z"));
        assert!(spark(&[0.0, 0.0]).is_some_and(|(line, _)| line == "M0.0 18.3L72.0 18.3"));
    }

    #[test]
    fn initials_come_from_first_and_last_word() {
        assert_eq!(initials("Claire Moreau"), "CM");
        assert_eq!(initials("admin"), "A");
        assert_eq!(initials("jean-luc de la tour"), "JT");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn time_of_day_is_utc() {
        assert_eq!(time_of_day(50_551_000), "14:02:31");
    }
}
