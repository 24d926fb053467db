//! The errands of an area: effects, confirmations and hints, in order, by a task of their own.
//!
//! The queue is bounded. Whatever does not fit, or cannot be sent, is left out without harm: an
//! unconfirmed effect is sent again by its area, and a source that is not told of a confirmation
//! sends its effect again and is told then.

use bytes::Bytes;
use eventlog::EventLog;
use eventlog::outbox::{Outgoing, confirmation_message, effect_message};
use schemas::AreaId;
use schemas::subjects::{AREA_EVENTS, AggregateId, wake};
use tokio::sync::mpsc;

use super::pipeline::Errand;
use crate::crash_points::reached;

/// How many errands wait.
pub(crate) const WAITING_ERRANDS: usize = 4096;

/// Runs the errands of `area` until no more can come.
pub(crate) async fn run(log: EventLog, area: AreaId, mut errands: mpsc::Receiver<Errand>) {
    let this = AggregateId::Area(area);
    while let Some(errand) = errands.recv().await {
        match errand {
            Errand::Effect(effect, cause) => {
                send(&log, effect_message(&this, AREA_EVENTS, cause, &effect)).await;
                if let AggregateId::Area(target) = &effect.target {
                    hint(&log, target).await;
                }
            }
            Errand::Confirm(source, up_to) => {
                send(&log, confirmation_message(&source, &this, up_to)).await;
                if let AggregateId::Area(source) = &source {
                    hint(&log, source).await;
                }
            }
            Errand::Hint(target) => hint(&log, &target).await,
            Errand::Mark(point, marks) => reached(point, &marks),
        }
    }
}

async fn send(log: &EventLog, message: Outgoing) {
    if let Err(error) = log.send(&message.subject, message.payload, None).await {
        tracing::warn!(subject = message.subject, %error, "an effect or confirmation was not sent; it will be again");
    }
}

/// Knocks at an area that may be asleep; one that is awake does not listen.
async fn hint(log: &EventLog, area: &AreaId) {
    if let Err(error) = log.publish_core(&wake(area), Bytes::new()).await {
        tracing::debug!(area.id = %area, %error, "a hint was not sent; it will be again");
    }
}
