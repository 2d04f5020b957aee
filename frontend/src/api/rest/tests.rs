use super::*;
use std::task::{Context, Poll, Waker};

/// Answers every request alike, at once.
struct Canned(u16, &'static str);

impl Transport for Canned {
    fn exchange(&self, request: Request) -> Exchange {
        assert!(request.path.starts_with("/api/v1/"), "{request:?}");
        Box::pin(std::future::ready(Ok((self.0, self.1.to_owned()))))
    }
}

#[expect(clippy::result_large_err, reason = "the answer of the trait that is tested")]
fn now<T>(mut answer: Answer<'_, T>) -> Result<T, ApiError> {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a canned answer is ready"),
    }
}

/// Two pages of a list, by the cursor.
struct Paged;

impl Transport for Paged {
    fn exchange(&self, request: Request) -> Exchange {
        let page = match request.path.as_str() {
            "/api/v1/tokens" => r#"{"items":[TOKEN],"next":"c","total":2}"#,
            "/api/v1/tokens?cursor=c" => r#"{"items":[TOKEN],"next":null,"total":2}"#,
            other => panic!("{other}"),
        };
        let token =
            r#"{"id":"1","name":"ci","role":"viewer","domains":[],"created_at":1,"expires_at":null,"last_used":null}"#;
        Box::pin(std::future::ready(Ok((200, page.replace("TOKEN", token)))))
    }
}

#[test]
fn a_whole_list_is_read_page_by_page() {
    assert_eq!(now(RestApi(Paged).all_tokens()).map(|tokens| tokens.len()), Ok(2));
}

#[test]
fn an_empty_success_is_unit() {
    assert_eq!(now(RestApi(Canned(204, "")).logout()), Ok(()));
}

#[test]
fn a_problem_document_becomes_the_error() {
    let problem = r#"{"type":"forbidden","title":"needs approver","status":403,"needs":"approver"}"#;
    let error = now(RestApi(Canned(403, problem)).all_sites()).expect_err("forbidden");
    assert_eq!((error.kind.as_str(), error.needs.as_deref()), ("forbidden", Some("approver")));
}

#[test]
fn an_answer_that_is_not_json_says_to_reload() {
    let error = now(RestApi(Canned(502, "<html>")).all_sites()).expect_err("not json");
    assert_eq!(error.status, 502);
    assert!(error.detail.is_some_and(|detail| detail.starts_with("Reload")));
}
