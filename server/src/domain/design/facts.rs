//! What the catalog itself knows that a transition is decided on.

use mesh_schema::Level;

use super::super::field::FieldErrors;
use super::{Change, Context, Graph, Referred, Version};

/// Facts about a version, gathered when somebody wants to move it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it refers to.
    pub needs: Vec<Referred>,
    /// What refers to it.
    pub users: Vec<Referred>,
    /// What is wrong with it now.
    pub problems: Option<FieldErrors>,
    /// What it changes against the highest live version below it.
    pub change: Option<Change>,
    /// What it names as its replacement.
    pub replacement: Option<Referred>,
}

impl Facts {
    /// Of a version. `level` is what must stay readable when a schema changes.
    #[must_use]
    pub fn of(version: &Version, level: Level, graph: &Graph<'_>) -> Self {
        let replacement = version.spec.replacement.and_then(|id| graph.version(id));
        let object = graph.object(version.object);
        Self {
            needs: graph.needs(version),
            users: graph.users(version.id),
            problems: object.and_then(|object| version.spec.check(object, Some(version.id), graph).err()),
            change: graph.change(version, level),
            replacement: replacement.map(|other| Referred {
                field: "replacement",
                label: graph.label(other.id),
                state: other.state,
            }),
        }
    }

    /// The context of a transition, to which the caller adds who asks, when and why, and what is known of traffic.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context {
            needs: &self.needs,
            users: &self.users,
            problems: self.problems.as_ref(),
            change: self.change,
            replacement: self.replacement.clone(),
            ..Context::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Catalog, avro, event, record, told};
    use super::super::{Kind, State, transition};
    use super::*;

    const SKU: &str = r#"{"name": "sku", "type": "string"}"#;

    /// Asks for a transition of the version with an index, for a reason and with time to wait.
    fn asked(catalog: &Catalog, index: usize, to: State) -> String {
        let version = &catalog.versions[index];
        let facts = Facts::of(version, Level::Backward, &catalog.graph());
        let context = Context { reason: "because", end_of_life_at_ms: Some(1), ..facts.context() };
        told(transition(version.state, to, &context))
    }

    #[test]
    fn a_catalog_is_released_from_below_and_retired_from_above() {
        let mut catalog = Catalog::default();
        let (_, schema) = catalog.both("order", avro(SKU));
        let (_, created) = catalog.both("created", event("orders", Some(schema)));
        for id in [schema, created] {
            catalog.at(id).state = State::InReview;
        }
        assert!(asked(&catalog, 1, State::Released).starts_with("schema names schema order 1.0.0 (in review)"));
        assert_eq!(asked(&catalog, 0, State::Released), "");
        catalog.at(schema).state = State::Released;
        assert_eq!(asked(&catalog, 1, State::Released), "");
        for id in [schema, created] {
            catalog.at(id).state = State::Deprecated;
        }
        assert!(asked(&catalog, 0, State::Retired).starts_with("state is still used by event created 1.0.0"));
        assert_eq!(asked(&catalog, 1, State::Retired), "");
        catalog.at(created).state = State::Retired;
        assert_eq!(asked(&catalog, 0, State::Retired), "");
    }

    #[test]
    fn a_draft_that_others_made_unsound_meanwhile_is_not_reviewed() {
        let mut catalog = Catalog::default();
        let (_, line) = catalog.both("line", record("Line", SKU, &[]));
        let lines = r#"{"name": "line", "type": "Line"}"#;
        let (_, order) = catalog.both("order", record("Order", lines, &[("Line", line)]));
        catalog.at(order).state = State::Draft;
        assert_eq!(asked(&catalog, 1, State::InReview), "");
        catalog.at(line).spec.content = record("Other", SKU, &[]);
        assert!(asked(&catalog, 1, State::InReview).contains("is not sound"));
    }

    #[test]
    fn a_breaking_change_is_found_and_a_replacement_looked_up() {
        let mut catalog = Catalog::default();
        let object = catalog.object(Kind::Schema, "order", 1);
        let one = catalog.version(object, "1.0.0", avro(SKU));
        let count = format!(r#"{SKU}, {{"name": "count", "type": "int"}}"#);
        let two = catalog.version(object, "1.1.0", avro(&count));
        catalog.at(two).state = State::InReview;
        assert!(asked(&catalog, 1, State::Released).starts_with("number 1.1.0 breaks consumers of 1.0.0"));
        catalog.at(one).spec.replacement = Some(two);
        assert!(
            asked(&catalog, 0, State::Deprecated).starts_with("replacement is schema order 1.1.0, which is in review")
        );
    }
}
