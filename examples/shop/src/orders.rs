//! Orders: all of their lines or none, and never more than there is.

use std::collections::BTreeMap;

use photon::db::prelude::*;
use photon::db::sea_orm::sea_query::ExprTrait;
use photon::db::{CursorOrder, CursorPage, CursorParams, CursorQuery, SoftDelete};
use photon::prelude::*;

use crate::entities::{customer, line, order, product};

#[model]
pub(crate) struct NewOrder {
    customer_id: i32,
    #[validate(length(min = 1, max = 50))]
    lines: Vec<NewLine>,
}

#[model]
struct NewLine {
    product_id: i32,
    #[validate(range(min = 1, max = 1_000))]
    quantity: i32,
}

/// An order with its lines.
#[model(output)]
pub(crate) struct OrderDetails {
    #[serde(flatten)]
    order: order::Model,
    lines: Vec<line::Model>,
}

/// Order products. Either there is enough of all of them, or nothing happens.
#[post("/orders", tags = ["orders"], status = 201, errors(404, 409))]
pub(crate) fn create_order(wanted: NewOrder, tx: Tx) -> Result<OrderDetails> {
    customer::Entity::find_by_id(wanted.customer_id).one(&tx).wait().or_404()?;
    // A product that is named twice counts once. And all orders take products in the same sequence, so that no two
    // of them wait for each other.
    let mut quantities = BTreeMap::new();
    for line in wanted.lines {
        *quantities.entry(line.product_id).or_insert(0) += line.quantity;
    }
    let mut lines = Vec::with_capacity(quantities.len());
    for (product_id, quantity) in quantities {
        let price = take_from_stock(product_id, quantity, &tx)?;
        lines.push(line::ActiveModel {
            product_id: Set(product_id),
            quantity: Set(quantity),
            price: Set(price),
            ..Default::default()
        });
    }
    let total = lines.iter().map(|line| i64::from(*line.quantity.as_ref()) * line.price.as_ref()).sum();
    let order = order::ActiveModel {
        customer_id: Set(wanted.customer_id),
        total: Set(total),
        cancelled: Set(false),
        ..Default::default()
    };
    let order = order.insert(&tx).wait()?;
    lines.iter_mut().for_each(|line| line.order_id = Set(order.id));
    line::Entity::insert_many(lines).exec(&tx).wait()?;
    details(order, &tx)
}

/// Takes so many of a product, if there are so many, and gives its price.
fn take_from_stock(product_id: i32, quantity: i32, tx: &Tx) -> Result<i64> {
    // One statement looks and takes: between two, somebody else could be faster.
    let taken = product::Entity::update_many()
        .col_expr(product::Column::Stock, Expr::col(product::Column::Stock).sub(quantity))
        .filter(product::Column::Id.eq(product_id))
        .filter(product::Column::Stock.gte(quantity))
        .filter(product::Column::DeletedAt.is_null())
        .exec(tx)
        .wait()?;
    let product = product::Entity::find_live_by_id(product_id).one(tx).wait()?;
    let product = product.ok_or_else(|| HttpError::not_found(format!("there is no product {product_id}")))?;
    if taken.rows_affected == 0 {
        return Err(HttpError::conflict(format!("there are only {} of product {product_id}", product.stock)));
    }
    Ok(product.price)
}

/// Read an order.
#[get("/orders/{id}", tags = ["orders"], errors(404))]
pub(crate) fn read_order(id: i32, db: Db) -> Result<OrderDetails> {
    details(order::Entity::find_by_id(id).one(&db).wait().or_404()?, &db)
}

/// List orders, the latest first.
#[get("/orders", tags = ["orders"])]
pub(crate) fn list_orders(
    customer_id: Option<i32>,
    cursor: CursorParams,
    db: Db,
) -> Result<CursorPage<order::Model>> {
    let mut orders = order::Entity::find();
    if let Some(id) = customer_id {
        orders = orders.filter(order::Column::CustomerId.eq(id));
    }
    Ok(orders.cursor_page(&db, CursorOrder::desc([order::Column::Id]), cursor).wait()?)
}

/// Cancel an order. What it took goes back; doing it again changes nothing.
#[post("/orders/{id}/cancellation", tags = ["orders"], errors(404))]
pub(crate) fn cancel_order(id: i32, tx: Tx) -> Result<OrderDetails> {
    let order = order::Entity::find_by_id(id).one(&tx).wait().or_404()?;
    let cancelled = order::Entity::update_many()
        .col_expr(order::Column::Cancelled, Expr::value(true))
        .filter(order::Column::Id.eq(id))
        .filter(order::Column::Cancelled.eq(false))
        .exec(&tx)
        .wait()?;
    let mut order = details(order, &tx)?;
    order.order.cancelled = true;
    if cancelled.rows_affected == 1 {
        let mut lines: Vec<&line::Model> = order.lines.iter().collect();
        lines.sort_by_key(|line| line.product_id);
        for line in lines {
            product::Entity::update_many()
                .col_expr(product::Column::Stock, Expr::col(product::Column::Stock).add(line.quantity))
                .filter(product::Column::Id.eq(line.product_id))
                .exec(&tx)
                .wait()?;
        }
    }
    Ok(order)
}

fn details(order: order::Model, db: &impl ConnectionTrait) -> Result<OrderDetails> {
    let lines = order.find_related(line::Entity).order_by_asc(line::Column::Id).all(db).wait()?;
    Ok(OrderDetails { order, lines })
}
