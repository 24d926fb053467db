//! Looking at what is parked.

use std::fmt;

use eventlog::{Follow, Record};
use past::Past;
use schemas::{Sequence, UnixMillis};
use serde::Serialize;
use sqlx::{PgConnection, Row};

use crate::config::Config;
use crate::database;
use crate::error::ProjectError;
use crate::name::{Name, Visitor};
use crate::projection::{Poison, Projection};

/// So many bytes of what cannot be decoded are shown.
const SHOWN_BYTES: usize = 96;
/// So many of the events behind the poison are listed.
const SHOWN_BEHIND: usize = 10;

/// A key whose rows stand still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParkedKey {
    /// Whose rows.
    pub projection: Name,
    /// The subject of its events.
    pub key: String,
    /// The first event that is not in the rows: the poison, or the next one of a retry that was interrupted.
    pub sequence: Sequence,
    /// When the broker stored it.
    pub at: UnixMillis,
    /// Why it could not be applied.
    pub reason: String,
    /// The last event of the key that has come.
    pub last: Sequence,
    /// How many wait, the poison among them.
    pub events: u64,
}

/// One event of a parked key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParkedEvent {
    /// Its place in its stream.
    pub sequence: Sequence,
    /// When the broker stored it.
    pub at: UnixMillis,
    /// Its size in bytes.
    pub bytes: usize,
    /// What it says; people's texts are sealed in it. `None`: only of the first event, and not when it cannot be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<serde_json::Value>,
    /// Its first bytes, when it cannot be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
}

impl fmt::Display for ParkedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            projection,
            key,
            sequence,
            reason,
            events,
            ..
        } = self;
        let behind = events.saturating_sub(1);
        write!(
            f,
            "{projection} {key}: event {sequence}, and {behind} behind it: {reason}"
        )
    }
}

/// All that is parked, in the order of projections and keys.
///
/// # Errors
/// When the database does not answer or the tables are not there.
pub async fn parked(config: &Config) -> Result<Vec<ParkedKey>, ProjectError> {
    let pool = database::connect(config)?;
    let mut db = pool.acquire().await?;
    let mut all = Vec::new();
    for name in Name::ALL {
        all.extend(read(&mut db, name, None).await?);
    }
    drop(db);
    pool.close().await;
    Ok(all)
}

/// One parked key with the first of its events.
///
/// # Errors
/// [`ProjectError::NotParked`]; [`ProjectError::NotThere`]; as [`parked`]'s.
pub async fn show_parked(
    config: &Config,
    past: &Past,
    projection: Name,
    key: &str,
) -> Result<(ParkedKey, Vec<ParkedEvent>), ProjectError> {
    let pool = database::connect(config)?;
    let mut db = pool.acquire().await?;
    let found = one(&mut db, projection, key).await?;
    drop(db);
    pool.close().await;
    let before = Sequence(found.sequence.0.saturating_sub(1));
    let filter = vec![key.to_owned()];
    let mut reader = past.read(projection.stream(), filter, before, Follow::UntilHead);
    let mut events = Vec::new();
    while events.len() <= SHOWN_BEHIND
        && let Some(record) = reader.next().await?
        && record.sequence <= found.last
    {
        let first = events.is_empty();
        events.push(event(config, projection, &record, first));
    }
    if events.first().map(|event| event.sequence) != Some(found.sequence) && found.events > 0 {
        return Err(ProjectError::NotThere {
            stream: projection.stream(),
            sequence: found.sequence,
        });
    }
    Ok((found, events))
}

struct Describe<'a>(&'a Record);

impl Visitor for Describe<'_> {
    type Output = Result<serde_json::Value, Poison>;

    fn visit<P: Projection>(self, _: P) -> Self::Output {
        P::describe(self.0)
    }
}

fn event(config: &Config, projection: Name, record: &Record, whole: bool) -> ParkedEvent {
    let says = whole.then(|| projection.visit(config, Describe(record)));
    let undecodable = matches!(says, Some(Err(_))).then(|| first_bytes(&record.payload));
    ParkedEvent {
        sequence: record.sequence,
        at: record.stored_at,
        bytes: record.payload.len(),
        says: says.and_then(Result::ok),
        undecodable,
    }
}

/// What can be printed as it is, all else as escapes.
fn first_bytes(payload: &[u8]) -> String {
    let shown = &payload[..payload.len().min(SHOWN_BYTES)];
    let more = if shown.len() < payload.len() {
        "…"
    } else {
        ""
    };
    format!("{}{more}", shown.escape_ascii())
}

/// The key, or an error that says that it is not parked.
pub(super) async fn one(
    db: &mut PgConnection,
    projection: Name,
    key: &str,
) -> Result<ParkedKey, ProjectError> {
    let found = read(db, projection, Some(key)).await?;
    found.into_iter().next().ok_or(ProjectError::NotParked {
        projection: projection.as_str(),
        key: key.to_owned(),
    })
}

async fn read(
    db: &mut PgConnection,
    projection: Name,
    key: Option<&str>,
) -> Result<Vec<ParkedKey>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT key, poison_sequence, (EXTRACT(EPOCH FROM poison_at) * 1000)::BIGINT AS at, reason, last_sequence,
                events
         FROM parked_events WHERE projection = $1 AND ($2::TEXT IS NULL OR key = $2) ORDER BY key",
    )
    .bind(projection.as_str())
    .bind(key)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            let number = |name| {
                row.try_get::<i64, _>(name)
                    .map(|n| u64::try_from(n).unwrap_or(0))
            };
            Ok(ParkedKey {
                projection,
                key: row.try_get("key")?,
                sequence: Sequence(number("poison_sequence")?),
                at: UnixMillis(number("at")?),
                reason: row.try_get("reason")?,
                last: Sequence(number("last_sequence")?),
                events: number("events")?,
            })
        })
        .collect()
}
