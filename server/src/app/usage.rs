//! What was used of grants: taken from agents, shown by day and hour, valued by the plan's price.
//!
//! Shown to whoever sees the mesh's configuration. Names and prices are those under which each grant was given.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use frontend::api::{Page, UsageBy, UsageQuery, UsageRow, UsageTotals, UsageValue};
use mesh_protocol::id::{AgentId, GrantId, PlanId};
use mesh_protocol::report::{METER_BYTES_MAX, USAGE_MAX, Usage};

use super::clock::now_ms;
use super::page::{Slice, page};
use super::permission::Right;
use super::{App, Caller, Result};
use crate::domain::access::grant::Grant;
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::{Price, Spec};
use crate::domain::usage::{
    DAY_MS, DAYS_KEPT_MS, HOUR_MS, HOURS_KEPT_MS, Terms, Totals, Used, add_idle, decimal, text_cell,
};

/// Rows of a page, and the most of one.
const ROWS: u32 = 500;
const ROWS_MAX: u32 = 1_000;
/// Most rows of an export.
const EXPORT_MAX: usize = 200_000;
/// How far an agent's clock may be ahead.
const AHEAD_MS_MAX: i64 = HOUR_MS;

impl App {
    /// Stores what an agent counted. The answer is why it was refused, or none; the agent keeps what is not stored.
    pub(super) async fn take_usage(&self, agent: AgentId, usage: &Usage) -> Result<Option<String>> {
        if let Some(why) = refusal(usage, now_ms()) {
            return Ok(Some(why));
        }
        // Days whose hours are gone are closed: what comes for one now would be all there is of it.
        let open_ms = hours_before_ms(now_ms());
        let (open, late): (Vec<_>, Vec<_>) = usage.entries.iter().partition(|entry| entry.hour_ms >= open_ms);
        if !late.is_empty() {
            tracing::warn!(%agent, entries = late.len(), "use of more than 40 days ago came too late and is left out");
        }
        let meter = (agent, usage.meter.as_str());
        let mut days = BTreeSet::new();
        let mut tx = self.store().write().await?;
        for entry in open {
            tx.put_usage(self.environment(), meter, entry).await?;
            days.insert((entry.grant, entry.direction, entry.hour_ms.div_euclid(DAY_MS) * DAY_MS));
        }
        for (grant, direction, day_ms) in days {
            tx.sum_usage_day(self.environment(), meter, (grant, direction), day_ms).await?;
        }
        tx.commit().await?;
        Ok(None)
    }

    /// Use of grants by day or hour, the oldest first.
    ///
    /// # Errors
    /// The caller may not, the time is none, or the database's.
    pub async fn usage(&self, caller: &Caller, query: UsageQuery) -> Result<Page<UsageRow>> {
        let rows = self.usage_rows(caller, &query).await?;
        let UsageQuery { cursor, limit, .. } = query;
        let slice = Slice::of(cursor.as_deref(), limit, ROWS, ROWS_MAX);
        page(rows, slice, |row| (row.from, row.grant))
    }

    /// The same as one JSON text: an array of all rows.
    ///
    /// # Errors
    /// As [`App::usage`], or there are too many rows for one file.
    pub async fn usage_json(&self, caller: &Caller, query: &UsageQuery) -> Result<String> {
        let rows = few(self.usage_rows(caller, query).await?)?;
        Ok(serde_json::to_string(&rows).expect("plain data serializes"))
    }

    /// The same as CSV (RFC 4180), with a line of names first. Texts that a spreadsheet would take for formulas begin with `'`.
    ///
    /// # Errors
    /// As [`App::usage_json`].
    pub async fn usage_csv(&self, caller: &Caller, query: &UsageQuery) -> Result<String> {
        Ok(csv_of(&few(self.usage_rows(caller, query).await?)?))
    }

    async fn usage_rows(&self, caller: &Caller, query: &UsageQuery) -> Result<Vec<UsageRow>> {
        caller.permit(Right::MeshRead)?;
        let by = query.by.unwrap_or_default();
        let step_ms = match by {
            UsageBy::Day => DAY_MS,
            UsageBy::Hour => HOUR_MS,
        };
        let time = time_of(query, step_ms, now_ms())?;
        let mut tx = self.store().read().await?;
        let mut used = match by {
            UsageBy::Day => tx.usage_by_day(self.environment(), query.grant, time).await?,
            UsageBy::Hour => tx.usage_by_hour(self.environment(), query.grant, time).await?,
        };
        let terms = terms(&tx.grants(self.environment()).await?, &tx.plan_terms(self.environment()).await?);
        drop(tx);
        let is_asked = |grant: &GrantId| query.grant.is_none_or(|asked| asked == *grant);
        for (grant, terms) in terms.iter().filter(|(grant, _)| is_asked(grant)) {
            add_idle(&mut used, *grant, terms, time, step_ms);
        }
        used.sort_by_key(|used| (used.from_ms, used.grant));
        Ok(used.iter().map(|used| row(used, terms.get(&used.grant), step_ms)).collect())
    }

    /// Forgets use that was long ago.
    pub(super) async fn prune_usage(&self, now_ms: i64) -> Result<()> {
        let mut tx = self.store().write().await?;
        tx.prune_usage(hours_before_ms(now_ms), now_ms - DAYS_KEPT_MS).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What is known of grants: a grant is paid for from the day it was given until it was over.
fn terms(grants: &[Grant], plans: &HashMap<(PlanId, u32), Spec>) -> BTreeMap<GrantId, Terms> {
    let of = |grant: &Grant| {
        let plan = grant.plan.and_then(|plan| plans.get(&(plan.plan, plan.number)));
        let until_ms = if grant.state.is_over() { Some(grant.updated_at_ms) } else { None };
        let price = plan.and_then(|plan| plan.price.clone());
        (grant.id, Terms { name: grant.terms.name.clone(), price, since_ms: grant.created_at_ms, until_ms })
    };
    grants.iter().map(of).collect()
}

/// Hours before this are not kept: whole days, so that what is left of a day is all of it.
fn hours_before_ms(now_ms: i64) -> i64 {
    (now_ms - HOURS_KEPT_MS).div_euclid(DAY_MS) * DAY_MS
}

/// Why a report is not believed.
fn refusal(usage: &Usage, now_ms: i64) -> Option<String> {
    if usage.entries.len() > USAGE_MAX {
        return Some(format!("a report holds at most {USAGE_MAX} entries of use"));
    }
    let meter = &usage.meter;
    if meter.is_empty() || meter.len() > METER_BYTES_MAX || !meter.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(format!("a meter is 1 to {METER_BYTES_MAX} letters and digits"));
    }
    if usage.entries.iter().any(|entry| entry.hour_ms.rem_euclid(HOUR_MS) != 0) {
        return Some("use is told by whole hours".to_owned());
    }
    if usage.entries.iter().any(|entry| entry.hour_ms > now_ms + AHEAD_MS_MAX) {
        return Some("the agent's clock is more than an hour ahead of the portal's: set it right".to_owned());
    }
    None
}

/// From and to, on whole days or hours.
fn time_of(query: &UsageQuery, step_ms: i64, now_ms: i64) -> Result<(i64, i64)> {
    let to_ms = query.to.unwrap_or(now_ms).clamp(0, now_ms + DAY_MS);
    let default_ms = to_ms - 30 * DAY_MS;
    let from_ms = query.from.unwrap_or(default_ms).max(now_ms - DAYS_KEPT_MS).div_euclid(step_ms) * step_ms;
    if from_ms >= to_ms {
        return Err(FieldErrors::one("from", "is after the end: choose an earlier day, or leave it out").into());
    }
    Ok((from_ms, to_ms))
}

fn few(rows: Vec<UsageRow>) -> Result<Vec<UsageRow>> {
    if rows.len() > EXPORT_MAX {
        let why =
            format!("an export has at most {EXPORT_MAX} rows, and this one has {}: choose a later day", rows.len());
        return Err(FieldErrors::one("from", why).into());
    }
    Ok(rows)
}

fn row(used: &Used, terms: Option<&Terms>, step_ms: i64) -> UsageRow {
    let totals = |totals: &Totals| UsageTotals {
        events: totals.events,
        bytes: totals.bytes,
        refused_events: totals.refused_events,
    };
    let value =
        |price: &Price| UsageValue { amount: decimal(price.of(used, step_ms)), currency: price.currency.clone() };
    UsageRow {
        grant: used.grant,
        name: terms.map(|terms| terms.name.clone()).unwrap_or_default(),
        from: used.from_ms,
        to: used.from_ms + step_ms,
        published: totals(&used.published),
        received: totals(&used.received),
        value: terms.and_then(|terms| terms.price.as_ref()).map(value),
    }
}

const COLUMNS: [&str; 12] = [
    "grant",
    "name",
    "from",
    "to",
    "published_events",
    "published_bytes",
    "published_refused_events",
    "received_events",
    "received_bytes",
    "received_refused_events",
    "value",
    "currency",
];

fn csv_of(rows: &[UsageRow]) -> String {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut write = |record: &[String]| out.write_record(record).expect("memory takes every record of this length");
    write(&COLUMNS.map(str::to_owned));
    for row in rows {
        let (value, currency) =
            row.value.as_ref().map_or(("", ""), |value| (value.amount.as_str(), value.currency.as_str()));
        let mut cells = vec![row.grant.to_string(), text_cell(&row.name), moment(row.from), moment(row.to)];
        for totals in [&row.published, &row.received] {
            cells.extend([totals.events, totals.bytes, totals.refused_events].map(|number| number.to_string()));
        }
        cells.extend([value.to_owned(), text_cell(currency)]);
        write(&cells);
    }
    let bytes = out.into_inner().expect("memory takes everything");
    String::from_utf8(bytes).expect("texts make a text")
}

/// As RFC 3339 writes it.
fn moment(at_ms: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1_000)).ok();
    let text = moment.and_then(|moment| moment.format(&time::format_description::well_known::Rfc3339).ok());
    text.unwrap_or_else(|| at_ms.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn csv_is_quoted_holds_no_formula_and_no_rounded_number() {
        let terms = Terms {
            name: "=cmd|' /C calc'!A1, \"gold\"".to_owned(),
            price: Some(Price {
                per: crate::domain::product::plan::Per::Event,
                millionths: 1,
                currency: "EUR".to_owned(),
            }),
            since_ms: 0,
            until_ms: None,
        };
        let published = Totals { events: u64::MAX, bytes: 2, refused_events: 3 };
        let used = Used { published, ..Used::none(GrantId(Uuid::nil()), 20_000 * DAY_MS) };
        let text = csv_of(&[row(&used, Some(&terms), DAY_MS), row(&used, None, DAY_MS)]);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], COLUMNS.join(","));
        assert_eq!(
            lines[1],
            "00000000-0000-0000-0000-000000000000,\"'=cmd|' /C calc'!A1, \"\"gold\"\"\",2024-10-04T00:00:00Z,\
             2024-10-05T00:00:00Z,18446744073709551615,2,3,0,0,0,18446744073709.551615,EUR"
        );
        assert!(lines[2].ends_with(",18446744073709551615,2,3,0,0,0,,"), "{}", lines[2]);
        let read = csv::Reader::from_reader(text.as_bytes()).records().count();
        assert_eq!(read, 2, "it is read again");
    }

    #[test]
    fn a_time_is_whole_and_its_end_is_after_its_beginning() {
        let now_ms = 20_000 * DAY_MS + 5;
        let query = |from, to| UsageQuery { from, to, ..UsageQuery::default() };
        assert_eq!(time_of(&query(None, None), DAY_MS, now_ms).ok(), Some((19_970 * DAY_MS, now_ms)));
        let from = Some(19_999 * DAY_MS + 7);
        assert_eq!(time_of(&query(from, None), DAY_MS, now_ms).ok(), Some((19_999 * DAY_MS, now_ms)));
        assert!(time_of(&query(Some(now_ms + DAY_MS), None), DAY_MS, now_ms).is_err());
        let oldest = time_of(&query(Some(0), None), DAY_MS, now_ms).expect("as far as there is any").0;
        assert!(oldest > 0);
    }
}
