//! As the broker's user `archiver`: it can do its work, and nothing else.

use archiver::{Archiver, Extent};
use eventlog::streams::StreamsFile;
use eventlog::{AppendError, Connect, EventLog, SendError, streams};
use past::{Archive, Location, Past};
use runtime::Shutdown;
use schemas::Sequence;

use crate::stage::{all, frame, play, small, snapshots, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archivers_user_archives_and_purges_and_writes_nothing() {
    within(async {
        let broker = devstack::test::broker_with_users().await.unwrap();
        let as_user = async |role: &str| {
            let users = broker.users().unwrap();
            let found = users.credential(role).unwrap();
            let options = Connect::to(broker.url(), role).as_user(&found.user, &found.password);
            EventLog::connect(&options).await.unwrap()
        };
        let admin = as_user("admin").await;
        let file = StreamsFile::built_in().unwrap();
        streams::apply(&admin, &file).await.unwrap();
        let worker = as_user("worker").await;
        play(&worker, 0, 400).await;
        snapshots(&worker).await;
        play(&worker, 400, 5).await;
        snapshots(&worker).await;

        let log = as_user("archiver").await;
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Directory(directory.path().to_path_buf());
        let archive = Archive::create(&location).unwrap();
        let mut archiver = Archiver::new(log.clone(), archive.clone(), small());
        let round = archiver.round(Extent::All, &Shutdown::new()).await;
        assert!(round.failed.is_empty() && round.purged > 0, "{round:?}");
        let past = Past::joined(as_user("replay").await, archive);
        assert_eq!(all(&past, &[]).await.len(), 1215);

        let mut pen = log.appender("evt.area.harbor-1").await.unwrap();
        let refused = pen.append(frame("harbor-1", 405), None).await.unwrap_err();
        assert!(matches!(refused, AppendError::Denied { .. }), "{refused}");
        let command = "cmd.area.harbor-1.edge.e1";
        let refused = log.send(command, frame("x", 1), None).await;
        assert!(
            matches!(refused, Err(SendError::Denied { .. })),
            "{refused:?}"
        );
        // Commands age out; nobody purges them. (Without one there would be nothing to ask for.)
        let command = "cmd.area.harbor-1.area-forest-1";
        worker.send(command, frame("x", 1), None).await.unwrap();
        let refused = log.purge_slice("AREA_COMMANDS", command, Sequence(9)).await;
        assert!(refused.is_err(), "{refused:?}");
    })
    .await;
}
