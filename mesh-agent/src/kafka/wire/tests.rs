use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use tokio::net::TcpListener;

use kafka_protocol::protocol::Request;

use super::*;

fn open() -> Access {
    Access { tls: None, login: None }
}

/// A broker that answers each question with the next of these bodies, under the number it was asked with.
async fn broker(answers: Vec<Vec<u8>>) -> BrokerNode {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let work = async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        for body in answers {
            let length = stream.read_u32().await.expect("a question") as usize;
            let mut question = vec![0; length];
            stream.read_exact(&mut question).await.expect("all of it");
            let mut answer = question[4..8].to_vec();
            answer.extend(body);
            stream.write_u32(u32::try_from(answer.len()).expect("it is short")).await.expect("room");
            stream.write_all(&answer).await.expect("room");
        }
        stream.read_u32().await.ok();
    };
    #[expect(clippy::disallowed_methods, reason = "ends with its test")]
    tokio::spawn(work);
    BrokerNode { id: 1, address, log_dirs: Vec::new() }
}

/// Knows one question, in these versions.
fn versions(key: i16, min: i16, max: i16) -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_i32(1);
    for number in [key, min, max] {
        body.put_i16(number);
    }
    body.to_vec()
}

#[tokio::test]
async fn a_question_is_asked_in_the_newest_version_both_know() {
    let mut answer = BytesMut::new();
    let said = DescribeAclsResponse::default().with_error_code(54);
    said.encode(&mut answer, 1).expect("it can be written");
    let node = broker(vec![versions(DescribeAclsRequest::KEY, 0, 1), answer.to_vec()]).await;
    let mut connection = Connection::open(&open(), &node).await.expect("it answers");
    let heard = connection.ask(&DescribeAclsRequest::default()).await.expect("it knows this");
    assert_eq!(refusal(heard.error_code), Some(ResponseError::SecurityDisabled));
}

#[tokio::test]
async fn a_question_that_a_broker_does_not_know_is_not_sent() {
    for known in [versions(DescribeAclsRequest::KEY, 0, 0), versions(DescribeAclsRequest::KEY + 1, 0, 9)] {
        let mut connection = Connection::open(&open(), &broker(vec![known]).await).await.expect("it answers");
        let asked = connection.ask(&DescribeAclsRequest::default()).await;
        assert!(matches!(asked, Err(AskError::Unknown)), "{asked:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_said_to_be_none() {
    for garbage in [Vec::new(), vec![1], versions(1, 0, 1)[..5].to_vec(), [versions(1, 0, 1), vec![0]].concat()] {
        let opened = Connection::open(&open(), &broker(vec![garbage]).await).await;
        assert!(matches!(opened, Err(AskError::Garbled(_))), "{opened:?}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let node = BrokerNode { id: 1, address: gone.to_string(), log_dirs: Vec::new() };
    assert!(matches!(Connection::open(&open(), &node).await, Err(AskError::Connect(..))));
}
