//! Looking for secrets where none may stand: in files, in rows, in what was said.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A word that is in the clear wherever there is anything at all: what is searched can be found.
pub const IN_THE_CLEAR: &str = "harbor-1";

/// What must not be found, each with what it is.
#[derive(Debug, Default)]
pub struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// One more.
    ///
    /// # Panics
    /// When there is nothing to look for.
    pub fn keep(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() > 7, "{what} would be found anywhere");
        self.0.push((what, secret.to_owned()));
    }

    /// Searches all files below `dir`; how many held what stands in the clear.
    ///
    /// # Errors
    /// When a file cannot be read.
    ///
    /// # Panics
    /// When a secret is found.
    pub fn search_below(&self, dir: &Path) -> anyhow::Result<usize> {
        let mut found = 0;
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                found += self.search_below(&path)?;
            } else if path.is_file() {
                let bytes = fs::read(&path)?;
                self.search(&path.display().to_string(), &bytes);
                found += usize::from(holds(&bytes, IN_THE_CLEAR.as_bytes()));
            }
        }
        Ok(found)
    }

    /// Searches `bytes`. A secret may lie about as it is, in base64 of either alphabet, or by its last part alone.
    ///
    /// # Panics
    /// When a secret is found.
    pub fn search(&self, place: &str, bytes: &[u8]) {
        for (what, secret) in &self.0 {
            let last = secret.rsplit('.').next().unwrap_or(secret);
            let forms = [
                secret.clone(),
                last.to_owned(),
                STANDARD.encode(secret),
                URL_SAFE_NO_PAD.encode(secret),
            ];
            for form in forms {
                assert!(!holds(bytes, form.as_bytes()), "{what} stands in {place}");
            }
        }
    }
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
