//! Characters over a real broker, with the rights that each role has and no others.

use std::time::Duration;

use eventlog::outbox::{confirmation_message, effect_message, issue};
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Follow, Requester, streams};
use lobby::{Config, TicketClaims, run};
use runtime::{Ctx, Shutdown};
use schemas::command::AreaMessage;
use schemas::effect::{EffectMessage, EffectPayload};
use schemas::fact::DepartureReason;
use schemas::keyed::{Outbox, Refusal};
use schemas::lobby::{LobbyCommand, LobbyReply};
use schemas::sealed::Sealed;
use schemas::subjects::{AREA_COMMANDS, AggregateId, Domain, area_commands, wake};
use schemas::{
    AccountId, AreaId, CharacterId, Digest, EdgeId, Sequence, SessionFence, UnixMillis, decode,
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
    }
}

/// What the ticket's id digests to, as an edge computes it.
fn digest(ticket: &str) -> Digest {
    let claims = jsonwebtoken::dangerous::insecure_decode::<TicketClaims>(ticket).unwrap();
    Digest::of(claims.claims.jti.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_character_enters_the_world_and_comes_back() {
    let broker = devstack::test::broker_with_users().await.expect("a broker");
    let admin = connect(&broker, "admin").await;
    let file = StreamsFile::built_in().expect("the built-in streams");
    streams::apply(&admin, &file).await.expect("streams");
    let edge = connect(&broker, "edge").await;
    let edge = Requester::new(edge, EDGE).await.expect("a requester");
    let worker = connect(&broker, "worker").await;
    let harbor = AreaId::new("harbor-1").unwrap();
    let mut hints = worker.subscribe_core(&wake(&harbor)).await.unwrap();

    let shutdown = Shutdown::new();
    let config = Config {
        secret: "0123456789abcdef0123456789abcdef".to_owned().into(),
        signing_key: PRIVATE.to_owned().into(),
        ..Config::default()
    };
    let lobby = connect(&broker, "lobby").await;
    let running = tokio::spawn(run(config, lobby, Ctx::new(shutdown.clone())));

    let create = LobbyCommand::Create {
        character: ANN,
        account: OWNER,
        name: Sealed::default(),
    };
    assert_eq!(
        ask(&edge, create).await,
        Ok(LobbyReply::Created { character: ANN })
    );
    let Ok(LobbyReply::Ticket { ticket, .. }) = ask(&edge, start()).await else {
        panic!("no ticket");
    };
    let join = LobbyCommand::Join {
        character: ANN,
        ticket: digest(&ticket),
        edge: EDGE,
        now: UnixMillis::now(),
    };
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
