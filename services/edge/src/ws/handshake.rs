//! Who are you: a ticket begins a session, a resume token goes on with one.

use std::sync::Arc;
use std::time::Duration;

use eventlog::RequestError;
use schemas::keyed::Refusal;
use schemas::lobby::{Admission, LobbyCommand, LobbyReply};
use schemas::sealed::Sealed;
use schemas::subjects::Domain;
use schemas::wire::{CloseCode, PROTOCOL};
use schemas::{AccountId, AreaId, CharacterId, Digest, LoginId, SessionFence, UnixMillis};

use super::closing::End;
use super::connection::Connection;
use super::session::Session;
use crate::meters;
use crate::online::Newcomer;
use crate::replica::Attach;
use crate::resume::ResumePoint;

/// How long the lobby may take.
const LOBBY: Duration = Duration::from_secs(10);

impl Connection {
    /// Begins a session with a ticket.
    pub(super) async fn identify(
        &mut self,
        protocol: u32,
        ticket: &str,
        client: &str,
    ) -> Result<(), End> {
        self.unidentified(protocol)?;
        self.new_enough(client)?;
        let Some(claims) = self.realm.keys.ticket(ticket) else {
            meters::refused("ticket");
            let why = "the ticket is forged or expired; ask for another";
            return Err(End::close(CloseCode::BadTicket, why));
        };
        if claims.protocol != protocol {
            meters::refused("ticket");
            let why = "the ticket is for another protocol; ask for another";
            return Err(End::close(CloseCode::BadTicket, why));
        }
        if self.realm.revoked.has_ended(claims.sid) {
            meters::refused("ticket");
            let why = "this login has ended; log in again";
            return Err(End::close(CloseCode::SessionEnded, why));
        }
        let command = LobbyCommand::Join {
            character: claims.sub,
            ticket: Digest::of(claims.jti.as_bytes()),
            edge: self.realm.edge,
            now: UnixMillis::now(),
            // The lobby holds it against what it has signed and where the character is now.
            admits: Admission {
                account: claims.account,
                login: claims.sid,
                area: claims.area,
                protocol: claims.protocol,
                party: claims.party,
            },
        };
        let joined = self
            .ask_lobby(claims.sub, command, CloseCode::BadTicket)
            .await?;
        self.has_a_key(joined.account).await?;
        self.begin(claims.sub, joined, None)
    }

    /// Goes on with a session.
    pub(super) async fn resume(&mut self, protocol: u32, token: &str) -> Result<(), End> {
        self.unidentified(protocol)?;
        let cannot = |why: &'static str| End::close(CloseCode::CannotResume, why);
        let point = match self.realm.keys.resume.open(token, UnixMillis::now()) {
            Ok(point) => point,
            Err(error) => {
                meters::refused("resume_token");
                return Err(End::close(CloseCode::CannotResume, error.to_string()));
            }
        };
        match self.realm.incarnation().await {
            Ok(now) if now == point.incarnation => {}
            Ok(_) => {
                return Err(cannot(
                    "the world was restored since; start over with a ticket",
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a session cannot be resumed now");
                return Err(End::close(
                    CloseCode::Unavailable,
                    "the world does not answer",
                ));
            }
        }
        let character = point.character;
        let command = LobbyCommand::Resume {
            character,
            session: point.session,
            edge: self.realm.edge,
        };
        let joined = self
            .ask_lobby(character, command, CloseCode::CannotResume)
            .await?;
        self.has_a_key(joined.account).await?;
        self.begin(character, joined, Some(point))
    }

    /// Whether a client that announces itself so may come in.
    pub(super) fn new_enough(&self, client: &str) -> Result<(), End> {
        match self.realm.resources.refuses(client) {
            None => Ok(()),
            Some((version, minimum)) => {
                meters::refused("outdated");
                let why =
                    format!("version {version} is too old, {minimum} is needed; update the client");
                Err(End::close(CloseCode::Outdated, why))
            }
        }
    }

    fn unidentified(&self, protocol: u32) -> Result<(), End> {
        if self.session.is_some() || self.observing.is_some() {
            let why = "this connection has its session already";
            return Err(End::close(CloseCode::AlreadyIdentified, why));
        }
        if self.realm.recording.is_some() {
            let why = "this is the past, in which nobody can play; say Observe";
            return Err(End::close(CloseCode::BadTicket, why));
        }
        Self::speaks(protocol)
    }

    /// Whether this is the protocol that is spoken here.
    pub(super) fn speaks(protocol: u32) -> Result<(), End> {
        if protocol != PROTOCOL {
            let why = format!("this server speaks protocol {PROTOCOL}; update the client");
            return Err(End::close(CloseCode::Outdated, why));
        }
        Ok(())
    }

    async fn ask_lobby(
        &mut self,
        character: CharacterId,
        command: LobbyCommand,
        refused: CloseCode,
    ) -> Result<Joined, End> {
        let key = character.to_string();
        let requester = &self.realm.requester;
        // Boxed: a request is larger than all the rest of an idle connection.
        let asking = Box::pin(requester.ask::<_, LobbyReply>(Domain::Lobby, &key, &command, LOBBY));
        match asking.await {
            Ok(Ok(LobbyReply::Joined {
                session,
                area,
                name,
                account,
                login,
            })) => Ok(Joined {
                session,
                area,
                name,
                account,
                login,
            }),
            Ok(Ok(_)) => Err(End::close(
                CloseCode::Internal,
                "the lobby answers another question",
            )),
            Ok(Err(Refusal { code, message, .. })) => {
                tracing::debug!(%character, code, message, "the lobby refuses");
                meters::refused("lobby");
                let code = match code.as_str() {
                    "busy" => CloseCode::Unavailable,
                    "fault" | "wrong_key" => CloseCode::Internal,
                    _ => refused,
                };
                Err(End::close(code, message))
            }
            Err(error) => Err(no_answer(character, &error)),
        }
    }

    /// Nobody comes in whose words could not be sealed.
    async fn has_a_key(&mut self, account: AccountId) -> Result<(), End> {
        let had = Box::pin(self.realm.persons.own(account)).await;
        had.map_err(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a person's key cannot be had");
            End::close(CloseCode::Unavailable, "the keys do not answer; try again")
        })
    }

    fn begin(
        &mut self,
        character: CharacterId,
        joined: Joined,
        resumed_from: Option<ResumePoint>,
    ) -> Result<(), End> {
        let newcomer = Newcomer {
            account: joined.account,
            login: joined.login,
            character,
            area: joined.area.clone(),
            mailbox: Arc::clone(&self.mailbox),
        };
        // From here on the news that its login has ended reaches this connection.
        self.realm.online.enter(self.id, newcomer);
        if self.realm.revoked.has_ended(joined.login) {
            let why = "this login has ended; log in again";
            return Err(End::close(CloseCode::SessionEnded, why));
        }
        let name = self.realm.keys.realm.open(&joined.name).unwrap_or_default();
        let attach = Attach {
            connection: self.id,
            character,
            session: joined.session,
            encoding: self.socket.encoding(),
            mailbox: Arc::clone(&self.mailbox),
            since: resumed_from.as_ref().map(|point| point.sequence),
            comes_by: None,
        };
        let replicas = &self.realm.replicas;
        let replica = replicas
            .attach(&self.realm, &joined.area, attach)
            .map_err(|_| End::close(CloseCode::Unavailable, "the area is too busy; try again"))?;
        let session = Session::new(
            (character, joined.account),
            joined.session,
            name,
            replica,
            resumed_from,
        );
        self.session = Some(Box::new(session));
        Ok(())
    }
}

fn no_answer(character: CharacterId, error: &RequestError) -> End {
    let error = error as &dyn std::error::Error;
    tracing::warn!(%character, error, "the lobby does not answer");
    End::close(
        CloseCode::Unavailable,
        "the lobby does not answer; try again",
    )
}

/// The lobby's word.
struct Joined {
    session: SessionFence,
    area: AreaId,
    name: Sealed,
    account: AccountId,
    login: LoginId,
}
