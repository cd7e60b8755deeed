//! The tables, as SeaORM's entities. Each is a documented response as well.

pub(crate) mod customer;
pub(crate) mod line;
pub(crate) mod order;
pub(crate) mod product;
