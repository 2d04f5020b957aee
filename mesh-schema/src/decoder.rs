//! Records are read by schemas that somebody else has judged: an agent meets what a registry took long ago, and has nothing
//! to say about it. So a decoder keeps of a schema what reading needs, and asks no library that only judges.

use serde_json::Value;

use super::invalid::{self, Invalid};
use super::{Format, Reference, avro, protobuf};

/// Reads records by one schema.
#[derive(Clone, Debug)]
pub struct Decoder(Model);

#[derive(Clone, Debug)]
enum Model {
    Avro(avro::Model),
    /// Its records are JSON, whatever the schema says of them.
    Json,
    Protobuf(protobuf::Model),
}

impl Decoder {
    /// A reader of the records of a schema that a registry has taken; bounded as every schema is. A JSON Schema is not read
    /// at all: it says which values are valid, not how they are written.
    ///
    /// # Errors
    /// Why the text cannot be read.
    pub fn new(format: Format, text: &str, references: &[Reference]) -> Result<Self, Invalid> {
        invalid::check_size(text, references)?;
        Ok(Self(match format {
            Format::Avro => Model::Avro(avro::read(text, references)?),
            Format::JsonSchema => Model::Json,
            Format::Protobuf => Model::Protobuf(protobuf::read(text, references)?),
        }))
    }

    /// The value of a record, as [`Schema::decode`](crate::Schema::decode) tells it. Whether it is valid under a JSON Schema
    /// is not asked.
    ///
    /// # Errors
    /// Why the bytes are no such value.
    pub fn decode(&self, record: &[u8]) -> Result<Value, String> {
        match &self.0 {
            Model::Avro(model) => avro::decode(model, record),
            Model::Json => json(record),
            Model::Protobuf(model) => protobuf::decode(model, record),
        }
    }
}

/// The value of a record that is JSON.
pub(super) fn json(record: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(record).map_err(|error| format!("it is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::Schema;
    use super::*;

    #[test]
    fn a_decoder_tells_what_the_schema_tells() {
        let order = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"line","type":"shop.Line"}]}"#;
        let line = r#"{"type":"record","name":"shop.Line","fields":[{"name":"count","type":"int"}]}"#;
        let references = [Reference { name: "shop.Line".to_owned(), text: line.to_owned() }];
        let file = "syntax = \"proto3\"; message Order { string id = 1; }";
        let cases: [(Format, &str, &[Reference], &[u8]); 3] = [
            (Format::Avro, order, &references, &[2, b'a', 8]),
            (Format::JsonSchema, r#"{"type":"object"}"#, &[], b"{\"id\":\"a\"}"),
            (Format::Protobuf, file, &[], &[0, 0x0a, 1, b'a']),
        ];
        for (format, text, references, record) in cases {
            let decoder = Decoder::new(format, text, references).expect("it can be read");
            let schema = Schema::parse(format, text, references).expect("a schema");
            let told = decoder.decode(record).expect("decodes");
            assert_eq!((told["id"].as_str(), &told), (Some("a"), &schema.decode(record).expect("decodes")));
            assert!(decoder.decode(&record[..record.len() - 1]).is_err(), "{format}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        assert!(Decoder::new(Format::Avro, r#"{"type":"record"}"#, &[]).is_err());
        assert!(Decoder::new(Format::Protobuf, "message {", &[]).is_err());
        let large = " ".repeat(crate::TEXT_BYTES_MAX + 1);
        assert!(Decoder::new(Format::JsonSchema, &large, &[]).is_err());
    }
}
