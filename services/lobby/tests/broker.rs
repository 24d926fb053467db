//! Characters over a real broker, with the rights that each role has and no others.

use std::time::Duration;

use eventlog::outbox::{confirmation_message, effect_message, issue};
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Follow, Requester, streams};
use lobby::{Config, TicketClaims, run};
use runtime::{Ctx, Shutdown};
use schemas::command::AreaMessage;
use schemas::effect::{EffectMessage, EffectPayload, LastSeen};
use schemas::fact::DepartureReason;
use schemas::keyed::{Outbox, Refusal};
use schemas::lobby::{Admission, LobbyCommand, LobbyReply};
use schemas::name::{NameCommand, NameReply};
use schemas::sealed::Sealed;
use schemas::subjects::{AREA_COMMANDS, AggregateId, Domain, area_commands, wake};
use schemas::{
    AccountId, AreaId, CharacterId, Digest, EdgeId, LoginId, Sequence, SessionFence, UnixMillis,
    decode,
};

const ANN: CharacterId = CharacterId(7);
const OWNER: AccountId = AccountId(70);
const EDGE: EdgeId = EdgeId(1);
const SOON: Duration = Duration::from_secs(30);
/// The key pair printed in RFC 8410, section 10.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

async fn connect(broker: &devstack::test::TestBroker, role: &str) -> EventLog {
    let credential = broker.users().and_then(|users| users.credential(role));
    let credential = credential.expect("a role of nats/users.toml");
    let options = Connect::to(broker.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.expect("a connection")
}

/// A broker with its streams.
async fn realm() -> devstack::test::TestBroker {
    let broker = devstack::test::broker_with_users().await.expect("a broker");
    let admin = connect(&broker, "admin").await;
    let file = StreamsFile::built_in().expect("the built-in streams");
    streams::apply(&admin, &file).await.expect("streams");
    broker
}

/// A lobby at work.
async fn lobby(
    broker: &devstack::test::TestBroker,
) -> (Shutdown, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let config = Config {
        secret: "0123456789abcdef0123456789abcdef".to_owned().into(),
        signing_key: PRIVATE.to_owned().into(),
        ..Config::default()
    };
    let shutdown = Shutdown::new();
    let log = connect(broker, "lobby").await;
    let running = tokio::spawn(run(config, log, Ctx::new(shutdown.clone())));
    (shutdown, running)
}

async fn asker(broker: &devstack::test::TestBroker) -> Requester {
    let edge = connect(broker, "edge").await;
    Requester::new(edge, EDGE).await.expect("a requester")
}

fn create() -> LobbyCommand {
    LobbyCommand::Create {
        character: ANN,
        account: OWNER,
        name: Sealed::default(),
    }
}

async fn ask(edge: &Requester, command: LobbyCommand) -> Result<LobbyReply, Refusal> {
    let key = ANN.to_string();
    let answer = edge.ask(Domain::Lobby, &key, &command, SOON).await;
    answer.expect("an answer")
}

fn start() -> LobbyCommand {
    LobbyCommand::Start {
        character: ANN,
        account: OWNER,
        now: UnixMillis::now(),
        login: LoginId(9),
        protocol: 1,
        company: None,
    }
}

/// What an edge sends for a ticket.
fn join(ticket: &str) -> LobbyCommand {
    let claims = jsonwebtoken::dangerous::insecure_decode::<TicketClaims>(ticket).unwrap();
    let claims = claims.claims;
    LobbyCommand::Join {
        character: claims.sub,
        ticket: Digest::of(claims.jti.as_bytes()),
        edge: EDGE,
        now: UnixMillis::now(),
        admits: Admission {
            account: claims.account,
            login: claims.sid,
            area: claims.area,
            protocol: claims.protocol,
            party: claims.party,
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_character_enters_the_world_and_comes_back() {
    let broker = realm().await;
    let edge = asker(&broker).await;
    let worker = connect(&broker, "worker").await;
    let harbor = AreaId::new("harbor-1").unwrap();
    let mut hints = worker.subscribe_core(&wake(&harbor)).await.unwrap();

    let (shutdown, running) = lobby(&broker).await;
    assert_eq!(
        ask(&edge, create()).await,
        Ok(LobbyReply::Created { character: ANN })
    );
    let Ok(LobbyReply::Ticket { ticket, .. }) = ask(&edge, start()).await else {
        panic!("no ticket");
    };
    let join = join(&ticket);
    let Ok(LobbyReply::Joined { session, area, .. }) = ask(&edge, join.clone()).await else {
        panic!("not joined");
    };
    assert_eq!((session, &area), (SessionFence(1), &harbor));
    assert_eq!(ask(&edge, join).await.unwrap_err().code, "ticket_used");

    // What the area's worker gets: a hint, and the character.
    tokio::time::timeout(SOON, hints.next())
        .await
        .expect("a hint");
    let filters = vec![area_commands(&harbor)];
    let mut commands = worker.read(AREA_COMMANDS, filters, Sequence(0), Follow::Tail);
    let record = tokio::time::timeout(SOON, commands.next())
        .await
        .expect("a command");
    let payload = record.unwrap().unwrap().payload;
    let Ok(AreaMessage::Effect(EffectMessage { source, effect, .. })) = decode(&payload) else {
        panic!("not an effect");
    };
    let EffectPayload::Enter { traveller, .. } = effect.payload.clone() else {
        panic!("not the character");
    };
    assert_eq!((traveller.character, traveller.session), (ANN, session));

    // The area confirms, and later gives the character back.
    let here = AggregateId::Area(harbor.clone());
    let receipt = confirmation_message(&source, &effect.target, effect.number);
    worker
        .send(&receipt.subject, receipt.payload, None)
        .await
        .unwrap();
    let returned = EffectPayload::Returned {
        traveller,
        last_seen: None,
        reason: DepartureReason::Logout,
    };
    let back = issue(&mut Outbox::default(), source, UnixMillis::now(), returned);
    let back = effect_message(&here, "AREA_EVENTS", Sequence(1), &back);
    worker
        .send(&back.subject, back.payload, None)
        .await
        .unwrap();
    let record = tokio::time::timeout(SOON, commands.next())
        .await
        .expect("a receipt");
    let payload = record.unwrap().unwrap().payload;
    assert!(matches!(decode(&payload), Ok(AreaMessage::Confirmation(_))));

    let resume = LobbyCommand::Resume {
        character: ANN,
        session,
        edge: EDGE,
    };
    assert_eq!(ask(&edge, resume).await.unwrap_err().code, "session_over");
    shutdown.begin();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_one_characters_even_when_two_lobbies_serve() {
    let broker = realm().await;
    let edge = asker(&broker).await;
    let (one, other) = tokio::join!(lobby(&broker), lobby(&broker));
    let name = "0123456789abcdef0123456789abcdef";
    let reserve = async |n: u64| {
        let command = NameCommand::Reserve {
            character: CharacterId(n),
            account: AccountId(n),
        };
        let asked = edge.ask::<_, NameReply>(Domain::Name, name, &command, SOON);
        asked.await.expect("an answer")
    };
    let all = tokio::join!(reserve(1), reserve(2), reserve(3), reserve(4));
    let all = [all.0, all.1, all.2, all.3];
    let got = all.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(got, 1, "{all:?}");
    let codes = all.into_iter().filter_map(Result::err);
    assert!(
        codes
            .into_iter()
            .all(|refusal| refusal.code == "name_taken")
    );
    for (shutdown, running) in [one, other] {
        shutdown.begin();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_character_leaves_the_world_and_an_area_that_is_no_more_is_not_returned_to() {
    let broker = realm().await;
    let edge = asker(&broker).await;
    let (shutdown, running) = lobby(&broker).await;
    let worker = connect(&broker, "worker").await;
    ask(&edge, create()).await.unwrap();
    let Ok(LobbyReply::Ticket { ticket, .. }) = ask(&edge, start()).await else {
        panic!("no ticket");
    };
    ask(&edge, join(&ticket)).await.unwrap();
    let delete = LobbyCommand::Delete {
        character: ANN,
        account: OWNER,
    };
    assert!(matches!(
        ask(&edge, delete).await,
        Ok(LobbyReply::Deleted { .. })
    ));
    assert_eq!(ask(&edge, start()).await.unwrap_err().code, "deleted");

    let harbor = AreaId::new("harbor-1").unwrap();
    let filters = vec![area_commands(&harbor)];
    let mut commands = worker.read(AREA_COMMANDS, filters, Sequence(0), Follow::Tail);
    let mut sent = Vec::new();
    while sent.len() < 2 {
        let record = tokio::time::timeout(SOON, commands.next()).await;
        let payload = record.expect("a command").unwrap().unwrap().payload;
        let Ok(AreaMessage::Effect(message)) = decode(&payload) else {
            panic!("not an effect");
        };
        sent.push(message);
    }
    let EffectPayload::LeaveWorld { session, .. } = sent[1].effect.payload else {
        panic!("{:?}", sent[1]);
    };
    assert_eq!(session, SessionFence(1));

    // The area gives it back, as seen last in one that nobody ever opened.
    let EffectPayload::Enter { traveller, .. } = sent[0].effect.payload.clone() else {
        panic!("{:?}", sent[0]);
    };
    let returned = EffectPayload::Returned {
        traveller,
        last_seen: Some(LastSeen {
            area: AreaId::new("swamp-1").unwrap(),
            x: 1,
            y: 2,
        }),
        reason: DepartureReason::Logout,
    };
    let me = AggregateId::Character(ANN);
    let back = issue(&mut Outbox::default(), me, UnixMillis::now(), returned);
    let here = AggregateId::Area(harbor.clone());
    let back = effect_message(&here, "AREA_EVENTS", Sequence(1), &back);
    worker
        .send(&back.subject, back.payload, None)
        .await
        .unwrap();
    tokio::time::timeout(SOON, commands.next())
        .await
        .expect("a receipt")
        .unwrap();
    let restore = LobbyCommand::Restore {
        character: ANN,
        account: OWNER,
    };
    assert_eq!(ask(&edge, restore).await, Ok(LobbyReply::Done));
    let Ok(LobbyReply::Ticket { area, ticket, .. }) = ask(&edge, start()).await else {
        panic!("no ticket");
    };
    assert_eq!(area, harbor, "a safe place");
    ask(&edge, join(&ticket)).await.unwrap();
    shutdown.begin();
    running.await.unwrap().unwrap();
}
