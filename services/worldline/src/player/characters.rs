//! A person's characters: out of the world, forgotten, their names free for others.

use std::time::Duration;

use schemas::account::{AccountCommand, AccountReply};
use schemas::control::Order;
use schemas::erasure::Whom;
use schemas::lobby::{Character, LobbyCommand, LobbyEvent, LobbyReply, Ordered, Place};
use schemas::name::{NameCommand, NameReply};
use schemas::sealed::Sealed;
use schemas::subjects::{Domain, account_key};
use schemas::{AccountId, CharacterId, UnixMillis};
use tokio::time::{Instant, sleep};

use super::eraser::{Erased, Eraser};
use crate::character::newest;

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(250);

impl Eraser {
    async fn known_character(&self, character: CharacterId) -> anyhow::Result<Option<Character>> {
        let key = character.to_string();
        let entry = newest::<LobbyEvent, Character>(&self.log, Domain::Lobby, &key).await?;
        Ok(entry.map(|entry| entry.state))
    }

    pub(super) async fn name_of(&self, character: CharacterId) -> anyhow::Result<Option<Sealed>> {
        Ok(self
            .known_character(character)
            .await?
            .map(|state| state.name))
    }

    /// Erases one.
    pub(super) async fn character(
        &self,
        account: AccountId,
        character: CharacterId,
        order: &Order,
        erased: &mut Erased,
    ) -> anyhow::Result<()> {
        let state = self.known_character(character).await?;
        let name = state.as_ref().map(|state| state.name.clone());
        if state.is_some_and(|state| !state.erased) && !self.leave(account, character).await? {
            erased.left.push(format!(
                "character {character}: it is still in the world; `worldline character where {character}`"
            ));
            return Ok(());
        }
        self.release(character, name, erased).await?;
        let whom = Whom::Character(character, account);
        let command = LobbyCommand::Erase {
            character,
            account,
            ordered: Some(Ordered {
                order: order.clone(),
                seal: self.secrets.lobby.seal(&whom, order),
            }),
        };
        let _: LobbyReply = self
            .ask(Domain::Lobby, &character.to_string(), &command)
            .await?;
        let command = AccountCommand::RemoveCharacter { account, character };
        let _: AccountReply = self
            .ask(Domain::Identity, &account_key(account), &command)
            .await?;
        erased.done.push(format!("character {character}"));
        Ok(())
    }

    /// Has it leave the world; whether it has.
    async fn leave(&self, account: AccountId, character: CharacterId) -> anyhow::Result<bool> {
        let key = character.to_string();
        let delete = LobbyCommand::Delete { character, account };
        let began = Instant::now();
        loop {
            // Also busy areas and characters on their way come to rest; the same twice is no error.
            let deleted = self
                .asked::<_, LobbyReply>(Domain::Lobby, &key, &delete)
                .await?;
            let here = match self.known_character(character).await? {
                Some(state) => !matches!(state.place, Some(Place::World(_))),
                None => true,
            };
            if here && deleted.is_ok() {
                return Ok(true);
            }
            if began.elapsed() > self.leaving {
                return Ok(false);
            }
            sleep(LOOK).await;
        }
    }

    /// From now on others may have its name.
    async fn release(
        &self,
        character: CharacterId,
        name: Option<Sealed>,
        erased: &mut Erased,
    ) -> anyhow::Result<()> {
        let Some(sealed) = name.filter(|name| !name.bytes.is_empty()) else {
            return Ok(());
        };
        let Ok(name) = self.secrets.realm.open(&sealed) else {
            erased.notes.push(format!(
                "the name of character {character} stays taken: its key was gone before it could be released"
            ));
            return Ok(());
        };
        let key = edge::character_name_key(&self.secrets.locator, &name).to_string();
        let command = NameCommand::Release {
            character,
            at: UnixMillis::now(),
        };
        let _: NameReply = self.ask(Domain::Name, &key, &command).await?;
        Ok(())
    }
}
