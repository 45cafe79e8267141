//! The types through which wire types keep the place of a value, and survive a wrong one.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use crate::problem::PlaceId;

/// Names by which the deserializer of this crate knows that a place is wished for.
pub(super) const FIELD: &str = "$sightline::Field";
pub(super) const KEY: &str = "$sightline::Key";
/// Name of an enum whose variants `Scalar`, `Sequence` and `Mapping` stand for the shape of what is written.
pub(crate) const BY_SHAPE: &str = "$sightline::ByShape";

/// A value of a wire type that may be absent or wrong. Deserialising it never fails: what is wrong was reported.
#[derive(Clone, Debug, Default)]
pub(crate) enum Field<T> {
    /// Not in the file, or written with no value.
    #[default]
    Absent,
    /// There, but wrong; the reporter knows.
    Wrong,
    /// There.
    Given(PlaceId, T),
}

impl<T> Field<T> {
    /// The value and its place, if it is there and right.
    pub fn given(&self) -> Option<(PlaceId, &T)> {
        match self {
            Self::Given(place, value) => Some((*place, value)),
            Self::Absent | Self::Wrong => None,
        }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
            type Value = Field<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Field::Absent)
            }

            /// The place, then the value; no second element when the value was wrong.
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let place = parts.next_element()?.ok_or_else(|| A::Error::custom("no place"))?;
                let value = parts.next_element()?;
                Ok(value.map_or(Field::Wrong, |value| Field::Given(PlaceId(place), value)))
            }
        }

        deserializer.deserialize_tuple_struct(FIELD, 2, FieldVisitor(PhantomData))
    }
}

/// A field's schema is its value's.
impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A mapping whose keys are the user's own, in the file's order.
#[derive(Clone, Debug)]
pub(crate) struct Entries<T>(pub Vec<Entry<T>>);

#[derive(Clone, Debug)]
pub(crate) struct Entry<T> {
    pub place: PlaceId,
    pub key: String,
    pub value: Field<T>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key { place, key }) = map.next_key()? {
                    entries.push(Entry { place, key, value: map.next_value()? });
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct Key {
    place: PlaceId,
    key: String,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Key, A::Error> {
                let place = parts.next_element()?.ok_or_else(|| A::Error::custom("no place"))?;
                let key = parts.next_element()?.ok_or_else(|| A::Error::custom("no key"))?;
                Ok(Key { place: PlaceId(place), key })
            }
        }

        deserializer.deserialize_tuple_struct(KEY, 2, KeyVisitor)
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": values })
    }
}
