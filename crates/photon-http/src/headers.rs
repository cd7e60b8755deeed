//! Header fields of one message, in the order they came, in one buffer.
//!
//! A map with a heap allocation per field costs more than the rest of a small request. So all names and values of a
//! message share one block, which the thread uses again for the next message, and a look-up is a scan: messages have a
//! dozen fields, not thousands (the decoder bounds their number).

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use crate::class::{TOKEN, is_field_byte};

/// Blocks that a thread keeps for the next messages.
const SPARES: usize = 16;
/// Larger ones are not kept.
const SPARE_BYTES: usize = 1024;
const SPARE_FIELDS: usize = 64;

thread_local! {
    #[expect(clippy::vec_box, reason = "they are handed out and taken back as boxes")]
    static SPARE: RefCell<Vec<Box<Block>>> = const { RefCell::new(Vec::new()) };
}

/// Header fields in wire order. Names compare without regard to ASCII case (RFC 9110 §5.1).
///
/// ```
/// use photon_http::Headers;
///
/// let mut headers = Headers::new();
/// headers.append("Accept", "text/html");
/// headers.append("accept", "application/json");
/// assert_eq!(headers.get("ACCEPT"), Some("text/html"));
/// assert_eq!(headers.get_all("accept").count(), 2);
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    /// Behind a pointer, because responses are moved around more than their fields are read.
    block: Option<Box<Block>>,
}

#[derive(Clone, Default)]
struct Block {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    name: Range<u32>,
    value: Range<u32>,
}

/// A header name or value that must not go on the wire.
///
/// Names are tokens and values hold no control characters but the tab (RFC 9110 §5.1, §5.5), so
/// that text from a client can never start a second field or a second response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidHeader {
    /// The name is empty or holds a byte that no token may hold.
    Name(String),
    /// The value holds a control character; the name says where.
    Value {
        /// The name of the field with the refused value.
        name: String,
    },
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?} is not a header name (RFC 9110 §5.1)"),
            Self::Value { name } => {
                write!(f, "the value of header {name:?} holds a control character (RFC 9110 §5.5)")
            }
        }
    }
}

impl std::error::Error for InvalidHeader {}

impl Headers {
    /// No fields, and no block until the first one.
    #[must_use]
    pub const fn new() -> Self {
        Self { block: None }
    }

    /// How many fields there are; a repeated name counts each time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// Removes all fields and keeps the block for the next ones.
    pub fn clear(&mut self) {
        if let Some(block) = &mut self.block {
            block.bytes.clear();
            block.fields.clear();
        }
    }

    /// The first value under `name`, if it is UTF-8. [`Headers::get_bytes`] gives any value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value under `name` as it came.
    #[must_use]
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.fields().iter().find(|field| self.is_named(field, name)).map(|field| self.slice(&field.value))
    }

    /// Every UTF-8 value under `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields()
            .iter()
            .filter(move |field| self.is_named(field, name))
            .filter_map(|field| std::str::from_utf8(self.slice(&field.value)).ok())
    }

    /// Whether a field has this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.fields().iter().any(|field| self.is_named(field, name))
    }

    /// All fields in order: the name as it was written, and the value.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &[u8])> {
        self.fields().iter().map(|field| {
            let name = std::str::from_utf8(self.slice(&field.name)).unwrap_or_default();
            (name, self.slice(&field.value))
        })
    }

    /// Adds a field after the others.
    ///
    /// # Panics
    /// If the name or the value must not go on the wire; [`Headers::try_append`] returns that.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.try_append(name, value).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Sets a field, removing every earlier one of that name.
    ///
    /// # Panics
    /// If the name or the value must not go on the wire; [`Headers::try_insert`] returns that.
    pub fn insert(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.try_insert(name, value).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Adds a field after the others, for a name or value that comes from outside.
    ///
    /// # Errors
    /// [`InvalidHeader`] if the name is no token or the value holds a control character.
    pub fn try_append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidHeader> {
        let value = value.as_ref();
        if name.is_empty() || !TOKEN.holds_all(name.as_bytes()) {
            return Err(InvalidHeader::Name(name.to_owned()));
        }
        // Without an early exit the compiler looks at many bytes at once.
        if !value.iter().fold(true, |valid, &byte| valid & is_field_byte(byte)) {
            return Err(InvalidHeader::Value { name: name.to_owned() });
        }
        let block = self.block();
        let name = block.copy(name.as_bytes());
        let value = block.copy(value);
        block.fields.push(Field { name, value });
        Ok(())
    }

    /// Sets a field, for a name or value that comes from outside.
    ///
    /// # Errors
    /// [`InvalidHeader`] if the name is no token or the value holds a control character; earlier
    /// fields of that name then stay.
    pub fn try_insert(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidHeader> {
        let before = self.len();
        self.try_append(name, value)?;
        if before == 0 {
            return Ok(());
        }
        let mut index = 0;
        let Block { bytes, fields } = self.block();
        fields.retain(|field| {
            index += 1;
            index > before || !slice(bytes, &field.name).eq_ignore_ascii_case(name.as_bytes())
        });
        Ok(())
    }

    /// Removes every field of that name and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(block) = &mut self.block else { return false };
        let before = block.fields.len();
        let Block { bytes, fields } = &mut **block;
        fields.retain(|field| !slice(bytes, &field.name).eq_ignore_ascii_case(name.as_bytes()));
        fields.len() != before
    }

    /// All fields in order, names as bytes.
    pub(crate) fn raw(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields().iter().map(|field| (self.slice(&field.name), self.slice(&field.value)))
    }

    /// Stores a whole field section at once, in which [`Headers::push_range`] says where the fields are. The decoders' way
    /// in: one copy for all fields, which they have checked.
    pub(crate) fn store(&mut self, section: &[u8]) {
        let bytes = &mut self.block().bytes;
        bytes.clear();
        bytes.extend_from_slice(section);
    }

    /// Adds a field by the places of its name and value in the section that was stored, or will be before anybody reads it.
    #[inline]
    pub(crate) fn push_range(&mut self, name: Range<usize>, value: Range<usize>) {
        let name = offset(name.start)..offset(name.end);
        self.block().fields.push(Field { name, value: offset(value.start)..offset(value.end) });
    }

    /// The block to store fields in.
    fn block(&mut self) -> &mut Block {
        // Fails while the thread ends.
        let spare = || SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
        self.block.get_or_insert_with(|| spare().unwrap_or_default())
    }

    fn fields(&self) -> &[Field] {
        self.block.as_ref().map_or(&[], |block| &block.fields)
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.block.as_ref().map_or(&[], |block| slice(&block.bytes, range))
    }

    fn is_named(&self, field: &Field, name: &str) -> bool {
        self.slice(&field.name).eq_ignore_ascii_case(name.as_bytes())
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        let Some(mut block) = self.block.take() else { return };
        if block.bytes.capacity() > SPARE_BYTES || block.fields.capacity() > SPARE_FIELDS {
            return;
        }
        block.bytes.clear();
        block.fields.clear();
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARES {
                spare.push(block);
            }
        });
    }
}

impl Block {
    /// Copies a part of a field behind the others.
    fn copy(&mut self, part: &[u8]) -> Range<u32> {
        let start = offset(self.bytes.len());
        self.bytes.extend_from_slice(part);
        start..offset(self.bytes.len())
    }
}

fn slice<'a>(bytes: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    &bytes[range.start as usize..range.end as usize]
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("the header fields of one message hold less than 4 GiB")
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
            .finish()
    }
}
