//! Instances: an area that is steered, and somebody who is sent on with a party.

use schemas::command::AreaMessage;
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::{DepartureReason, Destination, Fact, Spot};
use schemas::frame::Frame;
use schemas::lobby::{Admission, Character, Company, Evidence, LobbyCommand, LobbyEvent};
use schemas::subjects::AggregateId;
use schemas::{CharacterId, Digest, Incarnation, LoginId, Sequence, SessionFence};

use super::golden::{
    ACCOUNT, ANN, NOW, area, as_told_by_rules_2, entry, frame, golden, keyed, older, traveller,
};

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
            account: Some(ACCOUNT),
            to: Destination::Area {
                area: area("harbor-2"),
                spawn: "start".into(),
            },
            reason: DepartureReason::Overflow,
            stood: Some(Spot { x: 1, y: 2 }),
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
    golden("frame.1.rules-3.instances", &told);
    older("frame.1.instances", &as_told_by_rules_2(told));
}

fn evidence() -> Evidence {
    Evidence {
        cut: Sequence(1_234_567),
        incarnation: Incarnation(9),
        areas: 12,
        session: SessionFence(3),
        missing: NOW,
    }
}

#[test]
fn what_is_said_of_parties_and_of_the_lost_stays_readable() {
    let with = Company {
        party: CharacterId(77),
        area: area("harbor-2"),
    };
    let admits = Admission {
        account: ACCOUNT,
        area: Some(with.area.clone()),
        protocol: 1,
        party: with.party,
        ..Admission::default()
    };
    let commands = vec![
        LobbyCommand::Start {
            character: ANN,
            account: ACCOUNT,
            now: NOW,
            login: LoginId::default(),
            protocol: 1,
            company: Some(with),
        },
        LobbyCommand::Reclaim {
            character: ANN,
            evidence: evidence(),
            seal: Digest([7; 16]),
        },
    ];
    for (n, message) in (12..).zip(keyed(commands)) {
        golden(&format!("lobby-message.1.{n}"), &message);
    }
    let events = vec![
        LobbyEvent::TicketIssued {
            ticket: Digest([4; 16]),
            expires_at: NOW,
            admits,
        },
        LobbyEvent::EnteredWorld {
            area: area("harbor-2"),
            at: NOW,
            party: CharacterId(77),
        },
        LobbyEvent::Missed {
            area: area("harbor-2"),
            at: NOW,
        },
        LobbyEvent::Reclaimed {
            character: ANN,
            session: SessionFence(4),
            at: NOW,
            evidence: evidence(),
        },
    ];
    let state = Character {
        account: Some(ACCOUNT),
        party: CharacterId(77),
        missing: Some(NOW),
        ..Character::default()
    };
    golden("lobby-entry.1.4", &entry(events, state));
}
