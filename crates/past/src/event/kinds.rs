//! Under which name and version the keyed domains' events stand in the log.

use schemas::account::AccountEvent;
use schemas::control::{ControlEvent, FleetEvent};
use schemas::credential::CredentialEvent;
use schemas::lobby::LobbyEvent;
use schemas::name::NameEvent;

/// What a newer build wrote.
const UNKNOWN: &str = "unknown";

pub(super) const fn account(event: &AccountEvent) -> &'static str {
    match event {
        AccountEvent::GuestRegistered { .. } => "guest_registered.1",
        AccountEvent::LoggedIn { .. } => "logged_in.1",
        AccountEvent::LoginFailed { .. } => "login_failed.1",
        AccountEvent::Registered { .. } => "registered.1",
        AccountEvent::CredentialLinked { .. } => "credential_linked.1",
        AccountEvent::SessionOpened { .. } => "session_opened.1",
        AccountEvent::Refreshed { .. } => "refreshed.1",
        AccountEvent::SessionEnded { .. } => "session_ended.1",
        AccountEvent::CharacterAdded { .. } => "character_added.1",
        AccountEvent::CharacterRemoved { .. } => "character_removed.1",
        AccountEvent::Security { .. } => "security.1",
        AccountEvent::Erased { .. } => "erased.1",
        AccountEvent::Unknown => UNKNOWN,
    }
}

pub(super) const fn credential(event: &CredentialEvent) -> &'static str {
    match event {
        CredentialEvent::Registered { .. } => "registered.1",
        CredentialEvent::Granted { .. } => "granted.1",
        CredentialEvent::Failed { .. } => "failed.1",
        CredentialEvent::HashChanged { .. } => "hash_changed.1",
        CredentialEvent::Erased { .. } => "erased.1",
        CredentialEvent::Unknown => UNKNOWN,
    }
}

pub(super) const fn name(event: &NameEvent) -> &'static str {
    match event {
        NameEvent::Reserved { .. } => "reserved.1",
        NameEvent::Kept { .. } => "kept.1",
        NameEvent::Released { .. } => "released.1",
        NameEvent::Unknown => UNKNOWN,
    }
}

pub(super) const fn lobby(event: &LobbyEvent) -> &'static str {
    match event {
        LobbyEvent::Created { .. } => "created.1",
        LobbyEvent::TicketIssued { .. } => "ticket_issued.1",
        LobbyEvent::SessionStarted { .. } => "session_started.1",
        LobbyEvent::EnteredWorld { .. } => "entered_world.1",
        LobbyEvent::Located { .. } => "located.1",
        LobbyEvent::Returned { .. } => "returned.1",
        LobbyEvent::Missed { .. } => "missed.1",
        LobbyEvent::Reclaimed { .. } => "reclaimed.1",
        LobbyEvent::Deleted { .. } => "deleted.1",
        LobbyEvent::Restored => "restored.1",
        LobbyEvent::Erased { .. } => "erased.1",
        LobbyEvent::Unknown => UNKNOWN,
    }
}

pub(super) const fn control(event: &ControlEvent) -> &'static str {
    match event {
        ControlEvent::AreaOpened { .. } => "area_opened.1",
        ControlEvent::Steered { .. } => "steered.1",
        ControlEvent::Pinned { .. } => "pinned.1",
        ControlEvent::Unknown => UNKNOWN,
    }
}

pub(super) const fn fleet(event: &FleetEvent) -> &'static str {
    match event {
        FleetEvent::DutySet { .. } => "duty_set.1",
        FleetEvent::Unknown => UNKNOWN,
    }
}

/// `spoken.1` → (`spoken`, 1); what names no version has version 0.
pub(super) fn split(kind: &'static str) -> (&'static str, u16) {
    match kind.rsplit_once('.') {
        Some((name, version)) => (name, version.parse().unwrap_or(0)),
        None => (kind, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_split_into_name_and_version() {
        assert_eq!(split("spoken.1"), ("spoken", 1));
        assert_eq!(split("effect_sent.12"), ("effect_sent", 12));
        assert_eq!(split("unknown"), ("unknown", 0));
    }
}
