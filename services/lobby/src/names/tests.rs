//! The rules of names, each a sentence.

use eventlog::keyed::given::{Given, given};

use super::*;

const ANN: CharacterId = CharacterId(7);
const BEN: CharacterId = CharacterId(8);
const ANNS_ACCOUNT: AccountId = AccountId(70);
const BENS_ACCOUNT: AccountId = AccountId(80);
/// When commands are stored.
const NOW: UnixMillis = UnixMillis(1_000_000);
const LAPSES: UnixMillis = UnixMillis(1_060_000);
const MUCH_LATER: UnixMillis = UnixMillis(900_000_000);

fn when_given(events: impl IntoIterator<Item = NameEvent>) -> Given<'static, Names> {
    given(&Names, "0".repeat(32), events).at(NOW)
}

fn reserve(character: CharacterId, account: AccountId) -> NameCommand {
    NameCommand::Reserve { character, account }
}

fn reserved_by_ann() -> NameEvent {
    NameEvent::Reserved {
        character: ANN,
        account: ANNS_ACCOUNT,
        until: LAPSES,
    }
}

fn kept() -> NameEvent {
    NameEvent::Kept { character: ANN }
}

fn released() -> NameEvent {
    NameEvent::Released {
        character: ANN,
        at: MUCH_LATER,
    }
}

#[test]
fn a_free_name_is_held_for_a_minute() {
    let when = when_given([]).when(reserve(ANN, ANNS_ACCOUNT));
    assert_eq!(
        when.then([reserved_by_ann()]).answer(),
        Some(NameReply::Done)
    );
}

#[test]
fn reserving_it_again_changes_nothing() {
    for events in [
        vec![reserved_by_ann()],
        vec![reserved_by_ann(), kept()],
        vec![reserved_by_ann(), kept(), released()],
    ] {
        when_given(events)
            .when(reserve(ANN, ANNS_ACCOUNT))
            .then([])
            .answer();
    }
}

#[test]
fn nobody_else_gets_it_while_it_is_held_kept_or_in_its_grace() {
    for events in [
        vec![reserved_by_ann()],
        vec![reserved_by_ann(), kept()],
        vec![reserved_by_ann(), kept(), released()],
    ] {
        when_given(events.clone())
            .when(reserve(BEN, BENS_ACCOUNT))
            .then([])
            .refused("name_taken");
        when_given(events)
            .when(NameCommand::Keep { character: BEN })
            .then([])
            .refused("name_taken");
    }
}

#[test]
fn what_was_not_kept_lapses_by_the_brokers_clock() {
    let taken = |at: UnixMillis| {
        when_given([reserved_by_ann()])
            .at(at)
            .when(reserve(BEN, BENS_ACCOUNT))
    };
    taken(UnixMillis(LAPSES.0 - 1)).refused("name_taken");
    taken(LAPSES).then([NameEvent::Reserved {
        character: BEN,
        account: BENS_ACCOUNT,
        until: UnixMillis(LAPSES.0 + 60_000),
    }]);
}

#[test]
fn what_is_kept_never_lapses() {
    when_given([reserved_by_ann(), kept()])
        .at(MUCH_LATER)
        .when(reserve(BEN, BENS_ACCOUNT))
        .refused("name_taken");
}

#[test]
fn a_slow_creation_keeps_what_nobody_else_has_taken() {
    when_given([reserved_by_ann()])
        .at(MUCH_LATER)
        .when(NameCommand::Keep { character: ANN })
        .then([kept()])
        .answer();
    when_given([reserved_by_ann(), kept()])
        .when(NameCommand::Keep { character: ANN })
        .then([])
        .answer();
}

#[test]
fn nobody_keeps_what_was_never_reserved() {
    when_given([])
        .when(NameCommand::Keep { character: ANN })
        .then([])
        .refused("not_reserved");
}

#[test]
fn a_released_name_is_free_at_its_time_and_a_restored_character_keeps_it() {
    let release = NameCommand::Release {
        character: ANN,
        at: MUCH_LATER,
    };
    when_given([reserved_by_ann(), kept()])
        .when(release.clone())
        .then([released()])
        .answer();
    let events = || [reserved_by_ann(), kept(), released()];
    when_given(events()).when(release).then([]).answer();
    when_given(events())
        .when(NameCommand::Keep { character: ANN })
        .then([kept()])
        .answer();
    let when = when_given(events())
        .at(MUCH_LATER)
        .when(reserve(BEN, BENS_ACCOUNT));
    assert_eq!(when.state.character, Some(BEN));
}

#[test]
fn releasing_what_is_somebody_elses_changes_nothing() {
    for events in [vec![], vec![reserved_by_ann(), kept()]] {
        when_given(events)
            .when(NameCommand::Release {
                character: BEN,
                at: NOW,
            })
            .then([])
            .answer();
    }
}
