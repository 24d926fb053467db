//! Reading a message whose `type` names its version: the type stands first, so an older version is
//! recognised before its fields are read, and nothing is read twice.
//!
//! Our encoder writes the type first. Where somebody else has put it elsewhere (a JSON document with
//! its keys sorted) only the latest version is understood.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

/// An enum, told apart by its `type`, of which older versions stand in logs.
pub(super) trait Versioned: Sized {
    /// Names an older version.
    type Older: Copy;

    /// The older version that is called `kind`; `None`: it is none of those.
    fn older(kind: &str) -> Option<Self::Older>;

    /// Reads the fields of an older version and makes them the latest.
    fn upcast<'de, D: Deserializer<'de>>(older: Self::Older, fields: D) -> Result<Self, D::Error>;

    /// Reads the latest version, its `type` included.
    fn latest<'de, D: Deserializer<'de>>(message: D) -> Result<Self, D::Error>;
}

/// Reads whichever version stands there.
pub(super) fn any_version<'de, T: Versioned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(AnyVersion(PhantomData))
}

struct AnyVersion<T>(PhantomData<T>);

impl<'de, T: Versioned> Visitor<'de> for AnyVersion<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with a `type`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rest: A) -> Result<T, A::Error> {
        let key: Option<String> = rest.next_key()?;
        let mut kind = None;
        if key.as_deref() == Some("type") {
            let named: String = rest.next_value()?;
            if let Some(older) = T::older(&named) {
                return T::upcast(older, MapAccessDeserializer::new(rest));
            }
            kind = Some(named);
        }
        T::latest(MapAccessDeserializer::new(FromTheStart { key, kind, rest }))
    }
}

/// A map whose first key has been read, and perhaps its value: handed out once more.
struct FromTheStart<A> {
    key: Option<String>,
    kind: Option<String>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for FromTheStart<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.key.take() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.kind.take() {
            Some(kind) => seed.deserialize(kind.into_deserializer()),
            None => self.rest.next_value_seed(seed),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        let first = usize::from(self.key.is_some());
        self.rest.size_hint().map(|rest| rest + first)
    }
}

#[cfg(test)]
mod tests {
    use crate::fact::{DepartureReason, Destination, Fact, Spot};
    use crate::{AccountId, AreaId, CharacterId, decode, encode};

    fn departed() -> Fact {
        Fact::Departed {
            handle: 7,
            character: CharacterId(9),
            account: Some(AccountId(3)),
            to: Destination::Area {
                area: AreaId::new("forest-1").unwrap(),
                spawn: "west".into(),
            },
            reason: DepartureReason::Door,
            stood: Some(Spot { x: -5, y: 6 }),
        }
    }

    /// As builds of rules version 2 wrote it.
    fn before() -> serde_json::Value {
        serde_json::json!({
            "type": "departed.1", "handle": 7, "character": 9,
            "to": { "area": { "area": "forest-1", "spawn": "west" } }, "reason": "door",
        })
    }

    #[test]
    fn where_the_type_stands_first_both_versions_are_read() {
        let latest = departed();
        assert_eq!(decode::<Fact>(&encode(&latest)).unwrap(), latest);
        let text = serde_json::to_string(&latest).unwrap();
        assert!(text.starts_with(r#"{"type":"departed.2","#), "{text}");
        assert!(text.contains(r#""to":"forest-1","spawn":"west""#), "{text}");
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), latest);
        let before = before().to_string();
        // `serde_json` sorts the keys of a value.
        let old = format!(r#"{{"type":"departed.1",{}"#, &before[1..]);
        let old = old.replace(r#","type":"departed.1""#, "");
        let Fact::Departed {
            account, to, stood, ..
        } = serde_json::from_str(&old).unwrap()
        else {
            panic!("{old}");
        };
        assert_eq!((account, stood), (None, None), "the old one did not say");
        assert!(matches!(to, Destination::Area { spawn, .. } if spawn == "west"));
    }

    #[test]
    fn an_old_version_that_lacks_a_field_says_which() {
        let wrong = r#"{"type":"departed.1","handle":7,"character":9,"reason":"door"}"#;
        let error = serde_json::from_str::<Fact>(wrong).unwrap_err();
        assert!(error.to_string().contains("missing field `to`"), "{error}");
        let wrong = r#"{"type":"departed.2","handle":7}"#;
        let error = serde_json::from_str::<Fact>(wrong).unwrap_err();
        assert!(error.to_string().contains("missing field"), "{error}");
    }

    #[test]
    fn where_the_type_stands_elsewhere_the_latest_is_read() {
        let latest = serde_json::to_value(departed()).unwrap();
        assert_eq!(serde_json::from_value::<Fact>(latest).unwrap(), departed());
        assert_eq!(decode::<Fact>(&[0x80]).ok(), None);
    }
}
