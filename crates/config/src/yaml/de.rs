//! serde over the tree: unknown keys and wrong types are reported where they stand, and reading goes on.
//!
//! No message quotes a value, because the value may be a password; a message names kinds ("a number", "text").

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::{StrDeserializer, UsizeDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{
    error::{ValueError, backticked},
    field::{BY_SHAPE, FIELD, KEY},
    node::{Node, Value, displayable_key, parse_bool, parse_number},
};
use crate::{
    problem::{PlaceId, Reporter},
    suggest::did_you_mean,
};

#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    node: &'a Node,
    reporter: &'a Reporter,
}

impl<'a> NodeDeserializer<'a> {
    pub fn new(node: &'a Node, reporter: &'a Reporter) -> Self {
        Self { node, reporter }
    }

    fn with(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    /// The text of an unquoted scalar: what may be a number or true/false.
    fn plain(self, what: &str) -> Result<&'a str, ValueError> {
        match &self.node.value {
            Value::Scalar { text, plain: true } => Ok(text),
            Value::Scalar { .. } => Err(ValueError::expected(what, self.node).with_help("write it without quotes")),
            _ => Err(ValueError::expected(what, self.node)),
        }
    }

    fn whole_number(self) -> Result<u64, ValueError> {
        const WHAT: &str = "a whole number of 0 or more";
        let text = self.plain(WHAT)?;
        text.parse().map_err(|_| ValueError::expected(WHAT, self.node))
    }

    fn mapping(self) -> Result<&'a [(String, Node)], ValueError> {
        match &self.node.value {
            Value::Mapping(entries) => Ok(entries),
            _ => Err(ValueError::expected("a mapping (`key: value` lines)", self.node)),
        }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Mapping(_) => self.deserialize_map(visitor),
            Value::Scalar { text, plain: true } => match (parse_bool(text), parse_number(text)) {
                (Some(value), _) => visitor.visit_bool(value),
                (None, Some(number)) => visitor.visit_f64(number),
                (None, None) => visitor.visit_str(text),
            },
            Value::Scalar { text, .. } => visitor.visit_str(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let text = self.plain("`true` or `false`")?;
        let value = parse_bool(text).ok_or_else(|| ValueError::expected("`true` or `false`", self.node))?;
        visitor.visit_bool(value)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_u64(self.whole_number()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let text = self.plain("a number")?;
        let number = parse_number(text).ok_or_else(|| ValueError::expected("a number", self.node))?;
        visitor.visit_f64(number)
    }

    /// Text, and any scalar as it is written: a password of digits alone needs no quotes.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.node.value {
            Value::Scalar { text, .. } => visitor.visit_str(text),
            _ => Err(ValueError::expected("text", self.node)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let Value::Sequence(items) = &self.node.value else {
            return Err(ValueError::expected("a list", self.node));
        };
        visitor.visit_seq(Items { items: items.iter(), parent: self })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if name != FIELD {
            return self.deserialize_seq(visitor);
        }
        match self.node.value {
            Value::Null => visitor.visit_unit(),
            _ => visitor.visit_seq(PlaceThenValue { value: self, given: 0 }),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let entries = self.mapping()?.iter();
        visitor.visit_map(Mapping { entries, known: None, parent: self, value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let entries = self.mapping()?.iter();
        visitor.visit_map(Mapping { entries, known: Some(fields), parent: self, value: None })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if name == BY_SHAPE {
            return visitor.visit_enum(Shaped { variant: shape(self.node, variants)?, content: self });
        }
        let Value::Scalar { text, .. } = &self.node.value else {
            return Err(ValueError::expected(&format!("one of {}", backticked(variants)), self.node));
        };
        if variants.contains(&text.as_str()) {
            return visitor.visit_enum(text.as_str().into_deserializer());
        }
        let error = ValueError::new(format!("expected one of {}", backticked(variants)));
        Err(match did_you_mean(text, variants.iter().copied()) {
            Some(help) => error.with_help(help),
            None => error,
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 char bytes byte_buf unit unit_struct tuple identifier ignored_any
    }
}

/// Which of an enum's shapes the node has.
fn shape(node: &Node, variants: &'static [&'static str]) -> Result<&'static str, ValueError> {
    let wished = match node.value {
        Value::Sequence(_) => "Sequence",
        Value::Mapping(_) => "Mapping",
        Value::Scalar { .. } | Value::Null => "Scalar",
    };
    if let Some(variant) = variants.iter().find(|variant| **variant == wished) {
        return Ok(variant);
    }
    let names: Vec<&str> = variants
        .iter()
        .map(|variant| match *variant {
            "Sequence" => "a list",
            "Mapping" => "a mapping",
            _ => "a single value",
        })
        .collect();
    Err(ValueError::expected(&names.join(" or "), node))
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    parent: NodeDeserializer<'a>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ValueError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ValueError> {
        self.items.next().map(|item| seed.deserialize(self.parent.with(item))).transpose()
    }
}

/// What a `Field` reads: the index of its place, then its value. A wrong value is reported and left out.
struct PlaceThenValue<'a> {
    value: NodeDeserializer<'a>,
    given: usize,
}

impl<'de> SeqAccess<'de> for PlaceThenValue<'_> {
    type Error = ValueError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ValueError> {
        self.given += 1;
        let place = self.value.node.place;
        if self.given == 1 {
            let index: UsizeDeserializer<ValueError> = place.0.into_deserializer();
            return seed.deserialize(index).map(Some);
        }
        match seed.deserialize(self.value) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                error.report(self.value.reporter, place);
                Ok(None)
            }
        }
    }
}

struct Mapping<'a> {
    entries: std::slice::Iter<'a, (String, Node)>,
    /// The keys there may be; any when `None`.
    known: Option<&'static [&'static str]>,
    parent: NodeDeserializer<'a>,
    /// The value of the key that was read last.
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Mapping<'_> {
    type Error = ValueError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ValueError> {
        for (key, node) in self.entries.by_ref() {
            if let Some(known) = self.known
                && !known.contains(&key.as_str())
            {
                report_unknown_key(key, known, self.parent.reporter, node.place);
                continue;
            }
            self.value = Some(node);
            return seed.deserialize(KeyDeserializer { key, place: node.place }).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ValueError> {
        let node = self.value.take().ok_or_else(|| ValueError::new("a value was read before its key"))?;
        seed.deserialize(self.parent.with(node))
    }
}

fn report_unknown_key(key: &str, known: &[&str], reporter: &Reporter, at: PlaceId) {
    let message = format!("unknown key `{}`", displayable_key(key));
    let help = did_you_mean(key, known.iter().copied()).unwrap_or_else(|| match key {
        "<<" => "merge keys are not supported; settings that cameras share go into `defaults:`".to_owned(),
        _ => format!("known keys here: {}", known.join(", ")),
    });
    reporter.report_with_help(at, message, help);
}

struct KeyDeserializer<'a> {
    key: &'a str,
    place: PlaceId,
}

impl<'de> Deserializer<'de> for KeyDeserializer<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_str(self.key)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if name != KEY {
            return self.deserialize_any(visitor);
        }
        visitor.visit_seq(PlaceThenKey { key: self, given: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple map struct enum identifier ignored_any
    }
}

struct PlaceThenKey<'a> {
    key: KeyDeserializer<'a>,
    given: usize,
}

impl<'de> SeqAccess<'de> for PlaceThenKey<'_> {
    type Error = ValueError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ValueError> {
        self.given += 1;
        if self.given == 1 {
            let index: UsizeDeserializer<ValueError> = self.key.place.0.into_deserializer();
            return seed.deserialize(index).map(Some);
        }
        let text: StrDeserializer<'_, ValueError> = self.key.key.into_deserializer();
        seed.deserialize(text).map(Some)
    }
}

/// An enum whose variant is the shape of what is written, and whose content is the same node.
struct Shaped<'a> {
    variant: &'static str,
    content: NodeDeserializer<'a>,
}

impl<'a, 'de> EnumAccess<'de> for Shaped<'a> {
    type Error = ValueError;
    type Variant = ShapedContent<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), ValueError> {
        let variant: StrDeserializer<'_, ValueError> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, ShapedContent(self.content)))
    }
}

struct ShapedContent<'a>(NodeDeserializer<'a>);

impl<'de> VariantAccess<'de> for ShapedContent<'_> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ValueError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ValueError> {
        self.0.deserialize_map(visitor)
    }
}
