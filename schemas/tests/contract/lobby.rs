//! What the lobby's domains have grown: tickets that say more, deletion, played time, names.

use schemas::control::EdgeMember;
use schemas::keyed::Reply;
use schemas::lobby::{
    Admission, Character, LobbyCommand, LobbyEvent, LobbyReply, Place, Ranking, Ticket,
};
use schemas::name::{Name, NameCommand, NameEvent, NameReply};
use schemas::{CharacterId, Digest, LoginId, SessionFence, UnixMillis};

use super::golden::{ACCOUNT, ANN, EDGE, NOW, area, entry, golden, keyed, sealed};

const LOGIN: LoginId = LoginId(0x0109_1901_0919_0109);
const TICKET: Digest = Digest([4; 16]);
const LATER: UnixMillis = UnixMillis(NOW.0 + 604_800_000);

fn admits() -> Admission {
    Admission {
        account: ACCOUNT,
        login: LOGIN,
        area: Some(area("harbor-1")),
        protocol: 1,
        party: CharacterId(0),
    }
}

#[test]
fn commands_to_the_lobby_stay_readable() {
    let (character, account) = (ANN, ACCOUNT);
    let commands = vec![
        LobbyCommand::Start {
            character,
            account,
            now: NOW,
            login: LOGIN,
            protocol: 1,
            company: None,
        },
        LobbyCommand::Join {
            character,
            ticket: TICKET,
            edge: EDGE,
            now: NOW,
            admits: admits(),
        },
        LobbyCommand::Delete { character, account },
        LobbyCommand::Restore { character, account },
        LobbyCommand::Erase {
            character,
            account,
            ordered: None,
        },
    ];
    for (n, message) in (6..).zip(keyed(commands)) {
        golden(&format!("lobby-message.1.{n}"), &message);
    }
}

#[test]
fn what_the_lobby_stores_stays_readable() {
    let events = vec![
        LobbyEvent::TicketIssued {
            ticket: TICKET,
            expires_at: NOW,
            admits: admits(),
        },
        LobbyEvent::SessionStarted {
            session: SessionFence(3),
            edge: EDGE,
            resumed: false,
            login: LOGIN,
        },
        LobbyEvent::EnteredWorld {
            area: area("harbor-1"),
            at: NOW,
            party: CharacterId(0),
        },
        LobbyEvent::Deleted {
            at: NOW,
            until: LATER,
        },
        LobbyEvent::Restored,
        LobbyEvent::Erased {
            account: Some(ACCOUNT),
            order: None,
        },
        LobbyEvent::Erased {
            account: None,
            order: None,
        },
    ];
    let state = Character {
        account: Some(ACCOUNT),
        name: sealed(),
        place: Some(Place::World(area("forest-1"))),
        session: SessionFence(3),
        edge: EDGE,
        ticket: Some(Ticket {
            id: TICKET,
            expires_at: NOW,
            used: true,
            admits: admits(),
        }),
        login: LOGIN,
        played_ms: 3_600_000,
        counted_to: NOW,
        deleted_until: Some(LATER),
        erased: true,
        ..Character::default()
    };
    golden("lobby-entry.1.3", &entry(events, state));
    let replies = [LobbyReply::Deleted { until: LATER }, LobbyReply::Done];
    for (n, reply) in (4..).zip(replies) {
        let result = Ok(reply);
        golden(&format!("reply-lobby.1.{n}"), &Reply { request: n, result });
    }
}

#[test]
fn what_names_store_stays_readable() {
    let (character, account) = (ANN, ACCOUNT);
    let commands = vec![
        NameCommand::Reserve { character, account },
        NameCommand::Keep { character },
        NameCommand::Release {
            character,
            at: LATER,
        },
    ];
    for (n, message) in (1..).zip(keyed(commands)) {
        golden(&format!("name-message.1.{n}"), &message);
    }
    let events = vec![
        NameEvent::Reserved {
            character,
            account,
            until: NOW,
        },
        NameEvent::Kept { character },
        NameEvent::Released {
            character,
            at: LATER,
        },
    ];
    let state = Name {
        character: Some(character),
        account: Some(account),
        until: Some(LATER),
    };
    golden("name-entry.1", &entry(events, state));
    let result = Ok(NameReply::Done);
    golden("reply-name.1", &Reply { request: 1, result });
}

#[test]
fn what_stands_in_buckets_stays_readable() {
    let ranking = Ranking {
        characters: vec![(ANN, 3_600_000), (CharacterId(2), 1)],
    };
    golden("ranking.1", &ranking);
    let edge = EdgeMember {
        edge: EDGE,
        url: "wss://one.play.example/v1/ws".into(),
        connections: 7,
    };
    golden("edge-member.1", &edge);
}
