//! An archive that looks empty is away, and not a new one.

use std::fs;
use std::path::PathBuf;

use archiver::{ArchiveCommand, Archiver, Extent, Round};
use eventlog::SendError;
use past::{Archive, Location};
use runtime::Shutdown;
use schemas::subjects::{AREA_COMMANDS, Sender, area_command};
use schemas::{EdgeId, Sequence};

use crate::stage::{
    STREAM, Stage, all, area, frame, held, play, play_and_save, small, told, within,
};

impl Stage {
    /// As when the disk is not mounted: the directory is there, and nothing is in it.
    fn unmount(&self) -> PathBuf {
        let (place, disk) = (
            self.directory.path(),
            self.directory.path().with_extension("disk"),
        );
        fs::rename(place, &disk).unwrap();
        fs::create_dir(place).unwrap();
        disk
    }

    fn mount(&self, disk: PathBuf) {
        fs::remove_dir_all(self.directory.path()).unwrap();
        fs::rename(disk, self.directory.path()).unwrap();
    }

    /// A round of a process that knows nothing yet.
    async fn round_of_another(&self) -> Round {
        let location = Location::Directory(self.directory.path().to_path_buf());
        let archive = Archive::create(&location).unwrap();
        let mut other = Archiver::new(self.log.clone(), archive, small());
        other.round(Extent::All, &Shutdown::new()).await
    }
}

/// What a round says of the stream.
fn refusal(round: &Round) -> String {
    let mut failed = round.failed.iter();
    let (_, error) = failed
        .find(|(stream, _)| *stream == STREAM)
        .expect("it is refused");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_away_is_not_begun_anew() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play_and_save(&stage.log, 0, 300).await;
        assert!(stage.round(Extent::All).await.purged > 0);
        play(&stage.log, 310, 500).await;
        let before = held(&stage.log).await.len();

        let disk = stage.unmount();
        let knew = stage.archiver.round(Extent::All, &Shutdown::new()).await;
        let text = refusal(&knew);
        assert!(
            text.contains("cannot be read") && text.contains("mounted"),
            "{text}"
        );
        let begins = stage.round_of_another().await;
        let text = refusal(&begins);
        let place = stage.directory.path().display().to_string();
        for wanted in [place.as_str(), STREAM, "mounted", "archive begin"] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert_eq!((knew.purged, begins.purged), (0, 0));
        assert_eq!(held(&stage.log).await.len(), before);
        assert!(!stage.directory.path().join(STREAM).exists());

        // It comes back, and both go on by themselves.
        stage.mount(disk);
        stage.round(Extent::All).await;
        assert_eq!(stage.round_of_another().await.failed.len(), 0);
        assert_eq!(all(&stage.past(), &[]).await.len(), 810 * 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_begun_late_by_whoever_says_so() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 100).await;
        let purged = stage.log.purge(STREAM, "evt.area.harbor-1", Sequence(100));
        assert!(purged.await.unwrap().messages > 0);
        // Commands age out: there, messages that are gone mean nothing.
        let command = area_command(&area("harbor-1"), &Sender::Edge(EdgeId(1)));
        for number in 1..=3 {
            let sent = stage
                .log
                .send(&command, frame("command", number), None)
                .await;
            assert_eq!(
                sent.map_err(|error: SendError| error.to_string()),
                Ok(Sequence(number))
            );
        }
        let aged = stage.log.purge(AREA_COMMANDS, &command, Sequence(2)).await;
        assert_eq!(aged.unwrap().messages, 2);

        let round = stage.archiver.round(Extent::All, &Shutdown::new()).await;
        assert!(
            refusal(&round).contains("34 messages"),
            "{}",
            refusal(&round)
        );
        assert_eq!(round.failed.len(), 1, "{:?}", round.failed);
        let archived = stage.archive.manifest(AREA_COMMANDS).await.unwrap();
        assert_eq!(archived.unwrap().start(), Some(Sequence(3)));

        let (code, text) = told(&stage, ArchiveCommand::Begin).await;
        assert_eq!(code, 0, "{text}");
        assert!(
            text.contains("AREA_EVENTS: begun without 34 messages"),
            "{text}"
        );
        stage.round(Extent::All).await;
        let archived = stage.archive.manifest(STREAM).await.unwrap().unwrap();
        assert_eq!(
            (archived.start(), archived.end()),
            (Some(Sequence(2)), Sequence(300))
        );
        // What has begun is left alone.
        let (code, text) = told(&stage, ArchiveCommand::Begin).await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("AREA_EVENTS: archived up to 300"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_goes_away_while_it_is_written_is_not_gone_on_with_elsewhere() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 100).await;
        stage.round(Extent::All).await;
        let info = stage.log.stream_info(STREAM).await.unwrap();
        let mut writer = stage.opened().writer(STREAM, &info, 1000).await.unwrap();
        let disk = stage.unmount();
        // By this, everything archived would be purged, and the list of it would lie where the disk is mounted.
        let refused = writer.announce(info.last).await.unwrap_err().to_string();
        assert!(refused.contains("mounted"), "{refused}");
        let manifests = stage.directory.path().join(STREAM).join("manifest");
        assert_eq!(fs::read_dir(manifests).map_or(0, Iterator::count), 0);
        stage.mount(disk);
        stage.round(Extent::All).await;
        assert_eq!(all(&stage.past(), &[]).await.len(), 300);
    })
    .await;
}
