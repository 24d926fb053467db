//! Deletion, undo, the end, and time played: each rule a sentence.

use eventlog::keyed::given::{Given, given};
use schemas::control::Order;
use schemas::effect::{EffectPayload, LastSeen, Traveller};
use schemas::erasure::{ErasureKey, Whom};
use schemas::fact::DepartureReason;
use schemas::lobby::{Ordered, Place};
use schemas::sealed::Sealed;
use schemas::{AccountId, Digest, EdgeId, LoginId, SessionFence};

use super::*;
use crate::tickets::tests::{PRIVATE, SECRET};

const ANN: CharacterId = CharacterId(7);
const ANNS_ACCOUNT: AccountId = AccountId(70);
const BENS_ACCOUNT: AccountId = AccountId(71);
/// When commands are stored.
const NOW: UnixMillis = UnixMillis(1_000_000);
const GRACE: u64 = 600_000;
const GRACE_OVER: UnixMillis = UnixMillis(NOW.0 + GRACE);

fn characters() -> Characters {
    let tickets = Tickets::new(SECRET, PRIVATE).unwrap();
    Characters::new(tickets, area("harbor-1"), "start").with_delete_grace(GRACE)
}

fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

fn at(name: &str) -> AggregateId {
    AggregateId::Area(area(name))
}

fn created() -> LobbyEvent {
    LobbyEvent::Created {
        character: ANN,
        account: ANNS_ACCOUNT,
        name: Sealed::default(),
    }
}

fn playing_since(entered: UnixMillis) -> Vec<LobbyEvent> {
    let started = LobbyEvent::SessionStarted {
        session: SessionFence(1),
        edge: EdgeId(1),
        resumed: false,
        login: LoginId(9),
    };
    let entered = LobbyEvent::EnteredWorld {
        area: area("harbor-1"),
        at: entered,
        party: CharacterId(0),
    };
    vec![created(), started, entered]
}

fn deleted() -> LobbyEvent {
    LobbyEvent::Deleted {
        at: NOW,
        until: GRACE_OVER,
    }
}

fn returned() -> EffectPayload {
    EffectPayload::Returned {
        traveller: Box::new(Traveller {
            character: ANN,
            account: ANNS_ACCOUNT,
            session: SessionFence(1),
            ..Traveller::default()
        }),
        last_seen: Some(LastSeen {
            area: area("harbor-1"),
            x: 1,
            y: 2,
        }),
        reason: DepartureReason::Logout,
    }
}

fn leave() -> EffectPayload {
    EffectPayload::LeaveWorld {
        character: ANN,
        session: SessionFence(1),
        reason: DepartureReason::Logout,
    }
}

fn delete(account: AccountId) -> LobbyCommand {
    LobbyCommand::Delete {
        character: ANN,
        account,
    }
}

fn restore(account: AccountId) -> LobbyCommand {
    LobbyCommand::Restore {
        character: ANN,
        account,
    }
}

fn erase(account: AccountId) -> LobbyCommand {
    LobbyCommand::Erase {
        character: ANN,
        account,
        ordered: None,
    }
}

fn order() -> Order {
    Order {
        by: "kim".into(),
        reason: "request 81".into(),
    }
}

/// The order to erase Ann, sealed with `secret`.
fn ordered(secret: &str) -> LobbyCommand {
    let whom = Whom::Character(ANN, ANNS_ACCOUNT);
    let seal = ErasureKey::of_secret(secret).seal(&whom, &order());
    LobbyCommand::Erase {
        character: ANN,
        account: ANNS_ACCOUNT,
        ordered: Some(Ordered {
            order: order(),
            seal,
        }),
    }
}

fn when_given(
    rules: &Characters,
    events: impl IntoIterator<Item = LobbyEvent>,
) -> Given<'_, Characters> {
    given(rules, ANN.to_string(), events).at(NOW)
}

#[test]
fn a_character_is_deleted_with_a_grace_and_twice_is_once() {
    let rules = characters();
    let answer = when_given(&rules, [created()])
        .when(delete(ANNS_ACCOUNT))
        .then([deleted()])
        .asking_nobody()
        .answer();
    assert_eq!(answer, Some(LobbyReply::Deleted { until: GRACE_OVER }));
    let answer = when_given(&rules, [created(), deleted()])
        .at(UnixMillis(NOW.0 + 1000))
        .when(delete(ANNS_ACCOUNT))
        .then([])
        .answer();
    assert_eq!(answer, Some(LobbyReply::Deleted { until: GRACE_OVER }));
}

#[test]
fn nobody_deletes_restores_or_erases_what_is_somebody_elses() {
    for command in [delete, restore, erase] {
        when_given(&characters(), [created()])
            .when(command(BENS_ACCOUNT))
            .then([])
            .refused("not_yours");
    }
    when_given(&characters(), [])
        .when(delete(ANNS_ACCOUNT))
        .refused("no_such_character");
}

#[test]
fn whoever_is_in_the_world_when_deleted_is_made_to_leave() {
    when_given(&characters(), playing_since(NOW))
        .when(delete(ANNS_ACCOUNT))
        .then([deleted()])
        .asking([(at("harbor-1"), leave())]);
}

#[test]
fn whoever_was_deleted_on_the_way_is_made_to_leave_where_the_news_finds_it() {
    let mut events = playing_since(NOW);
    events.push(deleted());
    let located = EffectPayload::Located {
        character: ANN,
        area: area("forest-1"),
        session: SessionFence(1),
    };
    when_given(&characters(), events)
        .when_sent(at("forest-1"), NOW, located)
        .then([LobbyEvent::Located {
            area: area("forest-1"),
            at: NOW,
        }])
        .asking([(at("forest-1"), leave())]);
}

#[test]
fn a_deleted_character_is_not_started_joined_or_resumed() {
    let rules = characters();
    let issued = LobbyEvent::TicketIssued {
        ticket: Digest([4; 16]),
        expires_at: GRACE_OVER,
        admits: Admission::default(),
    };
    let mut events = playing_since(NOW);
    events.extend([issued, deleted()]);
    let start = LobbyCommand::Start {
        character: ANN,
        account: ANNS_ACCOUNT,
        now: NOW,
        login: LoginId(9),
        protocol: 1,
        company: None,
    };
    when_given(&rules, events.clone())
        .when(start)
        .refused("deleted");
    let join = LobbyCommand::Join {
        character: ANN,
        ticket: Digest([4; 16]),
        edge: EdgeId(1),
        now: NOW,
        admits: Admission::default(),
    };
    when_given(&rules, events.clone())
        .when(join)
        .refused("ticket_unknown");
    let resume = LobbyCommand::Resume {
        character: ANN,
        session: SessionFence(1),
        edge: EdgeId(1),
    };
    when_given(&rules, events).when(resume).refused("deleted");
}

#[test]
fn a_waiting_session_is_not_let_in_once_its_character_is_deleted() {
    let mut events = playing_since(NOW);
    events.push(LobbyEvent::SessionStarted {
        session: SessionFence(2),
        edge: EdgeId(2),
        resumed: false,
        login: LoginId(9),
    });
    events.extend([deleted(), LobbyEvent::Restored]);
    let when = when_given(&characters(), events).when_sent(at("harbor-1"), NOW, returned());
    assert!(matches!(when.state.place, Some(Place::Lobby(_))));
    when.asking_nobody();
}

#[test]
fn a_deletion_is_undone_within_its_grace_only() {
    let rules = characters();
    let last = UnixMillis(GRACE_OVER.0 - 1);
    let when = when_given(&rules, [created(), deleted()])
        .at(last)
        .when(restore(ANNS_ACCOUNT));
    assert_eq!(when.state.deleted_until, None);
    let answer = when.then([LobbyEvent::Restored]).answer();
    assert_eq!(answer, Some(LobbyReply::Done));
    when_given(&rules, [created(), deleted(), LobbyEvent::Restored])
        .when(restore(ANNS_ACCOUNT))
        .then([])
        .answer();
    when_given(&rules, [created(), deleted()])
        .at(GRACE_OVER)
        .when(restore(ANNS_ACCOUNT))
        .then([])
        .refused("too_late");
}

#[test]
fn a_character_is_erased_after_its_grace_and_never_created_anew() {
    let rules = characters();
    when_given(&rules, [created(), deleted()])
        .at(UnixMillis(GRACE_OVER.0 - 1))
        .when(erase(ANNS_ACCOUNT))
        .then([])
        .refused("too_early");
    let erased = LobbyEvent::Erased {
        account: Some(ANNS_ACCOUNT),
        order: None,
    };
    let when = when_given(&rules, [created(), deleted()])
        .at(GRACE_OVER)
        .when(erase(ANNS_ACCOUNT));
    assert_eq!((&when.state.place, when.state.erased), (&None, true));
    when.then([erased.clone()]).answer();
    let events = [created(), deleted(), erased];
    when_given(&rules, events.clone())
        .when(erase(ANNS_ACCOUNT))
        .then([])
        .answer();
    when_given(&rules, events.clone())
        .when(restore(ANNS_ACCOUNT))
        .refused("too_late");
    let create = LobbyCommand::Create {
        character: ANN,
        account: ANNS_ACCOUNT,
        name: Sealed::default(),
    };
    when_given(&rules, events.clone())
        .when(create)
        .refused("erased");
    let start = LobbyCommand::Start {
        character: ANN,
        account: ANNS_ACCOUNT,
        now: NOW,
        login: LoginId(9),
        protocol: 1,
        company: None,
    };
    when_given(&rules, events).when(start).refused("not_yours");
}

#[test]
fn what_never_came_to_be_is_erased_at_once() {
    when_given(&characters(), [])
        .when(erase(ANNS_ACCOUNT))
        .then([LobbyEvent::Erased {
            account: None,
            order: None,
        }])
        .answer();
}

#[test]
fn an_order_of_who_holds_the_secret_waits_for_no_grace_but_for_the_world() {
    let rules = characters();
    when_given(&rules, [created()])
        .when(ordered("another secret of the same length"))
        .then([])
        .refused("no_order");
    when_given(&rules, [created()])
        .when(ordered(SECRET))
        .then([LobbyEvent::Erased {
            account: Some(ANNS_ACCOUNT),
            order: Some(order()),
        }])
        .answer();
    let in_the_world = LobbyEvent::Located {
        area: area("harbor-1"),
        at: NOW,
    };
    when_given(&rules, [created(), in_the_world])
        .when(ordered(SECRET))
        .then([])
        .refused("too_early");
}

#[test]
fn whoever_is_still_in_the_world_is_not_erased() {
    let mut events = playing_since(NOW);
    events.push(deleted());
    when_given(&characters(), events)
        .at(GRACE_OVER)
        .when(erase(ANNS_ACCOUNT))
        .then([])
        .refused("too_early");
}

#[test]
fn time_in_the_world_is_counted_up_to_the_last_news() {
    let rules = characters();
    let seconds = |s: u64| UnixMillis(NOW.0 + s * 1000);
    let mut events = playing_since(NOW);
    events.push(LobbyEvent::Located {
        area: area("forest-1"),
        at: seconds(60),
    });
    let when =
        when_given(&rules, events.clone()).when_sent(at("forest-1"), seconds(90), returned());
    assert_eq!(when.state.played_ms, 90_000);
    assert_eq!(
        when.state.played_at(seconds(500)),
        90_000,
        "it is not there"
    );
    // Until news comes, whoever looks counts on.
    let playing = given(&rules, ANN.to_string(), events).state;
    assert_eq!(playing.played_ms, 60_000);
    assert_eq!(playing.played_at(seconds(75)), 75_000);
}

#[test]
fn clocks_that_differ_lose_time_and_never_double_it() {
    let before = UnixMillis(NOW.0 - 500);
    let when =
        when_given(&characters(), playing_since(NOW)).when_sent(at("harbor-1"), before, returned());
    assert_eq!(when.state.played_ms, 0);
}
