//! Types with a schema and checks: what `#[model]` derives, and what it builds on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use schemars::JsonSchema;
use serde_json::Value;
use validator::{ValidationErrors, ValidationErrorsKind};

use crate::validation::{Fault, Measure};

/// A type that is documented by a JSON Schema and can check its own values.
///
/// `#[model]` implements it for structs and enums; numbers, texts, lists, maps and options have it
/// already.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no Photon model",
    label = "needs a schema and checks",
    note = "put `#[model]` on `{Self}`; for a type of another crate, wrap it: `#[model] struct Wrapper({Self});`"
)]
pub trait Model: JsonSchema + Sized {
    /// Whether a value is one text in a URL: a number, a text, a boolean, an enumeration.
    #[doc(hidden)]
    const SCALAR: bool = false;

    /// Whether a list of these is bytes and no list.
    #[doc(hidden)]
    const BYTE: bool = false;

    /// A list of these as bytes, if that is what it is: `Vec<u8>`. Gives the list back otherwise.
    #[doc(hidden)]
    fn list_into_bytes(list: Vec<Self>) -> Result<Vec<u8>, Vec<Self>> {
        Err(list)
    }

    /// Bytes as a list of these, if that is what they are.
    #[doc(hidden)]
    fn list_from_bytes(_bytes: &[u8]) -> Option<Vec<Self>> {
        None
    }

    /// Checks what the type alone does not guarantee.
    ///
    /// # Errors
    /// The failed checks, by field.
    fn check(&self) -> Result<(), ValidationErrors> {
        Ok(())
    }

    /// Reads a scalar from the text of a parameter.
    #[doc(hidden)]
    fn parse(_text: &str) -> Result<Self, Fault> {
        Err(Fault::new("value_error", "Value error, an object cannot be read from one text"))
    }

    /// What the constraints of an argument attribute measure.
    #[doc(hidden)]
    fn measure(&self) -> Measure<'_> {
        Measure::None
    }
}

macro_rules! integer_models {
    ($($integer:ty $({ $($more:item)* })?)*) => {$(
        impl Model for $integer {
            const SCALAR: bool = true;

            $($($more)*)?

            fn parse(text: &str) -> Result<Self, Fault> {
                text.parse().or_else(|_| parse_wide(text, <$integer>::MIN as i128, <$integer>::MAX as i128)
                    .map(|wide| wide as $integer))
            }

            fn measure(&self) -> Measure<'_> {
                Measure::Int(*self as i128)
            }
        }
    )*};
}

integer_models! {
    i8 i16 i32 i64 isize u16 u32 u64 usize
    u8 {
        const BYTE: bool = true;

        fn list_into_bytes(list: Vec<Self>) -> Result<Vec<u8>, Vec<Self>> {
            Ok(list)
        }

        fn list_from_bytes(bytes: &[u8]) -> Option<Vec<Self>> {
            Some(bytes.to_vec())
        }
    }
}

/// Reads an integer that its type's own parser refused, to say why.
fn parse_wide(text: &str, min: i128, max: i128) -> Result<i128, Fault> {
    use crate::validation::{Bound, Constraints};
    let wide: i128 = text.trim().parse().map_err(|_| crate::validation::int_parsing())?;
    let bounds = Constraints { ge: Some(Bound::Int(min)), le: Some(Bound::Int(max)), ..Constraints::NONE };
    bounds.check(Measure::Int(wide)).map_or(Ok(wide), Err)
}

macro_rules! float_models {
    ($($float:ty)*) => {$(
        impl Model for $float {
            const SCALAR: bool = true;

            fn parse(text: &str) -> Result<Self, Fault> {
                let float: Self = text.trim().parse().map_err(|_| crate::validation::float_parsing())?;
                if float.is_finite() {
                    Ok(float)
                } else {
                    Err(Fault::new("finite_number", "Input should be a finite number"))
                }
            }

            fn measure(&self) -> Measure<'_> {
                Measure::Float(f64::from(*self))
            }
        }
    )*};
}

float_models!(f32 f64);

impl Model for bool {
    const SCALAR: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        let message = "Input should be a valid boolean, unable to interpret input";
        crate::validation::parse_boolean(text).ok_or_else(|| Fault::new("bool_parsing", message))
    }
}

impl Model for char {
    const SCALAR: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(Fault::new("string_type", "Input should be a single character")),
        }
    }
}

impl Model for String {
    const SCALAR: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        Ok(text.to_owned())
    }

    fn measure(&self) -> Measure<'_> {
        Measure::Text(self)
    }
}

impl Model for Value {}

impl<T: Model> Model for Option<T> {
    fn check(&self) -> Result<(), ValidationErrors> {
        self.as_ref().map_or(Ok(()), Model::check)
    }

    fn measure(&self) -> Measure<'_> {
        self.as_ref().map_or(Measure::None, Model::measure)
    }
}

impl<T: Model> Model for Box<T> {
    const SCALAR: bool = T::SCALAR;

    fn check(&self) -> Result<(), ValidationErrors> {
        T::check(self)
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        T::parse(text).map(Box::new)
    }

    fn measure(&self) -> Measure<'_> {
        T::measure(self)
    }
}

/// The failed checks of a list, under the name by which `validator` knows to unwrap them.
fn check_items<'a, T: Model + 'a>(items: impl Iterator<Item = &'a T>) -> Result<(), ValidationErrors> {
    let failed: BTreeMap<usize, Box<ValidationErrors>> = items
        .enumerate()
        .filter_map(|(index, item)| item.check().err().map(|errors| (index, Box::new(errors))))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(ValidationErrors(HashMap::from([("_tmp_validator".into(), ValidationErrorsKind::List(failed))])))
}

macro_rules! list_models {
    ($([$($generics:tt)*] $list:ty;)*) => {$(
        impl<T: Model, $($generics)*> Model for $list {
            fn check(&self) -> Result<(), ValidationErrors> {
                check_items(self.iter())
            }

            fn measure(&self) -> Measure<'_> {
                Measure::Items(self.len())
            }
        }
    )*};
}

list_models! {
    [] Vec<T>;
    [] VecDeque<T>;
    [] BTreeSet<T>;
    [S] HashSet<T, S>;
}

macro_rules! array_models {
    ($($length:literal)*) => {$(
        impl<T: Model> Model for [T; $length] {
            fn check(&self) -> Result<(), ValidationErrors> {
                check_items(self.iter())
            }
        }
    )*};
}

// The lengths that serde and schemars know.
array_models!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);

impl<T: Model> Model for Arc<T> {
    fn check(&self) -> Result<(), ValidationErrors> {
        T::check(self)
    }
}

macro_rules! map_models {
    ($($map:ident $(with $hasher:ident)?;)*) => {$(
        impl<K: JsonSchema + ToString, T: Model $(, $hasher)?> Model for $map<K, T $(, $hasher)?> {
            fn check(&self) -> Result<(), ValidationErrors> {
                let mut failed = ValidationErrors::new();
                for (key, value) in self {
                    if let Err(errors) = value.check() {
                        let kind = ValidationErrorsKind::Struct(Box::new(errors));
                        failed.errors_mut().insert(key.to_string().into(), kind);
                    }
                }
                if failed.is_empty() { Ok(()) } else { Err(failed) }
            }
        }
    )*};
}

map_models! {
    HashMap with S;
    BTreeMap;
}
