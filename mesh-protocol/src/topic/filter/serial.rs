//! Filters in JSON; the forms are listed in the module above.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Dialect, Filter};

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Form {
    Plain(String),
    Mqtt { mqtt: String },
    Mesh { mesh: String },
    Spelled { dialect: Dialect, text: String },
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.dialect {
            Dialect::Mesh => out.serialize_str(&self.text),
            Dialect::Mqtt => {
                let mut map = out.serialize_map(Some(1))?;
                map.serialize_entry("mqtt", &*self.text)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let (text, dialect) = match Form::deserialize(input)? {
            Form::Plain(text) | Form::Mesh { mesh: text } => (text, Dialect::Mesh),
            Form::Mqtt { mqtt: text } => (text, Dialect::Mqtt),
            Form::Spelled { dialect, text } => (text, dialect),
        };
        Self::parse(&text, dialect).map_err(serde::de::Error::custom)
    }
}
