//! An event as a message of `FACTS`.

use eventlog::{FeedMessage, MessageId};
use past::event::{Event, People, PersonalId, RowTexts};
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

/// The message that tells `event`.
#[must_use]
pub fn message_of(event: &Event) -> FeedMessage {
    let mut texts = RowTexts::default();
    texts.render(event, &mut Analysts);
    let mut payload = Vec::with_capacity(512);
    texts.write_json(event, &mut payload);
    FeedMessage {
        subject: subjects::fact(event.event_type, event.area.as_deref(), event.player),
        payload: payload.into(),
        id: MessageId::new(event.identity().to_string()),
    }
}
