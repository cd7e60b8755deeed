//! The server over real loopback sockets, against a small handler of its own.

mod bodies;
mod capacity;
mod child;
mod drain;
mod exchange;
mod logs;
mod multipart;
mod places;
mod proxies;
mod refusals;
mod rough;
mod support;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
mod upgrades;
