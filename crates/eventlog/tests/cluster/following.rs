//! Reading, following, watching and fetching through the death of the node one is connected to.

use std::time::Duration;

use eventlog::{Connect, EventLog, Follow, WorkOptions};
use schemas::Sequence;

use crate::stage::{EVENTS, HARBOR, Stage, append, frame, numbered, text, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_followers_go_on_when_their_node_dies() {
    within(async {
        let mut stage = Stage::set().await;
        let (leader, other) = stage.leader_and_other().await;
        let readers = stage.log_at(other).await;
        let filters = vec![HARBOR.to_owned()];
        let mut reader = readers.read(EVENTS, filters, Sequence(0), Follow::Tail);
        let mut live = readers.live(HARBOR, Sequence(0)).await.unwrap();
        let writer = stage.log_at(leader).await;
        let texts = numbered(80);
        let writing = tokio::spawn({
            let texts = texts.clone();
            async move {
                let mut appender = writer.appender(HARBOR).await.unwrap();
                for text in texts {
                    append(&mut appender, &text).await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        for (n, expected) in texts.iter().enumerate() {
            if n == 20 {
                stage.cluster.node(other).kill().unwrap();
            }
            assert_eq!(&text(&live.next().await.unwrap()), expected);
        }
        for expected in &texts {
            assert_eq!(&text(&reader.next().await.unwrap().unwrap()), expected);
        }
        writing.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_of_several_addresses_may_be_dead() {
    within(async {
        let mut stage = Stage::set().await;
        let url = stage.cluster.url();
        stage.cluster.node(0).kill().unwrap();
        let log = EventLog::connect(&Connect::to(url, "test")).await.unwrap();
        let mut appender = log.appender(HARBOR).await.unwrap();
        append(&mut appender, "on two of three").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_watched_and_an_object_is_read_though_nodes_die() {
    within(async {
        let mut stage = Stage::set().await;
        let (leader, other) = stage.leader_and_other().await;
        let near = stage.log_at(other).await;
        let bucket = near.bucket("placements").await.unwrap();
        let mut watch = bucket.watch().await.unwrap();
        bucket.put("harbor-1", frame("w1")).await.unwrap();
        assert_eq!(watch.next().await.unwrap().value.unwrap(), "w1");
        let objects = near.objects("resources").await.unwrap();
        let content = vec![7_u8; 400_000];
        objects.put_bytes("a file", None, &content).await.unwrap();

        stage.cluster.node(other).kill().unwrap();
        let writer = stage.log_at(leader).await;
        let writer = writer.bucket("placements").await.unwrap();
        writer.put("harbor-1", frame("w2")).await.unwrap();
        assert_eq!(watch.next().await.unwrap().value.unwrap(), "w2");
        let found = objects.get("a file").await.unwrap();
        assert_eq!(found, content);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_done_though_the_leader_of_its_stream_dies() {
    within(async {
        let mut stage = Stage::set().await;
        let log = stage.log().await;
        let options = WorkOptions::new("LOBBY_COMMANDS", "lobby-3", "cmd.lobby.3.>");
        let mut work = log.work(options).await.unwrap();
        let mut done = Vec::new();
        for n in 0..6 {
            if n == 3 {
                let leader = stage.cluster.elected("LOBBY_COMMANDS").await.unwrap();
                stage.cluster.node(leader).kill().unwrap();
            }
            let sent = format!("command {n}");
            log.send("cmd.lobby.3.c1", frame(&sent), None)
                .await
                .unwrap();
            loop {
                let job = work.next().await.unwrap();
                let came = text(&job.record);
                job.done().await.unwrap();
                // A job whose acknowledgement was lost comes again.
                if done.last() != Some(&came) {
                    done.push(came);
                }
                if done.last() == Some(&sent) {
                    break;
                }
            }
        }
        assert_eq!(done.len(), 6, "{done:?}");
    })
    .await;
}
