//! Values of columns as JSON, and back: what seeds and cursors are written in.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sea_orm::prelude::{ChronoDate, ChronoDateTime, ChronoTime, DateTimeWithTimeZone, Uuid};
use sea_orm::sea_query::{ArrayType, Enum, OptionEnum};
use sea_orm::{DbBackend, Value};
use serde_json::{Value as Json, json};

/// What a value should have been instead, for messages.
pub(crate) type Expected = &'static str;

const UNKNOWN: Expected = "nothing, because values of the column's type have no form in JSON here";

/// A value as JSON, or `None` if it has no form that leads back to the same value.
pub(crate) fn to_json(value: &Value) -> Option<Json> {
    if !value.is_some() {
        return Some(Json::Null);
    }
    Some(match value {
        Value::Bool(value) => json!(value),
        Value::TinyInt(value) => json!(value),
        Value::SmallInt(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::BigInt(value) => json!(value),
        Value::TinyUnsigned(value) => json!(value),
        Value::SmallUnsigned(value) => json!(value),
        Value::Unsigned(value) => json!(value),
        Value::BigUnsigned(value) => json!(value),
        // As texts, because reading a JSON number may cost the last bit.
        Value::Float(Some(value)) => json!(value.to_string()),
        Value::Double(Some(value)) => json!(value.to_string()),
        Value::String(value) => json!(value),
        Value::Enum(OptionEnum::Some(value)) => json!(value.value),
        Value::Char(value) => json!(value),
        Value::Bytes(Some(value)) => json!(STANDARD.encode(value)),
        Value::Json(Some(value)) => (**value).clone(),
        Value::ChronoDate(value) => json!(value),
        Value::ChronoTime(value) => json!(value),
        Value::ChronoDateTime(value) => json!(value),
        Value::ChronoDateTimeUtc(value) => json!(value),
        Value::ChronoDateTimeLocal(value) => json!(value),
        Value::ChronoDateTimeWithTimeZone(value) => json!(value),
        Value::Uuid(value) => json!(value),
        Value::Decimal(Some(value)) => json!(value.to_string()),
        _ => return None,
    })
}

/// The value of a kind that JSON stands for, one that the database can be given.
pub(crate) fn from_json(kind: &ArrayType, json: &Json, backend: DbBackend) -> Result<Value, Expected> {
    let value = read(kind, json)?;
    match &value {
        Value::BigUnsigned(Some(number))
            if backend != DbBackend::MySql && i64::try_from(*number).is_err() =>
        {
            Err("a number up to 9223372036854775807")
        }
        Value::String(Some(text)) if backend == DbBackend::Postgres && text.contains('\0') => {
            Err("a text without the character U+0000")
        }
        _ => Ok(value),
    }
}

fn read(kind: &ArrayType, json: &Json) -> Result<Value, Expected> {
    Ok(match kind {
        ArrayType::Bool => Value::Bool(nullable(json, "true or false", Json::as_bool)?),
        ArrayType::TinyInt => Value::TinyInt(nullable(json, "a whole number from -128 to 127", integer)?),
        ArrayType::SmallInt => Value::SmallInt(nullable(json, "a whole number of 16 bits", integer)?),
        ArrayType::Int => Value::Int(nullable(json, "a whole number of 32 bits", integer)?),
        ArrayType::BigInt => Value::BigInt(nullable(json, "a whole number of 64 bits", integer)?),
        ArrayType::TinyUnsigned => {
            Value::TinyUnsigned(nullable(json, "a whole number from 0 to 255", integer)?)
        }
        ArrayType::SmallUnsigned => {
            Value::SmallUnsigned(nullable(json, "a whole number from 0 to 65535", integer)?)
        }
        ArrayType::Unsigned => {
            Value::Unsigned(nullable(json, "a whole number from 0 to 4294967295", integer)?)
        }
        ArrayType::BigUnsigned => Value::BigUnsigned(nullable(json, "a whole number from 0", integer)?),
        ArrayType::Float => Value::Float(nullable(json, "a number", float)?),
        ArrayType::Double => Value::Double(nullable(json, "a number", float)?),
        ArrayType::String => Value::String(nullable(json, "a text", text)?),
        ArrayType::Enum(name) => Value::Enum(match nullable(json, "a text", text)? {
            Some(value) => {
                OptionEnum::Some(Box::new(Enum { type_name: (**name).clone(), value: value.into() }))
            }
            None => OptionEnum::None((**name).clone()),
        }),
        ArrayType::Char => Value::Char(nullable(json, "a single character", parsed)?),
        ArrayType::Bytes => {
            Value::Bytes(nullable(json, "bytes in Base64", |json| STANDARD.decode(json.as_str()?).ok())?)
        }
        ArrayType::Json => Value::Json((!json.is_null()).then(|| Box::new(json.clone()))),
        ArrayType::ChronoDate => Value::ChronoDate(nullable(json, "a date such as 2024-05-31", date)?),
        ArrayType::ChronoTime => Value::ChronoTime(nullable(json, "a time such as 18:30:00", time)?),
        ArrayType::ChronoDateTime => Value::ChronoDateTime(nullable(json, TIMESTAMP, local_date_time)?),
        ArrayType::ChronoDateTimeUtc => {
            Value::ChronoDateTimeUtc(nullable(json, INSTANT, |json| instant(json).map(|time| time.to_utc()))?)
        }
        ArrayType::ChronoDateTimeLocal => {
            Value::ChronoDateTimeLocal(nullable(json, INSTANT, |json| instant(json).map(Into::into))?)
        }
        ArrayType::ChronoDateTimeWithTimeZone => {
            Value::ChronoDateTimeWithTimeZone(nullable(json, INSTANT, instant)?)
        }
        ArrayType::Uuid => Value::Uuid(nullable(json, "a UUID", parsed::<Uuid>)?),
        ArrayType::Decimal => Value::Decimal(nullable(json, "a number", float)?),
        _ => return Err(UNKNOWN),
    })
}

/// A list of values of one kind; PostgreSQL has columns of them.
#[cfg(feature = "postgres")]
pub(crate) fn list_from_json(kind: &ArrayType, json: &Json, backend: DbBackend) -> Result<Value, Expected> {
    let items = match json {
        Json::Null => None,
        Json::Array(items) => Some(Box::new(
            items.iter().map(|item| from_json(kind, item, backend)).collect::<Result<Vec<_>, _>>()?,
        )),
        _ => return Err("a list"),
    };
    Ok(Value::Array(kind.clone(), items))
}

const TIMESTAMP: Expected = "a date and time such as 2024-05-31T18:30:00";
const INSTANT: Expected = "a date and time such as 2024-05-31T18:30:00Z";

fn nullable<T>(
    json: &Json,
    expected: Expected,
    read: impl FnOnce(&Json) -> Option<T>,
) -> Result<Option<T>, Expected> {
    if json.is_null() { Ok(None) } else { read(json).map(Some).ok_or(expected) }
}

fn integer<T: TryFrom<i128>>(json: &Json) -> Option<T> {
    T::try_from(json.as_number()?.as_i128()?).ok()
}

fn float<T: FromStr>(json: &Json) -> Option<T> {
    match json {
        Json::Number(number) => number.to_string().parse().ok(),
        _ => parsed(json),
    }
}

fn text(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn parsed<T: FromStr>(json: &Json) -> Option<T> {
    json.as_str()?.parse().ok()
}

fn date(json: &Json) -> Option<ChronoDate> {
    storable(parsed(json)?)
}

fn time(json: &Json) -> Option<ChronoTime> {
    parsed(json)
}

/// A date and time without offset; a date alone is its midnight.
fn local_date_time(json: &Json) -> Option<ChronoDateTime> {
    let text = json.as_str()?;
    let time = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| ChronoDateTime::parse_from_str(text, format).ok())
        .or_else(|| text.parse::<ChronoDate>().ok()?.and_hms_opt(0, 0, 0))?;
    storable(time.date()).map(|_| time)
}

/// A date and time with an offset, which is UTC if the text does not say.
fn instant(json: &Json) -> Option<DateTimeWithTimeZone> {
    let time = parsed(json).or_else(|| local_date_time(json).map(|time| time.and_utc().fixed_offset()))?;
    storable(time.naive_utc().date()).map(|_| time)
}

/// Years from 1 to 9999 are those that every database has.
fn storable(date: ChronoDate) -> Option<ChronoDate> {
    let (first, last) = (ChronoDate::from_ymd_opt(1, 1, 1)?, ChronoDate::from_ymd_opt(9999, 12, 31)?);
    (first <= date && date <= last).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lead_back_to_themselves() {
        let time = "2024-05-31T18:30:00.123456Z".parse::<DateTimeWithTimeZone>().unwrap();
        let values = [
            (ArrayType::Bool, Value::from(true)),
            (ArrayType::TinyInt, Value::from(-128_i8)),
            (ArrayType::SmallInt, Value::from(-2_i16)),
            (ArrayType::Int, Value::from(i32::MIN)),
            (ArrayType::BigInt, Value::from(i64::MIN)),
            (ArrayType::TinyUnsigned, Value::from(255_u8)),
            (ArrayType::SmallUnsigned, Value::from(65_535_u16)),
            (ArrayType::Unsigned, Value::from(u32::MAX)),
            (ArrayType::BigUnsigned, Value::from(9_223_372_036_854_775_807_u64)),
            (ArrayType::Float, Value::from(0.1_f32)),
            (ArrayType::Double, Value::from(0.1_f64 + 0.2)),
            (ArrayType::String, Value::from("'; DROP TABLE post; --")),
            (ArrayType::Char, Value::from('ü')),
            (ArrayType::Bytes, Value::from(vec![0_u8, 255])),
            (ArrayType::Json, Value::from(json!({"a": [1, null]}))),
            (ArrayType::ChronoDate, Value::from(time.date_naive())),
            (ArrayType::ChronoTime, Value::from(time.time())),
            (ArrayType::ChronoDateTime, Value::from(time.naive_utc())),
            (ArrayType::ChronoDateTimeUtc, Value::from(time.to_utc())),
            (ArrayType::ChronoDateTimeWithTimeZone, Value::from(time)),
            (ArrayType::Uuid, Value::from(Uuid::from_u128(7))),
            (ArrayType::Decimal, Value::from("19.90".parse::<sea_orm::prelude::Decimal>().unwrap())),
        ];
        for (kind, value) in values {
            let json = to_json(&value).unwrap();
            assert_eq!(from_json(&kind, &json, DbBackend::Postgres).as_ref(), Ok(&value), "{json}");
            let null = from_json(&kind, &Json::Null, DbBackend::Postgres).unwrap();
            assert_eq!(null, value.as_null());
            assert_eq!(to_json(&null), Some(Json::Null));
        }
    }

    #[test]
    fn values_of_other_kinds_are_refused() {
        let cases = [
            (ArrayType::Int, json!("1")),
            (ArrayType::Int, json!(1.5)),
            (ArrayType::Int, json!(2_147_483_648_u32)),
            (ArrayType::TinyUnsigned, json!(-1)),
            (ArrayType::Bool, json!(1)),
            (ArrayType::String, json!(1.10)),
            (ArrayType::String, json!("\0")),
            (ArrayType::Char, json!("ab")),
            (ArrayType::Bytes, json!("%%")),
            (ArrayType::BigUnsigned, json!(u64::MAX)),
            (ArrayType::ChronoDate, json!("2024-02-30")),
            (ArrayType::ChronoDate, json!("+12024-02-01")),
            (ArrayType::ChronoDateTimeUtc, json!("-0400-01-01T00:00:00Z")),
            (ArrayType::ChronoDateTimeUtc, json!("9999-12-31T23:59:59-01:00")),
            (ArrayType::ChronoDateTimeUtc, json!("yesterday")),
            (ArrayType::Uuid, json!("7")),
        ];
        for (kind, json) in cases {
            assert!(from_json(&kind, &json, DbBackend::Postgres).is_err(), "{kind:?} {json}");
        }
    }

    #[test]
    fn times_may_be_written_as_people_do() {
        let cases = [
            ("2024-05-31", "2024-05-31T00:00:00+00:00"),
            ("2024-05-31 18:30:00", "2024-05-31T18:30:00+00:00"),
            ("2024-05-31T18:30:00.5", "2024-05-31T18:30:00.500+00:00"),
            ("2024-05-31 18:30:00 +02:00", "2024-05-31T18:30:00+02:00"),
            ("2024-05-31T18:30:00Z", "2024-05-31T18:30:00+00:00"),
        ];
        for (text, time) in cases {
            assert_eq!(instant(&json!(text)).unwrap().to_rfc3339(), time);
        }
    }
}
