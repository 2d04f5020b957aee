//! Reads a value in Avro's binary form, and tells it as plain JSON: a union's value stands without its tag, moments and
//! days as people write them, decimals as text, bytes as text of the code points 0 to 255.
//!
//! The bytes come from whoever may write to a topic. Lengths are believed only as far as there are bytes, and a walk has a
//! bound: a list of a million empty records takes three bytes.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime};

use super::super::budget::Budget;
use super::{Kind, Logical, Model, TypeId};

/// The value that the bytes stand for, all of them.
pub(super) fn decode(model: &Model, bytes: &[u8]) -> Result<Value, String> {
    read(model, bytes, Budget::for_example())
}

/// Whether the bytes are a value, however long. What is told of those that are none holds nothing of them.
pub(super) fn check(model: &Model, bytes: &[u8]) -> Result<(), String> {
    read(model, bytes, Budget::for_payload(bytes.len())).map(drop)
}

fn read(model: &Model, bytes: &[u8], budget: Budget) -> Result<Value, String> {
    let mut reader = Reader { model, rest: bytes, budget };
    let value = reader.value(model.root)?;
    match reader.rest.len() {
        0 => Ok(value),
        left => Err(format!("{left} bytes are left behind the value")),
    }
}

struct Reader<'a> {
    model: &'a Model,
    rest: &'a [u8],
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn value(&mut self, id: TypeId) -> Result<Value, String> {
        if !self.budget.enter() {
            return Err("the value is too large or too deep to be read".to_owned());
        }
        let value = self.of_type(id);
        self.budget.leave();
        value
    }

    fn of_type(&mut self, id: TypeId) -> Result<Value, String> {
        let model = self.model;
        let of = &model.types[id];
        Ok(match &of.kind {
            Kind::Null => Value::Null,
            Kind::Boolean => match self.take(1)? {
                [0] => json!(false),
                [1] => json!(true),
                _ => return Err("what should be a boolean is neither 0 nor 1".to_owned()),
            },
            Kind::Int | Kind::Long => number(self.long()?, of.logical),
            Kind::Float => float(f64::from(f32::from_le_bytes(self.fixed()?))),
            Kind::Double => float(f64::from_le_bytes(self.fixed()?)),
            Kind::Bytes => {
                let length = self.length()?;
                opaque(self.take(length)?, of.logical)
            }
            Kind::Fixed(_, size) => {
                let size = usize::try_from(*size).map_err(|_| "a fixed size that no record has".to_owned())?;
                opaque(self.take(size)?, of.logical)
            }
            Kind::String => self.text()?.into(),
            Kind::Enum(names, symbols) => {
                let at = self.long()?;
                let symbol = usize::try_from(at).ok().and_then(|at| symbols.symbols.get(at));
                let symbol = symbol.ok_or_else(|| format!("{} has no such symbol", names.full))?;
                symbol.as_str().into()
            }
            Kind::Union(branches) => {
                let at = self.long()?;
                let branch = usize::try_from(at).ok().and_then(|at| branches.get(at));
                self.value(*branch.ok_or_else(|| "a union has no such branch".to_owned())?)?
            }
            Kind::Array(items) => {
                let mut all = Vec::new();
                self.blocks(|reader| {
                    all.push(reader.value(*items)?);
                    Ok(())
                })?;
                Value::Array(all)
            }
            Kind::Map(values) => {
                let mut all = Map::new();
                self.blocks(|reader| {
                    let key = reader.text()?;
                    all.insert(key, reader.value(*values)?);
                    Ok(())
                })?;
                Value::Object(all)
            }
            Kind::Record(_, fields) => {
                let mut all = Map::new();
                for field in fields {
                    let value = self.value(field.of).map_err(|error| within(&field.name, &error))?;
                    all.insert(field.name.clone(), value);
                }
                Value::Object(all)
            }
        })
    }

    /// Blocks of items until one of none; a negative count is followed by the block's size.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                item(self)?;
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a string is not UTF-8".to_owned())
    }

    fn length(&mut self) -> Result<usize, String> {
        let length = self.long()?;
        usize::try_from(length).map_err(|_| "a length is below 0".to_owned())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| "the record ends too early".to_owned())?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "the record ends too early".to_owned())
    }

    /// A zigzag varint of at most ten bytes.
    fn long(&mut self) -> Result<i64, String> {
        let mut number = 0_u64;
        for at in 0..10 {
            let [byte] = self.fixed::<1>()?;
            number |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        Err("a number is longer than ten bytes".to_owned())
    }
}

/// `field: error`, or `field.inner: error`.
fn within(field: &str, error: &str) -> String {
    let is_path = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    match error.split_once(": ") {
        Some((path, _)) if is_path(path) => format!("{field}.{error}"),
        _ => format!("{field}: {error}"),
    }
}

/// JSON has no number for what is none.
fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
}

fn number(number: i64, logical: Option<Logical>) -> Value {
    let moment = |nanoseconds: i128| {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
        moment.and_then(|moment| moment.format(&Rfc3339).ok())
    };
    // Times of nobody's zone have no Z.
    let local = |nanoseconds: i128| moment(nanoseconds).map(|text| text.trim_end_matches('Z').to_owned());
    let nanoseconds = i128::from(number);
    let time_of_day = |micros: i64| {
        let moment = moment(i128::from(micros) * 1_000)?;
        (0..86_400_000_000).contains(&micros).then(|| moment["1970-01-01T".len()..].trim_end_matches('Z').to_owned())
    };
    let text = match logical {
        Some(Logical::Date) => {
            let epoch: Date = OffsetDateTime::UNIX_EPOCH.date();
            // Days that no calendar has would overflow before they are added.
            let days = i32::try_from(number).ok().map(|days| Duration::days(days.into()));
            days.and_then(|days| epoch.checked_add(days)).map(|day| day.to_string())
        }
        Some(Logical::TimeMillis) => number.checked_mul(1_000).and_then(time_of_day),
        Some(Logical::TimeMicros) => time_of_day(number),
        Some(Logical::TimestampMillis) => moment(nanoseconds * 1_000_000),
        Some(Logical::TimestampMicros) => moment(nanoseconds * 1_000),
        Some(Logical::TimestampNanos) => moment(nanoseconds),
        Some(Logical::LocalTimestampMillis) => local(nanoseconds * 1_000_000),
        Some(Logical::LocalTimestampMicros) => local(nanoseconds * 1_000),
        Some(Logical::LocalTimestampNanos) => local(nanoseconds),
        _ => None,
    };
    text.map_or_else(|| number.into(), Value::from)
}

fn opaque(bytes: &[u8], logical: Option<Logical>) -> Value {
    let text = match logical {
        Some(Logical::Decimal { scale, .. }) => decimal(bytes, scale),
        Some(Logical::Uuid) => uuid::Uuid::from_slice(bytes).ok().map(|id| id.to_string()),
        Some(Logical::Duration) => duration(bytes),
        _ => None,
    };
    text.unwrap_or_else(|| bytes.iter().map(|byte| char::from(*byte)).collect()).into()
}

/// A number in two's complement, the highest byte first, with so many digits behind the point; none = it is longer than
/// can be told as a number.
fn decimal(bytes: &[u8], scale: u64) -> Option<String> {
    let (first, scale) = (*bytes.first()?, usize::try_from(scale).ok().filter(|scale| *scale <= 40)?);
    if bytes.len() > 16 {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1_i128 };
    let unscaled = bytes.iter().fold(sign, |number, byte| (number << 8) | i128::from(*byte));
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let minus = if unscaled < 0 { "-" } else { "" };
    Some(if part.is_empty() { format!("{minus}{whole}") } else { format!("{minus}{whole}.{part}") })
}

/// Months, days and milliseconds, as ISO 8601 writes such a stretch of time.
fn duration(bytes: &[u8]) -> Option<String> {
    let part = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (months, days, millis) = (part(0)?, part(4)?, part(8)?);
    Some(format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000))
}

#[cfg(test)]
mod tests {
    use apache_avro::types::Value as Written;
    use proptest::prelude::*;

    use super::super::super::{Format, Schema};
    use super::*;

    const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
        {"name":"id","type":"long"},
        {"name":"note","type":["null","string"]},
        {"name":"state","type":{"type":"enum","name":"State","symbols":["OPEN","PAID"]}},
        {"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
        {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"day","type":{"type":"int","logicalType":"date"}},
        {"name":"lines","type":{"type":"array","items":{"type":"map","values":"double"}}},
        {"name":"raw","type":{"type":"fixed","name":"Raw","size":2}},
        {"name":"ok","type":"boolean"}]}"#;

    fn schema(text: &str) -> Schema {
        Schema::parse(Format::Avro, text, &[]).expect("a schema")
    }

    fn written() -> Vec<u8> {
        let record = Written::Record(vec![
            ("id".to_owned(), Written::Long(-70_000)),
            ("note".to_owned(), Written::Union(1, Box::new(Written::String("gift".to_owned())))),
            ("state".to_owned(), Written::Enum(1, "PAID".to_owned())),
            ("total".to_owned(), Written::Decimal(apache_avro::Decimal::from((-1234_i64).to_be_bytes()))),
            ("at".to_owned(), Written::TimestampMillis(1_700_000_000_123)),
            ("day".to_owned(), Written::Date(19_675)),
            ("lines".to_owned(), Written::Array(vec![Written::Map([("a".to_owned(), Written::Double(0.5))].into())])),
            ("raw".to_owned(), Written::Fixed(2, vec![0, 0xe4])),
            ("ok".to_owned(), Written::Boolean(true)),
        ]);
        let schema = apache_avro::Schema::parse_str(ORDER).expect("a schema");
        let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().expect("a writer");
        writer.write_value_to_vec(record).expect("writes")
    }

    #[test]
    fn what_another_library_wrote_is_told_as_people_write_it() {
        let told = schema(ORDER).decode(&written()).expect("decodes");
        assert_eq!(
            told,
            json!({
                "id": -70_000, "note": "gift", "state": "PAID", "total": "-12.34", "at": "2023-11-14T22:13:20.123Z",
                "day": "2023-11-14", "lines": [{ "a": 0.5 }], "raw": "\u{0}\u{e4}", "ok": true
            })
        );
    }

    #[test]
    fn what_is_no_value_is_told_with_its_place() {
        let bytes = written();
        let early = schema(ORDER).decode(&bytes[..bytes.len() - 1]).expect_err("too short");
        assert_eq!(early, "ok: the record ends too early");
        let late: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        assert!(schema(ORDER).decode(&late).expect_err("too long").contains("1 bytes are left"));
        let endless = r#"{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}"#;
        let deep = vec![2_u8; 100_000];
        assert!(schema(endless).decode(&deep).expect_err("too deep").contains("too large or too deep"));
        let empty = r#"{"type":"array","items":"null"}"#;
        // A block of 2^62 items that take no bytes.
        let many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(schema(empty).decode(&many).expect_err("too many").contains("too large or too deep"));
    }

    proptest! {
        #[test]
        fn whatever_bytes_come_something_is_told(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _told = schema(ORDER).decode(&bytes);
        }
    }
}
