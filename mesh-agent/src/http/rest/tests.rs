use mesh_protocol::desired::SurveyedKind;
use serde_json::Value;

use super::super::testing::{Api, OneSecret, surveyed};
use super::*;

const KIND: SurveyedKind = SurveyedKind::SchemaRegistry;

#[tokio::test]
async fn each_refusal_is_told_from_the_others() {
    let api = Api::start().await;
    for (path, status) in
        [("/no", 403), ("/who", 401), ("/broken", 500), ("/moved", 302), ("/empty", 204), ("/gone", 410)]
    {
        api.set(path, status, if status == 204 { "" } else { "why  it\nis so" });
    }
    api.set("/text", 200, "<html>");
    let rest = api.rest(KIND);
    let name = &api.url;
    let ask = async |path: &str| rest.get::<Value>(&[path]).await.expect_err(path);
    assert_eq!(ask("no").await, Failure::Denied(format!("{name} answered 403 Forbidden to /no: why it is so")));
    assert_eq!(ask("who").await, Failure::Unknown(format!("{name} answered 401 Unauthorized to /who: why it is so")));
    assert!(matches!(ask("broken").await, Failure::Odd(reason) if reason.contains("500") && reason.ends_with("is so")));
    assert!(matches!(ask("moved").await, Failure::Odd(reason) if reason.ends_with("redirects are not followed")));
    assert!(matches!(ask("text").await, Failure::Odd(reason) if reason.contains("something else than its API says")));
    for absent in ["empty", "gone", "nothing"] {
        assert_eq!(ask(absent).await, Failure::Absent, "{absent}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let api = Api::start().await;
    api.set("/large", 200, &format!("[{}1]", "1,".repeat(BODY_BYTES_MAX / 2)));
    api.set("/fits", 200, "[1]");
    let rest = api.rest(KIND);
    assert!(matches!(rest.get::<Value>(&["large"]).await, Err(Failure::Odd(reason)) if reason.contains("more than")));
    assert_eq!(rest.get::<Vec<u8>>(&["fits"]).await, Ok(vec![1]), "the next question is answered");
}

#[tokio::test]
async fn the_login_goes_with_each_question_and_stands_in_no_log() {
    let api = Api::start().await;
    api.set("/a%2Fb/%2E%2E", 200, "1");
    let rest = api.rest(KIND);
    assert_eq!(rest.get::<u8>(&["a/b", ".."]).await, Ok(1));
    let asked = api.asked.lock().expect("no panic").join("");
    assert!(
        asked.contains(&format!("authorization: Basic {}\r\n", BASE64_STANDARD.encode("meshport:pass:word"))),
        "{asked}"
    );
    let shown = format!("{rest:?}");
    assert!(!shown.contains("pass:word") && !shown.contains(&BASE64_STANDARD.encode("meshport:pass:word")), "{shown}");
}

#[tokio::test]
async fn nobody_there_is_lost_and_the_first_question_says_what_to_do() {
    let api = Api::start().await;
    api.set("/subjects", 401, "");
    let first = async |url: &str| {
        let rest = Rest::new(&surveyed(KIND, url), &OneSecret, &Tasks::new("test")).expect("sound");
        rest.first::<Value>(&["subjects"], "has no subjects").await.expect_err(url)
    };
    assert!(first(&api.url).await.ends_with("set it anew with `mesh-agent secret set known` on this machine"));
    assert!(first(&format!("{}/other", api.url)).await.ends_with("has no subjects"));
    assert!(first("http://127.0.0.1:1").await.contains("cannot be reached"));
}

#[tokio::test]
async fn only_the_authority_that_is_named_is_believed() {
    let (api, authority) = Api::start_secure().await;
    let (other, _) = Api::start_secure().await;
    api.set("/subjects", 200, "[]");
    other.set("/subjects", 200, "[]");
    let ask = async |url: &str| {
        let connection = Surveyed { ca_pem: Some(authority.clone()), ..surveyed(KIND, url) };
        let rest = Rest::new(&connection, &OneSecret, &Tasks::new("test")).expect("sound");
        rest.get::<Vec<String>>(&["subjects"]).await
    };
    assert_eq!(ask(&api.url).await, Ok(Vec::new()));
    let refused = ask(&other.url).await.expect_err("another authority");
    assert!(
        matches!(&refused, Failure::Lost(reason) if reason.contains("no secure connection to localhost")),
        "{refused:?}"
    );
}

#[test]
fn what_is_wrong_with_a_connection_says_what_to_do() {
    let start = |change: &dyn Fn(&mut Surveyed)| {
        let mut connection = surveyed(KIND, "https://schemas.example");
        change(&mut connection);
        Rest::new(&connection, &OneSecret, &Tasks::new("test")).expect_err("it is wrong")
    };
    let unknown = start(&|connection| {
        connection.url = "http://127.0.0.1:1".to_owned();
        connection.login =
            connection.login.take().map(|login| mesh_protocol::desired::Login { secret: "other".to_owned(), ..login });
    });
    assert!(
        matches!(&unknown, StartError::Failing(reason) if reason.contains("`mesh-agent secret set other`")),
        "{unknown}"
    );
    let readable = start(&|connection| connection.url = "http://schemas.example".to_owned());
    assert!(matches!(&readable, StartError::Rejected(reason) if reason.contains("use https")), "{readable}");
    let url = start(&|connection| connection.url = "schemas".to_owned());
    assert!(matches!(&url, StartError::Rejected(reason) if reason.contains("must begin with")), "{url}");
    let authority = start(&|connection| connection.ca_pem = Some("PEM".to_owned()));
    assert!(
        matches!(&authority, StartError::Rejected(reason) if reason.contains("no certificate in PEM")),
        "{authority}"
    );
}

#[test]
fn names_and_texts_are_cut_to_what_can_be_shown() {
    let names = ["b", "a", "", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(
        bounded([names, vec!["x".repeat(2_000), "n\0".to_owned()]].concat(), 2),
        (vec!["a".to_owned(), "b".to_owned()], 4)
    );
    assert_eq!(shown("\n  first\tline \nsecond"), "first line");
    assert_eq!(shown(&"x".repeat(5_000)).len(), TEXT_CHARS_MAX);
}
