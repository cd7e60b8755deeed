//! The arguments that every application understands: `openapi`, `routes`, `--help`.

use std::path::Path;

use photon_core::{HttpError, Result};

use crate::{App, docs, launch};

const USAGE: &str = "usage: [openapi [--output FILE] | routes]

Without arguments the application is served on HOST (127.0.0.1) and PORT (8000).

  openapi                 print the OpenAPI document
  openapi --output FILE   write it to a file
  routes                  print the route table";

/// Does what the arguments say; without any, serves.
pub(crate) fn run(app: App, arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            // A subscriber of the application's own stays.
            let _ = tracing_subscriber::fmt().with_writer(std::io::stderr).try_init();
            launch::serve(app)
        }
        ["openapi"] => print(&document_text(app)?),
        ["openapi", "--output" | "-o", file] => write(&document_text(app)?, Path::new(file)),
        ["openapi", option] if option.starts_with("--output=") => {
            let file = &option["--output=".len()..];
            write(&document_text(app)?, Path::new(file))
        }
        ["routes"] => print(&route_table(app)?),
        ["--help" | "-h" | "help"] => print(USAGE),
        other => Err(HttpError::internal(format!("unknown arguments: {}\n\n{USAGE}", other.join(" ")))),
    }
}

fn document_text(app: App) -> Result<String> {
    let document = app.document()?;
    // What would not start should not be documented as if it did.
    app.into_service()?;
    Ok(document.to_json_pretty())
}

fn print(text: &str) -> Result<()> {
    use std::io::Write;
    match writeln!(std::io::stdout().lock(), "{text}") {
        // `openapi | head` closes the pipe early, which is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

fn write(text: &str, file: &Path) -> Result<()> {
    std::fs::write(file, format!("{text}\n"))
        .map_err(|error| HttpError::internal(format!("cannot write {}: {error}", file.display())))
}

/// One line per route: method, path, operation.
fn route_table(app: App) -> Result<String> {
    let service = app.into_service()?;
    let rows: Vec<[&str; 3]> = service
        .router
        .endpoints()
        .filter(|endpoint| !docs::is_asset(endpoint.operation_id()))
        .map(|endpoint| [endpoint.method().as_str(), endpoint.path(), endpoint.operation_id()])
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (methods, paths) = (width(0), width(1));
    let lines = rows.iter().map(|[method, path, operation]| {
        format!("{method:methods$}  {path:paths$}  {operation}").trim_end().to_owned()
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
