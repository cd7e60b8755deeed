//! Types of other crates that APIs are full of, behind a cargo feature each: `uuid`, `chrono`.

#![cfg(any(feature = "uuid", feature = "chrono"))]

use crate::validation::Fault;
use crate::{FromRequest, IntoResponse, Model};

macro_rules! foreign_scalars {
    ($($type:ty, $kind:literal, $what:literal;)*) => {$(
        impl Model for $type {
            const SCALAR: bool = true;

            fn parse(text: &str) -> Result<Self, Fault> {
                text.parse().map_err(|error| {
                    let message = format!(concat!("Input should be a valid ", $what, ", {}"), error);
                    Fault::new($kind, message).context("error", format!("{error}"))
                })
            }
        }

        impl FromRequest for $type {
            crate::model_from_request!();
        }

        impl IntoResponse for $type {
            crate::json_into_response!();
        }
    )*};
}

#[cfg(feature = "uuid")]
foreign_scalars! {
    uuid::Uuid, "uuid_parsing", "UUID";
}

#[cfg(feature = "chrono")]
foreign_scalars! {
    chrono::NaiveDate, "date_from_datetime_parsing", "date or datetime";
    chrono::NaiveTime, "time_parsing", "time format";
    chrono::NaiveDateTime, "datetime_from_date_parsing", "datetime or date";
    chrono::DateTime<chrono::Utc>, "datetime_from_date_parsing", "datetime or date";
    chrono::DateTime<chrono::FixedOffset>, "datetime_from_date_parsing", "datetime or date";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind<T: Model>(text: &str) -> Option<&'static str> {
        T::parse(text).err().map(|fault| fault.kind)
    }

    #[test]
    #[cfg(feature = "uuid")]
    fn uuids_are_read() {
        assert_eq!(kind::<uuid::Uuid>("67e55044-10b1-426f-9247-bb680e5fe0c8"), None);
        assert_eq!(kind::<uuid::Uuid>("67e55044"), Some("uuid_parsing"));
    }

    #[test]
    #[cfg(feature = "chrono")]
    fn dates_and_times_are_read() {
        assert_eq!(kind::<chrono::NaiveDate>("2024-02-29"), None);
        assert_eq!(kind::<chrono::NaiveDate>("2023-02-29"), Some("date_from_datetime_parsing"));
        assert_eq!(kind::<chrono::DateTime<chrono::Utc>>("2024-02-29T10:00:00Z"), None);
        assert_eq!(kind::<chrono::DateTime<chrono::Utc>>("yesterday"), Some("datetime_from_date_parsing"));
    }
}
