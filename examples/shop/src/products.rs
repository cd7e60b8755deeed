//! Products: found page by page, changed, restocked, taken off sale.

use photon::db::prelude::*;
use photon::db::sea_orm::sea_query::ExprTrait;
use photon::db::{Page, PageParams, PageQuery, SoftDelete, containing};
use photon::prelude::*;

use crate::entities::product::{self, Column, Entity as Product};

/// What somebody sends to put something on sale.
#[model]
pub(crate) struct NewProduct {
    #[validate(length(min = 2, max = 80))]
    name: String,
    /// In cents.
    #[validate(range(min = 1, max = 100_000_000))]
    price: i64,
    #[serde(default)]
    #[validate(range(min = 0, max = 1_000_000))]
    stock: i32,
}

#[model]
pub(crate) struct Restock {
    /// How many come in.
    #[validate(range(min = 1, max = 10_000))]
    quantity: i32,
}

/// List what is on sale.
#[get("/products", tags = ["products"])]
pub(crate) fn list_products(
    /// Only products whose name contains this.
    #[query(min_length = 1, max_length = 80)]
    q: Option<String>,
    page: PageParams,
    db: Db,
) -> Result<Page<product::Model>> {
    let mut products = Product::find_live().order_by_asc(Column::Name).order_by_asc(Column::Id);
    if let Some(q) = q {
        products = products.filter(Column::Name.like(containing(&q)));
    }
    Ok(products.page(&db, page).wait()?)
}

/// Read one product.
#[get("/products/{id}", tags = ["products"], errors(404))]
pub(crate) fn read_product(id: i32, db: Db) -> Result<product::Model> {
    find(id, &db)
}

/// Put something on sale.
#[post("/products", tags = ["products"], status = 201)]
pub(crate) fn create_product(product: NewProduct, db: Db) -> Result<product::Model> {
    let product = product::ActiveModel {
        name: Set(product.name),
        price: Set(product.price),
        stock: Set(product.stock),
        ..Default::default()
    };
    Ok(product.insert(&db).wait()?)
}

/// Change a product. Its stock changes by orders and deliveries, not here.
#[put("/products/{id}", tags = ["products"], errors(404))]
pub(crate) fn update_product(id: i32, change: NewProduct, tx: Tx) -> Result<product::Model> {
    let mut product = find(id, &tx)?.into_active_model();
    product.name = Set(change.name);
    product.price = Set(change.price);
    Ok(product.update(&tx).wait()?)
}

/// Take in a delivery.
#[post("/products/{id}/deliveries", tags = ["products"], errors(404, 409))]
pub(crate) fn restock_product(id: i32, delivery: Restock, tx: Tx) -> Result<product::Model> {
    const MOST: i32 = 1_000_000;
    find(id, &tx)?;
    // The database adds, so that deliveries at the same time all count.
    let added = Product::update_many()
        .col_expr(Column::Stock, Expr::col(Column::Stock).add(delivery.quantity))
        .filter(Column::Id.eq(id))
        .filter(Column::Stock.lte(MOST - delivery.quantity))
        .exec(&tx)
        .wait()?;
    if added.rows_affected == 0 {
        return Err(HttpError::conflict("there is no room for so many"));
    }
    find(id, &tx)
}

/// Take a product off sale. Orders keep it.
#[delete("/products/{id}", tags = ["products"], status = 204, errors(404))]
pub(crate) fn delete_product(id: i32, db: Db) -> Result<()> {
    if Product::soft_delete_by_id(&db, id).wait()? { Ok(()) } else { Err(HttpError::not_found("Not Found")) }
}

fn find(id: i32, db: &impl ConnectionTrait) -> Result<product::Model> {
    Product::find_live_by_id(id).one(db).wait().or_404()
}
