//! The documentation pages: the document itself, Swagger UI and ReDoc.
//!
//! All scripts and styles are in the program, so the pages work without the internet, and a
//! content security policy keeps them from asking anybody else for anything.

use std::sync::Arc;

use aide::redoc::Redoc;
use photon_core::{Method, Request, Response, Route, StatusCode};
use photon_router::openapi::Document;
use swagger_ui_redist::SwaggerUi;

/// Where the pages are; `None` where they are not.
#[derive(Debug, Clone)]
pub(crate) struct DocsPaths {
    pub(crate) openapi: Option<&'static str>,
    pub(crate) swagger_ui: Option<&'static str>,
    pub(crate) redoc: Option<&'static str>,
}

impl Default for DocsPaths {
    fn default() -> Self {
        Self { openapi: Some("/openapi.json"), swagger_ui: Some("/docs"), redoc: Some("/redoc") }
    }
}

/// Scripts and pictures come from this server alone. "Try it out" may call any server that the
/// document names. ReDoc searches in a worker of its own and shows a logo of its maker, which the
/// policy leaves out.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; worker-src blob:; connect-src *; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'self'";

/// The routes of the pages, hidden from the document.
pub(crate) fn routes(paths: &DocsPaths, document: &Document) -> Vec<Route> {
    let Some(openapi) = paths.openapi else { return Vec::new() };
    let json = document.to_json();
    let mut routes = vec![asset("openapi_document", openapi, "application/json", json.into_bytes())];
    let title = escape_html(&document.info.title);
    if let Some(path) = paths.swagger_ui {
        routes.extend(swagger_ui(path, openapi, &title));
    }
    if let Some(path) = paths.redoc {
        routes.extend(redoc(path, openapi, &title));
    }
    routes
}

fn swagger_ui(path: &'static str, openapi: &str, title: &str) -> Vec<Route> {
    let base = path.trim_end_matches('/');
    let page = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – Swagger UI</title>
<link rel="stylesheet" href="{base}/swagger-ui.css">
<link rel="icon" type="image/png" href="{base}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}/swagger-ui-bundle.js"></script>
<script src="{base}/start.js"></script>
</body>
</html>
"#
    );
    let settings = serde_json::json!({
        "url": openapi,
        "dom_id": "#swagger-ui",
        "deepLinking": true,
        "validatorUrl": null,
    });
    let start = format!(
        "const settings = {settings};\n\
         settings.presets = [SwaggerUIBundle.presets.apis];\n\
         window.ui = SwaggerUIBundle(settings);\n"
    );
    let mut routes = vec![
        html_page("swagger_ui", path, page),
        asset("swagger_ui_start", &format!("{base}/start.js"), JAVASCRIPT, start.into_bytes()),
    ];
    for (file, bytes) in SwaggerUi::static_files() {
        let name = file.file_name();
        let content_type = match name.rsplit('.').next() {
            Some("js") => JAVASCRIPT,
            Some("css") => "text/css; charset=utf-8",
            _ => "image/png",
        };
        // The preset is for a page with a top bar, and `index.css` for the margins of one.
        if matches!(name, "swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png") {
            let id = format!("swagger_ui_{}", name.replace(['.', '-'], "_"));
            routes.push(asset(&id, &format!("{base}/{name}"), content_type, *bytes));
        }
    }
    routes
}

fn redoc(path: &'static str, openapi: &str, title: &str) -> Vec<Route> {
    let base = path.trim_end_matches('/');
    let openapi = escape_html(openapi);
    let page = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – ReDoc</title>
<style>body {{ margin: 0; padding: 0; }}</style>
</head>
<body>
<redoc spec-url="{openapi}"></redoc>
<script src="{base}/redoc.standalone.js"></script>
</body>
</html>
"#
    );
    vec![
        html_page("redoc", path, page),
        asset(
            "redoc_script",
            &format!("{base}/redoc.standalone.js"),
            JAVASCRIPT,
            redoc_script().into_bytes(),
        ),
    ]
}

/// The script inside the page that `aide` carries: it gives the page alone, and a page with a
/// megabyte of script in it cannot be cached or have a strict content security policy.
fn redoc_script() -> String {
    let page = Redoc::new("").html();
    let script = page.split_once("<script>").and_then(|(_, rest)| rest.rsplit_once("Redoc.init("));
    script.map(|(script, _)| script.trim().to_owned()).unwrap_or_default()
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

fn html_page(id: &str, path: &str, page: String) -> Route {
    let page: Arc<str> = page.into();
    route(id, path, move |_: &mut Request| {
        Response::with_body("text/html; charset=utf-8", page.to_string())
            .header("content-security-policy", POLICY)
            .header("x-content-type-options", "nosniff")
            .header("cache-control", "no-cache")
    })
}

fn asset(id: &str, path: &str, content_type: &'static str, body: impl Into<bytes::Bytes>) -> Route {
    let body: bytes::Bytes = body.into();
    // Scripts and styles change with the framework's version, the document with every deployment.
    let cache = if content_type == "application/json" { "no-cache" } else { "public, max-age=3600" };
    route(id, path, move |_: &mut Request| {
        Response::with_body(content_type, body.clone()).header("cache-control", cache)
    })
}

fn route(id: &str, path: &str, handler: impl photon_core::Handler) -> Route {
    Route {
        method: Method::GET,
        path: path.to_owned(),
        operation_id: format!("photon_{id}"),
        named: true,
        module: module_path!(),
        summary: None,
        description: None,
        tags: Vec::new(),
        deprecated: false,
        hidden: true,
        status: StatusCode::OK,
        response_description: None,
        errors: Vec::new(),
        handler: Arc::new(handler),
        describe: |_| {},
    }
}

/// Whether an operation is a script, a style or a picture of a page, which a route table leaves out.
pub(crate) fn is_asset(operation_id: &str) -> bool {
    ["photon_swagger_ui_", "photon_redoc_"].iter().any(|prefix| operation_id.starts_with(prefix))
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_whole() {
        let script = redoc_script();
        assert!(script.len() > 500_000, "{} bytes", script.len());
        assert!(script.starts_with("/*!") && !script.contains("</script>"), "{}", &script[..60]);
    }

    #[test]
    fn swagger_ui_has_its_files() {
        let paths: Vec<String> =
            swagger_ui("/docs", "/openapi.json", "Title").into_iter().map(|route| route.path).collect();
        for file in ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "start.js"] {
            assert!(paths.contains(&format!("/docs/{file}")), "{file} is missing in {paths:?}");
        }
    }
}
