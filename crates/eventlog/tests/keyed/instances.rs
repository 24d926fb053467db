//! Several instances of one service, and others who write.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use schemas::subjects::{Domain, keyed_events};
use schemas::{CharacterId, encode};

use crate::purse::PurseCommand;
use crate::realm::{ANN, Realm, of_both};

of_both!(
    two_instances_serve_every_key_in_order,
    when_one_instance_dies_another_goes_on,
    what_a_foreign_writer_wrote_is_loaded_and_decided_on,
);

async fn two_instances_serve_every_key_in_order(realm: Realm) {
    let (one, other) = (realm.serve(), realm.serve());
    let each = (1..=24).map(CharacterId).map(async |who| {
        for coins in 1..=5 {
            assert_eq!(
                realm.ask(who, PurseCommand::Put { coins: 1 }).await,
                Ok(coins)
            );
        }
    });
    join_all(each).await;
    one.stop().await;
    other.stop().await;
}

async fn when_one_instance_dies_another_goes_on(realm: Realm) {
    let (one, other) = (realm.serve(), realm.serve());
    realm
        .ask(ANN, PurseCommand::Put { coins: 1 })
        .await
        .unwrap();
    let asking = async {
        for coins in 2..=40 {
            assert_eq!(
                realm.ask(ANN, PurseCommand::Put { coins: 1 }).await,
                Ok(coins)
            );
        }
    };
    let dying = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        one.kill().await;
    };
    tokio::join!(asking, dying);
    other.stop().await;
}

async fn what_a_foreign_writer_wrote_is_loaded_and_decided_on(realm: Realm) {
    let instance = realm.serve();
    assert_eq!(realm.ask(ANN, PurseCommand::Put { coins: 1 }).await, Ok(1));
    // As another instance would, that had its turn in between.
    let mut entry = realm.entry(ANN).await.unwrap();
    entry.state.coins = 100;
    let subject = keyed_events(Domain::Lobby, &ANN.to_string());
    let mut foreign = realm.log.appender(&subject).await.unwrap();
    foreign
        .append(Bytes::from(encode(&entry)), None)
        .await
        .unwrap();
    assert_eq!(
        realm.ask(ANN, PurseCommand::Put { coins: 1 }).await,
        Ok(101)
    );
    instance.stop().await;
}
