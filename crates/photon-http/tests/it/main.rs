//! The codec, byte for byte. Tests are ordered and named by the sections of RFC 9112.

mod body;
mod encode;
mod head;
mod multipart;
mod split;
