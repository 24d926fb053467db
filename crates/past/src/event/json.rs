//! Writing an event's fields as JSON text, straight from the typed value.
//!
//! Not `serde_json`, for two reasons. Ids of people must be found *by their type*, wherever a message holds them, so
//! that a field that is added later cannot be forgotten: they serialize through `collect_str`, which knows the type.
//! And bytes are written as hexadecimal text instead of as a list of numbers.

use std::any::type_name;
use std::fmt::{self, Display};
use std::io::Write as _;

use schemas::subjects::AggregateId;
use schemas::{AccountId, CharacterId, Digest, LoginId};
use serde::Serialize;
use serde::ser::{self, Serializer};

use super::people::{People, PersonalId};

/// Writes one value.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    people: &'a mut dyn People,
    personal_digests: bool,
    drop_type: bool,
}

/// What a serializer has to be able to say; none of our types ever does.
#[derive(Debug)]
pub(super) struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Written = Result<(), Refused>;

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, people: &'a mut dyn People) -> Self {
        Self {
            out,
            people,
            personal_digests: true,
            drop_type: false,
        }
    }

    /// Whether digests stand for people here.
    pub(super) const fn with_personal_digests(mut self, personal: bool) -> Self {
        self.personal_digests = personal;
        self
    }

    /// Leaves out the outermost value's tag `type`.
    pub(super) const fn without_type(mut self) -> Self {
        self.drop_type = true;
        self
    }

    /// Appends `value`; what cannot be said as JSON is `null`.
    pub(super) fn write<T: Serialize + ?Sized>(mut self, value: &T) {
        let start = self.out.len();
        if value.serialize(&mut self).is_err() {
            debug_assert!(false, "no event holds what JSON cannot say");
            self.out.truncate(start);
            self.out.extend_from_slice(b"null");
        }
    }

    fn unsigned(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    fn signed(&mut self, number: i64) {
        if number < 0 {
            self.out.push(b'-');
        }
        self.unsigned(number.unsigned_abs());
    }

    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        escaped(text, self.out);
        self.out.push(b'"');
    }

    fn hexadecimal(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        for byte in bytes {
            self.out.push(DIGITS[usize::from(byte >> 4)]);
            self.out.push(DIGITS[usize::from(byte & 15)]);
        }
        self.out.push(b'"');
    }

    fn person(&mut self, kind: PersonalId, id: &str) {
        if kind == PersonalId::Digest && !self.personal_digests {
            self.out.extend_from_slice(id.as_bytes());
        } else {
            self.people.write(kind, id, self.out);
        }
    }

    /// What was just written behind `start` as plain text, now quoted, escaped and with people as they shall be.
    fn settle(&mut self, start: usize, named: Named) {
        // Ids and aggregates are short; what is longer is nobody's id.
        let mut copy = [0; 96];
        let written = &self.out[start..];
        let Some(copy) = copy.get_mut(..written.len()) else {
            let text = String::from_utf8_lossy(written).into_owned();
            self.out.truncate(start);
            return self.text(&text);
        };
        copy.copy_from_slice(written);
        self.out.truncate(start);
        let text = std::str::from_utf8(copy).unwrap_or_default();
        self.out.push(b'"');
        match (named, text.strip_prefix(CHARACTER)) {
            (Named::Person(kind), _) => self.person(kind, text),
            (Named::Aggregate, Some(id)) => {
                self.out.extend_from_slice(CHARACTER.as_bytes());
                self.person(PersonalId::Character, id);
            }
            (Named::Aggregate | Named::Other, _) => escaped(text, self.out),
        }
        self.out.push(b'"');
    }
}

/// How an aggregate that is a character begins.
const CHARACTER: &str = "character.";

/// What kind of value writes itself as text.
#[derive(Clone, Copy)]
enum Named {
    Person(PersonalId),
    Aggregate,
    Other,
}

fn named<T: ?Sized>() -> Named {
    let name = type_name::<T>();
    if name == type_name::<CharacterId>() {
        Named::Person(PersonalId::Character)
    } else if name == type_name::<AccountId>() {
        Named::Person(PersonalId::Account)
    } else if name == type_name::<LoginId>() {
        Named::Person(PersonalId::Login)
    } else if name == type_name::<Digest>() {
        Named::Person(PersonalId::Digest)
    } else if name == type_name::<AggregateId>() {
        Named::Aggregate
    } else {
        Named::Other
    }
}

/// Appends `text` as it stands between the quotes of a JSON string.
pub(super) fn escaped(text: &str, out: &mut Vec<u8>) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => {
                // A vector takes whatever is written to it.
                let written = write!(out, "\\u{byte:04x}");
                debug_assert!(written.is_ok());
            }
            _ => out.push(byte),
        }
    }
}

/// A list or a map that is being written.
pub(super) struct Open<'w, 'a> {
    writer: &'w mut Writer<'a>,
    first: bool,
    drop_type: bool,
    /// The key of the next value was left out, and so is the value.
    drop_value: bool,
    close: &'static [u8],
}

impl<'w, 'a> Open<'w, 'a> {
    fn new(writer: &'w mut Writer<'a>, open: &[u8], close: &'static [u8]) -> Self {
        let drop_type = std::mem::take(&mut writer.drop_type);
        writer.out.extend_from_slice(open);
        Self {
            writer,
            first: true,
            drop_type,
            drop_value: false,
            close,
        }
    }

    fn variant(writer: &'w mut Writer<'a>, name: &str, open: u8, close: &'static [u8]) -> Self {
        writer.drop_type = false;
        writer.out.push(b'{');
        writer.text(name);
        Self::new(writer, &[b':', open], close)
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.writer.out.push(b',');
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Written {
        if self.drop_type && key == "type" {
            return Ok(());
        }
        self.next();
        self.writer.text(key);
        self.writer.out.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.next();
        value.serialize(&mut *self.writer)
    }

    fn end(self) {
        self.writer.out.extend_from_slice(self.close);
    }
}

macro_rules! numbers {
    ($($name:ident $of:ty => $how:ident),* $(,)?) => {
        $(fn $name(self, value: $of) -> Written {
            self.$how(value.into());
            Ok(())
        })*
    };
}

impl<'w, 'a> Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Open<'w, 'a>;
    type SerializeTuple = Open<'w, 'a>;
    type SerializeTupleStruct = Open<'w, 'a>;
    type SerializeTupleVariant = Open<'w, 'a>;
    type SerializeMap = Open<'w, 'a>;
    type SerializeStruct = Open<'w, 'a>;
    type SerializeStructVariant = Open<'w, 'a>;

    numbers! {
        serialize_i8 i8 => signed, serialize_i16 i16 => signed, serialize_i32 i32 => signed,
        serialize_i64 i64 => signed, serialize_u8 u8 => unsigned, serialize_u16 u16 => unsigned,
        serialize_u32 u32 => unsigned, serialize_u64 u64 => unsigned,
    }

    fn serialize_bool(self, value: bool) -> Written {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Written {
        if value.is_finite() {
            let written = write!(self.out, "{value}");
            debug_assert!(written.is_ok());
            return Ok(());
        }
        self.serialize_unit()
    }

    fn serialize_char(self, value: char) -> Written {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Written {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.hexadecimal(value);
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let mut open = Open::new(self, b"{", b"}");
        open.field(variant, value)?;
        open.end();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::new(self, b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::new(self, b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::new(self, b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::variant(self, variant, b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::new(self, b"{", b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::new(self, b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Open<'w, 'a>, Refused> {
        Ok(Open::variant(self, variant, b'{', b"}}"))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Written {
        let start = self.out.len();
        let written = write!(self.out, "{value}");
        debug_assert!(written.is_ok());
        self.settle(start, named::<T>());
        Ok(())
    }
}

macro_rules! lists {
    ($($of:ident $element:ident),* $(,)?) => {
        $(impl ser::$of for Open<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.element(value)
            }

            fn end(self) -> Written {
                Open::end(self);
                Ok(())
            }
        })*
    };
}

lists! {
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field,
}

macro_rules! structs {
    ($($of:ident),* $(,)?) => {
        $(impl ser::$of for Open<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Written {
                self.field(key, value)
            }

            fn end(self) -> Written {
                Open::end(self);
                Ok(())
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Open<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        let before = (self.writer.out.len(), self.first);
        self.next();
        let start = self.writer.out.len();
        key.serialize(&mut *self.writer)?;
        // Structs with a flattened field come as maps.
        self.drop_value = self.drop_type && self.writer.out[start..] == *b"\"type\"";
        if self.drop_value {
            self.writer.out.truncate(before.0);
            self.first = before.1;
            return Ok(());
        }
        // Numbers are keys too.
        if self.writer.out.get(start) != Some(&b'"') {
            self.writer.out.insert(start, b'"');
            self.writer.out.push(b'"');
        }
        self.writer.out.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        if std::mem::take(&mut self.drop_value) {
            return Ok(());
        }
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        Open::end(self);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::EdgeId;
    use schemas::effect::EntryPoint;
    use schemas::fact::{DepartureReason, Destination, Fact};
    use schemas::sealed::Sealed;

    use super::super::people::AsRecorded;
    use super::*;

    /// Shows what kind of person stood there.
    struct Shown;

    impl People for Shown {
        fn write(&mut self, kind: PersonalId, _: &str, out: &mut Vec<u8>) {
            out.extend_from_slice(format!("<{kind:?}>").as_bytes());
        }
    }

    fn written<T: Serialize>(value: &T) -> String {
        let mut out = Vec::new();
        Writer::new(&mut out, &mut AsRecorded).write(value);
        String::from_utf8(out).unwrap()
    }

    fn shown<T: Serialize>(value: &T) -> String {
        let mut out = Vec::new();
        Writer::new(&mut out, &mut Shown).write(value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_writes_what_serde_json_writes() {
        let said = "a \"quoted\" \\ line\nand\ttab \u{1} and höher";
        let variants = (
            EntryPoint::Spawn(said.into()),
            EntryPoint::At { x: i32::MIN, y: 0 },
            Destination::Lobby,
        );
        let map = BTreeMap::from([(7_u16, vec![Some(true), None]), (9, Vec::new())]);
        let value = (i64::MIN, u64::MAX, variants, map, 'ß', (), 0.5_f64);
        assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn bytes_are_hexadecimal() {
        let sealed = Sealed {
            key: "realm.1".into(),
            nonce: vec![0x0f, 0xa0],
            bytes: Vec::new(),
        };
        let text = r#"{"key":"realm.1","nonce":"0fa0","bytes":""}"#;
        assert_eq!(written(&sealed), text);
    }

    #[test]
    fn people_are_told_by_the_type_of_their_ids() {
        let ids = (
            CharacterId(1),
            AccountId(1),
            LoginId(1),
            Digest([1; 16]),
            AggregateId::Character(CharacterId(1)),
            EdgeId(1),
        );
        let text = r#"["<Character>","<Account>","<Login>","<Digest>","character.<Character>","0000000000001"]"#;
        assert_eq!(shown(&ids), text);
        let area = AggregateId::Area("harbor-1".parse().unwrap());
        assert_eq!(shown(&area), r#""area.harbor-1""#);
    }

    #[test]
    fn only_the_outermost_type_is_left_out() {
        let lost = Fact::LinkLost {
            handle: 3,
            character: CharacterId(1),
        };
        // Written as a map, because a field of it is flattened.
        let departed = Fact::Departed {
            handle: 3,
            character: CharacterId(1),
            account: None,
            to: Destination::Lobby,
            reason: DepartureReason::Door,
            stood: None,
        };
        let nested = serde_json::json!([{ "type": "kept" }]);
        let mut out = Vec::new();
        for fact in [lost, departed] {
            Writer::new(&mut out, &mut Shown)
                .without_type()
                .write(&fact);
        }
        Writer::new(&mut out, &mut Shown)
            .without_type()
            .write(&nested);
        let text = String::from_utf8(out).unwrap();
        let lost = r#"{"handle":3,"character":"<Character>"}"#;
        let departed = r#"{"handle":3,"character":"<Character>","to":null,"#;
        assert!(text.starts_with(&format!("{lost}{departed}")), "{text}");
        assert!(text.ends_with(r#"[{"type":"kept"}]"#), "{text}");
    }
}
