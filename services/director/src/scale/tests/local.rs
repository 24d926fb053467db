//! Real processes: a few lines of shell that behave as a worker does.

use std::path::Path;
use std::time::Duration;

use runtime::Span;

use crate::scale::local::Local;
use crate::scale::{Backend, Config, Size};

/// Says that it is up, takes SIGTERM for a drain, and ends with its standard input.
const WORKER: &str = r#"
trap 'echo drained; exit 0' TERM
echo "up $0 $$"
while read -t 0.05 line || [ $? -gt 128 ]; do :; done
echo orphaned
"#;

fn local(directory: &Path, script: &str, grace: Span) -> Local {
    let command = ["bash", "-c", script, "{name}"].map(str::to_owned).to_vec();
    let config = Config {
        name: "w".into(),
        command,
        log_dir: Some(directory.to_path_buf()),
        grace,
        ..Config::default()
    };
    Local::new(&config).unwrap()
}

/// Waits until the log of worker `number` satisfies `enough`.
async fn log(directory: &Path, number: u32, enough: impl Fn(&str) -> bool) -> String {
    let path = directory.join(format!("w-{number}.log"));
    let read = async {
        loop {
            let text = tokio::fs::read_to_string(&path).await.unwrap_or_default();
            if enough(&text) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(20), read).await;
    text.unwrap_or_else(|_| panic!("the log of worker {number} does not come to that"))
}

fn wanted(wanted: u32) -> Size {
    Size {
        wanted,
        actual: wanted,
        version: wanted.to_string(),
    }
}

#[tokio::test]
async fn workers_come_with_their_names_and_go_by_sigterm_the_highest_first() {
    let directory = tempfile::tempdir().unwrap();
    let local = local(directory.path(), WORKER, Span::from_secs(20));
    assert_eq!(local.size().await, Ok(wanted(0)));
    assert_eq!(local.scale_to(3, &wanted(0)).await, Ok(wanted(3)));
    for number in 0..3 {
        log(directory.path(), number, |log| {
            log.starts_with(&format!("up w-{number} "))
        })
        .await;
    }
    assert_eq!(local.scale_to(1, &wanted(3)).await, Ok(wanted(1)));
    for (number, drained) in [(2, true), (1, true), (0, false)] {
        let log = log(directory.path(), number, |_| true).await;
        assert_eq!(log.ends_with("drained\n"), drained, "{number}: {log}");
    }
    local.close().await;
    assert_eq!(local.size().await, Ok(wanted(0)));
    let log = log(directory.path(), 0, |_| true).await;
    assert!(log.ends_with("drained\n"), "{log}");
}

#[tokio::test]
async fn one_that_ends_by_itself_is_started_again_under_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let local = local(
        directory.path(),
        "echo once $0; exit 3",
        Span::from_secs(20),
    );
    local.scale_to(1, &wanted(0)).await.unwrap();
    let twice = |log: &str| log.matches("once w-0").count() >= 2;
    log(directory.path(), 0, twice).await;
    local.close().await;
}

#[tokio::test]
async fn one_that_does_not_end_in_its_grace_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let stubborn = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    let local = local(directory.path(), stubborn, Span::from_millis(100));
    local.scale_to(1, &wanted(0)).await.unwrap();
    log(directory.path(), 0, |log| log == "up\n").await;
    assert_eq!(local.scale_to(0, &wanted(1)).await, Ok(wanted(0)));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_tried_again_and_can_be_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        command: vec!["/nonexistent/worker".into()],
        log_dir: Some(directory.path().to_path_buf()),
        ..Config::default()
    };
    let local = Local::new(&config).unwrap();
    assert_eq!(local.scale_to(2, &wanted(0)).await, Ok(wanted(2)));
    local.close().await;
    assert!(
        Local::new(&Config::default()).is_err(),
        "no program is named"
    );
}
