//! A broker without room: what is refused is told as such, was not stored, and is taken as soon as there is room.

use devstack::NatsConfig;
use eventlog::streams::{self, StreamsFile};
use eventlog::{AppendError, Connect, EventLog};

use crate::subject::{FOREST, HARBOR, frame, within};

/// The areas' events alone, so that a small store holds them.
const EVENTS: &str = "[stream.AREA_EVENTS]\nwhy = 'events'\nsubjects = ['evt.area.>']\ndiscard = 'new'\nmax_consumers = 16\n\
                      duplicate_window = '20s'\nrepublish = true\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_refuses_and_goes_on_when_there_is_room() {
    within(async {
        let config = NatsConfig {
            file_store: 8 << 20,
            ..NatsConfig::default()
        };
        let broker = devstack::test::broker_with(config).await.unwrap();
        let log = EventLog::connect(&Connect::to(broker.url(), "test"))
            .await
            .unwrap();
        streams::apply(&log, &StreamsFile::parse(EVENTS).unwrap())
            .await
            .unwrap();
        let filling = frame(&"x".repeat(200_000));
        let mut forest = log.appender(FOREST).await.unwrap();
        let mut harbor = log.appender(HARBOR).await.unwrap();
        harbor.append(frame("one"), None).await.unwrap();
        let refused = loop {
            match forest.append(filling.clone(), None).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, AppendError::Full { .. }), "{refused:?}");
        assert!(refused.to_string().ends_with("is full"), "{refused}");
        let refused = harbor.append(filling.clone(), None).await;
        assert!(
            matches!(refused, Err(AppendError::Full { .. })),
            "{refused:?}"
        );
        // Room, as the archive makes it. The refused frame was not stored: the same pen goes on.
        let archived = forest.sequence();
        log.purge("AREA_EVENTS", FOREST, archived).await.unwrap();
        let stored = harbor.append(filling, None).await.unwrap();
        assert_eq!(stored, archived.next());
        forest
            .append(frame("and the forest, too"), None)
            .await
            .unwrap();
    })
    .await;
}
