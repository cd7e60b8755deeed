//! Chores of this repository: `tidy` and `msrv`. Nothing here is published or depended upon.
//!
//! It is plain std Rust without dependencies, so that it builds in a second and keeps building.

mod manifest;
mod msrv;
mod rules;
mod sizes;
mod source;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- <command>

  tidy    check the rules that the compiler cannot (CONTRIBUTING.md lists them), report sizes
  msrv    check that the workspace builds with the `rust-version` it declares
";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy::run(root),
        ["msrv"] => msrv::run(root),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
