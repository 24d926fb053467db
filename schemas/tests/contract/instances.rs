//! Instances: an area that is steered, and somebody who is sent on with a party.

use schemas::command::AreaMessage;
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::frame::Frame;
use schemas::subjects::AggregateId;
use schemas::{CharacterId, Sequence};

use super::golden::{ANN, NOW, area, frame, golden, traveller};

fn steer() -> EffectMessage {
    EffectMessage {
        source: AggregateId::Control(area("harbor-1")),
        cause: Cause {
            stream: "CONTROL_EVENTS".into(),
            sequence: Sequence(12),
        },
        effect: Effect {
            target: AggregateId::Area(area("harbor-1")),
            number: 2,
            issued_at: NOW,
            payload: EffectPayload::Steer {
                closed: false,
                overflow: Some(area("harbor-2")),
                soft: 800,
            },
        },
    }
}

#[test]
fn what_areas_are_told_of_instances_stays_readable() {
    golden("area-message.1.steer", &AreaMessage::Effect(steer()));
    let facts = vec![
        Fact::Steered {
            closed: false,
            overflow: Some(area("harbor-2")),
            soft: 800,
        },
        Fact::Departed {
            handle: 7,
            character: ANN,
            to: Destination::Area {
                area: area("harbor-2"),
                spawn: "start".into(),
            },
            reason: DepartureReason::Overflow,
        },
    ];
    let sent_on = Effect {
        target: AggregateId::Area(area("harbor-2")),
        number: 4,
        issued_at: NOW,
        payload: EffectPayload::Enter {
            traveller: Box::new(Traveller {
                party: CharacterId(77),
                hops: 1,
                ..traveller()
            }),
            entry: EntryPoint::Spawn("start".into()),
        },
    };
    let told = Frame {
        facts,
        effects: vec![sent_on],
        ..frame()
    };
    golden("frame.1.instances", &told);
}
