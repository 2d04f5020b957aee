//! How drift goes: what is open now, against a week ago, and the line between.

use leptos::prelude::*;

use crate::api::{ApiError, DriftTrend, DriftTrendQuery, LiveTopic};
use crate::components::{Part, Right, Spark};
use crate::format;
use crate::load::{Load, Loading, load};
use crate::viewer::{Viewer, right};

/// Loads it; none = the viewer sees only some domains, and the counts are of all.
pub(in crate::pages) fn load_trend(topics: &'static [LiveTopic]) -> Loading<Option<DriftTrend>> {
    let sees_all = Viewer::has(right::MESH_READ) == Right::Granted;
    load(
        topics,
        || (),
        move |api, ()| async move {
            if !sees_all {
                return Ok::<_, ApiError>(None);
            }
            api.0.drift_trend(DriftTrendQuery::default()).await.map(Some)
        },
    )
}

/// The card.
#[component]
pub(in crate::pages) fn TrendCard(
    /// See [`load_trend`].
    trend: Loading<Option<DriftTrend>>,
    /// It stands on another page than that of the findings.
    #[prop(optional)]
    away: bool,
) -> impl IntoView {
    view! {
        <Load resource=trend what="trend of drift" let:trend>
            {move || trend.get().map(|trend| view! { <Card trend=trend away=away/> })}
        </Load>
    }
    .into_any()
}

#[component]
fn Card(trend: DriftTrend, away: bool) -> impl IntoView {
    let open = trend.now.open;
    let title = if away { "Drift" } else { "Trend" };
    let findings = format!(" {} open", if open == 1 { "finding" } else { "findings" });
    let samples = samples(&trend);
    view! {
        <Part title=title note="counted once an hour">
            <div class="m-line m-line--wrap">
                <span><strong class="m-num">{format::count(open)}</strong>{findings}</span>
                {(samples.len() > 1).then(|| view! { <Spark samples=Signal::stored(samples)/> })}
                <span class="m-small m-muted">{words(&trend)}</span>
                {away.then(|| view! { <a class="m-small" href="/drift">"What differs"</a> })}
            </div>
        </Part>
    }
    .into_any()
}

/// What was counted, and what there is now.
fn samples(trend: &DriftTrend) -> Vec<f64> {
    let counted = trend.points.iter().map(|point| point.counts.open);
    let all: Vec<f64> = counted.chain([trend.now.open]).map(|open| open as f64).collect();
    // Of one count alone there is no line.
    if trend.points.len() > 1 { all } else { Vec::new() }
}

/// Against a week ago, in words.
fn words(trend: &DriftTrend) -> String {
    let Some(before) = trend.week_ago else {
        let is_new = trend.points.len() < 2;
        let text = if is_new { "The line begins with the second count." } else { "Nothing was counted a week ago." };
        return text.to_owned();
    };
    let (now, before) = (trend.now.open, before.counts.open);
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => "as many as a week ago".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more than a week ago", format::count(now - before)),
        std::cmp::Ordering::Less => format!("{} fewer than a week ago", format::count(before - now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{DriftCounts, DriftTrendPoint};

    fn trend(now: u64, week_ago: Option<u64>, points: &[u64]) -> DriftTrend {
        let counts = |open| DriftCounts { open, ..DriftCounts::default() };
        let point = |open| DriftTrendPoint { at: 0, counts: counts(open) };
        DriftTrend {
            now: counts(now),
            week_ago: week_ago.map(point),
            points: points.iter().map(|open| point(*open)).collect(),
        }
    }

    #[test]
    fn the_change_is_told_in_words_and_where_there_is_none_why() {
        for (trend, expected) in [
            (trend(5, Some(2), &[2, 4]), "3 more than a week ago"),
            (trend(1, Some(2), &[2, 4]), "1 fewer than a week ago"),
            (trend(2, Some(2), &[2, 4]), "as many as a week ago"),
            (trend(2, None, &[2, 4]), "Nothing was counted a week ago."),
            (trend(2, None, &[2]), "The line begins with the second count."),
            (trend(0, None, &[]), "The line begins with the second count."),
        ] {
            assert_eq!(words(&trend), expected);
        }
    }

    #[test]
    fn the_line_ends_with_what_there_is_now_and_one_count_makes_none() {
        assert_eq!(samples(&trend(5, None, &[2, 4])), [2.0, 4.0, 5.0]);
        assert!(samples(&trend(5, None, &[4])).is_empty() && samples(&trend(5, None, &[])).is_empty());
    }
}
