//! Over damage: a clear sentence and a code of its own, or on and a list of what was left out.

mod sample;

use replay::{Answer, Cli, ReplayCommand, ReplayError, ShowArgs, TailArgs, WhatifArgs, exit};
use sample::{Realm, area_id, busy_day};
use schemas::Sequence;
use schemas::subjects::{Domain, area_events, keyed_events};

async fn run(realm: &Realm, command: ReplayCommand) -> Result<(u8, String), ReplayError> {
    let mut out = Vec::new();
    let cli = Cli::new(command);
    let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await?;
    Ok((code, String::from_utf8(out).unwrap()))
}

async fn damaged() -> (Realm, Sequence) {
    let realm = busy_day().await;
    let harbor = area_events(&area_id("harbor-1"));
    let at = realm.append(&harbor, b"no frame".to_vec()).await;
    (realm, at)
}

const fn tolerant(answer: Answer) -> Answer {
    Answer {
        tolerant: true,
        ..answer
    }
}

fn show(at: &str, answer: Answer) -> ReplayCommand {
    ReplayCommand::Show(ShowArgs {
        answer,
        ..ShowArgs::of(area_id("harbor-1"), at.parse().unwrap())
    })
}

#[tokio::test]
async fn an_area_is_shown_up_to_the_damage() {
    let (realm, at) = damaged().await;
    let error = run(&realm, show("now", Answer::json())).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    assert!(
        error
            .to_string()
            .contains(&format!("message {at} on evt.area.harbor-1")),
        "{error}"
    );
    assert!(error.to_string().contains("--tolerant"), "{error}");
    let (code, shown) = run(&realm, show("now", tolerant(Answer::json())))
        .await
        .unwrap();
    assert_eq!(code, exit::SKIPPED);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["tick"], 35);
    assert_eq!(shown["skipped"][0]["place"], "harbor-1");
    // What lies before it is not concerned.
    let (code, _) = run(&realm, show("20", Answer::json())).await.unwrap();
    assert_eq!(code, exit::CLEAN);
}

#[tokio::test]
async fn what_is_damaged_is_not_told_and_the_rest_is() {
    let (realm, _) = damaged().await;
    let lobby = keyed_events(Domain::Lobby, "0000000000009");
    realm.append(&lobby, b"no entry".to_vec()).await;
    let tail = |answer| {
        ReplayCommand::Tail(TailArgs {
            all: true,
            once: true,
            answer,
            ..TailArgs::default()
        })
    };
    let error = run(&realm, tail(Answer::default())).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    let (code, told) = run(&realm, tail(tolerant(Answer::default())))
        .await
        .unwrap();
    assert_eq!(code, exit::SKIPPED);
    let (_, whole) = run(&busy_day().await, tail(Answer::default()))
        .await
        .unwrap();
    assert_eq!(told.lines().count(), whole.lines().count());
}

#[tokio::test]
async fn an_area_is_decided_otherwise_up_to_the_damage() {
    let (realm, at) = damaged().await;
    let whatif = |answer| {
        ReplayCommand::Whatif(WhatifArgs {
            rule: vec![("walk_speed".to_owned(), 128)],
            answer,
            ..WhatifArgs::default()
        })
    };
    let error = run(&realm, whatif(Answer::json())).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    assert!(error.to_string().contains("--tolerant"), "{error}");
    let (_, report) = run(&realm, whatif(tolerant(Answer::json()))).await.unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let [skipped] = &report["skipped"].as_array().unwrap()[..] else {
        panic!("{report:#}");
    };
    assert_eq!(skipped["place"], "harbor-1");
    assert_eq!(skipped["to"], at.0);
    // What came before it is told, and of the other area all.
    let areas = report["areas"].as_array().unwrap();
    let ended = |name: &str| {
        let area = areas.iter().find(|area| area["area"] == name).unwrap();
        assert_eq!(area["stopped"], serde_json::Value::Null);
        assert!(area["recorded"].as_u64().unwrap() > 5, "{area:#}");
        area["to_tick"].as_u64().unwrap()
    };
    assert_eq!(ended("harbor-1"), 35);
    assert!(ended("forest-1") > 0);
}
