use mesh_protocol::desired::SurveyedKind;

use super::testing::id;
use super::*;
use crate::http::testing::{Api, OneSecret, surveyed};

const ORDER: &str = r#"{\"type\":\"record\",\"name\":\"Order\",\"fields\":[]}"#;

fn questions(url: &str) -> Questions {
    Questions::new(surveyed(SurveyedKind::SchemaRegistry, url), Arc::new(OneSecret), Tasks::new("test"))
}

#[tokio::test]
async fn a_schema_comes_with_all_it_uses_each_once() {
    let api = Api::start().await;
    let uses = |name: &str| format!(r#"{{"name":"{name}","subject":"shop/{name}","version":2}}"#);
    let references = [uses("Line"), uses("Money")].join(",");
    api.set("/schemas/ids/7", 200, &format!(r#"{{"schema":"{ORDER}","references":[{references}]}}"#));
    api.set(
        "/subjects/shop%2FLine/versions/2",
        200,
        &format!(r#"{{"schema":"line","references":[{}]}}"#, uses("Money")),
    );
    api.set("/subjects/shop%2FMoney/versions/2", 200, r#"{"schema":"money","id":3}"#);
    let Ok(Answer::Schema(found)) = questions(&api.url).schema(id(7)).await else { panic!("it is there") };
    assert_eq!((found.format, found.text.as_str()), (Format::Avro, ORDER.replace('\\', "").as_str()));
    let names: Vec<_> = found.references.iter().map(|one| (one.name.as_str(), one.text.as_str())).collect();
    assert_eq!(names, [("Line", "line"), ("Money", "money")]);
    assert_eq!(api.asked.lock().expect("no panic").len(), 3);
}

#[tokio::test]
async fn only_the_registrys_own_word_makes_an_id_unknown() {
    let api = Api::start().await;
    api.set("/schemas/ids/1", 404, r#"{"error_code":40403,"message":"Schema 1 not found"}"#);
    api.set("/schemas/ids/2", 404, "<html>no such page</html>");
    api.set("/schemas/ids/3", 401, "");
    api.set("/schemas/ids/4", 403, "");
    api.set("/schemas/ids/5", 500, "");
    let asked = questions(&api.url);
    assert_eq!(asked.schema(id(1)).await, Ok(Answer::Unknown));
    let told = async |number| asked.schema(id(number)).await.expect_err("no answer");
    assert!(told(2).await.contains("the URL must be that of the API"));
    assert!(told(3).await.contains("mesh-agent secret set known"));
    assert!(told(4).await.ends_with("let meshport read all schemas there"));
    assert!(told(5).await.contains("500"));
    assert!(questions("http://127.0.0.1:1").schema(id(1)).await.expect_err("nobody").contains("cannot be reached"));
}

#[tokio::test]
async fn what_a_schema_uses_and_is_not_there_is_waited_for() {
    let api = Api::start().await;
    let uses = r#"[{"name":"Line","subject":"shop.Line","version":1}]"#;
    api.set("/schemas/ids/7", 200, &format!(r#"{{"schema":"{ORDER}","references":{uses}}}"#));
    api.set("/subjects/shop.Line/versions/1", 404, r#"{"error_code":40402,"message":"Version 1 not found"}"#);
    let told = questions(&api.url).schema(id(7)).await.expect_err("it is not whole");
    assert!(told.contains("uses shop.Line version 1"), "{told}");
    api.set("/schemas/ids/8", 200, &format!(r#"{{"schema":"{{}}","schemaType":"JSON","references":{uses}}}"#));
    assert!(matches!(questions(&api.url).schema(id(8)).await, Ok(Answer::Schema(_))), "JSON is read without any");
}

#[tokio::test]
async fn what_nobody_here_can_read_is_told() {
    let api = Api::start().await;
    api.set("/schemas/ids/1", 200, r#"{"schema":"x","schemaType":"THRIFT"}"#);
    api.set("/schemas/ids/2", 200, &format!(r#"{{"schema":"{}"}}"#, "x".repeat(TEXT_BYTES_MAX + 1)));
    let two = r#"[{"name":"Line","subject":"a","version":1},{"name":"Line","subject":"b","version":1}]"#;
    api.set("/schemas/ids/3", 200, &format!(r#"{{"schema":"x","references":{two}}}"#));
    api.set("/subjects/a/versions/1", 200, r#"{"schema":"x"}"#);
    let asked = questions(&api.url);
    for (number, why) in [(1, "THRIFT"), (2, "more than"), (3, "calls two schemas `Line`")] {
        let answer = asked.schema(id(number)).await;
        assert!(matches!(&answer, Ok(Answer::Unusable(reason)) if reason.contains(why)), "{answer:?}");
    }
}
