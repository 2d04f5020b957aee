//! The topic in a request's path.

use mesh_protocol::topic::Topic;

use super::problem::Problem;

/// Where topics begin in the path.
const PREFIX: &str = "/v1/events/";

/// Reads the topic from the path as it was sent: empty levels count, so it is not normalised.
pub(super) fn of_path(path: &str) -> Result<Topic, Problem> {
    let encoded = path.strip_prefix(PREFIX).unwrap_or_default();
    let bytes =
        decode(encoded).ok_or_else(|| Problem::bad("the topic in the path has a % without two hex digits after it"))?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::bad("the topic in the path is not UTF-8"))?;
    Topic::new(text).map_err(|error| Problem::bad(error.to_string()))
}

fn decode(encoded: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            decoded.push(hex::decode(digits).ok()?[0]);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_decoded_and_nothing_else() {
        for (path, topic) in [
            ("/v1/events/orders/fr", "orders/fr"),
            ("/v1/events/a%20b%2Fc", "a b/c"),
            ("/v1/events//a/", "/a/"),
            ("/v1/events/%C3%A4+", "ä+"),
        ] {
            assert_eq!(of_path(path).expect(path).as_str(), topic);
        }
        for bad in
            ["/v1/events/", "/v1/events/%", "/v1/events/%4", "/v1/events/%zz", "/v1/events/%ff", "/v1/events/a%00"]
        {
            assert!(of_path(bad).is_err(), "{bad}");
        }
    }
}
