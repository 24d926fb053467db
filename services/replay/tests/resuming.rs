//! A verification in pieces finds what one at once finds.

mod sample;

use std::path::Path;

use replay::{Answer, Cli, ReplayCommand, ReplayError, VerifyArgs, exit};
use sample::{Realm, area_id, busy_day};
use schemas::subjects::area_events;
use tempfile::TempDir;

async fn verify(realm: &Realm, args: VerifyArgs) -> Result<(u8, String), ReplayError> {
    let mut out = Vec::new();
    let cli = Cli::new(ReplayCommand::Verify(args));
    let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await?;
    Ok((code, String::from_utf8(out).unwrap()))
}

fn piece(checkpoint: &Path, at_most: u64) -> VerifyArgs {
    VerifyArgs {
        checkpoint: Some(checkpoint.to_owned()),
        at_most: Some(at_most),
        answer: Answer::json(),
        ..VerifyArgs::default()
    }
}

async fn at_once(realm: &Realm) -> (u8, String) {
    let args = VerifyArgs {
        answer: Answer::json(),
        ..VerifyArgs::default()
    };
    verify(realm, args).await.unwrap()
}

/// Piece by piece to the end; how many it took.
async fn in_pieces(realm: &Realm, checkpoint: &Path, at_most: u64) -> (u32, (u8, String)) {
    let mut pieces = 1;
    loop {
        match verify(realm, piece(checkpoint, at_most)).await {
            Ok(done) => return (pieces, done),
            Err(error) => {
                assert_eq!(error.code(), exit::INTERRUPTED, "{error:?}");
                assert!(checkpoint.exists());
                pieces += 1;
            }
        }
    }
}

#[tokio::test]
async fn in_pieces_of_any_size_the_report_is_the_same() {
    let realm = busy_day().await;
    let whole = at_once(&realm).await;
    assert_eq!(whole.0, exit::CLEAN, "{}", whole.1);
    let dir = TempDir::new().unwrap();
    let checkpoint = dir.path().join("verified");
    for (at_most, least) in [(1, 80), (2, 40), (7, 12), (30, 3), (1000, 1)] {
        let (pieces, report) = in_pieces(&realm, &checkpoint, at_most).await;
        assert_eq!(report, whole, "pieces of {at_most}");
        assert!(pieces >= least, "{pieces} pieces of {at_most}");
        assert!(!checkpoint.exists(), "what is done needs no checkpoint");
    }
}

#[tokio::test]
async fn what_a_piece_has_found_is_in_the_report() {
    let realm = busy_day().await;
    realm
        .append(&area_events(&area_id("harbor-1")), b"no frame".to_vec())
        .await;
    let whole = at_once(&realm).await;
    assert_eq!(whole.0, exit::FINDINGS);
    let dir = TempDir::new().unwrap();
    let (_, report) = in_pieces(&realm, &dir.path().join("verified"), 9).await;
    assert_eq!(report, whole);
}

#[tokio::test]
async fn what_has_come_since_is_verified_too() {
    let mut realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let checkpoint = dir.path().join("verified");
    let stopped = verify(&realm, piece(&checkpoint, 40)).await.unwrap_err();
    assert_eq!(stopped.code(), exit::INTERRUPTED);
    for _ in 0..5 {
        realm.tick().await;
    }
    let (_, report) = in_pieces(&realm, &checkpoint, 1000).await;
    assert_eq!(report, at_once(&realm).await);
}

#[tokio::test]
async fn a_checkpoint_that_does_not_fit_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let checkpoint = dir.path().join("verified");
    let first = busy_day().await;
    verify(&first, piece(&checkpoint, 40)).await.unwrap_err();
    let other = busy_day().await;
    let refused = verify(&other, piece(&checkpoint, 40)).await.unwrap_err();
    assert_eq!(refused.code(), exit::USAGE, "{refused:?}");
    assert!(
        refused.to_string().contains("is of another log"),
        "{refused}"
    );
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&checkpoint, &bytes).unwrap();
    let refused = verify(&first, piece(&checkpoint, 40)).await.unwrap_err();
    assert!(refused.to_string().contains("is damaged"), "{refused}");
    assert_eq!(std::fs::read(&checkpoint).unwrap(), bytes);
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_ends_it_with_nothing_half_written() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let checkpoint = dir.path().join("missing/verified");
    let error = verify(&realm, piece(&checkpoint, 5)).await.unwrap_err();
    assert_eq!(error.code(), exit::UNWRITABLE, "{error:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
