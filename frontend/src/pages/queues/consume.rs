//! How to take events from a queue: the lines that do it, and the rights they need.

use leptos::prelude::*;
use mesh_protocol::desired::QueueAccess;

use crate::api::QueueView;
use crate::components::{Code, Part, Topic};
use crate::pages::access::trust_lines;

/// Filters whose rights are named; a queue may have more.
const NAMED: usize = 6;

/// What a shell needs quoted is: a queue's name is plain.
fn mqtt_line(queue: &QueueView) -> String {
    let (host, port, tls) = match &queue.mqtt {
        Some(door) => (door.host.as_str(), door.port.to_string(), if door.tls { " --tls-use-os-certs" } else { "" }),
        None => ("HOST", "PORT".to_owned(), ""),
    };
    format!("mosquitto_sub -V 5 -h {host} -p {port}{tls} -u USER -P SECRET -q 1 -t '$queue/{}'", queue.config.name)
}

fn origin(queue: &QueueView) -> String {
    match &queue.http {
        Some(door) => format!("{}://{}:{}", if door.tls { "https" } else { "http" }, door.host, door.port),
        None => "http://HOST:PORT".to_owned(),
    }
}

/// What is typed before them where TLS is spoken by a certificate of the mesh.
fn trust_line(queue: &QueueView) -> Option<String> {
    let url = queue.mqtt.iter().chain(&queue.http).find_map(|door| door.authority_url.as_deref())?;
    Some(trust_lines(url))
}

fn http_line(queue: &QueueView) -> String {
    let origin = origin(queue);
    format!("curl -u USER:SECRET -X POST '{origin}/v1/queues/{}/pull?max=10'", queue.config.name)
}

fn answer_line(queue: &QueueView) -> String {
    let origin = origin(queue);
    let name = &queue.config.name;
    format!("curl -u USER:SECRET -X POST '{origin}/v1/queues/{name}/answer' -d '{{\"ack\": [\"LEASE\"]}}'")
}

/// What several consumers mean, in a sentence.
const fn access_sentence(access: QueueAccess) -> &'static str {
    match access {
        QueueAccess::Exclusive => "One consumer at a time: the one that has been there longest. Others stand by.",
        QueueAccess::Shared => "As many as you like: each event goes to one of them.",
        QueueAccess::Partitioned => {
            "As many as you like: each ordering key goes to one of them, so its events stay in order."
        }
    }
}

/// The lines and the rights.
#[component]
pub(super) fn Consume(queue: Signal<QueueView>) -> impl IntoView {
    let rights = move || {
        let filters = queue.with(|queue| queue.config.filters.clone());
        let more = filters.len().saturating_sub(NAMED);
        let filters = filters.into_iter().take(NAMED);
        view! {
            <dl class="m-facts">
                <dt>"connect"</dt>
                <dd>"at the site's listener"</dd>
                <dt>"subscribe"</dt>
                <dd class="m-shelf__filters">{filters.clone().map(|filter| view! { <Topic name=filter/> }).collect_view()}</dd>
                <dt>"manage queues"</dt>
                <dd class="m-shelf__filters">{filters.map(|filter| view! { <Topic name=filter/> }).collect_view()}</dd>
            </dl>
            {(more > 0).then(|| view! { <p class="m-small m-muted">{format!("and both for {more} more filters")}</p> })}
        }
    };
    let unreachable = move || queue.with(|queue| queue.mqtt.is_none() && queue.http.is_none());
    view! {
        <Part
            title="Consume"
            note=Signal::derive(move || queue.with(|queue| access_sentence(queue.config.access).to_owned()))
        >
            <div class="m-pair">
                <div class="m-shelf__lines">
                    {move || queue.with(trust_line).map(|lines| view! {
                        <h3>"Once, to trust the listeners"</h3>
                        <Code text=lines what="what makes the tools trust the listeners"/>
                    })}
                    <h3>"MQTT 5"</h3>
                    <Code text=Signal::derive(move || queue.with(mqtt_line)) what="the line for MQTT"/>
                    <p class="m-small m-muted">"An event is taken when its PUBACK has come. Until then it is that consumer's for as long as it is connected."</p>
                    <h3>"HTTP"</h3>
                    <Code text=Signal::derive(move || queue.with(http_line)) what="the line for HTTP"/>
                    <Code text=Signal::derive(move || queue.with(answer_line)) what="the line that acknowledges"/>
                    <p class="m-small m-muted">"Each event comes with a lease. One that is not answered for within it comes again."</p>
                    <Show when=unreachable>
                        <p class="m-small m-warn">"No listener runs at its site now: HOST and PORT are yours to fill in."</p>
                    </Show>
                </div>
                <div class="m-shelf__lines">
                    <h3>"Rights a consumer needs"</h3>
                    {rights}
                    <p class="m-small m-muted">"On everything the queue attracts, because what is in it is theirs to read. "
                        <a href="/acl">"Access rules"</a></p>
                </div>
            </div>
        </Part>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ConnectDoor, PlanProtocol, QueueInput};

    fn door(protocol: PlanProtocol, host: &str, tls: bool) -> ConnectDoor {
        let authority_url = tls.then(|| "https://portal/listeners.pem".to_owned());
        ConnectDoor { site: "hq".to_owned(), protocol, host: host.to_owned(), port: 1883, tls, authority_url }
    }

    #[test]
    fn the_lines_name_the_queue_and_where_it_is() {
        let site = mesh_protocol::id::SiteId(uuid::Uuid::nil());
        let mut queue = QueueView {
            id: mesh_protocol::id::QueueId(uuid::Uuid::nil()),
            revision: 1,
            config: QueueInput::new("orders", site, vec!["orders/>".into()]),
            site_name: "hq".into(),
            owner: None,
            parts: Vec::new(),
            rollout: Vec::new(),
            figures: None,
            origins: Vec::new(),
            mqtt: Some(door(PlanProtocol::Mqtt, "127.0.0.1", false)),
            http: None,
            updated_at: 0,
            updated_by: "ada".into(),
        };
        let mqtt = "mosquitto_sub -V 5 -h 127.0.0.1 -p 1883 -u USER -P SECRET -q 1 -t '$queue/orders'";
        assert_eq!(mqtt_line(&queue), mqtt);
        assert_eq!(http_line(&queue), "curl -u USER:SECRET -X POST 'http://HOST:PORT/v1/queues/orders/pull?max=10'");
        let answer = "'http://HOST:PORT/v1/queues/orders/answer' -d '{\"ack\": [\"LEASE\"]}'";
        assert!(answer_line(&queue).ends_with(answer), "{}", answer_line(&queue));
        queue.http = Some(door(PlanProtocol::Http, "[::1]", false));
        assert!(http_line(&queue).contains("'http://[::1]:1883/v1/queues/orders/pull?max=10'"));
        assert_eq!(trust_line(&queue), None);
        queue.http = Some(door(PlanProtocol::Http, "[::1]", true));
        assert!(http_line(&queue).contains("'https://[::1]:1883/v1/queues/orders/pull?max=10'"));
        assert!(trust_line(&queue).is_some_and(|lines| lines.contains("https://portal/listeners.pem")));
    }
}
