//! Quantities as people write them in forms: `30 s`, `1 GB`, `1,000,000`. What is read here is written back the same.

/// Units of time in milliseconds, the largest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
/// Units of size in bytes, the largest first.
const SIZES: [(&str, u64); 5] = [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)];

/// Milliseconds of `500 ms`, `30 s`, `10 min`, `12 h` or `7 d`.
///
/// # Errors
/// It is none of these; says what to write.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let help = || "Write a number and its unit, such as 500 ms, 30 s, 10 min, 12 h or 7 d".to_owned();
    with_unit(text, &TIMES).ok_or_else(help)
}

/// A duration in the largest unit that it is a whole number of.
#[must_use]
pub fn duration(ms: u64) -> String {
    if ms == 0 { "0 s".to_owned() } else { written(ms, &TIMES) }
}

/// Bytes of `512 B`, `64 KB`, `16 MB`, `1 GB` or `1 TB`, in steps of 1024.
///
/// # Errors
/// It is none of these; says what to write.
pub fn bytes(text: &str) -> Result<u64, String> {
    let help = || "Write a number and its unit, such as 64 MB or 1 GB".to_owned();
    let text = text.trim();
    // `GiB` says the same with more letters.
    let plain = text.strip_suffix("iB").map_or_else(|| text.to_owned(), |begin| format!("{begin}B"));
    with_unit(&plain, &SIZES).ok_or_else(help)
}

/// A size in the largest unit that it is a whole number of.
#[must_use]
pub fn size(bytes: u64) -> String {
    if bytes == 0 { "0 B".to_owned() } else { written(bytes, &SIZES) }
}

/// A count, with or without its thousands set apart.
///
/// # Errors
/// It is none; says what to write.
pub fn count(text: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ',' | ' ' | '_')).collect();
    digits.parse().map_err(|_| "Write a whole number, such as 1,000,000".to_owned())
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !matches!(letter, '0'..='9' | ',' | '_'))?;
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    count(number).ok()?.checked_mul(*factor)
}

fn written(amount: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().find(|(_, factor)| amount.is_multiple_of(*factor));
    let (unit, factor) = whole.copied().unwrap_or(("", 1));
    format!("{} {unit}", crate::format::count(amount / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same() {
        for (ms, text) in [(0, "0 s"), (500, "500 ms"), (30_000, "30 s"), (90_000, "90 s"), (86_400_000 * 7, "7 d")] {
            assert_eq!((duration(ms).as_str(), duration_ms(text)), (text, Ok(ms)));
        }
        for (amount, text) in [(1 << 30, "1 GB"), (1536, "1,536 B"), (1 << 40, "1 TB"), (64 << 20, "64 MB")] {
            assert_eq!((size(amount).as_str(), bytes(text)), (text, Ok(amount)));
        }
    }

    #[test]
    fn people_write_it_in_several_ways() {
        assert_eq!(duration_ms(" 30S "), Ok(30_000));
        assert_eq!(duration_ms("1,500 ms"), Ok(1_500));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(count("1 000 000"), Ok(1_000_000));
    }

    #[test]
    fn what_says_nothing_is_told_how_to_say_it() {
        for text in ["", "30", "s", "30 parsecs", "-1 s", "99999999999999999999 d"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
        assert!(bytes("1 KiloB").is_err() && count("many").is_err());
    }
}
