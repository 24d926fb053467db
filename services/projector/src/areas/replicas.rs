//! The folded state of every area, and how it comes back after a restart.
//!
//! Saved now and then in the transaction of the rows. After a restart an area's saved state is
//! older than its row, so the frames between the two are folded again, without touching a row:
//! memory and rows then stand at exactly the same frame. Only of frames that were given up alone does no row tell:
//! those that come right after it are folded, too.

use std::collections::{BTreeMap, HashMap};

use eventlog::{Follow, Record};
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::Digest;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{AreaId, Sequence};
use sqlx::{PgConnection, Row};
use world::AreaState;

use super::{Areas, Projection};
use crate::columns::{big, column, keys};
use crate::error::ProjectError;
use crate::projection::{Poison, Source};

struct Replica {
    state: AreaState,
    /// The frame after which `state` is.
    sequence: Sequence,
    /// Frames folded since it was saved.
    unsaved: u64,
}

/// All areas.
pub(super) struct Replicas {
    save_every: u64,
    areas: HashMap<AreaId, Replica>,
    /// Could not be brought back to their rows; why.
    broken: HashMap<AreaId, String>,
}

fn apply(state: &mut AreaState, frame: &Frame, record: &Record) -> Result<(), Poison> {
    state
        .fold(frame, Digest::of(&record.payload))
        .map_err(|error| Poison::because(&error))
}

impl Replicas {
    pub(super) fn new(save_every: u64) -> Self {
        Self {
            save_every,
            areas: HashMap::new(),
            broken: HashMap::new(),
        }
    }

    /// The state of an area before its next frame.
    pub(super) fn of(&self, area: &AreaId) -> Option<&AreaState> {
        self.areas.get(area).map(|replica| &replica.state)
    }

    /// Folds the next frame; hands out the state after it.
    pub(super) fn fold(
        &mut self,
        area: &AreaId,
        frame: &Frame,
        record: &Record,
    ) -> Result<&AreaState, Poison> {
        if let Some(why) = self.broken.get(area) {
            return Err(Poison(why.clone()));
        }
        // Out of the map until it has worked: a state that is half folded is of no use to anybody.
        let known = self.areas.remove(area);
        let mut replica = known.unwrap_or_else(|| Replica::new(area));
        apply(&mut replica.state, frame, record)?;
        replica.sequence = record.sequence;
        replica.unsaved += 1;
        if frame.facts.iter().any(rests) {
            // Nothing may come for a long time; the next start shall not fold what came before.
            replica.unsaved = replica.unsaved.max(self.save_every);
        }
        let kept = self.areas.entry(area.clone()).insert_entry(replica);
        Ok(&kept.into_mut().state)
    }

    /// Saves the states that are due.
    pub(super) async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut due = BTreeMap::new();
        for (area, replica) in &mut self.areas {
            if replica.unsaved >= self.save_every {
                replica.unsaved = 0;
                let saved = (replica.sequence, schemas::encode(&replica.state));
                due.insert(area.to_string(), saved);
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO projection_state (projection, key, sequence, state)
             SELECT $1, key, sequence, state
             FROM UNNEST($2::TEXT[], $3::BIGINT[], $4::BYTEA[]) AS new (key, sequence, state)
             ON CONFLICT (projection, key) DO UPDATE
             SET sequence = EXCLUDED.sequence, state = EXCLUDED.state",
        )
        .bind(Areas::NAME)
        .bind(keys(&due))
        .bind(column(&due, |saved| big(saved.0.0)))
        .bind(column(&due, |saved| saved.1.clone()))
        .execute(db)
        .await?;
        Ok(())
    }

    /// Brings every area back to where its next frame goes on, but for those that are parked.
    pub(super) async fn load(
        &mut self,
        db: &mut PgConnection,
        source: &Source,
    ) -> Result<(), ProjectError> {
        self.load_some(db, source, None).await
    }

    /// Brings back `area` alone, although it is parked.
    pub(super) async fn load_parked(
        &mut self,
        db: &mut PgConnection,
        source: &Source,
        area: &AreaId,
    ) -> Result<(), ProjectError> {
        self.load_some(db, source, Some(area)).await
    }

    async fn load_some(
        &mut self,
        db: &mut PgConnection,
        source: &Source,
        only: Option<&AreaId>,
    ) -> Result<(), ProjectError> {
        self.areas.clear();
        self.broken.clear();
        // What was given up alone has been folded as far as the checkpoint, or a retry, has come.
        let rows = sqlx::query(
            "SELECT a.area, a.goal, s.sequence, s.state
             FROM (
                SELECT area, MAX(sequence) AS goal
                FROM (
                    SELECT area, frame_sequence AS sequence FROM areas WHERE frame_sequence IS NOT NULL
                    UNION ALL
                    SELECT substr(d.key, length('evt.area.') + 1), d.sequence
                    FROM dropped_events d
                    JOIN checkpoints c USING (projection)
                    LEFT JOIN parked_events p USING (projection, key)
                    WHERE d.projection = $1 AND d.sequence < COALESCE(p.poison_sequence, c.sequence + 1)
                      AND NOT EXISTS (SELECT FROM dropped_events b
                                      WHERE b.projection = d.projection AND b.key = d.key AND b.and_behind
                                        AND b.sequence <= d.sequence)
                ) frames
                GROUP BY area
             ) a
             LEFT JOIN projection_state s ON s.projection = $1 AND s.key = a.area
             LEFT JOIN parked_events p ON p.projection = $1 AND p.key = 'evt.area.' || a.area
             WHERE CASE WHEN $2::TEXT IS NULL THEN p.key IS NULL ELSE a.area = $2 END",
        )
        .bind(Areas::NAME)
        .bind(only.map(ToString::to_string))
        .fetch_all(&mut *db)
        .await?;
        for row in rows {
            let area: AreaId = row
                .try_get::<&str, _>("area")?
                .parse()
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let sequence = |of: i64| Sequence(u64::try_from(of).unwrap_or(0));
            let goal = sequence(row.try_get("goal")?);
            let saved = row.try_get::<Option<&[u8]>, _>("state")?;
            let saved = saved.and_then(|bytes| schemas::decode::<AreaState>(bytes).ok());
            let saved_at = row.try_get::<Option<i64>, _>("sequence")?.map(sequence);
            let from = saved.zip(saved_at).filter(|(_, at)| *at <= goal);
            source.pulse.beat();
            match catch_up(source, &area, from, goal).await? {
                Ok(replica) => drop(self.areas.insert(area, replica)),
                Err(Poison(why)) => drop(self.broken.insert(area, why)),
            }
        }
        Ok(())
    }
}

const fn rests(fact: &Fact) -> bool {
    matches!(fact, Fact::Hibernated {} | Fact::Released { .. })
}

impl Replica {
    fn new(area: &AreaId) -> Self {
        Self {
            state: AreaState::new(area.clone(), area.map()),
            sequence: Sequence(0),
            unsaved: 0,
        }
    }
}

/// From a saved state (or from the beginning, should that be of no use) to the frame at `goal`.
async fn catch_up(
    source: &Source,
    area: &AreaId,
    saved: Option<(AreaState, Sequence)>,
    goal: Sequence,
) -> Result<Result<Replica, Poison>, ProjectError> {
    if let Some((state, sequence)) = saved {
        let replica = Replica {
            state,
            sequence,
            unsaved: 0,
        };
        if let Ok(done) = fold_up_to(source, area, replica, goal).await? {
            return Ok(Ok(done));
        }
        tracing::warn!(area.id = %area, "the saved state of an area is of no use to this build; folding from its first frame");
    }
    fold_up_to(source, area, Replica::new(area), goal).await
}

async fn fold_up_to(
    source: &Source,
    area: &AreaId,
    mut replica: Replica,
    goal: Sequence,
) -> Result<Result<Replica, Poison>, ProjectError> {
    if replica.sequence == goal {
        return Ok(Ok(replica));
    }
    let mut reader = source.past.read(
        AREA_EVENTS,
        vec![area_events(area)],
        replica.sequence,
        Follow::UntilHead,
    );
    while let Some(record) = reader.next().await? {
        if record.sequence > goal {
            break;
        }
        let folded = schemas::decode::<Frame>(&record.payload)
            .map_err(|error| Poison::because(&error))
            .and_then(|frame| apply(&mut replica.state, &frame, &record));
        if let Err(poison) = folded {
            return Ok(Err(poison));
        }
        replica.sequence = record.sequence;
        replica.unsaved += 1;
        // From the first frame on it may take minutes.
        source.pulse.beat();
    }
    if replica.sequence == goal {
        return Ok(Ok(replica));
    }
    Ok(Err(Poison(format!(
        "its rows stand at frame {goal}, but the log of the area ends at {}",
        replica.sequence
    ))))
}
