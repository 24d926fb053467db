//! What must stay in the broker of each subject, although it is archived.
//!
//! Whoever opens an area begins with its newest snapshot, and with the one before when that cannot be read. So nothing
//! after the older of an area's two snapshots is purged, and nothing at all of an area that has fewer. Of a key, the
//! newest message is enough; that a purge never takes.

use eventlog::{EventLog, Lineage, ReadError};
use schemas::Sequence;
use schemas::subjects::Subject;

/// Up to which message of `subject` a purge may go; 0: nothing may be purged.
pub(crate) async fn purgeable(
    log: &EventLog,
    subject: &str,
    lineage: &Lineage,
) -> Result<Sequence, ReadError> {
    let Subject::AreaEvents(area) = Subject::parse(subject) else {
        return Ok(Sequence(u64::MAX));
    };
    let snapshots = log.snapshots().load(&area).await?;
    let points = snapshots.iter().map(|snapshot| snapshot.point);
    let usable = points.filter(|point| lineage.knows(point.incarnation, point.sequence));
    let mut points: Vec<Sequence> = usable.map(|point| point.sequence).collect();
    points.sort_unstable();
    Ok(match points.as_slice() {
        // The frame itself stays too: its digest is compared with the snapshot's.
        [older, _, ..] => Sequence(older.0.saturating_sub(1)),
        _ => Sequence(0),
    })
}
