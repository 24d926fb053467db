//! The workspace's own version, published while the rest starts, so that the version gate is real in `up` too.
//!
//! Its number is that of the workspace with the content's hash as build, `0.1.0+1f3a…`: another page or another map is another
//! build, and the same content is published once. What somebody has published by hand stays.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use anyhow::Context;
use devstack::RunFile;
use schemas::resources::{ContentHash, Manifest, Version};
use tokio::task::JoinHandle;

use super::broker_of;
use crate::resources::{Outcome, Publisher, Upload, Wish, collect, content};

/// So many digits of the hash tell builds apart.
const BUILD_DIGITS: usize = 12;

/// Publishes on the side: nobody waits for it, and the game runs without it.
pub(super) fn in_background(run_file: &RunFile, page: Option<PathBuf>) -> JoinHandle<()> {
    let run_file = run_file.clone();
    tokio::spawn(async move {
        match publish(&run_file, page.as_deref()).await {
            Ok(Outcome::Unchanged) => tracing::debug!("this version is published already"),
            Ok(outcome) => tracing::info!(?outcome, "this version is published"),
            Err(error) => tracing::warn!("this version is not published: {error:#}"),
        }
    })
}

async fn publish(run_file: &RunFile, page: Option<&Path>) -> anyhow::Result<Outcome> {
    let uploads = uploads(page)?;
    let version = version(content(&uploads).await?)?;
    let log = broker_of(run_file, "publisher").await?;
    let publisher = Publisher::open(&log).await?;
    if !is_next(&version, publisher.published().await?.as_ref()) {
        return Ok(Outcome::Unchanged);
    }
    let wish = Wish {
        version,
        minimum: None,
        force: false,
    };
    publisher.publish(&wish, uploads).await
}

/// The built page, if there is one, and the maps, as an edge serves them.
fn uploads(page: Option<&Path>) -> anyhow::Result<Vec<Upload>> {
    let mut uploads = page.map(collect).transpose()?.unwrap_or_default();
    for map in world::maps::names().filter_map(world::maps::builtin) {
        let bytes = serde_json::to_vec(&map.map.to_client())?;
        let json: serde_json::Value = serde_json::from_slice(&bytes)?;
        let image = json["tileset"]["image"].as_str().unwrap_or_default();
        let path = format!("maps/{image}");
        let is_new = !uploads.iter().any(|upload| upload.path == path);
        if let Some(picture) = world::maps::asset(image).filter(|_| is_new) {
            uploads.push(Upload::of(path, picture));
        }
        uploads.push(Upload::of(format!("maps/{}.json", map.name), bytes));
    }
    Ok(uploads)
}

fn version(content: ContentHash) -> anyhow::Result<Version> {
    let mut digits = content.to_string();
    digits.truncate(BUILD_DIGITS);
    let text = format!("{}+{digits}", env!("CARGO_PKG_VERSION"));
    Version::parse(&text).with_context(|| format!("{text} is no version"))
}

/// Whether `ours` shall take the place of what is published.
fn is_next(ours: &Version, published: Option<&Manifest>) -> bool {
    published.is_none_or(|manifest| match ours.cmp_precedence(&manifest.version) {
        Ordering::Greater => true,
        // Without a build, it was published by hand.
        Ordering::Equal => {
            !manifest.version.build.is_empty() && ours.build != manifest.version.build
        }
        Ordering::Less => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::UnixMillis;

    fn published(version: &str) -> Manifest {
        let version = Version::parse(version).unwrap();
        Manifest::new(version, Version::new(0, 0, 0), UnixMillis(0), Vec::new())
    }

    #[test]
    fn what_was_published_by_hand_stays() {
        let ours = Version::parse("0.1.0+aa").unwrap();
        assert!(is_next(&ours, None));
        for (other, next) in [
            ("0.0.9", true),
            ("0.1.0+bb", true),
            ("0.1.0+aa", false),
            ("0.1.0", false),
            ("0.2.0", false),
        ] {
            assert_eq!(is_next(&ours, Some(&published(other))), next, "{other}");
        }
    }

    #[tokio::test]
    async fn without_a_page_there_are_the_maps_and_their_picture() {
        let uploads = uploads(None).unwrap();
        let paths: Vec<_> = uploads.iter().map(|upload| upload.path.as_str()).collect();
        assert!(
            paths.contains(&"maps/harbor.json") && paths.contains(&"maps/tiles.png"),
            "{paths:?}"
        );
        let content = content(&uploads).await.unwrap();
        assert!(
            version(content)
                .unwrap()
                .to_string()
                .starts_with(env!("CARGO_PKG_VERSION"))
        );
    }
}
