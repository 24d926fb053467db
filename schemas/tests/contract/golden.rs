//! A golden file for every message: encode and compare byte for byte, decode and compare, and
//! decode again with what a newer version might add.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use schemas::command::{AreaMessage, PlayerAsk, PlayerBatch, PlayerCommand};
use schemas::control::{
    AreaControl, ControlCommand, ControlEvent, Heartbeat, Member, Opened, Placement,
};
use schemas::effect::{
    Cause, Confirmation, Effect, EffectMessage, EffectPayload, EntryPoint, LastSeen, Traveller,
};
use schemas::fact::{DepartureReason, Destination, Fact, Spot};
use schemas::frame::{FRAME_VERSION, Frame, StateHash};
use schemas::keyed::{Answered, KeyedEntry, KeyedMessage, Outbox, Refusal, Reply};
use schemas::lobby::{Admission, Character, LobbyCommand, LobbyEvent, LobbyReply, Place, Ticket};
use schemas::motion::Motion;
use schemas::outcome::{EffectOutcome, EffectVerdict, Outcomes, Reason, Rejected};
use schemas::sealed::Sealed;
use schemas::segment::{Controller, InputBits, Mode, Segment};
use schemas::subjects::AggregateId;
use schemas::wire::{Body, Chunk, ClientMessage, Encoding, Own, ServerMessage};
use schemas::{
    AccountId, AreaId, CharacterId, Claim, Digest, EdgeId, Epoch, FrameNo, Incarnation, LoginId,
    Sequence, SessionFence, Step, Tick, UnixMillis, decode, encode,
};

pub(super) const ANN: CharacterId = CharacterId(0x0123_4567_89ab_cdef);
pub(super) const ACCOUNT: AccountId = AccountId(0xfedc_ba98_7654_3210);
pub(super) const EDGE: EdgeId = EdgeId(0x00ed_9e00_00ed_9e00);
pub(super) const NOW: UnixMillis = UnixMillis(1_789_000_000_000);

pub(super) fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

pub(super) fn sealed() -> Sealed {
    Sealed {
        key: "realm.1".into(),
        nonce: (0..24).collect(),
        bytes: vec![0xab; 20],
    }
}

pub(super) fn traveller() -> Traveller {
    Traveller {
        character: ANN,
        account: ACCOUNT,
        name: sealed(),
        session: SessionFence(3),
        edge: EDGE,
        last_seq: 41,
        held: InputBits::RIGHT,
        rejections: vec![(40, Reason::NoDoor)],
        party: CharacterId(0),
        hops: 0,
    }
}

fn segment() -> Segment {
    Segment {
        from: Step(199),
        x: 25_600,
        y: 40_960,
        vx: 512,
        vy: -1_000,
        ax: 0,
        ay: 40,
        mode: Mode::Air,
        until: Step(230),
    }
}

fn payloads() -> Vec<EffectPayload> {
    let take = EffectPayload::TakeSession {
        character: ANN,
        session: SessionFence(4),
        edge: EDGE,
        resumed: true,
    };
    vec![
        EffectPayload::Enter {
            traveller: Box::new(traveller()),
            entry: EntryPoint::Spawn("start".into()),
        },
        EffectPayload::Enter {
            traveller: Box::new(traveller()),
            entry: EntryPoint::At { x: 256, y: -1 },
        },
        EffectPayload::LeaveWorld {
            character: ANN,
            session: SessionFence(3),
            reason: DepartureReason::Kicked,
        },
        EffectPayload::Located {
            character: ANN,
            area: area("forest-1"),
            session: SessionFence(3),
        },
        EffectPayload::Returned {
            traveller: Box::new(traveller()),
            last_seen: Some(LastSeen {
                area: area("harbor-1"),
                x: 1,
                y: 2,
            }),
            reason: DepartureReason::LinkDead,
        },
        EffectPayload::NotHere {
            character: ANN,
            bounced: Box::new(take.clone()),
        },
        take,
    ]
}

fn effects() -> Vec<Effect> {
    let to = |payload: &EffectPayload| match payload {
        EffectPayload::Located { .. }
        | EffectPayload::Returned { .. }
        | EffectPayload::NotHere { .. } => AggregateId::Character(ANN),
        _ => AggregateId::Area(area("forest-1")),
    };
    (1..)
        .zip(payloads())
        .map(|(number, payload)| Effect {
            target: to(&payload),
            number,
            issued_at: NOW,
            payload,
        })
        .collect()
}

fn facts() -> Vec<Fact> {
    vec![
        Fact::Owned {
            worker: "worker-1".into(),
            build: "0.1.0".into(),
            rules: 1,
            map: "harbor".into(),
            map_hash: Digest([7; 16]),
            seed: u64::MAX,
            hash_version: 1,
            resume_tick: Tick(99),
            lost: Some((Sequence(5), Sequence(9))),
        },
        Fact::Hibernated {},
        Fact::Released {
            worker: "worker-1".into(),
        },
        Fact::Arrived {
            handle: 7,
            traveller: Box::new(traveller()),
            from: AggregateId::Area(area("harbor-1")),
            segment: segment(),
            controller: Controller {
                input: InputBits::JUMP,
                ..Controller::default()
            },
        },
        Fact::Departed {
            handle: 7,
            character: ANN,
            account: Some(ACCOUNT),
            to: Destination::Area {
                area: area("forest-1"),
                spawn: "west".into(),
            },
            reason: DepartureReason::Door,
            stood: Some(Spot { x: -256, y: 77 }),
        },
        Fact::Departed {
            handle: 7,
            character: ANN,
            account: Some(ACCOUNT),
            to: Destination::Lobby,
            reason: DepartureReason::Logout,
            stood: Some(Spot { x: 256, y: 77 }),
        },
        Fact::SessionTaken {
            handle: 7,
            character: ANN,
            session: SessionFence(4),
            edge: EDGE,
            resumed: false,
        },
        Fact::LinkLost {
            handle: 7,
            character: ANN,
        },
        Fact::LinkRestored {
            handle: 7,
            character: ANN,
        },
        Fact::Spoken {
            handle: 7,
            character: ANN,
            text: sealed(),
        },
        Fact::EffectsConfirmed {
            target: AggregateId::Character(ANN),
            up_to: 12,
        },
    ]
}

pub(super) fn frame() -> Frame {
    let mut motion = Motion::default();
    motion.push_full(Step(200), 7, &segment());
    let mut outcomes = Outcomes {
        rejected: vec![Rejected {
            character: ANN,
            seq: 40,
            reason: Reason::NoDoor,
        }],
        effects: vec![EffectOutcome {
            source: AggregateId::Area(area("forest-1")),
            number: 2,
            verdict: EffectVerdict::Applied,
        }],
        heard: vec![7, 300],
        undecodable: 1,
        ..Outcomes::default()
    };
    outcomes.accept(7, 41);
    Frame {
        version: FRAME_VERSION,
        epoch: Epoch(2),
        claim: Claim(77),
        no: FrameNo(12),
        prev: Digest([9; 16]),
        tick: Tick(100),
        at: NOW,
        pos: schemas::ids::CommandPosition {
            incarnation: Incarnation(5),
            sequence: Sequence(1_000),
            index: 3,
        },
        facts: facts(),
        motion,
        outcomes,
        effects: effects(),
        hash: StateHash {
            public: u64::MAX,
            full: 1,
        },
    }
}

fn area_messages() -> Vec<AreaMessage> {
    let command = |seq, ask| PlayerCommand {
        character: ANN,
        session: SessionFence(3),
        seq,
        ask,
    };
    let commands = vec![
        command(
            1,
            PlayerAsk::Input {
                bits: InputBits::RIGHT,
                client_step: 0,
                view_step: 190,
            },
        ),
        command(2, PlayerAsk::Say { text: sealed() }),
        command(3, PlayerAsk::UseDoor),
        command(4, PlayerAsk::Leave),
    ];
    let cause = Cause {
        stream: "AREA_EVENTS".into(),
        sequence: Sequence(31),
    };
    let source = AggregateId::Area(area("harbor-1"));
    let mut all = vec![AreaMessage::Players(PlayerBatch {
        edge: EDGE,
        commands,
        alive: vec![(7, SessionFence(3))],
    })];
    all.extend(effects().into_iter().map(|effect| {
        AreaMessage::Effect(EffectMessage {
            source: source.clone(),
            cause: cause.clone(),
            effect,
        })
    }));
    all.push(AreaMessage::Confirmation(Confirmation {
        target: source,
        up_to: 12,
    }));
    all
}

pub(super) fn keyed<C>(commands: Vec<C>) -> Vec<KeyedMessage<C>> {
    let of = |(request, body)| KeyedMessage::Command {
        request,
        reply: Some("reply.e.1".into()),
        body,
    };
    let mut all: Vec<KeyedMessage<C>> = (1..).zip(commands).map(of).collect();
    all.push(KeyedMessage::Confirmation(Confirmation {
        target: AggregateId::Area(area("harbor-1")),
        up_to: 1,
    }));
    all
}

pub(super) fn entry<E, S>(events: Vec<E>, state: S) -> KeyedEntry<E, S> {
    let target = AggregateId::Area(area("harbor-1"));
    KeyedEntry {
        v: 1,
        at: NOW,
        incarnation: Incarnation(5),
        handled: Sequence(8),
        events,
        state,
        outbox: Outbox {
            sent: [(target.clone(), 1)].into(),
            received: [(target, 2)].into(),
            pending: effects().into_iter().take(1).collect(),
        },
        answered: Some(Answered {
            request: 1,
            refused: Some("not_yours".into()),
        }),
    }
}

pub(super) fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &T) {
    let bytes = encode(message);
    super::check(&format!("schemas/golden/{name}.msgpack"), &bytes);
    let mut text = serde_json::to_vec_pretty(message).unwrap();
    text.push(b'\n');
    super::check(&format!("schemas/golden/{name}.json"), &text);
    assert_eq!(
        &decode::<T>(&bytes).unwrap(),
        message,
        "{name} reads back from MessagePack"
    );
    assert_eq!(
        &serde_json::from_slice::<T>(&text).unwrap(),
        message,
        "{name} reads back from JSON"
    );
    let newer = with_a_newer_field(&bytes);
    assert_eq!(
        &decode::<T>(&newer).unwrap(),
        message,
        "{name} reads what a newer version adds"
    );
}

/// The same named map with one more entry at its end.
fn with_a_newer_field(bytes: &[u8]) -> Vec<u8> {
    let mut newer = bytes.to_vec();
    match newer[0] {
        0x80..=0x8e => newer[0] += 1,
        0x8f => {
            newer.splice(0..1, [0xde, 0, 16]);
        }
        0xde => {
            let count = u16::from_be_bytes([newer[1], newer[2]]) + 1;
            newer[1..3].copy_from_slice(&count.to_be_bytes());
        }
        other => panic!("not a named map: {other:#x}"),
    }
    newer.extend([0xa5, b'n', b'e', b'w', b'e', b'r', 0x93, 1, 2, 0xc0]);
    newer
}

fn wire<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, messages: &[T]) {
    for encoding in [Encoding::MsgPack, Encoding::Json] {
        let mut all = Vec::new();
        for message in messages {
            let bytes = encoding.encode(message);
            assert_eq!(&encoding.decode::<T>(&bytes).unwrap(), message);
            all.extend_from_slice(&bytes);
            if encoding == Encoding::Json {
                all.push(b'\n');
            }
        }
        let ending = if encoding == Encoding::Json {
            "ndjson"
        } else {
            "msgpack"
        };
        super::check(&format!("schemas/golden/{name}.{ending}"), &all);
    }
}

/// What an older build wrote: its file stays as it is, and is read as the latest.
pub(super) fn older<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, read_as: &T) {
    let path = super::root().join(format!("schemas/golden/{name}"));
    let read = |ending| std::fs::read(format!("{}.{ending}", path.display())).unwrap();
    let (bytes, text) = (read("msgpack"), read("json"));
    assert_eq!(
        &decode::<T>(&bytes).unwrap(),
        read_as,
        "{name}, MessagePack"
    );
    assert_eq!(
        &serde_json::from_slice::<T>(&text).unwrap(),
        read_as,
        "{name}, JSON"
    );
    assert_ne!(encode(read_as), bytes, "{name} is not written any more");
}

/// The same frame, read in a version that did not say everything.
pub(super) fn as_told_by_rules_2(mut frame: Frame) -> Frame {
    for fact in &mut frame.facts {
        if let Fact::Departed { account, stood, .. } = fact {
            (*account, *stood) = (None, None);
        }
    }
    frame
}

#[test]
fn every_older_version_has_its_golden_files_and_its_schema() {
    for older in schemas::upcast::OLDER {
        assert!(!older.why.is_empty() && older.kind != older.latest);
    }
    let schemas = schemas::upcast::older_schemas();
    let of = |kind| schemas.iter().any(|(of, _)| *of == kind);
    assert!(schemas::upcast::OLDER.iter().all(|older| of(older.kind)));
    for (kind, schema) in schemas {
        let mut text = serde_json::to_vec_pretty(&schema).unwrap();
        text.push(b'\n');
        super::check(&format!("schemas/json/older/{kind}.json"), &text);
    }
}

#[test]
fn what_is_stored_for_areas_stays_readable() {
    golden("frame.1.rules-3", &frame());
    older("frame.1", &as_told_by_rules_2(frame()));
    for (n, message) in (1..).zip(area_messages()) {
        golden(&format!("area-message.1.{n}"), &message);
    }
    let unknown = decode::<Fact>(&encode(
        &serde_json::json!({ "type": "levelled.7", "level": 3 }),
    ))
    .unwrap();
    assert_eq!(unknown, Fact::Unknown);
}

#[test]
fn what_is_stored_for_keyed_domains_stays_readable() {
    let guest = |account, character, name| (account, character, name);
    let (account, character, name) = guest(ACCOUNT, ANN, sealed());
    let ticket = Digest([4; 16]);
    let commands = vec![
        LobbyCommand::Create {
            character,
            account,
            name: name.clone(),
        },
        LobbyCommand::Start {
            character,
            account,
            now: NOW,
            login: LoginId::default(),
            protocol: 0,
            company: None,
        },
        LobbyCommand::Join {
            character,
            ticket,
            edge: EDGE,
            now: NOW,
            admits: Admission::default(),
        },
        LobbyCommand::Resume {
            character,
            session: SessionFence(3),
            edge: EDGE,
        },
    ];
    for (n, message) in (1..).zip(keyed(commands)) {
        golden(&format!("lobby-message.1.{n}"), &message);
    }
    let last_seen = Some(LastSeen {
        area: area("harbor-1"),
        x: 1,
        y: 2,
    });
    let events = vec![
        LobbyEvent::Created {
            character,
            account,
            name: name.clone(),
        },
        LobbyEvent::TicketIssued {
            ticket,
            expires_at: NOW,
            admits: Admission::default(),
        },
        LobbyEvent::SessionStarted {
            session: SessionFence(3),
            edge: EDGE,
            resumed: false,
            login: LoginId::default(),
        },
        LobbyEvent::EnteredWorld {
            area: area("harbor-1"),
            at: UnixMillis::default(),
            party: CharacterId(0),
        },
        LobbyEvent::Located {
            area: area("forest-1"),
            at: NOW,
        },
        LobbyEvent::Returned {
            traveller: Box::new(traveller()),
            last_seen: last_seen.clone(),
            reason: DepartureReason::Logout,
            at: NOW,
        },
    ];
    for (n, place) in (1..).zip([
        Place::Lobby(Box::new(traveller())),
        Place::World(area("forest-1")),
    ]) {
        let state = Character {
            account: Some(account),
            name: name.clone(),
            place: Some(place),
            session: SessionFence(3),
            edge: EDGE,
            resumed: true,
            over: false,
            placed_at: NOW,
            ticket: Some(Ticket {
                id: ticket,
                expires_at: NOW,
                used: true,
                admits: Admission::default(),
            }),
            last_seen: last_seen.clone(),
            ..Character::default()
        };
        golden(&format!("lobby-entry.1.{n}"), &entry(events.clone(), state));
    }

    let open = ControlCommand::OpenArea {
        area: area("harbor-1"),
        seed: 9,
    };
    for (n, message) in (1..).zip(keyed(vec![open])) {
        golden(&format!("control-message.1.{n}"), &message);
    }
    let opened = ControlEvent::AreaOpened {
        area: area("harbor-1"),
        map: "harbor".into(),
        seed: 9,
    };
    golden(
        "control-entry.1",
        &entry(
            vec![opened],
            AreaControl {
                map: Some("harbor".into()),
                seed: 9,
                ..AreaControl::default()
            },
        ),
    );
}

#[test]
fn what_is_not_stored_but_leaves_a_process_stays_readable() {
    golden(
        "reply-refused.1",
        &Reply::<LobbyReply> {
            request: 1,
            result: Err(Refusal::new("bad_login", "No.")),
        },
    );
    let replies = [
        LobbyReply::Created { character: ANN },
        LobbyReply::Ticket {
            ticket: "a.b.c".into(),
            expires_at: NOW,
            area: area("harbor-1"),
        },
        LobbyReply::Joined {
            session: SessionFence(3),
            area: area("harbor-1"),
            name: sealed(),
            account: ACCOUNT,
            login: LoginId(0x1091),
        },
    ];
    for (n, reply) in (1..).zip(replies) {
        golden(
            &format!("reply-lobby.1.{n}"),
            &Reply {
                request: n,
                result: Ok(reply),
            },
        );
    }
    golden(
        "reply-opened.1",
        &Reply {
            request: 1,
            result: Ok(Opened {
                map: "harbor".into(),
            }),
        },
    );
    let worker = || "worker-1".to_owned();
    golden(
        "member.1",
        &Member {
            worker: worker(),
            life: 1,
            capacity: 100,
            draining: false,
            areas: vec![(area("harbor-1"), 12)],
            at: NOW,
            ..Member::default()
        },
    );
    golden(
        "heartbeat.1",
        &Heartbeat {
            worker: worker(),
            life: 1,
            ..Heartbeat::default()
        },
    );
    golden(
        "heartbeat.1.stuck",
        &Heartbeat {
            worker: worker(),
            life: 1,
            late_ms: 0,
            stuck_ms: 1_250,
            taken_ms: Some(1_290),
        },
    );
    golden(
        "placement.1",
        &Placement {
            area: area("harbor-1"),
            worker: Some(worker()),
            generation: 4,
            quarantined: false,
            successor: None,
        },
    );
}

#[test]
fn the_wire_stays_readable() {
    let own = Own {
        ack_seq: 41,
        applied_step: 200,
        mode: 1,
        bits: 2,
        since: 200,
        ..Own::default()
    };
    let mut motion = Motion::default();
    motion.push_full(Step(200), 7, &segment());
    let body = Body {
        handle: 7,
        character: ANN.to_string(),
        name: "Ann".into(),
        motion: motion.0.clone(),
    };
    wire(
        "wire-client.1",
        &[
            ClientMessage::Identify {
                protocol: 1,
                ticket: "a.b.c".into(),
                client: "web 0.1.0".into(),
            },
            ClientMessage::Resume {
                protocol: 1,
                token: "t".into(),
            },
            ClientMessage::Heartbeat { nonce: 5 },
            ClientMessage::Input {
                client_seq: 1,
                client_step: 0,
                bits: 2,
                view_step: 190,
            },
            ClientMessage::Say {
                client_seq: 2,
                text: "Ahoy! ⚓".into(),
            },
            ClientMessage::UseDoor { client_seq: 3 },
            ClientMessage::Leave { client_seq: 4 },
            ClientMessage::Query {
                id: 9,
                what: "who".into(),
            },
            ClientMessage::Observe {
                protocol: 1,
                area: "harbor-1".into(),
                follow: String::new(),
                client: "web 0.1.0".into(),
            },
            ClientMessage::Look {
                x: 25_600,
                y: 40_960,
                follow: ANN.to_string(),
            },
            ClientMessage::Play {
                at: 1_769_860_800_000,
                speed: 250,
            },
        ],
    );
    wire(
        "wire-server.1",
        &[
            ServerMessage::Hello {
                protocol: 1,
                heartbeat_ms: 15_000,
                server: "0.1.0".into(),
            },
            ServerMessage::Ready {
                character: ANN.to_string(),
                name: "Ann".into(),
                session: 3,
                resumed: true,
                ack_seq: 41,
                rejected: vec![(40, Reason::NoDoor.number())],
            },
            ServerMessage::Area {
                area: "harbor-1".into(),
                map_url: "/maps/harbor.json".into(),
                sequence: 31,
                step: 200,
                handle: 7,
                own,
                bodies: vec![body.clone()],
                token: "t".into(),
            },
            ServerMessage::Frame {
                sequence: 32,
                step: 202,
                own: Some(own),
                chunks: vec![
                    Chunk::Moved { motion: motion.0 },
                    Chunk::Entered { bodies: vec![body] },
                    Chunk::Left {
                        handles: vec![8, 300],
                    },
                    Chunk::Spoken {
                        lines: vec![(7, "Ahoy! ⚓".into())],
                    },
                ],
            },
            ServerMessage::Frame {
                sequence: 33,
                step: 204,
                own: None,
                chunks: vec![],
            },
            ServerMessage::Pong {
                nonce: 5,
                step: 204,
            },
            ServerMessage::Rejected {
                client_seq: 3,
                reason: Reason::NoDoor.number(),
                message: "No door here.".into(),
            },
            ServerMessage::Transit {
                area: "forest-1".into(),
                status: "leaving".into(),
            },
            ServerMessage::GoAway {
                url: String::new(),
                within_ms: 10_000,
            },
            ServerMessage::QueryReply {
                id: 9,
                rows: vec![(7, "Ann".into())],
            },
            ServerMessage::Token { token: "t".into() },
            ServerMessage::Notice {
                code: "slow".into(),
                message: "Your connection is slow.".into(),
            },
            ServerMessage::Playing {
                area: "harbor-1".into(),
                state: "playing".into(),
                at: 1_769_860_800_000,
                step: 204,
                speed: 250,
                from: 1_769_860_000_000,
                to: 1_769_861_000_000,
            },
        ],
    );
}
