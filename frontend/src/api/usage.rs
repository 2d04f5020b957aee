//! What was used of grants.

use mesh_protocol::id::GrantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Millis;

/// Over how long use is summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageBy {
    /// Days (UTC); kept for two years.
    #[default]
    Day,
    /// Hours; kept for 40 days.
    Hour,
}

/// Which use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// Only of this grant.
    #[serde(default)]
    pub grant: Option<GrantId>,
    /// From the day or hour of this moment on; default 30 days before `to`.
    #[serde(default)]
    pub from: Option<Millis>,
    /// Before this moment; default now.
    #[serde(default)]
    pub to: Option<Millis>,
    /// By day or by hour; default by day.
    #[serde(default)]
    pub by: Option<UsageBy>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Most rows; default 500, at most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Totals of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageTotals {
    /// Events.
    pub events: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Events beyond the quota: refused, or not delivered.
    pub refused_events: u64,
}

/// Use of one grant in one day or hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageRow {
    /// Which grant.
    pub grant: GrantId,
    /// What it is called; empty = the portal does not know it any more.
    pub name: String,
    /// Beginning of the day or hour.
    pub from: Millis,
    /// Its end.
    pub to: Millis,
    /// Into the mesh.
    pub published: UsageTotals,
    /// Out of it.
    pub received: UsageTotals,
    /// What it is worth by the plan's price; none = the plan has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<UsageValue>,
}

/// Money, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageValue {
    /// A decimal number with at most six digits behind the point, as text, so that no reader rounds it.
    pub amount: String,
    /// Such as `EUR`.
    pub currency: String,
}
