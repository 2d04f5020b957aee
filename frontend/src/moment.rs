//! Moments as people choose them in forms: in the zone of whoever looks, as the browser's own date-time field holds them.

use time::{Date, Month, OffsetDateTime, Time};

/// `2026-11-28T21:30` in the viewer's zone: the minute that a moment is in.
#[must_use]
pub fn local_text(at_ms: i64) -> String {
    text(at_ms, offset_ms)
}

/// Milliseconds since 1970 of what a date-time field holds; none = it holds no moment (yet).
#[must_use]
pub fn local_ms(text: &str) -> Option<i64> {
    millis(text, offset_ms)
}

/// The viewer's zone at a moment: `UTC`, `UTC+01:00`.
#[must_use]
pub fn zone(at_ms: i64) -> String {
    let minutes = offset_ms(at_ms) / 60_000;
    match minutes {
        0 => "UTC".to_owned(),
        _ => {
            let sign = if minutes < 0 { '-' } else { '+' };
            let minutes = minutes.abs();
            format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    }
}

/// How far the viewer's clock is ahead of UTC at a moment.
#[cfg(target_arch = "wasm32")]
#[expect(clippy::cast_possible_truncation, reason = "minutes of a zone are few")]
fn offset_ms(at_ms: i64) -> i64 {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at_ms as f64));
    -(date.get_timezone_offset() as i64) * 60_000
}

/// The server does not know where anybody is.
#[cfg(not(target_arch = "wasm32"))]
const fn offset_ms(_at_ms: i64) -> i64 {
    0
}

fn text(at_ms: i64, offset_ms: impl Fn(i64) -> i64) -> String {
    let local = at_ms.saturating_add(offset_ms(at_ms));
    let Ok(local) = OffsetDateTime::from_unix_timestamp(local.div_euclid(1_000)) else { return String::new() };
    let (year, month, day) = local.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}T{:02}:{:02}", u8::from(month), local.hour(), local.minute())
}

fn millis(text: &str, offset_ms: impl Fn(i64) -> i64) -> Option<i64> {
    let (date, time) = text.trim().split_once('T')?;
    let mut date = date.splitn(3, '-');
    let year = date.next()?.parse().ok()?;
    let month = Month::try_from(date.next()?.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, date.next()?.parse().ok()?).ok()?;
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
    // Browsers leave seconds out when there are none.
    let second = time.next().map_or(Some(0), |second| second.split('.').next()?.parse().ok())?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    let local = date.with_time(time).assume_utc().unix_timestamp().checked_mul(1_000)?;
    // The offset is that of the moment, which the offset decides: the second guess is right except in the hour that a
    // change of clocks leaves out, and that hour is not.
    let guess = local.checked_sub(offset_ms(local))?;
    local.checked_sub(offset_ms(guess))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    /// 2026-10-25T01:00:00Z: Paris sets its clocks back.
    const CHANGE: i64 = 1_792_890_000_000;

    fn paris(at_ms: i64) -> i64 {
        if at_ms < CHANGE { 2 * HOUR } else { HOUR }
    }

    #[test]
    fn a_moment_survives_the_field_in_its_minute() {
        for at_ms in [0, 1_795_901_400_000, CHANGE - 24 * HOUR, CHANGE - 2 * HOUR, CHANGE + 2 * HOUR, -86_400_000] {
            assert_eq!(millis(&text(at_ms, paris), paris), Some(at_ms));
            assert_eq!(millis(&text(at_ms + 59_999, paris), paris), Some(at_ms), "to the minute, never later");
        }
        assert_eq!(text(1_795_901_400_000, paris), "2026-11-28T22:30");
        assert_eq!(text(CHANGE - HOUR, paris), "2026-10-25T02:00");
    }

    #[test]
    fn seconds_are_read_where_a_browser_writes_them() {
        let utc = |_| 0;
        assert_eq!(millis("2026-11-28T21:30:15", utc), Some(1_795_901_415_000));
        assert_eq!(millis("2026-11-28T21:30:15.250", utc), Some(1_795_901_415_000));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in
            ["", "2026-11-28", "2026-13-01T00:00", "2026-02-30T00:00", "2026-11-28T24:00", "2026-11-28T9", "yes"]
        {
            assert_eq!(local_ms(text), None, "{text}");
        }
        assert_eq!(local_text(i64::MAX), "", "no calendar goes so far");
    }
}
