//! The corpus through the targets' functions, on stable Rust and in a second: what fuzzing has found stays found.

use std::fs;
use std::path::Path;

/// A target's name, and the function that it calls.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("head", photon_fuzz::head::check),
    ("body", photon_fuzz::body::check),
    ("connection", photon_fuzz::connection::check),
    ("multipart", photon_fuzz::multipart::check),
    ("response", photon_fuzz::response::check),
    ("url", photon_fuzz::url::check),
    ("proxy", photon_fuzz::proxy::check),
];

#[test]
fn the_corpus_holds() {
    for (name, check) in TARGETS {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut count = 0;
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::read(&path).unwrap();
            // The first byte chooses limits and splits; all choices are tried.
            for first in 0..=255 {
                let mut data = data.clone();
                if let Some(byte) = data.first_mut() {
                    *byte = first;
                }
                if let Err(panic) = std::panic::catch_unwind(|| check(&data)) {
                    eprintln!("{} with {first}", path.display());
                    std::panic::resume_unwind(panic);
                }
            }
            count += 1;
        }
        assert!(count >= 5, "the corpus of {name} has {count} files");
    }
}
