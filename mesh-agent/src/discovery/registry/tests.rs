use mesh_protocol::desired::SurveyedKind;

use super::*;
use crate::http::testing::Api;

/// A registry with two subjects, as Confluent documents its answers.
async fn registry() -> (Api, Registry) {
    let api = Api::start().await;
    api.set("/subjects", 200, r#"["orders-value","shop/money.proto"]"#);
    api.set("/subjects/orders-value/versions", 200, "[1,2]");
    api.set("/subjects/shop%2Fmoney.proto/versions", 200, "[3]");
    api.set(
        "/subjects/orders-value/versions/1",
        200,
        r#"{"subject":"orders-value","version":1,"id":7,"schema":"\"string\""}"#,
    );
    api.set(
        "/subjects/orders-value/versions/2",
        200,
        r#"{"subject":"orders-value","version":2,"id":9,"guid":"x","schemaType":"AVRO","references":[{"name":"Money","subject":"shop/money.proto","version":3}],"schema":"{}"}"#,
    );
    api.set(
        "/subjects/shop%2Fmoney.proto/versions/3",
        200,
        r#"{"subject":"shop/money.proto","version":3,"id":8,"schemaType":"PROTOBUF","references":null,"schema":"syntax"}"#,
    );
    api.set("/config", 200, r#"{"compatibilityLevel":"BACKWARD"}"#);
    api.set("/config/orders-value", 200, r#"{"compatibilityLevel":"FULL"}"#);
    api.set("/config/shop%2Fmoney.proto", 404, r#"{"error_code":40408,"message":"no own level"}"#);
    api.set("/mode", 200, r#"{"mode":"READWRITE"}"#);
    api.set("/mode/orders-value", 200, r#"{"mode":"READONLY"}"#);
    let registry = Registry::new(api.rest(SurveyedKind::SchemaRegistry));
    (api, registry)
}

fn subject<'a>(found: &'a Found, name: &str) -> &'a SubjectFacts {
    let object = found.objects.iter().find(|object| object.name == name).expect(name);
    match &object.facts {
        ObjectFacts::Subject(facts) => facts,
        other => panic!("{other:?}"),
    }
}

fn facts(found: &Found) -> &RegistryFacts {
    let facts = found.objects.iter().find_map(|object| match &object.facts {
        ObjectFacts::Registry(facts) => Some(facts),
        _ => None,
    });
    facts.expect("the registry itself")
}

#[tokio::test]
async fn subjects_are_told_with_versions_references_levels_and_modes() {
    let (_api, mut registry) = registry().await;
    let found = registry.scan(true).await.expect("it answers");
    let orders = subject(&found, "orders-value");
    assert_eq!((orders.compatibility.as_deref(), orders.mode.as_deref()), (Some("FULL"), Some("READONLY")));
    let ids: Vec<_> = orders.versions.iter().map(|version| (version.version, version.id)).collect();
    assert_eq!(ids, [(1, Some(7)), (2, Some(9))]);
    assert_eq!(orders.versions[0].schema_type.as_deref(), Some("AVRO"), "what is not said is Avro");
    assert_eq!(orders.versions[1].references[0].subject, "shop/money.proto");
    let money = subject(&found, "shop/money.proto");
    assert_eq!((money.compatibility.as_deref(), money.versions[0].schema_type.as_deref()), (None, Some("PROTOBUF")));
    let whole = facts(&found);
    assert_eq!(
        (whole.compatibility.as_deref(), whole.mode.as_deref(), whole.subjects),
        (Some("BACKWARD"), Some("READWRITE"), 2)
    );
    assert!(!found.in_part && found.notes.trouble().is_empty(), "{:?}", found.notes);
}

#[tokio::test]
async fn what_is_known_is_not_asked_again_and_what_goes_is_gone() {
    let (api, mut registry) = registry().await;
    registry.scan(true).await.expect("it answers");
    api.asked.lock().expect("no panic").clear();
    api.set("/subjects", 200, r#"["orders-value"]"#);
    api.set("/subjects/orders-value/versions", 200, "[2]");
    let found = registry.scan(false).await.expect("it answers");
    let asked: Vec<String> = api
        .asked
        .lock()
        .expect("no panic")
        .iter()
        .filter_map(|head| Some(head.split(' ').nth(1)?.to_owned()))
        .collect();
    assert_eq!(asked, ["/subjects", "/subjects/orders-value/versions"]);
    assert_eq!(found.objects.len(), 2, "one subject and the registry");
    assert_eq!(subject(&found, "orders-value").versions.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_stays_as_it_was_and_is_named() {
    let (api, mut registry) = registry().await;
    registry.scan(true).await.expect("it answers");
    for (path, status, body) in [
        ("/subjects", 403, "not you"),
        ("/subjects/orders-value/versions", 500, "broken"),
        ("/subjects/orders-value/versions/2", 200, r#"{"id":"nine"}"#),
        ("/config", 403, ""),
        ("/config/orders-value", 403, ""),
        ("/mode", 200, "[]"),
    ] {
        api.set(path, status, body);
    }
    let found = registry.scan(true).await.expect("it answers in part");
    assert!(found.in_part, "subjects may be there that cannot be listed");
    let orders = subject(&found, "orders-value");
    assert_eq!((orders.versions[1].id, orders.compatibility.as_deref()), (Some(9), Some("FULL")));
    assert_eq!(facts(&found).mode.as_deref(), Some("READWRITE"));
    let rights: Vec<&str> = found.notes.missing.iter().map(|missing| missing.right.as_str()).collect();
    assert_eq!(rights, ["GLOBAL_READ", "GLOBAL_COMPATIBILITY_READ", "SUBJECT_COMPATIBILITY_READ"]);
    assert_eq!(
        found.notes.missing[2].command,
        "sr-acl-cli --config schema-registry.properties --add -p 'meshport' -o SUBJECT_COMPATIBILITY_READ -s '*'"
    );
    let trouble = found.notes.trouble().join("; ");
    assert!(trouble.contains("500") && trouble.contains("schemas could not be read"), "{trouble}");
}

#[tokio::test]
async fn a_registry_without_modes_is_asked_for_none_and_one_without_subjects_is_none() {
    let (api, mut registry) = registry().await;
    api.set("/mode", 404, "");
    registry.scan(true).await.expect("it answers");
    let asked = api.asked.lock().expect("no panic").join("");
    assert!(!asked.contains("/mode/"), "{asked}");
    api.set("/subjects", 404, "");
    let reason = registry.scan(true).await.expect_err("nothing can be read");
    assert!(reason.contains("has no subjects: the URL must be"), "{reason}");
}

#[tokio::test]
async fn lists_are_bounded_and_what_is_left_out_is_counted() {
    let (api, mut registry) = registry().await;
    let names: Vec<String> = (0..=SUBJECTS_MAX).map(|number| format!("\"s{number}\"")).collect();
    let long = format!("\"{}\"", "x".repeat(5_000));
    api.set("/subjects", 200, &format!("[{},{long},\"\"]", names.join(",")));
    let mut notes = Notes::default();
    assert_eq!(registry.list(&mut notes).await, Ok(true));
    assert_eq!((registry.subjects.len(), registry.left_out), (SUBJECTS_MAX, 3));
    let mut subject = Subject::default();
    subject.list((0..500).rev().chain(0..500).collect());
    let told = subject.facts();
    assert_eq!(
        (told.versions.len(), told.versions_left_out, told.versions[0].version),
        (SUBJECT_VERSIONS_MAX, 400, 400)
    );
    let references = (0..50).map(|number| format!(r#"{{"name":"n{number}","subject":"s","version":1}}"#));
    let version: Version =
        serde_json::from_str(&format!(r#"{{"id":1,"references":[{}]}}"#, references.collect::<Vec<_>>().join(",")))
            .expect("a version");
    let told = version.facts(1);
    assert_eq!((told.references.len(), told.references_left_out), (REFERENCES_MAX, 30));
}
