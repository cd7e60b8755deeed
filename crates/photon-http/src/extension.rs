//! The grammar of chunk extensions, byte by byte (RFC 9112 §7.1.1). Nothing in Photon gives an
//! extension a meaning, but one that two servers could read differently is refused.

use crate::class::{TOKEN, is_field_byte};

/// What may come next: `BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ]`, repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extension {
    /// Whitespace before a `;`.
    Before,
    /// The first byte of a name, or whitespace before it.
    Start,
    /// A byte of a name, or what follows it.
    Name,
    /// Whitespace after a name.
    AfterName,
    /// The first byte of a value, or whitespace before it.
    Value,
    /// A byte of a value that is a token, or what follows it.
    Token,
    /// A byte of a quoted value.
    Quoted,
    /// The byte after a backslash.
    Escaped,
    /// What follows a quoted value.
    AfterQuoted,
}

impl Extension {
    /// What comes after `byte`; `None` if the byte must not be here.
    pub(crate) fn next(self, byte: u8) -> Option<Self> {
        let space = matches!(byte, b' ' | b'\t');
        Some(match (self, byte) {
            (Self::Before | Self::Name | Self::AfterName | Self::Token | Self::AfterQuoted, b';') => {
                Self::Start
            }
            (Self::Before | Self::Token | Self::AfterQuoted, _) if space => Self::Before,
            (Self::Start, _) if space => Self::Start,
            (Self::Start | Self::Name, _) if TOKEN.contains(byte) => Self::Name,
            (Self::Name | Self::AfterName, b'=') => Self::Value,
            (Self::Name | Self::AfterName, _) if space => Self::AfterName,
            (Self::Value, _) if space => Self::Value,
            (Self::Value, b'"') => Self::Quoted,
            (Self::Value | Self::Token, _) if TOKEN.contains(byte) => Self::Token,
            (Self::Quoted, b'"') => Self::AfterQuoted,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted | Self::Escaped, _) if is_field_byte(byte) => Self::Quoted,
            _ => return None,
        })
    }

    /// Whether the line may end here.
    pub(crate) fn may_end(self) -> bool {
        matches!(self, Self::Name | Self::Token | Self::AfterQuoted)
    }
}
