//! The contract, held against files: a golden file for every message, byte for byte, and the
//! generated JSON Schemas and TypeScript.
//!
//! `UPDATE_CONTRACT=1 cargo test -p schemas` writes the files anew; the difference then travels
//! with the change that made it.

mod asyncapi;
mod erasure;
mod fleet;
mod golden;
mod identity;
mod instances;
mod json_schema;
mod lobby;
mod typescript;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares `made` with the committed file, or writes it when `UPDATE_CONTRACT` is set.
fn check(path: &str, made: &[u8]) {
    let path = root().join(path);
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(&path, made).unwrap();
        return;
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{} differs from what the types say; if the change is meant, run \
         `UPDATE_CONTRACT=1 cargo test -p schemas` and commit the difference",
        path.display()
    );
}
