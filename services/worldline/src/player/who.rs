//! Whom an operator means: an account by its id, or that of a character by its id or name.

use anyhow::Context;
use eventlog::EventLog;
use schemas::AccountId;
use schemas::account::{Account, AccountEvent};
use schemas::lobby::{Character, LobbyEvent};
use schemas::locate::Locator;
use schemas::subjects::{Domain, account_key};

use crate::character::{newest, who};

/// The account that is meant.
pub(super) async fn account(
    log: &EventLog,
    locator: &Locator,
    id: &str,
) -> anyhow::Result<AccountId> {
    // An id may be an account's or a character's: whichever there is.
    if let Ok(account) = id.parse::<AccountId>() {
        let key = account_key(account);
        let known = newest::<AccountEvent, Account>(log, Domain::Identity, &key).await?;
        if known.is_some() {
            return Ok(account);
        }
    }
    let character = who(log, Some(locator), id).await?;
    let key = character.to_string();
    let entry = newest::<LobbyEvent, Character>(log, Domain::Lobby, &key).await?;
    let entry = entry.with_context(|| format!("{id}: there is no such account or character"))?;
    let owner = entry.state.account;
    owner.with_context(|| format!("{id}: this character never came to be"))
}
