//! Customers: each has an e-mail address of their own.

use photon::db::prelude::*;
use photon::prelude::*;

use crate::entities::customer::{self, Entity as Customer};

/// What somebody tells of themselves.
#[model]
pub(crate) struct NewCustomer {
    #[validate(length(min = 1, max = 80))]
    name: String,
    #[validate(email, length(max = 200))]
    email: String,
}

/// Become a customer.
#[post("/customers", tags = ["customers"], status = 201, errors(409))]
pub(crate) fn create_customer(customer: NewCustomer, db: Db) -> Result<customer::Model> {
    let customer =
        customer::ActiveModel { name: Set(customer.name), email: Set(customer.email), ..Default::default() };
    // A second one with this address is a 409: the unique index says so.
    Ok(customer.insert(&db).wait()?)
}

/// Read one customer.
#[get("/customers/{id}", tags = ["customers"], errors(404))]
pub(crate) fn read_customer(id: i32, db: Db) -> Result<customer::Model> {
    Customer::find_by_id(id).one(&db).wait().or_404()
}
