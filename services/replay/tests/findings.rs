//! What is wrong with a log is found, and named by check, stream, message and area.

mod sample;

use replay::{Cli, ReplayCommand, VerifyArgs};
use sample::forged::{HARBOR, append, forge, silent};
use sample::{Realm, area_id, busy_day};
use schemas::command::AreaMessage;
use schemas::effect::Confirmation;
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::frame::{Frame, StateHash};
use schemas::outcome::{EffectOutcome, EffectVerdict, Reason, Rejected};
use schemas::segment::InputBits;
use schemas::subjects::{Domain, area_events, keyed_events};
use schemas::{CharacterId, Digest};
use world::AreaState;

/// All findings, as `check stream:sequence place: message`.
async fn findings(realm: &Realm) -> Vec<String> {
    let mut out = Vec::new();
    let command = ReplayCommand::Verify(VerifyArgs::default());
    let code = replay::execute(Cli::new(command), &realm.log.clone().into(), None, &mut out)
        .await
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    let found: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("FOUND "))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(code, u8::from(!found.is_empty()));
    found
}

#[track_caller]
fn assert_found(found: &[String], wanted: &[&str]) {
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.contains(wanted), "{found:?} should say {wanted:?}");
    }
}

#[tokio::test]
async fn a_frame_of_a_loser_breaks_the_chain() {
    let realm = busy_day().await;
    let mut frame = silent(realm.state(HARBOR));
    frame.prev = Digest::of(b"another history");
    let at = append(&realm, &frame).await;
    let found = findings(&realm).await;
    let named =
        format!("chain AREA_EVENTS:{at} harbor-1: frame 38 of harbor-1 does not follow frame 37");
    assert_found(&found, &[&named]);
}

#[tokio::test]
async fn a_state_that_no_fold_reaches_is_found_by_its_hash() {
    let realm = busy_day().await;
    let at = append(&realm, &silent(realm.state(HARBOR))).await;
    let named = format!("hash AREA_EVENTS:{at} harbor-1: after frame 38");
    assert_found(&findings(&realm).await, &[&named]);
}

#[tokio::test]
async fn bytes_that_are_no_frame_are_found_and_the_next_frame_does_not_follow() {
    let realm = busy_day().await;
    let subject = area_events(&area_id(HARBOR));
    let at = realm.append(&subject, b"nonsense".to_vec()).await;
    let named = format!("decode AREA_EVENTS:{at} evt.area.harbor-1");
    assert_found(&findings(&realm).await, &[&named]);
}

#[tokio::test]
async fn a_command_that_was_consumed_without_outcome_is_found() {
    let mut realm = busy_day().await;
    let ben = realm.guest(3, "Cid").await;
    realm.join(ben).await;
    realm.hold(ben, InputBits::LEFT).await;
    let mut ahead = realm.state(HARBOR).position();
    let info = realm.log.stream_info("AREA_COMMANDS").await.unwrap();
    (ahead.sequence, ahead.index) = (info.last, 1);
    let at = forge(&realm, |frame| frame.pos = ahead).await;
    let named = format!(
        "outcome AREA_EVENTS:{at} harbor-1: command {}:1 has no outcome",
        info.last
    );
    assert_found(&findings(&realm).await, &[&named]);
}

#[tokio::test]
async fn what_a_subject_may_not_carry_is_undecodable_for_the_owner_and_for_us() {
    let mut realm = busy_day().await;
    let receipt = AreaMessage::Confirmation(Confirmation {
        target: Realm::id(HARBOR),
        up_to: 9,
    });
    let senders = ["edge.000000000000e", "area-mill-1", "edge", "x", "a.b.c"];
    for sender in senders {
        let subject = format!("cmd.area.forest-1.{sender}");
        let payload = schemas::encode(&receipt).into();
        realm.log.send(&subject, payload, None).await.unwrap();
    }
    realm.tick().await;
    let last = realm.log.last(&area_events(&area_id("forest-1"))).await;
    let frame: Frame = schemas::decode(&last.unwrap().unwrap().payload).unwrap();
    assert_eq!(frame.outcomes.undecodable as usize, senders.len());
    assert_found(&findings(&realm).await, &[]);
}

#[tokio::test]
async fn a_position_beyond_the_commands_is_found() {
    let realm = busy_day().await;
    let mut ahead = realm.state(HARBOR).position();
    ahead.sequence.0 += 100;
    let at = forge(&realm, |frame| frame.pos = ahead).await;
    let named = format!("position AREA_EVENTS:{at} harbor-1: it says to have consumed");
    assert_found(&findings(&realm).await, &[&named]);
}

#[tokio::test]
async fn outcomes_without_commands_are_found() {
    let realm = busy_day().await;
    let at = forge(&realm, |frame| {
        frame.outcomes.undecodable = 2;
        frame.outcomes.rejected.push(Rejected {
            character: CharacterId(1),
            seq: 77,
            reason: Reason::Invalid,
        });
    })
    .await;
    let found = findings(&realm).await;
    let place = format!("outcome AREA_EVENTS:{at} harbor-1: it holds");
    assert_found(
        &found,
        &[
            &format!("{place} 2 undecodable messages too many"),
            &format!("{place} a rejection of command 77 of 0000000000001"),
        ],
    );
}

#[tokio::test]
async fn an_effect_that_is_applied_twice_or_was_never_issued_is_found() {
    let realm = busy_day().await;
    let applied = |number| EffectOutcome {
        source: Realm::id("forest-1"),
        number,
        verdict: EffectVerdict::Applied,
    };
    let at = forge(&realm, |frame| frame.outcomes.effects.push(applied(1))).await;
    let found = findings(&realm).await;
    let place = format!("AREA_EVENTS:{at} harbor-1: ");
    assert_found(
        &found,
        &[
            &format!(
                "effect {place}area.harbor-1 has applied effect 1 of area.forest-1, which never issued it"
            ),
            &format!("outcome {place}it holds an outcome of effect 1"),
        ],
    );
}

#[tokio::test]
async fn a_character_that_vanishes_or_appears_from_nowhere_is_found() {
    let mut realm = busy_day().await;
    let dan = realm.guest(4, "Dan").await;
    realm.join(dan).await;
    let handle = realm.state(HARBOR).by_character(dan).unwrap().handle;
    let at = forge(&realm, |frame| {
        frame.facts.push(Fact::Departed {
            handle,
            character: dan,
            account: None,
            to: Destination::Lobby,
            reason: DepartureReason::Logout,
            stood: None,
        });
    })
    .await;
    let found = findings(&realm).await;
    let place = format!("place AREA_EVENTS:{at} harbor-1: ");
    let gone = format!("{dan} does not stand here, but it is in harbor-1");
    // At once, and again at the end.
    assert_found(
        &found,
        &[
            &format!("{place}{gone}"),
            &format!("{place}after it {gone}"),
        ],
    );
}

#[tokio::test]
async fn an_area_that_nobody_opened_is_found() {
    let realm = Realm::new();
    let subject = area_events(&area_id(HARBOR));
    let mut frame = silent(&AreaState::new(area_id(HARBOR), "harbor"));
    frame.hash = StateHash::default();
    realm.append(&subject, schemas::encode(&frame)).await;
    let found = findings(&realm).await;
    assert!(
        found
            .iter()
            .any(|found| found.contains("opened AREA_EVENTS:0 harbor-1: it has frames")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn an_entry_that_goes_back_is_found() {
    let realm = busy_day().await;
    let ben = CharacterId(2).to_string();
    let subject = keyed_events(Domain::Lobby, &ben);
    let last = realm.log.last(&subject).await.unwrap().unwrap();
    let again = realm.append(&subject, last.payload.to_vec()).await;
    let named = format!("entry LOBBY_EVENTS:{again} lobby.{ben}: it has handled command");
    assert_found(&findings(&realm).await, &[&named]);
}
