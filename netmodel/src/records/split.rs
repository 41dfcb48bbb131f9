//! Cuts what a parser gave into records as it is serialised, so that only one record at a time is a value.
//!
//! A list is its elements, a record type with one field that is a list is that list, anything else one record; nothing read is none.

use std::fmt;
use std::ops::ControlFlow;

use serde::Serialize;
use serde::ser::{self, Impossible, SerializeSeq, SerializeStruct, Serializer};

use super::{Sink, place};

/// Gives each record to `sink`, until it breaks off.
pub(super) fn each<T: Serialize>(text: &str, value: &T, sink: &mut Sink<'_>) -> ControlFlow<()> {
    match value.serialize(Split { text, sink, within: false }) {
        Ok(()) => ControlFlow::Continue(()),
        Err(End::Broken) => ControlFlow::Break(()),
        // Said before anything was given.
        Err(End::NoList) => sink(place::value(text, value)),
    }
}

struct Split<'a, 's> {
    text: &'a str,
    sink: &'a mut Sink<'s>,
    /// In the one field of a record type.
    within: bool,
}

/// Why it ended early.
#[derive(Debug)]
enum End {
    /// The sink broke off.
    Broken,
    /// It is not a list.
    NoList,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "broken off",
            Self::NoList => "not a list",
        })
    }
}

impl std::error::Error for End {}

impl ser::Error for End {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::NoList
    }
}

impl SerializeSeq for Split<'_, '_> {
    type Ok = ();
    type Error = End;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), End> {
        match (self.sink)(place::value(self.text, record)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(End::Broken),
        }
    }
    fn end(self) -> Result<(), End> {
        Ok(())
    }
}

impl SerializeStruct for Split<'_, '_> {
    type Ok = ();
    type Error = End;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), End> {
        value.serialize(Split { text: self.text, sink: &mut *self.sink, within: true })
    }
    fn end(self) -> Result<(), End> {
        Ok(())
    }
}

macro_rules! no_lists {
    ($($name:ident($($of:ty),*);)*) => {
        $(fn $name(self, $(_: $of),*) -> Result<(), End> { Err(End::NoList) })*
    };
}

impl Serializer for Split<'_, '_> {
    type Ok = ();
    type Error = End;
    type SerializeSeq = Self;
    type SerializeStruct = Self;
    type SerializeTuple = Impossible<(), End>;
    type SerializeTupleStruct = Impossible<(), End>;
    type SerializeTupleVariant = Impossible<(), End>;
    type SerializeMap = Impossible<(), End>;
    type SerializeStructVariant = Impossible<(), End>;

    no_lists! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_none(self) -> Result<(), End> {
        if self.within { Err(End::NoList) } else { Ok(()) }
    }
    fn serialize_unit(self) -> Result<(), End> {
        self.serialize_none()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), End> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), End> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), End> {
        Err(End::NoList)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self, End> {
        Ok(self)
    }
    fn serialize_struct(self, _: &'static str, fields: usize) -> Result<Self, End> {
        if fields == 1 && !self.within { Ok(self) } else { Err(End::NoList) }
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, End> {
        Err(End::NoList)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, End> {
        Err(End::NoList)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, End> {
        Err(End::NoList)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, End> {
        Err(End::NoList)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, End> {
        Err(End::NoList)
    }
}
