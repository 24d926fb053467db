//! Accounts over a real broker, with the rights that each role has and no others.

use std::time::Duration;

use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Requester, streams};
use identity::keys::KeyPair;
use identity::{Config, run};
use runtime::{Ctx, Shutdown};
use schemas::account::{AccountCommand, LoggedIn, guest_proof};
use schemas::keyed::Refusal;
use schemas::sealed::Sealed;
use schemas::subjects::Domain;
use schemas::{AccountId, CharacterId, Digest, EdgeId};

const ANN: AccountId = AccountId(7);
const SOON: Duration = Duration::from_secs(30);

async fn connect(broker: &devstack::test::TestBroker, role: &str) -> EventLog {
    let credential = broker.users().and_then(|users| users.credential(role));
    let credential = credential.expect("a role of nats/users.toml");
    let options = Connect::to(broker.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.expect("a connection")
}

async fn ask(edge: &Requester, command: AccountCommand) -> Result<LoggedIn, Refusal> {
    let key = ANN.to_string();
    let answer = edge.ask(Domain::Identity, &key, &command, SOON).await;
    answer.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_registers_comes_back_and_is_known_to_a_second_life_of_the_service() {
    let broker = devstack::test::broker_with_users().await.expect("a broker");
    let admin = connect(&broker, "admin").await;
    let file = StreamsFile::built_in().expect("the built-in streams");
    streams::apply(&admin, &file).await.expect("streams");
    let config = Config {
        secret: "0123456789abcdef0123456789abcdef".to_owned().into(),
        signing_key: KeyPair::generate().private.into(),
    };
    let start = async || {
        let shutdown = Shutdown::new();
        let log = connect(&broker, "identity").await;
        let ctx = Ctx::new(shutdown.clone());
        (shutdown, tokio::spawn(run(config.clone(), log, ctx)))
    };
    let edge = connect(&broker, "edge").await;
    let edge = Requester::new(edge, EdgeId(1)).await.expect("a requester");

    let (shutdown, running) = start().await;
    let register = AccountCommand::RegisterGuest {
        account: ANN,
        character: CharacterId(70),
        name: Sealed::default(),
    };
    let first = ask(&edge, register.clone()).await.unwrap();
    let second = ask(&edge, register).await.unwrap();
    assert_eq!(second.guest_token, first.guest_token);
    shutdown.begin();
    running.await.unwrap().unwrap();

    let (shutdown, running) = start().await;
    let (account, proof) = guest_proof(&first.guest_token).unwrap();
    let back = ask(&edge, AccountCommand::LoginGuest { account, proof }).await;
    assert_eq!(back.unwrap().character, CharacterId(70));
    let wrong = Digest::of(b"a guess");
    let refused = ask(
        &edge,
        AccountCommand::LoginGuest {
            account,
            proof: wrong,
        },
    )
    .await;
    assert_eq!(refused.unwrap_err().code, "bad_login");
    shutdown.begin();
    running.await.unwrap().unwrap();
}
