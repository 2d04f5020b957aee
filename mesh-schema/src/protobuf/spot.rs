//! Where a JSON value stands in a Protobuf file: at a message, or at a field of one.
//!
//! Names are those of Protobuf's JSON form and those of the file, as every reader of that form takes both. What Google's
//! own messages hold is described nowhere.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::Model;
use super::fields::value_kind;
use super::meta::{is_google, of_field, of_message};

/// A place a value may stand at.
#[derive(Clone, Debug)]
enum Place {
    Message(MessageDescriptor),
    /// All of a field: a list or a map where it is one.
    Field(FieldDescriptor),
    /// One value of a list or a map.
    Value(FieldDescriptor),
}

/// The places a value may stand at, and the tags it has there.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    places: Vec<Place>,
    tags: Vec<String>,
}

impl Spot {
    /// Of a value of which it is not said which message it is: any of the file's.
    pub(crate) fn root(model: &Model) -> Self {
        Self::at(model.file.messages())
    }

    /// Of a value that is this message.
    pub(crate) fn of(message: MessageDescriptor) -> Self {
        Self::at(std::iter::once(message))
    }

    fn at(messages: impl Iterator<Item = MessageDescriptor>) -> Self {
        let places: Vec<_> = messages.collect();
        let tags = places.iter().flat_map(of_message).collect();
        Self { places: places.into_iter().map(Place::Message).collect(), tags }
    }

    fn below(&self, of: impl Fn(&Place) -> Vec<Place>) -> Option<Self> {
        let places: Vec<Place> = self.places.iter().flat_map(of).collect();
        let tags = places.iter().flat_map(|place| match place {
            Place::Message(message) => of_message(message),
            Place::Field(field) | Place::Value(field) => of_field(field),
        });
        let tags = tags.collect();
        (!places.is_empty()).then_some(Self { places, tags })
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    pub(crate) fn named(&self, name: &str) -> Option<Self> {
        self.below(|place| match place {
            Place::Field(field) if field.is_map() => vec![Place::Value(field.clone())],
            Place::Field(field) if field.is_list() => Vec::new(),
            Place::Field(field) | Place::Value(field) => match value_kind(field) {
                Kind::Message(message) => fields_of(&message, name),
                _ => Vec::new(),
            },
            Place::Message(message) => fields_of(message, name),
        })
    }

    pub(crate) fn item(&self) -> Option<Self> {
        self.below(|place| match place {
            Place::Field(field) if field.is_list() => vec![Place::Value(field.clone())],
            _ => Vec::new(),
        })
    }

    /// Whether a value without parts may stand here.
    pub(crate) fn takes(&self) -> bool {
        let is_plain = |field: &FieldDescriptor| match value_kind(field) {
            Kind::Message(message) => is_google(&message),
            _ => true,
        };
        self.places.iter().any(|place| match place {
            Place::Message(_) => false,
            Place::Field(field) => !field.is_list() && !field.is_map() && is_plain(field),
            Place::Value(field) => is_plain(field),
        })
    }

    pub(crate) fn weight(&self) -> usize {
        self.places.len() + self.tags.len()
    }
}

fn fields_of(message: &MessageDescriptor, name: &str) -> Vec<Place> {
    if is_google(message) {
        return Vec::new();
    }
    let fields = [message.get_field_by_json_name(name), message.get_field_by_name(name)];
    fields.into_iter().flatten().map(Place::Field).collect()
}
