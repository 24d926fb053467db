//! Logins while identity or the database is away: done once, as soon as they can be.

use eventlog::Follow;
use schemas::account::{Account as AccountState, AccountEvent};
use schemas::credential::{Credential, CredentialEvent};
use schemas::keyed::KeyedEntry;
use schemas::subjects::Domain;
use schemas::{Sequence, decode};
use worldline_tests::checks::all_is_well;
use worldline_tests::{Account, Stack, eventually};

use crate::stack;

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_completes_once_after_identity_was_killed_under_it() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    Account::register(&edge, "Ann", PASSWORD).await?;
    let before = happened(&stack).await?;

    stack.kill("identity").await?;
    let asked = commands(&stack).await?;
    let asking = tokio::spawn(async move { Account::log_in(&edge, "Ann", PASSWORD).await });
    eventually("the command is in the log", || async {
        Ok(commands(&stack).await? > asked)
    })
    .await?;
    stack.start_role("identity", &["identity"], &[])?;
    let mut ann = asking.await??;
    ann.refresh().await?;

    let after = happened(&stack).await?;
    assert_eq!(after.granted, before.granted + 1, "granted once");
    assert_eq!(after.opened, before.opened + 1, "one session");
    all_is_well(&stack).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_go_on_while_the_database_is_away() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    stack.postgres.kill()?;
    Account::register(&edge, "Ann", PASSWORD).await?;
    let mut ann = Account::log_in(&edge, "Ann", PASSWORD).await?;
    ann.refresh().await?;
    let character = ann.create_character("Anna").await?;
    let mut player = ann.player(&edge, &character);
    player.enter().await?;
    player.leave().await?;
    stack.postgres.restart().await?;
    all_is_well(&stack).await
}

/// What the log says of logins.
#[derive(Debug, Default)]
struct Happened {
    granted: usize,
    opened: usize,
}

async fn happened(stack: &Stack) -> anyhow::Result<Happened> {
    let mut happened = Happened::default();
    let log = stack.log("replay").await?;
    let stream = Domain::Credential.event_stream();
    let filters = vec!["evt.credential.>".to_owned()];
    let mut reader = log.read(stream, filters, Sequence(0), Follow::UntilHead);
    while let Some(record) = reader.next().await? {
        let entry: KeyedEntry<CredentialEvent, Credential> = decode(&record.payload)?;
        let granted = |event: &&CredentialEvent| matches!(event, CredentialEvent::Granted { .. });
        happened.granted += entry.events.iter().filter(granted).count();
    }
    let stream = Domain::Identity.event_stream();
    let filters = vec!["evt.identity.>".to_owned()];
    let mut reader = log.read(stream, filters, Sequence(0), Follow::UntilHead);
    while let Some(record) = reader.next().await? {
        let entry: KeyedEntry<AccountEvent, AccountState> = decode(&record.payload)?;
        let opened = |event: &&AccountEvent| matches!(event, AccountEvent::SessionOpened { .. });
        happened.opened += entry.events.iter().filter(opened).count();
    }
    Ok(happened)
}

async fn commands(stack: &Stack) -> anyhow::Result<u64> {
    let log = stack.log("replay").await?;
    let info = log.stream_info(Domain::Credential.command_stream()).await?;
    Ok(info.last.0)
}
