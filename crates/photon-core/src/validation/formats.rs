//! The `format` keyword of texts (JSON Schema 2020-12 §7.3), for the formats that models use.

use serde_json::json;
use validator::ValidateEmail;

use super::Fault;

/// Why a text is not of a format; `None` if it is, or if the format says nothing about texts.
pub(super) fn check(format: &str, text: &str) -> Option<Fault> {
    match format {
        "email" if !text.validate_email() => {
            let message = "value is not a valid email address";
            Some(Fault::new("value_error", message).context("reason", "it must be name@domain"))
        }
        "uri" | "url" => check_url(text),
        "uuid" if !is_uuid(text) => {
            let error = "expected 32 hexadecimal digits, with hyphens after 8, 12, 16 and 20 or none";
            let message = format!("Input should be a valid UUID, {error}");
            Some(Fault::new("uuid_parsing", message).context("error", error))
        }
        "date" => {
            date(text).err().map(|error| parsing("date_from_datetime_parsing", "date or datetime", error))
        }
        "date-time" => date_time(text)
            .err()
            .map(|error| parsing("datetime_from_date_parsing", "datetime or date", error)),
        "time" | "partial-time" => {
            time(text).err().map(|error| parsing("time_parsing", "time format", error))
        }
        _ => None,
    }
}

fn parsing(kind: &'static str, what: &str, error: &'static str) -> Fault {
    let article = if what == "time format" { "in a valid" } else { "a valid" };
    Fault::new(kind, format!("Input should be {article} {what}, {error}")).context("error", json!(error))
}

fn check_url(text: &str) -> Option<Fault> {
    let error = url::Url::parse(text).err()?.to_string();
    let message = format!("Input should be a valid URL, {error}");
    Some(Fault::new("url_parsing", message).context("error", error))
}

/// A UUID as 32 hexadecimal digits, bare or in the groups of RFC 9562 §4.
fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.len() {
        32 => bytes.iter().all(u8::is_ascii_hexdigit),
        36 => bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        }),
        _ => false,
    }
}

/// `full-date` of RFC 3339 §5.6.
fn date(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    let year = digits(bytes.get(..4), "invalid character in year")?;
    separator(bytes.get(4), b'-', "invalid date separator, expected `-`")?;
    let month = digits(bytes.get(5..7), "invalid character in month")?;
    separator(bytes.get(7), b'-', "invalid date separator, expected `-`")?;
    let day = digits(bytes.get(8..10), "invalid character in day")?;
    if bytes.len() > 10 {
        return Err("unexpected extra characters at the end of the input");
    }
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return Err("month value is outside expected range of 1-12"),
    };
    if (1..=days).contains(&day) { Ok(()) } else { Err("day value is outside expected range") }
}

/// `date-time` of RFC 3339 §5.6, with a space allowed for the `T`.
fn date_time(text: &str) -> Result<(), &'static str> {
    let (day, rest) =
        text.split_at_checked(10).ok_or_else(|| date(text).err().unwrap_or("input is too short"))?;
    date(day)?;
    let Some(clock) = rest.strip_prefix(['T', 't', ' ']) else {
        return Err("invalid datetime separator, expected `T`, `t`, `_` or space");
    };
    time(clock)
}

/// `full-time` of RFC 3339 §5.6.
fn time(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    let hour = digits(bytes.get(..2), "invalid character in hour")?;
    separator(bytes.get(2), b':', "invalid time separator, expected `:`")?;
    let minute = digits(bytes.get(3..5), "invalid character in minute")?;
    separator(bytes.get(5), b':', "invalid time separator, expected `:`")?;
    let second = digits(bytes.get(6..8), "invalid character in second")?;
    if hour > 23 {
        return Err("hour value is outside expected range of 0-23");
    }
    if minute > 59 {
        return Err("minute value is outside expected range of 0-59");
    }
    if second > 60 {
        return Err("second value is outside expected range of 0-59");
    }
    let mut rest = &text[8..];
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
        if rest.len() == fraction.len() {
            return Err("second fraction is missing its digits");
        }
    }
    match rest.as_bytes() {
        [] | [b'Z' | b'z'] => Ok(()),
        [b'+' | b'-', offset @ ..] if offset.len() == 5 && offset[2] == b':' => {
            let hour = digits(offset.get(..2), "invalid timezone hour")?;
            let minute = digits(offset.get(3..), "invalid timezone minute")?;
            if hour < 24 && minute < 60 { Ok(()) } else { Err("timezone offset must be less than 24 hours") }
        }
        _ => Err("unexpected extra characters at the end of the input"),
    }
}

fn digits(bytes: Option<&[u8]>, error: &'static str) -> Result<u32, &'static str> {
    let bytes = bytes.ok_or("input is too short")?;
    bytes.iter().try_fold(0, |number, byte| match byte {
        b'0'..=b'9' => Ok(number * 10 + u32::from(byte - b'0')),
        _ => Err(error),
    })
}

fn separator(byte: Option<&u8>, expected: u8, error: &'static str) -> Result<(), &'static str> {
    match byte {
        Some(byte) if *byte == expected => Ok(()),
        Some(_) => Err(error),
        None => Err("input is too short"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let cases = [
            ("date", "2024-02-29", true),
            ("date", "2023-02-29", false),
            ("date", "2023-13-01", false),
            ("date-time", "2024-02-29T23:59:60Z", true),
            ("date-time", "2024-02-29T23:59:59.123+02:00", true),
            ("date-time", "2024-02-29", false),
            ("date-time", "not a date", false),
            ("date-time", "2024-02-2é", false),
            ("time", "12:00:00.", false),
            ("time", "24:00:00", false),
            ("uuid", "67e55044-10b1-426f-9247-bb680e5fe0c8", true),
            ("uuid", "67e55044-10b1-426f-9247-bb680e5fe0cg", false),
            ("email", "a@example.com", true),
            ("email", "a@", false),
            ("uri", "http://example.com", true),
            ("uri", "no url", false),
            ("unknown", "anything", true),
        ];
        for (format, text, valid) in cases {
            assert_eq!(check(format, text).is_none(), valid, "{format}: {text:?}");
        }
    }
}
