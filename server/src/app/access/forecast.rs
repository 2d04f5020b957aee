//! What a decision about many requests would come to. Nothing is decided; who decides then names the revisions that stand here.

use frontend::api::{
    ACCESS_DECIDED_MAX, AccessAct, AccessForecast, AccessForecastInput, AccessForecastLine, ForecastOutcome,
};
use mesh_protocol::id::AccessRequestId;

use super::{By, Scene, decide};
use crate::app::permission::Right;
use crate::app::person::shown;
use crate::app::{App, Caller, Error, Result};
use crate::domain::access::grant::Grant;
use crate::domain::access::request::{Act, Request, State};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::Plan;

impl App {
    /// Says what approving or rejecting requests would come to, one by one.
    ///
    /// # Errors
    /// The caller may not, they are too many, the input is wrong for all of them, or the database's.
    pub async fn forecast_access(&self, caller: &Caller, input: AccessForecastInput) -> Result<AccessForecast> {
        caller.permit(Right::AccessRequest)?;
        let (by, mut errors) = (By::of(caller)?, FieldErrors::default());
        if input.requests.is_empty() || input.requests.len() > ACCESS_DECIDED_MAX {
            errors.add("requests", format_args!("must be 1 to {ACCESS_DECIDED_MAX}"));
        }
        let act = match input.act {
            AccessAct::Approve => Act::Approve,
            AccessAct::Reject => Act::Reject,
            _ => {
                errors.add("act", "must be approve or reject: the others are about one request");
                Act::Reject
            }
        };
        if input.act == AccessAct::Reject && input.reason.trim().is_empty() {
            errors.add("reason", "is required: the other side reads it");
        }
        errors.check()?;
        let mut tx = self.store().read().await?;
        let grants = tx.open_grants(self.environment()).await?;
        let plans = tx.plans(self.environment()).await?;
        let mut found = Vec::with_capacity(input.requests.len());
        for id in input.requests {
            found.push((id, tx.access_request(id).await?));
        }
        drop(tx);
        let (scene, now_ms) = (self.access_scene(caller).await?, crate::app::clock::now_ms());
        let seen = |request: &Request| by.may_decide || request.created_by == by.name;
        let line = |(id, request): (AccessRequestId, Option<Request>)| match request.filter(|request| seen(request)) {
            Some(request) => scene.forecast(&request, (&act, &input.reason), (&by, now_ms), &grants, &plans),
            None => gone(id),
        };
        Ok(AccessForecast { lines: found.into_iter().map(line).collect() })
    }
}

fn gone(id: AccessRequestId) -> AccessForecastLine {
    let what = "There is no such request.".to_owned();
    AccessForecastLine { id, revision: 0, name: String::new(), outcome: ForecastOutcome::Refused, what }
}

impl Scene {
    fn forecast(
        &self,
        request: &Request,
        (act, reason): (&Act, &str),
        (by, now_ms): (&By, i64),
        grants: &[Grant],
        plans: &[Plan],
    ) -> AccessForecastLine {
        let view = self.request(request, by, &self.designs.graph(), grants);
        let after = request.after(act.clone(), reason, by.actor(), now_ms).map_err(Error::from);
        let after = after.and_then(|after| match after.state {
            State::Approved => decide::may_be_given(&after, &self.designs, plans, grants).map(|()| after),
            _ => Ok(after),
        });
        let (outcome, what) = match after {
            Err(Error::Invalid(wrong)) => {
                let why = wrong.0.into_values().next().unwrap_or_default();
                (ForecastOutcome::Refused, format!("It {why}."))
            }
            Err(error) => (ForecastOutcome::Refused, format!("{error}.")),
            Ok(after) => match (after.state, after.missing()) {
                (State::Approved, _) => {
                    let (receive, send) = (&view.terms.subscribe, &view.terms.publish);
                    (ForecastOutcome::Given, format!("Access is given: {}.", words(receive, send)))
                }
                (State::Rejected, _) => (ForecastOutcome::Rejected, format!("{} reads the reason.", view.created_by)),
                (_, missing) => (ForecastOutcome::Counted, format!("Your approval counts; {missing} more to say yes.")),
            },
        };
        let name = format!("{} to {} {}", view.application_name, view.target.name, view.target.number);
        AccessForecastLine { id: request.id, revision: shown(request.revision), name, outcome, what }
    }
}

/// What would be given, in a few words.
fn words(receive: &[String], send: &[String]) -> String {
    let of = |verb: &str, filters: &[String]| (!filters.is_empty()).then(|| format!("{verb} {}", filters.join(", ")));
    let both: Vec<String> = [of("receive", receive), of("send to", send)].into_iter().flatten().collect();
    if both.is_empty() { "nothing that is published now".to_owned() } else { both.join("; ") }
}
