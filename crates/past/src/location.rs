//! Where an archive lies: a directory, or a prefix in an S3-compatible object store.
//!
//! What an object store needs to know beside bucket and prefix (credentials, region, another endpoint) comes from the
//! usual variables: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`, …

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use crate::PastError;

/// Where an archive lies: `DIR` or `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A bucket, and what stands before every name in it.
    S3 {
        /// The bucket.
        bucket: String,
        /// Without slashes at its ends; may be empty.
        prefix: String,
    },
}

/// A text that is no [`Location`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place for an archive: give a directory, or `s3://bucket/prefix`")]
pub struct LocationError(String);

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let wrong = || LocationError(text.chars().take(120).collect());
        let Some((scheme, rest)) = text.split_once("://") else {
            let found = !text.trim().is_empty();
            return found
                .then(|| Self::Directory(text.into()))
                .ok_or_else(wrong);
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if scheme != "s3" || bucket.is_empty() || !bucket.chars().all(is_name) {
            return Err(wrong());
        }
        Ok(Self::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// An opened [`Location`]: objects under one root.
#[derive(Debug, Clone)]
pub struct Store {
    /// The objects.
    pub objects: Arc<dyn ObjectStore>,
    /// What stands before every name.
    pub root: Path,
    /// As people name it.
    pub(crate) shown: Arc<str>,
}

impl Location {
    /// Opens it to read. A directory must be there.
    ///
    /// # Errors
    /// `NoArchive` for a directory that is not there, `Unreachable` for what cannot be used.
    pub fn open(&self) -> Result<Store, PastError> {
        if let Self::Directory(path) = self
            && !path.is_dir()
        {
            return Err(PastError::NoArchive {
                place: self.to_string(),
            });
        }
        self.store()
    }

    /// Opens it to write; a directory is made, for its owner only.
    ///
    /// # Errors
    /// `Unreachable` for what cannot be used.
    pub fn create(&self) -> Result<Store, PastError> {
        if let Self::Directory(path) = self {
            make(path).map_err(|error| self.unreachable(&error))?;
        }
        self.store()
    }

    fn store(&self) -> Result<Store, PastError> {
        let shown = self.to_string().into();
        let (objects, root): (Arc<dyn ObjectStore>, Path) = match self {
            Self::Directory(path) => {
                let files = LocalFileSystem::new_with_prefix(path);
                let files = files.map_err(|error| self.unreachable(&error))?;
                // What is purged from the broker afterwards must be on the disk, not on its way there.
                (Arc::new(files.with_fsync(true)), Path::default())
            }
            Self::S3 { bucket, prefix } => {
                // The client takes the process's provider, and finds none when another has not been chosen.
                rustls::crypto::ring::default_provider()
                    .install_default()
                    .ok();
                let client = AmazonS3Builder::from_env().with_bucket_name(bucket);
                let client = client.build().map_err(|error| self.unreachable(&error))?;
                (Arc::new(client), Path::from(prefix.as_str()))
            }
        };
        Ok(Store {
            objects,
            root,
            shown,
        })
    }

    fn unreachable(&self, error: &dyn fmt::Display) -> PastError {
        PastError::Unreachable {
            place: self.to_string(),
            reason: error.to_string(),
        }
    }
}

fn make(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
}

impl Store {
    /// The name of an object under the root.
    pub(crate) fn path(&self, parts: &[&str]) -> Path {
        let parts = parts.iter().map(|part| (*part).into());
        let root = self.root.parts().collect::<Vec<_>>().into_iter();
        root.chain(parts).collect()
    }

    /// An object as people find it.
    pub(crate) fn show(&self, path: &Path) -> String {
        let under = path.prefix_match(&self.root).map_or_else(
            || path.to_string(),
            |rest| {
                let rest: Vec<_> = rest.map(|part| part.as_ref().to_owned()).collect();
                rest.join("/")
            },
        );
        format!("{}/{under}", self.shown.trim_end_matches('/'))
    }

    /// What was there is not, and nothing removes it.
    pub(crate) fn gone(&self, stream: &str, number: u64) -> PastError {
        self.unreachable(&format!(
            "manifest {number} of {stream} was there, and is not any more: is the disk mounted?"
        ))
    }

    pub(crate) fn unreachable(&self, error: &dyn fmt::Display) -> PastError {
        PastError::Unreachable {
            place: self.shown.to_string(),
            // An object store's own words are whole documents.
            reason: error.to_string().replace('\n', " "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_nonsense_is_refused() {
        let s3 = |bucket: &str, prefix: &str| Location::S3 {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        for (text, wanted) in [
            ("/srv/archive", Location::Directory("/srv/archive".into())),
            ("archive", Location::Directory("archive".into())),
            ("s3://worlds", s3("worlds", "")),
            ("s3://worlds/eu/1/", s3("worlds", "eu/1")),
        ] {
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
        for wrong in ["", " ", "gs://worlds", "s3://", "s3:///x", "s3://a b/c"] {
            assert!(wrong.parse::<Location>().is_err(), "{wrong:?}");
        }
    }
}
