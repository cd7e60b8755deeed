//! What happens when servers and connections fail.

#[cfg(feature = "postgres")]
mod absence;
mod crash;
mod cuts;
#[cfg(feature = "postgres")]
mod replicas;
