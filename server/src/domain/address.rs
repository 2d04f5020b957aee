//! Event addresses: topics with their variable levels folded, `orders/{country}/{store}/created`.

use mesh_protocol::topic::{Filter, FilterError};

/// The filter that matches every topic of an address: a variable level is any one level.
///
/// # Errors
/// The address is not one (too long, a NUL).
pub fn filter(address: &str) -> Result<Filter, FilterError> {
    Filter::mesh(with_wildcard(address, "*"))
}

/// The same in the signs of MQTT, as its clients subscribe to it.
#[must_use]
pub fn mqtt_filter(address: &str) -> String {
    with_wildcard(address, "+")
}

fn with_wildcard(address: &str, wildcard: &str) -> String {
    let levels: Vec<&str> = address.split('/').map(|level| if is_variable(level) { wildcard } else { level }).collect();
    levels.join("/")
}

fn is_variable(level: &str) -> bool {
    level.starts_with('{') && level.ends_with('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_levels_are_any_level_and_the_rest_is_literal() {
        let filter = filter("orders/{country}/created").expect("an address");
        assert_eq!(filter.text(), "orders/*/created");
        assert_eq!(mqtt_filter("orders/{country}/created"), "orders/+/created");
    }
}
