use super::*;

fn door(protocol: PlanProtocol, tls: bool) -> ConnectDoor {
    ConnectDoor {
        site: "hq".to_owned(),
        protocol,
        host: "mesh.shop.example".to_owned(),
        port: 1883,
        tls,
        authority_url: None,
    }
}

/// Everything that a grant can give.
fn whole(tls: bool) -> ConnectView {
    ConnectView {
        doors: vec![door(PlanProtocol::Mqtt, tls), door(PlanProtocol::Http, tls)],
        left_out: 0,
        receive: vec!["orders/*/created".to_owned(), "stock/>".to_owned()],
        send: Some(ConnectEvent {
            topic: "orders/country-1/new".to_owned(),
            payload: Some(r#"{"total":42}"#.to_owned()),
            content_type: "application/json".to_owned(),
        }),
        kafka: vec![ConnectKafka {
            name: "hq".to_owned(),
            user: "wall-1".to_owned(),
            bootstrap: "kafka.shop.example:9093".to_owned(),
            tls,
            receive: vec!["orders".to_owned()],
            group: "wall".to_owned(),
            send: Some("orders-new".to_owned()),
        }],
    }
}

#[test]
fn every_protocol_language_and_direction_is_a_program() {
    for tls in [false, true] {
        let all = snippets(&whole(tls), "hq", "wall-1");
        let names: Vec<String> = all.iter().map(Snippet::name).collect();
        for by in By::ALL {
            for direction in Direction::ALL {
                for language in Language::ALL {
                    let name = format!("{}-{}-{}", by.key(), language.key(), direction.key());
                    let is_there = (by, language) != (By::Kafka, Language::Shell);
                    assert_eq!(names.contains(&name), is_there, "{name}");
                }
            }
        }
        for snippet in &all {
            let (name, text) = (snippet.name(), &snippet.text);
            assert!(text.lines().count() > 4 && text.ends_with('\n'), "{name}: {text}");
            assert!(text.lines().take(2).any(|line| line.contains("Run: ")), "{name} says how to run it: {text}");
            assert!(text.contains("MESHPORT_SECRET") && text.contains("wall-1"), "{name}: {text}");
            assert!(!text.contains("@user@") && !left_open(text), "{name}: {text}");
        }
    }
}

/// A place for a value that was given none.
fn left_open(text: &str) -> bool {
    let names =
        ["login", "left", "tls", "host", "port", "payload", "topic", "filters", "url", "crate", "how", "settings"];
    names.iter().any(|name| text.contains(&format!("@{name}@")))
}

#[test]
fn what_is_encrypted_is_connected_to_so() {
    let text = |tls, name: &str| {
        let all = snippets(&whole(tls), "hq", "wall-1");
        all.into_iter().find(|snippet| snippet.name() == name).expect(name).text
    };
    for (name, plain, encrypted) in [
        ("mqtt-shell-send", "-p 1883 -u", "--tls-use-os-certs"),
        ("mqtt-python-receive", "connect(", "client.tls_set()"),
        ("mqtt-rust-receive", "default-features = false", "tls_with_default_config"),
        ("http-shell-receive", "http://mesh", "https://mesh"),
        ("http-python-send", "http://mesh", "https://mesh"),
        ("http-rust-send", "http://mesh", "https://mesh"),
        ("kafka-python-receive", "SASL_PLAINTEXT", "SASL_SSL"),
        ("kafka-rust-send", "SASL_PLAINTEXT", "SASL_SSL"),
    ] {
        assert!(text(false, name).contains(plain) && !text(false, name).contains(encrypted), "{}", text(false, name));
        assert!(text(true, name).contains(encrypted), "{}", text(true, name));
    }
    for name in ["kafka-python-send", "kafka-rust-receive"] {
        assert!(text(true, name).contains("SCRAM-SHA-512"), "{name}");
    }
}

#[test]
fn only_what_was_given_is_offered() {
    let names = |connect: &ConnectView| -> Vec<String> {
        snippets(connect, "hq", "wall-1").iter().map(Snippet::name).filter(|name| !name.starts_with("kafka")).collect()
    };
    let reads = ConnectView { send: None, ..whole(false) };
    assert!(names(&reads).iter().all(|name| name.ends_with("receive")) && names(&reads).len() == 6);
    let writes = ConnectView { receive: Vec::new(), ..whole(false) };
    assert!(names(&writes).iter().all(|name| name.ends_with("send")) && names(&writes).len() == 6);
    let http = ConnectView { doors: vec![door(PlanProtocol::Http, false)], ..whole(false) };
    assert!(names(&http).iter().all(|name| name.starts_with("http")));
    let prefix = ConnectView { receive: vec!["orders/fr*".to_owned()], send: None, ..whole(false) };
    assert!(names(&prefix).iter().all(|name| name.starts_with("http")), "MQTT cannot say it");
    assert_eq!(unsayable(&prefix), ["orders/fr*"]);
    assert_eq!(snippets(&whole(false), "elsewhere", "wall-1"), []);
    assert_eq!(places(&whole(false)), ["hq"]);
}

#[test]
fn each_protocol_has_filters_in_its_own_signs() {
    let all = snippets(&whole(false), "hq", "wall-1");
    for snippet in all.iter().filter(|snippet| snippet.direction == Direction::Receive) {
        let text = &snippet.text;
        match snippet.by {
            By::Mqtt => assert!(text.contains("orders/+/created") && text.contains("stock/+/#"), "{text}"),
            By::Http => assert!(text.contains("orders/*/created") && text.contains("stock/>"), "{text}"),
            By::Kafka => assert!(text.contains("\"orders\"") && text.contains("\"wall\""), "{text}"),
        }
    }
}

#[test]
fn no_value_breaks_out_of_its_literal() {
    let hostile = "a'\"\\\n# @topic@ $(x) `x` \u{202e}end";
    let mut connect = whole(false);
    connect.receive = vec![format!("{hostile}/b")];
    connect.send = Some(ConnectEvent {
        topic: format!("t/{hostile}").replace('#', ""),
        payload: Some(format!("{{\"text\":\"{hostile}\"}}")),
        content_type: "application/json".to_owned(),
    });
    connect.kafka[0].user = hostile.to_owned();
    for snippet in snippets(&connect, "hq", "u\"$(x)'}`\\") {
        let (name, text) = (snippet.name(), &snippet.text);
        assert!(!text.contains('\u{202e}'), "{name}: {text}");
        let outside = |line: &str| line.starts_with("# @topic@") || line.starts_with(" @topic@");
        assert!(!text.lines().any(outside), "{name}: {text}");
    }
}

#[test]
fn a_value_that_looks_like_a_place_stays_a_value() {
    assert_eq!(fill("@a@ @b@ a@b @c@", &[("a", "@b@"), ("b", "x")]), "@b@ x a@b @c@");
}

#[test]
fn a_payload_that_nobody_can_write_down_comes_from_standard_input() {
    let mut connect = whole(false);
    connect.send = connect.send.map(|event| ConnectEvent { payload: None, ..event });
    let all = snippets(&connect, "hq", "wall-1");
    for snippet in all.iter().filter(|snippet| snippet.direction == Direction::Send) {
        assert!(snippet.text.contains("< payload"), "{}: {}", snippet.name(), snippet.text);
    }
}

#[test]
fn levels_that_clients_take_out_of_paths_stay() {
    let mut connect = whole(false);
    connect.send = connect.send.map(|event| ConnectEvent { topic: "a/../b c/1".to_owned(), ..event });
    let all = snippets(&connect, "hq", "wall-1");
    let sent = all.iter().find(|snippet| snippet.name() == "http-rust-send").expect("there");
    assert!(sent.text.contains("/v1/events/a%2F..%2Fb%20c%2F1"), "{}", sent.text);
}

#[test]
fn the_authority_of_a_door_is_trusted_before_anything_else() {
    let mut connect = whole(true);
    assert!(exports(&connect, "hq", "wall-1").starts_with("export MESHPORT_USER='wall-1'\n"));
    connect.doors[1].authority_url = Some("https://portal.shop.example/listeners.pem".to_owned());
    let text = exports(&connect, "hq", "wall-1");
    assert!(
        text.starts_with("curl -fsS 'https://portal.shop.example/listeners.pem' -o mesh-ca.pem\nexport SSL_CERT_FILE=")
    );
    assert!(!exports(&connect, "elsewhere", "wall-1").contains("curl"));
}
