//! Filters and topics of the mesh in the signs of MQTT.

/// The filter that matches the same topics over MQTT; none = there is none.
///
/// `>` means one or more further levels and `#` none or more, so `orders/>` is `orders/+/#`: `orders/#` would ask for
/// `orders` as well, which was not given. MQTT has nothing like `pre*`, and no topic of it has `+` or `#` in a level.
pub(super) fn mqtt(filter: &str) -> Option<String> {
    if filter == ">" {
        return Some("#".to_owned());
    }
    let count = filter.split('/').count();
    let levels = filter.split('/').enumerate().map(|(at, level)| match level {
        "*" => Some("+"),
        ">" if at + 1 == count => Some("+/#"),
        level if level.ends_with('*') || !is_mqtt_topic(level) => None,
        level => Some(level),
    });
    Some(levels.collect::<Option<Vec<_>>>()?.join("/"))
}

/// Whether a topic can be published to over MQTT.
pub(super) fn is_mqtt_topic(topic: &str) -> bool {
    !topic.contains(['+', '#'])
}

#[cfg(test)]
mod tests {
    use mesh_protocol::topic::Filter;

    use super::*;

    #[test]
    fn a_filter_says_the_same_in_the_signs_of_mqtt() {
        for (mesh, signs) in [
            ("orders/*/created", Some("orders/+/created")),
            ("orders/>", Some("orders/+/#")),
            (">", Some("#")),
            ("*", Some("+")),
            ("a/>/b", Some("a/>/b")),
            ("a//b", Some("a//b")),
            ("orders/pre*", None),
            ("a+b/c", None),
            ("a/#", None),
        ] {
            assert_eq!(mqtt(mesh).as_deref(), signs, "{mesh}");
            if let Some(signs) = signs {
                let (mesh, mqtt) = (Filter::mesh(mesh).expect(mesh), Filter::mqtt(signs).expect(signs));
                assert!(mesh.includes(&mqtt) && mqtt.includes(&mesh), "{mesh:?} {mqtt:?}");
            }
        }
    }
}
