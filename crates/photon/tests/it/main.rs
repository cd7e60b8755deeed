//! The framework from outside, as an application uses it.

mod bodies;
// The compiler lists other types that would do, and with databases there are more of them.
#[cfg(not(feature = "db"))]
mod compile_fail;
#[cfg(feature = "db")]
mod databases;
mod dependencies;
mod documents;
mod launch;
mod lifecycle;
mod multipart;
mod odd_models;
mod parameters;
mod responses;
mod spec_first;

use serde_json::Value;

/// The faults of a 422 response, as `type loc…`.
fn faults(response: &photon::testing::TestResponse) -> Vec<String> {
    assert_eq!(response.status(), 422, "{}", response.text());
    let details = response.json::<Value>()["detail"].as_array().expect("a list of faults").clone();
    let line = |detail: &Value| {
        let location: Vec<String> = detail["loc"]
            .as_array()
            .expect("a location")
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
            .collect();
        format!("{} {}", detail["type"].as_str().expect("a type"), location.join("."))
    };
    details.iter().map(line).collect()
}
