//! Effects from others and to others.

use bytes::Bytes;
use eventlog::outbox::{Outgoing, confirmation_message, effect_message};
use eventlog::{Follow, Reader};
use schemas::command::AreaMessage;
use schemas::effect::{Confirmation, Effect, EffectMessage};
use schemas::subjects::{AREA_COMMANDS, AggregateId, Domain, area_commands, keyed_command, wake};
use schemas::{AreaId, Sequence, UnixMillis, decode};

use crate::purse::{PurseCommand, coins};
use crate::realm::{ANN, BEN, LONG, Realm, of_both, until};

of_both!(
    only_the_next_effect_counts_and_repeated_ones_are_confirmed_again,
    what_stays_pending_is_sent_again_and_a_sleeper_is_woken,
    effects_go_on_after_a_kill,
    an_effect_of_one_purse_reaches_the_other,
    what_is_forged_where_commands_are_asked_changes_nothing,
);

fn mill() -> AreaId {
    AreaId::new("mill-1").unwrap()
}

/// What the area `mill-1` gets.
fn mailbox(realm: &Realm) -> Reader {
    let filters = vec![area_commands(&mill())];
    realm
        .log
        .read(AREA_COMMANDS, filters, Sequence(0), Follow::Tail)
}

async fn next(mailbox: &mut Reader) -> AreaMessage {
    let record = tokio::time::timeout(LONG, mailbox.next()).await;
    decode(&record.expect("a message").unwrap().unwrap().payload).unwrap()
}

async fn next_receipt(mailbox: &mut Reader) -> u64 {
    match next(mailbox).await {
        AreaMessage::Confirmation(Confirmation { up_to, .. }) => up_to,
        other => panic!("{other:?} instead of a receipt"),
    }
}

async fn send_coin(realm: &Realm, number: u64) {
    let message = coin(number);
    let sent = realm.log.send(&message.subject, message.payload, None);
    sent.await.unwrap();
}

/// The mill's `number`-th coin for Ann.
fn coin(number: u64) -> Outgoing {
    let effect = Effect {
        target: AggregateId::Character(ANN),
        number,
        issued_at: UnixMillis(1),
        payload: coins(ANN, 1),
    };
    let source = AggregateId::Area(mill());
    effect_message(&source, "AREA_EVENTS", Sequence(1), &effect)
}

async fn only_the_next_effect_counts_and_repeated_ones_are_confirmed_again(realm: Realm) {
    let instance = realm.serve();
    let mut mailbox = mailbox(&realm);
    for (number, receipt) in [(1, 1), (1, 1), (2, 2), (1, 2)] {
        send_coin(&realm, number).await;
        assert_eq!(next_receipt(&mut mailbox).await, receipt);
    }
    // A gap is not confirmed: the next receipt is that of number 3.
    send_coin(&realm, 4).await;
    send_coin(&realm, 3).await;
    assert_eq!(next_receipt(&mut mailbox).await, 3);
    assert_eq!(realm.coins(ANN).await, 3);
    instance.stop().await;
}

async fn what_stays_pending_is_sent_again_and_a_sleeper_is_woken(realm: Realm) {
    let mut hints = realm.log.subscribe_core(&wake(&mill())).await.unwrap();
    let instance = realm.serve();
    let mut mailbox = mailbox(&realm);
    realm
        .ask(ANN, PurseCommand::Put { coins: 2 })
        .await
        .unwrap();
    realm
        .ask(ANN, PurseCommand::Drop { area: mill() })
        .await
        .unwrap();
    let AreaMessage::Effect(first) = next(&mut mailbox).await else {
        panic!("an effect should come first");
    };
    for _ in 0..3 {
        tokio::time::timeout(LONG, hints.next())
            .await
            .expect("a hint");
    }
    let AreaMessage::Effect(again) = next(&mut mailbox).await else {
        panic!("the effect should come again");
    };
    assert_eq!(again.effect, first.effect);

    let EffectMessage { source, effect, .. } = first;
    let receipt = confirmation_message(&source, &effect.target, effect.number);
    let sent = realm.log.send(&receipt.subject, receipt.payload, None);
    sent.await.unwrap();
    until("nothing to be pending", async || {
        realm.entry(ANN).await.unwrap().outbox.pending.is_empty()
    })
    .await;
    instance.stop().await;
}

async fn effects_go_on_after_a_kill(realm: Realm) {
    let first = realm.serve();
    realm
        .ask(ANN, PurseCommand::Put { coins: 20 })
        .await
        .unwrap();
    for _ in 0..5 {
        realm
            .ask(ANN, PurseCommand::Give { to: BEN })
            .await
            .unwrap();
    }
    first.kill().await;
    let second = realm.serve();
    for _ in 0..5 {
        realm
            .ask(ANN, PurseCommand::Give { to: BEN })
            .await
            .unwrap();
    }
    until("ten coins at Ben's", async || realm.coins(BEN).await == 10).await;
    assert_eq!(realm.coins(ANN).await, 10);
    second.stop().await;
}

async fn an_effect_of_one_purse_reaches_the_other(realm: Realm) {
    let instance = realm.serve();
    realm
        .ask(ANN, PurseCommand::Put { coins: 2 })
        .await
        .unwrap();
    realm
        .ask(ANN, PurseCommand::Give { to: BEN })
        .await
        .unwrap();
    until("the coin at Ben's", async || realm.coins(BEN).await == 1).await;
    until("Ben's receipt", async || {
        realm.entry(ANN).await.unwrap().outbox.pending.is_empty()
    })
    .await;
    let nothing = realm.log.send("cmd.lobby.3.nobody", Bytes::new(), None);
    nothing.await.unwrap();
    instance.stop().await;
}

async fn what_is_forged_where_commands_are_asked_changes_nothing(realm: Realm) {
    let instance = realm.serve();
    let mut mailbox = mailbox(&realm);
    realm
        .ask(ANN, PurseCommand::Put { coins: 2 })
        .await
        .unwrap();
    realm
        .ask(ANN, PurseCommand::Drop { area: mill() })
        .await
        .unwrap();
    let AreaMessage::Effect(pending) = next(&mut mailbox).await else {
        panic!("an effect should come first");
    };
    let before = realm.entry(ANN).await.unwrap();
    // An edge may publish where commands are asked, and any payload it likes.
    let ann = AggregateId::Character(ANN);
    let receipt = confirmation_message(&ann, &pending.effect.target, pending.effect.number);
    let asked = keyed_command(Domain::Lobby, &ANN.to_string());
    // An aggregate may publish on its own subject, and not for another one.
    let harbor = AggregateId::Area(AreaId::new("harbor-1").unwrap());
    for subject in [asked, ann.command_subject(&harbor)] {
        for payload in [coin(1).payload, receipt.payload.clone()] {
            realm.log.send(&subject, payload, None).await.unwrap();
        }
    }
    // The mill's own first coin is the first, and Ann's is still pending.
    send_coin(&realm, 1).await;
    until("the mill's coin", async || {
        realm.coins(ANN).await == before.state.coins + 1
    })
    .await;
    let after = realm.entry(ANN).await.unwrap();
    assert_eq!(after.outbox.pending, before.outbox.pending);
    assert_eq!(after.outbox.received.len(), 1);
    instance.stop().await;
}
