//! The page of fortunes.

use std::sync::LazyLock;

use axum::response::Html;
use minijinja::value::Serde;
use minijinja::{Environment, context};

use crate::Failure;
use crate::entities::fortune;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // The name's ending switches escaping on.
    templates
        .add_template("fortunes.html", include_str!("../../fortunes.html"))
        .expect("the template is well formed");
    templates
});

/// Adds the fortune of the moment, sorts by message and renders.
pub fn page(mut fortunes: Vec<fortune::Model>) -> Result<Html<String>, Failure> {
    fortunes.push(fortune::Model { id: 0, message: "Additional fortune added at request time.".to_owned() });
    fortunes.sort_by(|a, b| a.message.cmp(&b.message));
    Ok(Html(TEMPLATES.get_template("fortunes.html")?.render(context! { fortunes => Serde(&fortunes) })?))
}
