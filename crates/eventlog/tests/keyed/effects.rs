//! Effects from others and to others.

use bytes::Bytes;
use eventlog::outbox::{confirmation_message, effect_message};
use eventlog::{Follow, Reader};
use schemas::command::AreaMessage;
use schemas::effect::{Confirmation, Effect, EffectMessage};
use schemas::subjects::{AREA_COMMANDS, AggregateId, area_commands, wake};
use schemas::{AreaId, Sequence, UnixMillis, decode};

use crate::purse::{PurseCommand, coins};
use crate::realm::{ANN, BEN, LONG, Realm, of_both, until};

of_both!(
    only_the_next_effect_counts_and_repeated_ones_are_confirmed_again,
    what_stays_pending_is_sent_again_and_a_sleeper_is_woken,
    effects_go_on_after_a_kill,
    an_effect_of_one_purse_reaches_the_other,
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
    let effect = Effect {
        target: AggregateId::Character(ANN),
        number,
        issued_at: UnixMillis(1),
        payload: coins(ANN, 1),
    };
    let source = AggregateId::Area(mill());
    let message = effect_message(&source, "AREA_EVENTS", Sequence(1), &effect);
    let sent = realm.log.send(&message.subject, message.payload, None);
    sent.await.unwrap();
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
