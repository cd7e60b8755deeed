//! MiniJinja as Loco's view engine, with the template that all peers have.

use std::sync::Arc;

use loco_rs::app::{AppContext, Initializer};
use loco_rs::prelude::{ViewEngine, ViewRenderer, async_trait};
use loco_rs::{Error, Result};
use minijinja::Environment;
use minijinja::value::Serde;

#[derive(Clone)]
pub struct MiniJinja(Arc<Environment<'static>>);

impl ViewRenderer for MiniJinja {
    fn render<S: serde::Serialize>(&self, key: &str, data: S) -> Result<String> {
        let template = self.0.get_template(key).map_err(Error::msg)?;
        template.render(Serde(data)).map_err(Error::msg)
    }
}

/// Hands the view engine to the controllers.
pub struct Templates;

#[async_trait]
impl Initializer for Templates {
    fn name(&self) -> String {
        "templates".to_owned()
    }

    async fn after_routes(&self, router: axum::Router, _ctx: &AppContext) -> Result<axum::Router> {
        let mut templates = Environment::new();
        // The name's ending switches escaping on.
        templates.add_template("fortunes.html", include_str!("../../fortunes.html")).map_err(Error::msg)?;
        Ok(router.layer(axum::Extension(ViewEngine::new(MiniJinja(Arc::new(templates))))))
    }
}
