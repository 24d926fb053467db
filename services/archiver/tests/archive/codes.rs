//! What the tools' end says to whoever started them.

use std::fs;

use archiver::{ArchiveCommand, Extent, SnapshotsArgs, StatusArgs, VerifyArgs, tool};
use runtime::ConfigError;

use crate::stage::{STREAM, Stage, area, play, small, told, told_of, within};

fn status() -> ArchiveCommand {
    ArchiveCommand::Status(StatusArgs::default())
}

fn verify(stream: &[&str]) -> ArchiveCommand {
    let stream = stream.iter().map(|one| (*one).to_owned()).collect();
    ArchiveCommand::Verify(VerifyArgs {
        stream,
        ..VerifyArgs::default()
    })
}

fn snapshots(areas: &[&str]) -> ArchiveCommand {
    let area = areas.iter().map(|name| area(name)).collect();
    ArchiveCommand::Snapshots(SnapshotsArgs { area })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_ends_with_the_code_of_what_it_met() {
    within(async {
        let mut stage = Stage::new(small()).await;
        play(&stage.log, 0, 100).await;
        stage.round(Extent::All).await;
        let (code, text) = told(&stage, status()).await;
        assert_eq!(code, 0, "{text}");
        assert_eq!(told(&stage, verify(&[])).await.0, 0);

        // What is asked for is not there.
        let (code, _) = told(&stage, verify(&["LOBBY_EVENT"])).await;
        assert_eq!(code, 64);
        let (code, _) = told(&stage, snapshots(&["harbor-1", "harbour-1"])).await;
        assert_eq!(code, 64);
        let missing = stage.directory.path().join("nothing");
        for command in [status(), verify(&[]), snapshots(&[])] {
            let place = missing.display().to_string();
            assert_eq!(told_of(&stage, place, command).await.0, 64);
        }

        // It is damaged.
        let manifests = stage.directory.path().join(STREAM).join("manifest");
        for manifest in fs::read_dir(manifests).unwrap() {
            fs::write(manifest.unwrap().path(), "something else").unwrap();
        }
        for command in [status(), verify(&[]), snapshots(&[])] {
            let asked = format!("{command:?}");
            assert_eq!(told(&stage, command).await.0, 65, "{asked}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_archive_that_is_not_named_is_a_wrong_configuration() {
    let log = || async { anyhow::bail!("nobody asks for the broker") };
    let ended = tool(status(), archiver::Config::default(), log, &mut Vec::new()).await;
    let error = ended.unwrap_err();
    // By this the process ends with 64.
    assert!(error.is::<ConfigError>(), "{error:#}");
    assert!(
        error.to_string().contains("WORLDLINE_ARCHIVE_WHERE"),
        "{error:#}"
    );
}
