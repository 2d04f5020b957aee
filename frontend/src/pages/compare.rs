//! Two AsyncAPI documents side by side: what changes, whom it hurts and why, and the texts. Of two versions the address says
//! it all; a text that somebody has is compared without being kept.

mod found;
mod text;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use mesh_protocol::id::DesignVersionId;
use serde::{Deserialize, Serialize};

use self::found::Found;
use self::text::TextForm;
use crate::api::{
    ApiError, AsyncApiCompare, AsyncApiDifference, AsyncApiSide, DesignKind, DesignVersionRow, LiveTopic,
};
use crate::components::{Choice, Empty, Main, ParamSelect};
use crate::load::{Load, load};

const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog];

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    from: Option<DesignVersionId>,
    to: Option<DesignVersionId>,
    side: Option<AsyncApiSide>,
}

fn asked(query: &ParamsMap) -> Asked {
    let id = |name: &str| query.get(name).and_then(|id| id.parse().ok());
    let side = query.get("side").filter(|side| side == "provider").map(|_| AsyncApiSide::Provider);
    Asked { from: id("from"), to: id("to"), side }
}

/// What is known of what the address asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Compared {
    /// What both are versions of; empty = none is named.
    object: String,
    has_sides: bool,
    /// Its versions, the newest first.
    versions: Vec<(DesignVersionId, String)>,
    from: Option<DesignVersionId>,
    to: Option<DesignVersionId>,
    difference: Option<AsyncApiDifference>,
}

/// The version before another one in a list that begins with the newest; of the only one itself.
fn before(versions: &[DesignVersionRow], id: DesignVersionId) -> DesignVersionId {
    let at = versions.iter().position(|version| version.id == id);
    let next = at.and_then(|at| versions.get(at + 1).or_else(|| versions.iter().find(|version| version.id != id)));
    next.map_or(id, |version| version.id)
}

/// `/asyncapi/diff?from=&to=&side=`
#[component]
pub fn CompareDocuments() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(asked));
    let compared = load(
        TOPICS,
        move || key.get(),
        |api, Asked { from, to, side }| async move {
            let Some(one) = to.or(from) else { return Ok(Compared::default()) };
            let version = api.0.design_version(one).await?;
            if version.kind == DesignKind::Schema {
                return Err(ApiError::new("not-found", 404, "a schema has no AsyncAPI document"));
            }
            let object = api.0.design_object(version.object).await?;
            let to = to.or_else(|| object.versions.iter().map(|version| version.id).find(|id| Some(*id) != from));
            let to = to.unwrap_or(one);
            let from = from.unwrap_or_else(|| before(&object.versions, to));
            let side = side.filter(|_| version.kind != DesignKind::Application);
            let input = AsyncApiCompare { from: Some(from), to: Some(to), side, ..AsyncApiCompare::default() };
            let difference = if from == to { None } else { Some(api.0.compare_asyncapi(input).await?) };
            Ok(Compared {
                object: object.config.name,
                has_sides: version.kind != DesignKind::Application,
                versions: object.versions.into_iter().map(|version| (version.id, version.number)).collect(),
                from: Some(from),
                to: Some(to),
                difference,
            })
        },
    );
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/designs">"Design"</a></li>
            <li>"Compare documents"</li>
        </ol>
    };
    view! {
        <Main title="Compare documents" note="what changes between two AsyncAPI documents, and whom it hurts" crumbs=crumbs.into_any()>
            <Load resource=compared what="comparison" let:compared>
                <All compared=compared/>
            </Load>
        </Main>
    }
    .into_any()
}

#[component]
fn All(compared: Signal<Compared>) -> impl IntoView {
    let choices = Signal::derive(move || {
        let versions = compared.with(|compared| compared.versions.clone());
        versions.into_iter().map(|(id, number)| (id.to_string(), number)).collect::<Vec<Choice>>()
    });
    // The one that is compared stands first, so that the choice shows it also where the address does not name it.
    let first = move |of: fn(&Compared) -> Option<DesignVersionId>| {
        Signal::derive(move || {
            let own = compared.with(of).map(|id| id.to_string());
            let mut all = choices.get();
            all.sort_by_key(|(id, _)| Some(id) != own.as_ref());
            all
        })
    };
    let sides = vec![
        ("consumer".to_owned(), "For who consumes it".to_owned()),
        ("provider".to_owned(), "For who provides it".to_owned()),
    ];
    let (from, to) = (first(|compared| compared.from), first(|compared| compared.to));
    let base = Signal::derive(move || compared.with(|compared| compared.to.map(|id| (id, name_of(compared, id)))));
    view! {
        <Show when=move || compared.with(|compared| !compared.object.is_empty())>
            <div class="m-bar">
                <span>{move || compared.with(|compared| compared.object.clone())}</span>
                <span class="m-muted">"from"</span>
                <ParamSelect label="From" name="from" choices=from/>
                <span class="m-muted">"to"</span>
                <ParamSelect label="To" name="to" choices=to/>
                {
                    let sides = sides.clone();
                    move || compared.with(|compared| compared.has_sides).then(|| view! {
                        <ParamSelect label="Side" name="side" choices=Signal::stored(sides.clone())/>
                    })
                }
            </div>
        </Show>
        {move || compared.with(|compared| match (&compared.difference, compared.object.is_empty()) {
            (Some(difference), _) => view! { <Found found=difference.clone()/> }.into_any(),
            (None, true) => view! {
                <Empty icon="event" title="No version is named" text="Press Compare at the document of a version, or give two texts here.">
                    <a class="m-button" href="/designs">"Design"</a>
                </Empty>
            }.into_any(),
            (None, false) => view! {
                <Empty icon="event" title="There is only one version" text="Give a text to compare it with."/>
            }.into_any(),
        })}
        <TextForm base=base/>
    }
    .into_any()
}

fn name_of(compared: &Compared, id: DesignVersionId) -> String {
    let number = compared.versions.iter().find(|(its, _)| *its == id).map(|(_, number)| number.as_str());
    format!("{} {}", compared.object, number.unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::DesignState;

    fn row(id: u128) -> DesignVersionRow {
        DesignVersionRow {
            id: DesignVersionId(uuid::Uuid::from_u128(id)),
            number: id.to_string(),
            state: DesignState::Draft,
            description: String::new(),
            end_of_life_at: None,
            registered: None,
            producers: 0,
            consumers: 0,
            updated_at: 0,
            updated_by: String::new(),
        }
    }

    #[test]
    fn a_version_is_compared_with_the_one_before() {
        let all = [row(3), row(2), row(1)];
        let of = |id: u128| before(&all, DesignVersionId(uuid::Uuid::from_u128(id))).0.as_u128();
        assert_eq!((of(3), of(2), of(1)), (2, 1, 3), "the first one with the newest");
        assert_eq!(before(&all[..1], all[0].id), all[0].id);
    }
}
