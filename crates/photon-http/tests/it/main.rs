//! The codec, byte for byte. Tests are ordered and named by the sections of RFC 9112, those of forms by RFC 2046 and 7578.

mod body;
mod encode;
mod fields;
mod form_heads;
mod forwarded;
mod head;
mod multipart;
mod proxy;
mod split;
