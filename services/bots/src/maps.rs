//! The doors of the maps that bots walk on, fetched once in a run from the edge, as any client would.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemas::segment::SUBPIXELS;
use serde::Deserialize;
use tokio::time::Instant;

use crate::http::Address;
use crate::run::Run;

/// Time between two tries to get a map.
const AGAIN: Duration = Duration::from_secs(1);

/// A way out, 1/256 px.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// The part of a map that tells the ways out, px.
#[derive(Deserialize)]
struct MapFile {
    doors: Vec<Door>,
}

impl<'de> Deserialize<'de> for Door {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Px {
            x: i32,
            y: i32,
            width: i32,
            height: i32,
        }
        let px = Px::deserialize(deserializer)?;
        let length = |px: i32| px.saturating_mul(SUBPIXELS);
        Ok(Self {
            x: length(px.x),
            y: length(px.y),
            width: length(px.width),
            height: length(px.height),
        })
    }
}

/// Doors by the address of their map.
#[derive(Default)]
pub(crate) struct Maps(Mutex<HashMap<String, Known>>);

#[derive(Clone)]
enum Known {
    Asked,
    /// Not to be had at that time.
    Failed(Instant),
    Doors(Arc<[Door]>),
}

impl Maps {
    /// The doors of the map at `url`, once they are known; the first who asks has them fetched from `server`.
    pub(crate) fn doors(run: &Arc<Run>, url: &str, server: usize) -> Option<Arc<[Door]>> {
        let mut maps = run.maps.lock();
        match maps.get(url) {
            Some(Known::Doors(doors)) => return Some(doors.clone()),
            Some(Known::Asked) => return None,
            Some(Known::Failed(at)) if at.elapsed() < AGAIN => return None,
            Some(Known::Failed(_)) | None => maps.insert(url.to_owned(), Known::Asked),
        };
        drop(maps);
        let (run, url) = (run.clone(), url.to_owned());
        tokio::spawn(async move {
            let fetched = fetch(&run.servers[server], &url).await;
            let mut maps = run.maps.lock();
            match fetched {
                Ok(doors) => maps.insert(url, Known::Doors(doors)),
                Err(what) => {
                    // Whoever needs it next asks again, perhaps elsewhere.
                    run.tally.failures.add(format!("map {url}: {what}"));
                    maps.insert(url, Known::Failed(Instant::now()))
                }
            };
        });
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(server: &Address, url: &str) -> Result<Arc<[Door]>, String> {
    let (status, body) = server
        .exchange("GET", url, None, b"")
        .await
        .map_err(|_| "no answer".to_owned())?;
    if status != 200 {
        return Err(format!("status {status}"));
    }
    let map: MapFile = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(map.doors.into())
}
