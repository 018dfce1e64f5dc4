//! Three different things that JSON can say of a field: nothing, null, and a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field of the vendor's objects. Put `#[serde(default, skip_serializing_if = "Tri::is_absent")]` on it:
/// serde needs both to keep *absent* apart from *null*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tri<T> {
    /// The field isn't there.
    #[default]
    Absent,
    /// The field is there and null.
    Null,
    /// The field has a value.
    Value(T),
}

impl<T> Tri<T> {
    /// Whether the field isn't there at all.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The value, where there is one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value, given away, where there is one.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

impl<T> From<T> for Tri<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T: Serialize> Serialize for Tri<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tri<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct One {
        #[serde(default, skip_serializing_if = "Tri::is_absent")]
        a: Tri<bool>,
    }

    #[test]
    fn the_three_things_stay_apart_both_ways() {
        for (text, expected) in
            [("{}", Tri::Absent), (r#"{"a":null}"#, Tri::Null), (r#"{"a":true}"#, Tri::Value(true))]
        {
            let one: One = serde_json::from_str(text).unwrap();
            assert_eq!(one.a, expected);
            assert_eq!(serde_json::to_string(&one).unwrap(), text);
        }
    }
}
