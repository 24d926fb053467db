//! Accounts, credentials and names in `tail` and `verify`: told, proven, and never opened.

mod sample;

use replay::{Answer, Cli, ReplayCommand, TailArgs, VerifyArgs};
use sample::people::{CREDENTIAL, HERO, NAME, live};
use sample::{Realm, busy_day, realm_key};
use schemas::credential::{Credential, CredentialCommand, CredentialEvent, Secret};
use schemas::keyed::KeyedMessage;
use schemas::lobby::LobbyCommand;
use schemas::sealed_to::{BoxSecret, CREDENTIAL as PURPOSE, SealedTo};
use schemas::subjects::{Domain, keyed_command};
use schemas::{AccountId, UnixMillis};

async fn peopled_day() -> Realm {
    let mut realm = busy_day().await;
    realm.take_over("harbor-1", "w3").await;
    live(&mut realm).await;
    realm
}

async fn printed(realm: &Realm, command: ReplayCommand) -> (u8, String) {
    let mut out = Vec::new();
    let code = replay::execute(
        Cli::new(command),
        &realm.log.clone().into(),
        Some(realm_key()),
        &mut out,
    )
    .await;
    (code.unwrap(), String::from_utf8(out).unwrap())
}

fn tail(kind: &[&str], answer: Answer) -> ReplayCommand {
    ReplayCommand::Tail(TailArgs {
        kind: kind.iter().map(ToString::to_string).collect(),
        all: true,
        once: true,
        answer,
        ..TailArgs::default()
    })
}

fn verify() -> ReplayCommand {
    ReplayCommand::Verify(VerifyArgs::default())
}

#[tokio::test]
async fn people_are_told_of_and_what_is_sealed_stays_sealed() {
    let realm = peopled_day().await;
    // A login on its way, as an edge sends it; its answer is nobody's business here.
    let (identity, asker) = (BoxSecret::generate(), BoxSecret::generate());
    let password = Secret::Password {
        password: "hunter22hunter22".into(),
    };
    let sealed = SealedTo::seal(
        identity.public(),
        "k1",
        PURPOSE,
        b"bound",
        &schemas::encode(&password),
    );
    let command = KeyedMessage::Command {
        request: 1,
        reply: None,
        body: CredentialCommand::LogIn {
            account: AccountId(1),
            secret: sealed.unwrap(),
            reply_key: asker.public(),
        },
    };
    let key = CREDENTIAL.to_string();
    let subject = keyed_command(Domain::Credential, &key);
    let payload = schemas::encode(&command).into();
    let sent = realm.log.send(&subject, payload, None).await.unwrap();
    let state = Credential::default();
    let failed = CredentialEvent::Failed { at: UnixMillis(1) };
    realm
        .entry(Domain::Credential, &key, 1000 + sent.0, failed, state)
        .await;

    let kinds = [
        "log_in",
        "registered",
        "hash_changed",
        "kept",
        "session_opened",
    ];
    let (_, text) = printed(&realm, tail(&kinds, Answer::default())).await;
    for told in ["credential.", "name.", "identity."] {
        assert!(text.contains(told), "{told} in {text}");
    }
    assert!(text.contains(&format!("name.{NAME}")), "{text}");
    let (_, json) = printed(&realm, tail(&kinds, Answer::json())).await;
    assert!(json.contains("[sealed to its reader]"), "{json}");
    assert!(json.contains("[sealed identity.1"), "{json}");
    assert!(!json.contains("hunter22") && !json.contains("not to be shown"));
}

#[tokio::test]
async fn people_are_proven_and_whoever_is_erased_is_nowhere() {
    let mut realm = peopled_day().await;
    let (code, text) = printed(&realm, verify()).await;
    assert_eq!(code, 0, "{text}");

    // The grace of a week passes, and nobody is left.
    realm.sleep(8 * 24 * 60 * 60 * 1000);
    let erase = LobbyCommand::Erase {
        character: HERO,
        account: sample::people::CLEO,
        ordered: None,
    };
    realm.ask(HERO, erase).await;
    let (_, told) = printed(&realm, tail(&["erased"], Answer::default())).await;
    assert_eq!(told.lines().count(), 2, "the unborn one and this: {told}");
    let (code, text) = printed(&realm, verify()).await;
    assert_eq!(code, 0, "{text}");
}

#[tokio::test]
async fn who_is_erased_by_order_is_proven_to_be() {
    let mut realm = peopled_day().await;
    sample::people::erased(&mut realm).await;
    let (_, told) = printed(&realm, tail(&["erased"], Answer::json())).await;
    // The unborn one; the account, the credential, the character.
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(told.contains("request 81"), "{told}");
    let (code, text) = printed(&realm, verify()).await;
    assert_eq!(code, 0, "{text}");
}

#[tokio::test]
async fn a_credential_that_handles_a_command_twice_is_found() {
    let realm = peopled_day().await;
    let failed = CredentialEvent::Failed { at: UnixMillis(1) };
    let key = CREDENTIAL.to_string();
    realm
        .entry(Domain::Credential, &key, 102, failed, Credential::default())
        .await;
    let (code, text) = printed(&realm, verify()).await;
    assert_eq!(code, 1);
    assert!(
        text.contains("it has handled command 102 after command 104"),
        "{text}"
    );
}
