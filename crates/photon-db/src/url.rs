//! Database URLs: which kind of database they name, and how they look without their password.

#[cfg(feature = "mysql")]
use std::borrow::Cow;

/// The kinds of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

/// The kind that a URL's scheme names.
pub(crate) fn kind(url: &str) -> Option<Kind> {
    let scheme = url.split(':').next().unwrap_or_default();
    Some(match scheme {
        "sqlite" => Kind::Sqlite,
        "postgres" | "postgresql" => Kind::Postgres,
        "mysql" | "mariadb" => Kind::MySql,
        _ => return None,
    })
}

/// sqlx knows MariaDB by the name of its protocol.
#[cfg(feature = "mysql")]
pub(crate) fn mysql_url(url: &str) -> Cow<'_, str> {
    match url.strip_prefix("mariadb:") {
        Some(rest) => Cow::Owned(format!("mysql:{rest}")),
        None => Cow::Borrowed(url),
    }
}

/// The URL without its password and parameters, for logs and messages.
pub(crate) fn redacted(url: &str) -> String {
    let (rest, has_parameters) = match url.split_once('?') {
        Some((rest, _)) => (rest, true),
        None => (url, false),
    };
    let mut text = match rest.split_once("://") {
        // The last `@` ends the credentials: a password may hold others that were not encoded.
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((credentials, host)) => {
                let user = credentials.split(':').next().unwrap_or_default();
                format!("{scheme}://{user}@{host}")
            }
            None => format!("{scheme}://{rest}"),
        },
        None => rest.to_owned(),
    };
    if has_parameters {
        text.push_str("?…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_name_kinds() {
        for (url, expected) in [
            ("sqlite:shop.db", Some(Kind::Sqlite)),
            ("sqlite::memory:", Some(Kind::Sqlite)),
            ("postgres://u@h/d", Some(Kind::Postgres)),
            ("postgresql://u@h/d", Some(Kind::Postgres)),
            ("mysql://u@h/d", Some(Kind::MySql)),
            ("mariadb://u@h/d", Some(Kind::MySql)),
            ("oracle://u@h/d", None),
            ("", None),
        ] {
            assert_eq!(kind(url), expected, "{url}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for (url, expected) in [
            ("postgres://ada:s3cret@db:5432/shop", "postgres://ada@db:5432/shop"),
            ("postgres://ada:s3c@ret@db/shop?password=s3cret", "postgres://ada@db/shop?…"),
            ("sqlite:shop.db", "sqlite:shop.db"),
            ("mysql://db/shop", "mysql://db/shop"),
        ] {
            assert_eq!(redacted(url), expected);
            assert!(!redacted(url).contains("s3c"));
        }
    }
}
