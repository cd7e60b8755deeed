//! HTTP/1.1 without I/O: header storage, request decoding and response encoding.

mod head;
mod headers;

pub use head::{RequestHead, Version};
pub use headers::{Headers, InvalidHeader};
