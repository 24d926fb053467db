//! One section: from its settings to its struct, keeping track of which key is being read.
//!
//! Serde's errors know the type but not the place. This deserialiser stands between the struct and its settings,
//! so that each complaint is tied to the key it arose from. Text of variables and flags has no type of its own:
//! it is read as whatever the struct wants, lists being separated by commas.

use std::collections::{BTreeMap, btree_map};
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::{ConfigError, Origin};
use super::layers::Sources;

/// A part of the configuration that is read and checked together.
///
/// Implementors derive `Deserialize` with `#[serde(default, deny_unknown_fields)]`; `default` is left out of
/// keys that must be given.
pub trait Section: DeserializeOwned {
    /// Its name in the file (`[name]`), in variables (`WORLDLINE_NAME_…`) and flags (`--set name.…`).
    const NAME: &'static str;

    /// Looks for what a type cannot say: ranges, values that exclude each other.
    fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }
}

/// What [`Section::check`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    key: &'static str,
    why: String,
}

impl Wrong {
    /// The key at fault, and what would be right.
    pub fn new(key: &'static str, why: impl Into<String>) -> Self {
        Self {
            key,
            why: why.into(),
        }
    }
}

/// One key's value and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) written: Written,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone)]
pub(super) enum Written {
    Toml(toml::Value),
    Text(String),
}

pub(super) fn deserialize_section<T: Section>(
    settings: &BTreeMap<String, Setting>,
) -> Result<T, ConfigError> {
    let section = T::NAME.to_owned();
    let origin_of = |key: &str| {
        settings
            .get(key)
            .map_or(Origin::Default, |setting| setting.origin.clone())
    };
    let mut reader = SectionReader {
        rest: settings.iter(),
        current: None,
    };
    let read = T::deserialize(MapAccessDeserializer::new(&mut reader));
    let current = reader.current.map_or(String::new(), |(key, _)| key.clone());
    let value = read.map_err(|complaint| match complaint {
        Complaint::Missing { key } => {
            let variable = Sources::variable(&section, key);
            ConfigError::Missing {
                section: section.clone(),
                key: key.to_owned(),
                variable,
            }
        }
        Complaint::Unknown { known } => {
            let origin = origin_of(&current);
            let known = known.iter().map(|name| (*name).to_owned()).collect();
            ConfigError::UnknownKey {
                section: section.clone(),
                key: current,
                origin,
                known,
            }
        }
        Complaint::Other(why) => {
            let origin = origin_of(&current);
            ConfigError::WrongValue {
                section: section.clone(),
                key: current,
                origin,
                why,
            }
        }
    })?;
    value.check().map_err(|Wrong { key, why }| {
        let origin = origin_of(key);
        ConfigError::WrongValue {
            section,
            key: key.to_owned(),
            origin,
            why,
        }
    })?;
    Ok(value)
}

/// What serde has against a section; the key is known to the [`SectionReader`].
#[derive(Debug)]
enum Complaint {
    Missing { key: &'static str },
    Unknown { known: &'static [&'static str] },
    Other(String),
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Complaint {}

impl serde::de::Error for Complaint {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }
    fn missing_field(key: &'static str) -> Self {
        Self::Missing { key }
    }
    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown { known }
    }
}

struct SectionReader<'a> {
    rest: btree_map::Iter<'a, String, Setting>,
    current: Option<(&'a String, &'a Setting)>,
}

impl<'de> MapAccess<'de> for &mut SectionReader<'_> {
    type Error = Complaint;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        self.current = self.rest.next();
        self.current
            .map(|(key, _)| seed.deserialize(key.as_str().into_deserializer()))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Complaint> {
        match self.current.map(|(_, setting)| &setting.written) {
            Some(Written::Text(text)) => seed.deserialize(Text(text)),
            Some(Written::Toml(value)) => seed
                .deserialize(value.clone())
                .map_err(|error| Complaint::Other(error.message().replace('\n', ", "))),
            None => Err(Complaint::Other(
                "a value was asked for before its key".into(),
            )),
        }
    }
}

/// A text that becomes what it is wanted as.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

macro_rules! read_numbers {
    ($($method:ident $visit:ident $number:ty, $kind:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            let number = self.0.trim().parse::<$number>();
            visitor.$visit(number.map_err(|_| Complaint::Other(format!(
                "`{}` is not a {} from {} to {}", self.0, $kind, <$number>::MIN, <$number>::MAX
            )))?)
        })*
    };
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Complaint;

    read_numbers! {
        deserialize_u8 visit_u8 u8, "whole number";
        deserialize_u16 visit_u16 u16, "whole number";
        deserialize_u32 visit_u32 u32, "whole number";
        deserialize_u64 visit_u64 u64, "whole number";
        deserialize_i8 visit_i8 i8, "whole number";
        deserialize_i16 visit_i16 i16, "whole number";
        deserialize_i32 visit_i32 i32, "whole number";
        deserialize_i64 visit_i64 i64, "whole number";
        deserialize_f32 visit_f32 f32, "number";
        deserialize_f64 visit_f64 f64, "number";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.0.trim() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Complaint::Other(format!(
                "`{other}` is neither `true` nor `false`"
            ))),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let parts = self
            .0
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Text);
        visitor.visit_seq(SeqDeserializer::new(parts))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        StrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl IntoDeserializer<'_, Complaint> for Text<'_> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}
