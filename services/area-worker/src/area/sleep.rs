//! Areas that sleep.
//!
//! Of a sleeping area a worker keeps its name and nothing else: no state, no reader, no ticks. It
//! sleeps as long as the last command for it, as the leader tells it, is one that it has consumed;
//! whoever sends a newer one knocks until there is an answer.

use eventlog::{EventLog, ReadError};
use schemas::command::AreaMessage;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::subjects::{area_commands, area_events};
use schemas::{AreaId, decode};

/// Whether `area` went to sleep with its last frame and nothing has come for it since.
pub(crate) async fn is_asleep(log: &EventLog, area: &AreaId) -> Result<bool, ReadError> {
    let Some(record) = log.last(&area_events(area)).await? else {
        return Ok(false);
    };
    // What cannot be read is for the restore to complain about.
    let Ok(frame) = decode::<Frame>(&record.payload) else {
        return Ok(false);
    };
    if !frame
        .facts
        .iter()
        .any(|fact| matches!(fact, Fact::Hibernated {}))
    {
        return Ok(false);
    }
    Ok(!has_newer_command(log, area, frame.pos).await?)
}

/// Whether a command stands in the log that an area which has consumed up to `position` has not had.
pub(crate) async fn has_newer_command(
    log: &EventLog,
    area: &AreaId,
    position: CommandPosition,
) -> Result<bool, ReadError> {
    let Some(last) = log.last(&area_commands(area)).await? else {
        return Ok(false);
    };
    if last.sequence == position.sequence {
        let commands =
            AreaMessage::received(&last.subject, &last.payload).map_or(1, |message| message.len());
        return Ok(commands > position.index as usize);
    }
    Ok(last.sequence > position.sequence)
}
