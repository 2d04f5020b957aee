//! The portal marks what is wrong with an input by the name of its field, and a form shows the mark beside the input of
//! that name. The two are written in different crates, and a name that only one of them knows marks nothing: the person
//! reads "check the marked fields" above a form without a mark. So this reads the names on both sides from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One kind of input: where the portal checks it, and the forms that send it.
struct Input {
    /// Below `server/src`.
    checks: &'static [&'static str],
    /// Below `frontend/src/pages`.
    forms: &'static [&'static str],
    /// Fields that no person types: pages send them by themselves, or not at all.
    unseen: &'static [&'static str],
}

const INPUTS: &[Input] = &[
    Input { checks: &["domain/site.rs", "app/site.rs"], forms: &["sites/form.rs"], unseen: &["minutes"] },
    Input {
        checks: &["domain/listener.rs", "domain/certificate.rs", "app/listener.rs"],
        forms: &["sites/listeners.rs"],
        unseen: &["site"],
    },
    Input { checks: &["domain/link.rs", "app/link.rs"], forms: &["sites/links.rs"], unseen: &[] },
    Input { checks: &["domain/broker.rs", "app/broker.rs"], forms: &["brokers/form.rs"], unseen: &["browse"] },
    Input {
        checks: &["domain/route.rs", "domain/webhook.rs"],
        forms: &["routes/form.rs", "routes/form/webhook.rs"],
        unseen: &[],
    },
    Input {
        checks: &["domain/queue.rs", "app/queue.rs"],
        forms: &["queues/form.rs", "queues/form/keep.rs"],
        unseen: &[],
    },
    Input { checks: &["domain/rule.rs", "app/rule.rs"], forms: &["acl/form.rs"], unseen: &[] },
    Input { checks: &["domain/scope.rs", "app/scope.rs"], forms: &["scopes/form.rs"], unseen: &[] },
    Input { checks: &["domain/role.rs", "domain/application.rs"], forms: &["clients/roles.rs"], unseen: &[] },
    Input {
        checks: &["domain/principal.rs", "app/principal.rs"],
        forms: &["clients/form.rs", "clients/detail.rs"],
        unseen: &["reason"],
    },
    Input { checks: &["domain/mail.rs", "app/mail.rs"], forms: &["me.rs"], unseen: &[] },
    Input { checks: &["domain/person.rs", "app/person.rs"], forms: &["people.rs"], unseen: &[] },
    Input { checks: &["domain/person.rs", "app/login.rs"], forms: &["setup.rs"], unseen: &["domains"] },
    Input { checks: &["app/service_token.rs"], forms: &["people/tokens.rs"], unseen: &[] },
    Input {
        checks: &["domain/webhook_endpoint.rs", "app/webhook.rs"],
        forms: &["webhooks/form.rs", "webhooks/deliveries.rs"],
        unseen: &[],
    },
    // A box that tells nobody off while they type: the page shows what the API says instead of results.
    Input { checks: &["app/search.rs"], forms: &[], unseen: &["q"] },
    Input { checks: &["app/design/adopt.rs"], forms: &["catalog/designed.rs"], unseen: &[] },
    // What is selected and proposed is made by the page; what is wrong with a line stands in the preview.
    Input {
        checks: &[
            "domain/design/drift/decision.rs",
            "app/design/drift/task.rs",
            "app/design/drift/adopt.rs",
            "app/design/drift/push.rs",
        ],
        forms: &["drift/doing.rs"],
        unseen: &["select", "events"],
    },
    Input { checks: &["domain/team.rs", "app/team.rs"], forms: &["teams/form.rs", "teams/removal.rs"], unseen: &[] },
    // What is selected is made by the page.
    Input {
        checks: &["app/ownership/task.rs", "app/ownership/import.rs"],
        forms: &["ownership/bar.rs", "ownership/list.rs"],
        unseen: &["select"],
    },
    Input { checks: &["app/catalog.rs"], forms: &["catalog/edit.rs"], unseen: &[] },
    Input {
        checks: &["domain/application_domain.rs", "app/application_domain.rs"],
        forms: &["domains/form.rs"],
        unseen: &[],
    },
    Input { checks: &["app/schema.rs"], forms: &["schemas.rs"], unseen: &[] },
    // What is left out is marked in the preview.
    Input {
        checks: &["app/asyncapi/import.rs", "app/asyncapi/import/read.rs", "app/asyncapi/import/planner.rs"],
        forms: &["import.rs"],
        unseen: &["skip"],
    },
    // Versions are chosen, texts are typed.
    Input { checks: &["app/asyncapi/difference.rs"], forms: &["compare/text.rs"], unseen: &["from", "to"] },
    Input {
        checks: &[
            "domain/design/spec.rs",
            "domain/design/content.rs",
            "domain/design/graph.rs",
            "domain/design/state.rs",
            "app/design.rs",
            "app/design/version.rs",
        ],
        forms: &["designs/form.rs", "designs/version_form.rs", "designs/steps.rs"],
        // Its kind is that of its object, where it goes is a button; the difference is asked for by two choices.
        unseen: &["content", "state", "to"],
    },
    Input {
        checks: &[
            "domain/product/plan.rs",
            "domain/product/plan/review.rs",
            "app/product/plan.rs",
            "app/product/review.rs",
            "app/product/shown.rs",
        ],
        forms: &["products/plan_form.rs", "inbox/plans.rs"],
        // Where a plan goes is a button.
        unseen: &["state"],
    },
    Input {
        checks: &["domain/product/publication.rs", "app/product/publication.rs"],
        forms: &["products/publications.rs"],
        unseen: &["state", "reason"],
    },
    Input {
        checks: &["domain/access/verdict.rs", "app/access/ask.rs"],
        forms: &["products/request.rs"],
        unseen: &["version"],
    },
    Input {
        checks: &[
            "domain/access/request.rs",
            "domain/access/grant.rs",
            "app/access/decide.rs",
            "app/access/forecast.rs",
        ],
        forms: &["products/request.rs", "inbox/decide.rs", "inbox/bulk.rs", "access/detail.rs"],
        unseen: &["state", "requests", "act"],
    },
    Input {
        checks: &["app/access/credential.rs"],
        forms: &["access/credentials.rs"],
        unseen: &["application", "overlap_minutes"],
    },
    Input { checks: &["app/access/kafka.rs"], forms: &["access/kafka.rs"], unseen: &["grant", "overlap_minutes"] },
    Input { checks: &["app/access/check.rs"], forms: &["access/connection.rs"], unseen: &[] },
    Input {
        checks: &["app/access/certificate.rs", "app/access/credential.rs"],
        forms: &["access/certificates.rs"],
        unseen: &["application", "overlap_minutes", "expires_at"],
    },
    // The time of a list, which the page of a grant leaves out.
    Input { checks: &["app/usage.rs"], forms: &[], unseen: &["from"] },
    Input { checks: &["app/trial.rs"], forms: &["overview/trial.rs"], unseen: &["site", "filter"] },
    // What agents and scripts send.
    Input {
        checks: &["app/agent.rs", "app/enrol.rs", "app/page.rs"],
        forms: &[],
        unseen: &["reason", "name", "cursor"],
    },
];

/// How the portal's code names a field.
const MARKS: [&str; 7] = [
    "errors.add(\"",
    "errors.name(\"",
    "errors.text(\"",
    "errors.address(\"",
    "errors.take(\"",
    "FieldErrors::one(\"",
    "(&mut errors, \"",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_owned()
}

/// What follows each of `marks` up to the closing quote, in the part of a source that is no test.
fn names(source: &str, marks: &[&str]) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    // A call may be written over several lines.
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ").replace("( \"", "(\"");
    let after = marks.iter().flat_map(|mark| source.split(mark).skip(1));
    after.filter_map(|text| text.split_once('"').map(|(name, _)| name.to_owned())).collect()
}

fn names_in(folder: &str, files: &[&str], marks: &[&str]) -> BTreeSet<String> {
    let read = |file: &&str| {
        let path = root().join(folder).join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
    };
    files.iter().flat_map(|file| names(&read(file), marks)).collect()
}

#[test]
fn every_field_that_the_portal_marks_has_an_input_that_shows_it() {
    let mut without = Vec::new();
    for input in INPUTS {
        let shown = names_in("frontend/src/pages", input.forms, &[".field(\""]);
        for field in names_in("server/src", input.checks, &MARKS) {
            if !shown.contains(&field) && !input.unseen.contains(&field.as_str()) {
                without.push(format!("{}: `{field}` has no input in {:?}", input.checks[0], input.forms));
            }
        }
    }
    assert!(without.is_empty(), "\n{}", without.join("\n"));
}

#[test]
fn every_check_of_an_input_is_listed_with_its_form() {
    let listed: BTreeSet<&str> = INPUTS.iter().flat_map(|input| input.checks).copied().collect();
    let mut missing = Vec::new();
    for folder in ["domain", "app"] {
        for entry in fs::read_dir(root().join("server/src").join(folder)).expect("the folder is there") {
            let name = entry.expect("it can be listed").file_name().into_string().expect("names are UTF-8");
            let file = format!("{folder}/{name}");
            if name.ends_with(".rs")
                && !listed.contains(file.as_str())
                && !names_in("server/src", &[&file], &MARKS).is_empty()
            {
                missing.push(file);
            }
        }
    }
    assert!(missing.is_empty(), "these mark fields: say in INPUTS which form shows them: {missing:?}");
}

#[test]
fn names_are_found_and_those_of_tests_are_not() {
    let source = r#"errors.add("a", 1); errors.take( "b.c", x); save.field("d"); #[cfg(test)] errors.add("e", 1)"#;
    assert_eq!(names(source, &MARKS), BTreeSet::from(["a".to_owned(), "b.c".to_owned()]));
    assert_eq!(names(source, &[".field(\""]), BTreeSet::from(["d".to_owned()]));
}
