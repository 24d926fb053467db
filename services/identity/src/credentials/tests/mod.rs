//! The rules of credentials, each a sentence.

mod erasing;
mod finding_out;
mod locking;
mod openid;
mod passwords;

use eventlog::keyed::given::{Given, given};
use schemas::locate::Locator;
use schemas::sealed::Sealed;
use schemas::sealed_to::BoxSecret;

use super::*;
use crate::key_ring::KeyRing;
use crate::oidc::Verifier;
use crate::password::{HashParameters, HashPool};

const ANN: AccountId = AccountId(7);
const BEN: AccountId = AccountId(8);
/// When everything is stored unless a test says otherwise.
const NOW: UnixMillis = UnixMillis(1_000_000);

fn locator() -> Locator {
    Locator::of_realm([7; 32])
}

/// Where the credential of the name `Ann` is.
fn key() -> String {
    locator().login_name("Ann").to_string()
}

fn secrets() -> Secrets {
    Secrets::from_text("0123456789abcdef0123456789abcdef").unwrap()
}

fn checks() -> Checks {
    let quick = HashParameters {
        memory: 64,
        passes: 1,
        lanes: 1,
    };
    let http = runtime::HttpClient::new(std::time::Duration::from_secs(1));
    Checks {
        keys: KeyRing::alone(),
        pool: HashPool::new(quick, 1, 4).unwrap(),
        vault: secrets().vault("test"),
        locator: locator(),
        vouching: Vouching::alone(Verifier::new(&runtime::OidcIssuers::default(), &http)),
        patience: std::time::Duration::from_secs(2),
        serving_since: UnixMillis::now(),
    }
}

fn credentials() -> Credentials {
    Credentials::new(&secrets(), checks(), Arc::default())
}

fn reply_secret() -> BoxSecret {
    BoxSecret::from_bytes([9; 32])
}

fn register(account: AccountId) -> CredentialCommand {
    CredentialCommand::Register {
        account,
        upgrade: false,
        secret: SealedTo::default(),
        reply_key: reply_secret().public(),
    }
}

fn log_in() -> CredentialCommand {
    CredentialCommand::LogIn {
        account: BEN,
        secret: SealedTo::default(),
        reply_key: reply_secret().public(),
    }
}

fn change(account: AccountId) -> CredentialCommand {
    CredentialCommand::ChangePassword {
        account,
        secret: SealedTo::default(),
        reply_key: reply_secret().public(),
    }
}

fn hash(n: u8) -> Sealed {
    Sealed {
        key: "identity.1".into(),
        nonce: vec![n; 24],
        bytes: vec![n; 48],
    }
}

fn ctx() -> Context {
    Context {
        sequence: schemas::Sequence(100),
        stored_at: NOW,
        pending: 0,
    }
}

fn granted() -> CredentialEvent {
    CredentialEvent::Granted {
        grant: Digest::of(grant_id(&key(), &ctx()).as_bytes()),
    }
}

/// Ann has a password.
fn registered() -> Vec<CredentialEvent> {
    vec![
        CredentialEvent::Registered {
            account: ANN,
            method: Method::Password,
            hash: Some(hash(1)),
        },
        granted(),
    ]
}

fn failed(n: usize) -> Vec<CredentialEvent> {
    vec![CredentialEvent::Failed { at: NOW }; n]
}

fn ann(
    credentials: &Credentials,
    events: impl IntoIterator<Item = CredentialEvent>,
) -> Given<'_, Credentials> {
    given(credentials, key(), events)
}

/// What was sealed for who asked, and what it says to the account.
fn grant(answer: Option<CredentialReply>) -> (Grant, GrantClaims) {
    let Some(CredentialReply::Granted { grant }) = answer else {
        panic!("no grant: {answer:?}");
    };
    let secret = reply_secret();
    let bound_to = bound_to(&key(), secret.public());
    let opened = secret.open(&grant, ANSWER, &bound_to).unwrap();
    let grant: Grant = schemas::decode(&opened).unwrap();
    let claims = credentials().grants.read(&grant.token).unwrap();
    (grant, claims)
}
