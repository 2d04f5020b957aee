//! JSON, read value by value so that bounds hold while reading.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Budget, NESTING_MAX, Place, Unreadable, too_deep, twice};

/// Reads a text that is JSON.
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    let state = State { budget: RefCell::new(Budget::new()), depth: Cell::new(0) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed(&state).deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        let place = (error.line() > 0).then(|| Place { line: error.line(), column: error.column().max(1) });
        // The parser repeats the place at the end of its sentence.
        let full = error.to_string();
        let reason = full.split(" at line ").next().unwrap_or_default();
        Unreadable::new(place, if error.is_data() { reason.to_owned() } else { format!("this is not JSON: {reason}") })
    })
}

struct State {
    budget: RefCell<Budget>,
    depth: Cell<usize>,
}

#[derive(Clone, Copy)]
struct Seed<'a>(&'a State);

impl Seed<'_> {
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        self.0.budget.borrow_mut().take(1, bytes).map_err(E::custom)
    }

    fn enter<E: Error>(self) -> Result<(), E> {
        self.0.depth.set(self.0.depth.get() + 1);
        if self.0.depth.get() > NESTING_MAX { Err(E::custom(too_deep())) } else { Ok(()) }
    }

    fn leave(self) {
        self.0.depth.set(self.0.depth.get() - 1);
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.take(0)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.take(0)?;
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.take(0)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.take(0)?;
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.take(0)?;
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.take(value.len())?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.take(0)?;
        self.enter()?;
        let mut list = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            list.push(item);
        }
        self.leave();
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.take(0)?;
        self.enter()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            self.take(key.len())?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(twice(&key)));
            }
            let value = access.next_value_seed(self)?;
            map.insert(key, value);
        }
        self.leave();
        Ok(map.into())
    }
}
