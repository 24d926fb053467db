//! `tail` as people use it: while things happen, beginning now.

mod sample;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use replay::{Cli, ReplayCommand, TailArgs};
use sample::busy_day;
use schemas::CharacterId;

/// Keeps what is printed where the test can see it.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_happens_is_told_as_it_happens_and_nothing_before() {
    let mut realm = busy_day().await;
    let log = realm.log.clone();
    let screen = Screen::default();
    let mut out = screen.clone();
    let command = ReplayCommand::Tail(TailArgs::default());
    let past = log.clone().into();
    let telling = replay::execute(
        Cli::new(command),
        &past,
        Some(sample::realm_key()),
        &mut out,
    );
    let living = async {
        let ann = CharacterId(1);
        let mut said = 0;
        // It begins at some moment of ours: what is said until it is there is not told.
        while !screen.text().contains("line 2") || !screen.text().contains("-> accepted") {
            said += 1;
            realm.say(ann, &format!("line {}", said.min(2))).await;
            realm.tick().await;
            tokio::task::yield_now().await;
        }
    };
    let lived = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::select! {
            ended = telling => panic!("it ended: {ended:?}"),
            () = living => {}
        }
    });
    lived.await.unwrap();
    let text = screen.text();
    assert!(!text.contains("hello, Ben"), "{text}");
    assert!(text.contains("spoken.1"), "{text}");
    assert!(!text.contains("NO OUTCOME"), "{text}");
}

#[tokio::test]
async fn wrong_questions_are_usage_errors() {
    let realm = busy_day().await;
    let show = |area: &str, at: &str, entity: Option<&str>| {
        ReplayCommand::Show(replay::ShowArgs {
            entity: entity.map(str::to_owned),
            ..replay::ShowArgs::of(sample::area_id(area), at.parse().unwrap())
        })
    };
    for (command, sentence) in [
        (
            show("nowhere-1", "now", None),
            "has no frame at or before now",
        ),
        (
            show("harbor-1", "2001-01-01T00:00:00Z", None),
            "has no frame at or before 2001-01-01",
        ),
        (
            show("harbor-1", "9", Some("Ann")),
            "neither a character's id",
        ),
        (
            show("harbor-1", "9", Some("77")),
            "77 was not in harbor-1 after tick 9",
        ),
    ] {
        let mut out = Vec::new();
        let cli = Cli::new(command);
        let error = replay::execute(cli, &realm.log.clone().into(), None, &mut out)
            .await
            .unwrap_err();
        assert!(matches!(error, replay::ReplayError::Usage(_)), "{error:?}");
        assert!(error.to_string().contains(sentence), "{error}");
    }
}
