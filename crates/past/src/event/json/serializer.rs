//! What a value says of itself, as text.

use std::fmt::Display;
use std::io::Write as _;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::{Refused, Writer, Written, named};

/// A list or a map that is being written.
pub(in crate::event) struct Open<'w, 'a> {
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
        self.told(value);
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
