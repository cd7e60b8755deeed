//! HTTP/1.1 without I/O: header storage, request decoding and response encoding.
//!
//! Bytes go in, requests come out; responses go in, bytes come out. Sockets, clocks and time
//! limits belong to `photon-server`. The rules are those of RFC 9110 (semantics) and RFC 9112
//! (HTTP/1.1); where a recipient may choose between repairing a message and refusing it, it is
//! refused.
//!
//! - [`HeadDecoder`] and [`BodyDecoder`] decode requests within [`Limits`], or say with a
//!   [`DecodeError`] which status to answer before closing.
//! - [`MultipartDecoder`] decodes a body further, to the parts of a form.
//! - [`encode_head`] writes the head of a response and decides how its body is sent.
//! - [`decode_proxy_header`] and [`forwarded_elements`] read what proxies say of the client behind them.
//! - [`Headers`] and [`RequestHead`] keep a message's fields in buffers that a connection reuses.

mod body;
mod class;
mod date;
mod decode;
mod encode;
mod error;
mod extension;
mod fields;
mod forwarded;
mod head;
mod headers;
mod limits;
mod line;
mod multipart;
mod proxy;
mod target;

pub use body::{BodyDecoder, Framing};
pub use date::DateLine;
pub use decode::{Decoded, HeadDecoder};
pub use encode::{
    BodyForm, BodyLength, Reply, encode_chunk, encode_chunk_size, encode_continue, encode_head,
    encode_last_chunk, encode_switch,
};
pub use error::{DecodeError, Fault};
pub use forwarded::{
    ClientAddr, ForwardedElement, forwarded_elements, x_forwarded_for, x_forwarded_host, x_forwarded_proto,
};
pub use head::{RequestHead, Scheme, Version};
pub use headers::{Headers, InvalidHeader};
pub use limits::Limits;
pub use multipart::{Boundary, MultipartDecoder, MultipartError, MultipartEvent, MultipartLimits, PartHead};
pub use proxy::{MAX_PROXY_HEADER, ProxyError, ProxyHeader, ProxySource, decode_proxy_header};
