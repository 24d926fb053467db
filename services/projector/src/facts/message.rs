//! An event as a message of `FACTS`.

use eventlog::{FeedMessage, MessageId};
use past::event::{Event, People, PersonalId};
use schemas::subjects;

/// Ids of people as the log has them: they name nobody to whom no name is told. What stands for an address, a secret or
/// a name is left out.
struct Analysts;

impl People for Analysts {
    fn write(&mut self, kind: PersonalId, id: &str, out: &mut Vec<u8>) {
        let told = match kind {
            PersonalId::Digest => "withheld",
            PersonalId::Character | PersonalId::Account | PersonalId::Login => id,
        };
        out.extend_from_slice(told.as_bytes());
    }
}

/// The message that tells `event`; `note` says how far the writer has come with it.
#[must_use]
pub fn message_of(event: &Event, note: String) -> FeedMessage {
    let mut payload = Vec::with_capacity(512);
    event.write_json(&mut Analysts, &mut payload);
    FeedMessage {
        subject: subjects::fact(event.event_type, event.area.as_deref(), event.player),
        payload: payload.into(),
        id: MessageId::new(event.identity().to_string()),
        note,
    }
}
