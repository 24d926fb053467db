//! From an archive, and over the border between archive and broker, every answer is the broker's.

mod sample;

use past::{Archive, Location, Past};
use replay::{Answer, Cli, ListArgs, ReplayCommand, ShowArgs, TailArgs, VerifyArgs, exit};
use sample::archive::archived;
use sample::forged::forge;
use sample::{Realm, area_id, busy_day, realm_key};
use schemas::outcome::{EffectOutcome, EffectVerdict};
use schemas::subjects::{AREA_EVENTS, Domain};

async fn answer(past: &Past, command: ReplayCommand) -> (u8, String) {
    let mut out = Vec::new();
    let code = replay::execute(Cli::new(command), past, Some(realm_key()), &mut out).await;
    (code.unwrap(), String::from_utf8(out).unwrap())
}

fn questions() -> Vec<ReplayCommand> {
    let show = |area: &str, at: &str| {
        ReplayCommand::Show(ShowArgs {
            answer: Answer::json(),
            ..ShowArgs::of(area_id(area), at.parse().unwrap())
        })
    };
    vec![
        show("harbor-1", "9"),
        show("harbor-1", "now"),
        show("forest-1", "2023-11-14T22:13:20.400Z"),
        ReplayCommand::Tail(TailArgs {
            all: true,
            once: true,
            ..TailArgs::default()
        }),
        ReplayCommand::Verify(VerifyArgs {
            settled: true,
            ..VerifyArgs::default()
        }),
    ]
}

/// What `list` says of messages and areas; where they lie is another matter.
fn without_sizes(list: &str) -> String {
    let mut list: serde_json::Value = serde_json::from_str(list).unwrap();
    for stream in list["streams"].as_array_mut().unwrap() {
        stream["bytes"] = 0.into();
        if stream["messages"] == 0 {
            // Of an empty stream an archive knows nothing, not even its life.
            stream["incarnation"] = "".into();
        }
    }
    list.to_string()
}

#[tokio::test]
async fn every_answer_is_the_same_wherever_the_past_lies() {
    let realm = busy_day().await;
    let log = realm.log.clone();
    let broker = Past::of_log(log.clone());
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let whole = archived(&log, directories[0].path(), |_| 100).await;
    let half = archived(&log, directories[1].path(), |_| 50).await;
    let places = [
        (
            "joined, all archived",
            Past::joined(log.clone(), whole.clone()),
        ),
        (
            "joined, half of it archived",
            Past::joined(log.clone(), half),
        ),
        ("the archive alone", Past::of_archive(whole)),
    ];
    for (place, past) in places {
        for question in questions() {
            let wanted = answer(&broker, question.clone()).await;
            assert_eq!(wanted.0, exit::CLEAN, "{question:?}");
            let found = answer(&past, question.clone()).await;
            assert_eq!(found, wanted, "{place}: {question:?}");
        }
        let list = || {
            ReplayCommand::List(ListArgs {
                answer: Answer::json(),
            })
        };
        let (wanted, found) = (
            answer(&broker, list()).await.1,
            answer(&past, list()).await.1,
        );
        assert_eq!(without_sizes(&found), without_sizes(&wanted), "{place}");
    }
}

#[tokio::test]
async fn a_directory_without_an_archive_is_the_wrong_one_to_name() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::Directory(directory.path().to_path_buf());
    let past = Past::of_archive(Archive::create(&location).unwrap());
    for question in questions() {
        let asked = replay::execute(Cli::new(question), &past, None, &mut Vec::new()).await;
        let refused = asked.unwrap_err();
        assert_eq!(refused.code(), exit::USAGE, "{refused:?}");
    }
}

fn verify() -> ReplayCommand {
    ReplayCommand::Verify(VerifyArgs {
        answer: Answer::json(),
        ..VerifyArgs::default()
    })
}

#[tokio::test]
async fn streams_that_end_at_different_times_are_verified_as_far_as_causes_are_archived() {
    let realm = busy_day().await;
    let shares = [
        (AREA_EVENTS, 0),
        (AREA_EVENTS, 40),
        (Domain::Lobby.event_stream(), 0),
        (Domain::Lobby.event_stream(), 60),
        (Domain::Control.event_stream(), 0),
    ];
    for (short, share) in shares {
        let directory = tempfile::tempdir().unwrap();
        let shares = |stream: &str| if stream == short { share } else { 100 };
        let archive = archived(&realm.log, directory.path(), shares).await;
        let (code, report) = answer(&Past::of_archive(archive), verify()).await;
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.is_empty(), "{share} % of {short}: {findings:#?}");
        assert_eq!(code, exit::CLEAN);
        let beyond = report["beyond_archive"].as_u64();
        let orders = short == Domain::Control.event_stream();
        assert!(
            orders || beyond > Some(0),
            "{share} % of {short}: {report:#}"
        );
    }
}

#[tokio::test]
async fn what_never_had_a_cause_is_found_in_an_archive_too() {
    let realm = busy_day().await;
    let at = forge(&realm, |frame| {
        frame.outcomes.effects.push(EffectOutcome {
            source: Realm::id("forest-1"),
            number: 1,
            verdict: EffectVerdict::Applied,
        });
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let archive = archived(&realm.log, directory.path(), |_| 100).await;
    let (code, report) = answer(&Past::of_archive(archive), verify()).await;
    assert_eq!(code, exit::FINDINGS);
    let found = format!("\"sequence\":{at}");
    assert!(
        report.contains(&found) && report.contains("never issued it"),
        "{report}"
    );
}
