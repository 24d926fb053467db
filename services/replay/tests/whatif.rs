//! What other rules would have made of a small log.

mod sample;

use replay::{Answer, Cli, ReplayCommand, ReplayError, VerifyArgs, WhatifArgs, exit};
use sample::{Realm, busy_day};
use schemas::segment::InputBits;
use serde_json::Value;

async fn asked(realm: &Realm, args: WhatifArgs) -> Result<(u8, String), ReplayError> {
    let mut out = Vec::new();
    let cli = Cli::new(ReplayCommand::Whatif(args));
    let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await?;
    Ok((code, String::from_utf8(out).unwrap()))
}

async fn json(realm: &Realm, args: WhatifArgs) -> (u8, Value) {
    let args = WhatifArgs {
        answer: Answer::json(),
        differences: 10_000,
        ..args
    };
    let (code, text) = asked(realm, args).await.unwrap();
    (code, serde_json::from_str(&text).unwrap())
}

fn set(name: &str, number: i64) -> WhatifArgs {
    WhatifArgs {
        rule: vec![(name.to_owned(), number)],
        ..WhatifArgs::default()
    }
}

/// A jump from a run, on flat ground, and a walk back.
async fn leap() -> Realm {
    let mut realm = Realm::new();
    realm.open("meadow-1", "w1").await;
    realm.open("harbor-1", "w1").await;
    let ann = realm.guest(1, "Ann").await;
    let ben = realm.guest(2, "Ben").await;
    realm.join(ann).await;
    realm.join(ben).await;
    realm.ticks(5).await;
    realm.hold(ann, InputBits::JUMP).await;
    realm.ticks(10).await;
    realm.hold(ann, InputBits::default()).await;
    realm.ticks(60).await;
    realm
}

fn of<'a>(report: &'a Value, list: &str, key: &str, wanted: &str) -> Option<&'a Value> {
    let list = report[list].as_array().unwrap();
    list.iter().find(|one| one[key] == wanted)
}

#[tokio::test]
async fn the_same_rules_change_nothing_at_all() {
    let realm = busy_day().await;
    let same = world::Rules::DEFAULT.get("run_speed").unwrap();
    let (code, report) = json(&realm, set("run_speed", same)).await;
    assert_eq!(
        report["differences"],
        Value::Array(Vec::new()),
        "{report:#}"
    );
    assert_eq!(report["notes"], Value::Array(Vec::new()));
    assert_eq!(report["players"], Value::Array(Vec::new()));
    for area in report["areas"].as_array().unwrap() {
        assert_eq!(area["recorded"], area["same"], "{area:#}");
        assert!(area["commands"].as_u64().unwrap() > 2, "{area:#}");
    }
    assert_eq!(code, 0);
    let (_, text) = asked(&realm, set("run_speed", same)).await.unwrap();
    assert!(
        text.ends_with("nothing would have been otherwise\n"),
        "{text}"
    );
}

#[tokio::test]
async fn with_less_gravity_a_jump_goes_higher_and_nobody_else_notices() {
    let realm = leap().await;
    let (code, report) = json(&realm, set("rise_gravity", 48)).await;
    assert_eq!(code, 1);
    let [player] = &report["players"].as_array().unwrap()[..] else {
        panic!("{report:#}");
    };
    assert_eq!(player["player"], schemas::CharacterId(1).to_string());
    assert_eq!(player["first"]["type"], "moved");
    assert!(player["farthest_px"].as_f64().unwrap() > 1.0, "{player:#}");
    // She lands where she stood.
    assert_eq!(player["last_apart_px"], 0.0);
    let moved = of(&report, "types", "type", "moved").unwrap();
    assert!(moved["changed"].as_u64().unwrap() > 0, "{moved:#}");
    let accepted = of(&report, "types", "type", "accepted").unwrap();
    assert_eq!(accepted["recorded"], accepted["same"]);
    let first = &report["differences"][0];
    assert_eq!(first["how"], "changed");
    assert_eq!(
        (&first["recorded"]["ay"], &first["alternative"]["ay"]),
        (&64.into(), &48.into())
    );
    let change = serde_json::json!([{ "rule": "rise_gravity", "recorded": 64, "alternative": 48 }]);
    assert_eq!(report["changes"], change);
}

#[tokio::test]
async fn who_is_too_slow_for_the_door_stays_until_the_record_leads_it_away() {
    let realm = busy_day().await;
    let (_, report) = json(&realm, set("walk_speed", 128)).await;
    let differences = report["differences"].as_array().unwrap();
    let find = |kind: &str, how: &str| {
        let wanted =
            |one: &&Value| one["area"] == "harbor-1" && one["type"] == kind && one["how"] == how;
        differences.iter().find(wanted)
    };
    let departed = find("departed", "only_recorded").expect("Ann does not reach the door");
    assert_eq!(departed["recorded"]["reason"], "door");
    assert!(departed["recorded"].get("handle").is_none());
    let refused = find("rejected", "only_alternative").expect("she finds no door");
    assert_eq!(refused["alternative"]["reason"], "no_door");
    let sent = find("effect_sent", "only_recorded").expect("she is not sent on");
    assert_eq!(sent["recorded"]["target"], "area.forest-1");
    assert_eq!(find("link_lost", "only_alternative"), None, "{report:#}");
    // In the forest she arrives in the same tick, but walks on from the door as slowly: areas do not hear of one
    // another's alternatives.
    let arrived = |one: &&Value| one["area"] == "forest-1" && one["type"] == "arrived";
    let arrived = report["types"]
        .as_array()
        .unwrap()
        .iter()
        .find(arrived)
        .unwrap();
    assert_eq!(arrived["recorded"], arrived["alternative"]);
    assert_eq!(arrived["only_recorded"], 0);
}

#[tokio::test]
async fn lines_and_tables_tell_the_same() {
    let realm = leap().await;
    let lines = WhatifArgs {
        answer: Answer::ndjson(),
        ..set("jump_speed", 1_000)
    };
    let (_, text) = asked(&realm, lines).await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    let summary = lines.last().unwrap();
    assert_eq!(summary["kind"], "summary");
    assert_eq!(summary["differences_in_all"], count("difference"));
    assert_eq!((count("player"), count("area")), (1, 2));
    let table = WhatifArgs {
        differences: 2,
        ..set("jump_speed", 1_000)
    };
    let (code, text) = asked(&realm, table).await.unwrap();
    assert_eq!(code, 1);
    assert!(
        text.starts_with("jump_speed: 1000 instead of 1536\n"),
        "{text}"
    );
    assert!(
        text.ends_with(&format!("{} differences\n", count("difference"))),
        "{text}"
    );
    assert_eq!(text.matches("harbor-1 tick ").count(), 2, "{text}");
}

#[tokio::test]
async fn a_range_begins_with_the_state_that_is_recorded_there() {
    let realm = leap().await;
    let late = WhatifArgs {
        area: vec![sample::area_id("harbor-1")],
        from: Some("40".parse().unwrap()),
        to: Some("60".parse().unwrap()),
        ..set("jump_speed", 1_000)
    };
    let (code, report) = json(&realm, late).await;
    let [area] = &report["areas"].as_array().unwrap()[..] else {
        panic!("{report:#}");
    };
    assert_eq!(
        (&area["from_tick"], &area["to_tick"]),
        (&40.into(), &60.into())
    );
    assert_eq!(area["ticks"], 20);
    // The jump is over by then.
    assert_eq!(report["differences_in_all"], 0, "{report:#}");
    assert_eq!(code, 0);
}

#[tokio::test]
async fn what_makes_no_sense_is_said_in_a_sentence() {
    let realm = leap().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "run_sped = 7\n").unwrap();
    let path = file.path().display();
    for (args, wanted) in [
        (
            WhatifArgs::default(),
            "nothing is to be otherwise".to_owned(),
        ),
        (
            set("gravty", 1),
            "there is no rule `gravty`; did you mean".to_owned(),
        ),
        (
            set("run_speed", -1),
            "run_speed = -1 is out of range: it may be 0 to 4095".to_owned(),
        ),
        (
            WhatifArgs {
                rules: Some(file.path().to_owned()),
                ..WhatifArgs::default()
            },
            format!("{path}: there is no rule `run_sped`; did you mean `run_speed`?"),
        ),
        (
            WhatifArgs {
                area: vec![sample::area_id("nowhere-1")],
                ..set("run_speed", 1)
            },
            "area nowhere-1 has no frames".to_owned(),
        ),
        (
            WhatifArgs {
                build: Some("/nowhere/worldline".into()),
                ..WhatifArgs::default()
            },
            "--build /nowhere/worldline: it cannot be started".to_owned(),
        ),
    ] {
        let error = asked(&realm, args).await.unwrap_err();
        assert!(error.to_string().starts_with(&wanted), "{error}");
        assert_eq!(error.code(), 64);
    }
}

#[tokio::test]
async fn the_rules_that_can_be_changed_are_listed() {
    let realm = Realm::new();
    let list = WhatifArgs {
        list_rules: true,
        ..WhatifArgs::default()
    };
    let (code, text) = asked(&realm, list).await.unwrap();
    assert_eq!(code, 0);
    assert_eq!(text.lines().count(), world::Rules::ALL.len());
    let page = include_str!("../../../docs/what-if.md");
    for rule in world::Rules::ALL {
        let row = format!(
            "| `{}` | {} | {} to {} | {} |",
            rule.name,
            rule.default,
            rule.least,
            rule.most,
            rule.about.trim()
        );
        assert!(page.contains(&row), "docs/what-if.md lacks\n{row}");
    }
}

#[tokio::test]
async fn a_whole_day_is_decided_again_to_the_byte() {
    let realm = busy_day().await;
    let args = VerifyArgs {
        decide: true,
        answer: Answer::json(),
        ..VerifyArgs::default()
    };
    let mut out = Vec::new();
    let cli = Cli::new(ReplayCommand::Verify(args));
    let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await;
    let report: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(code.unwrap(), 0);
    let decided = &report["decided"];
    assert_eq!(decided["alike"], report["frames"]);
    assert_eq!(decided["commands"], report["commands"]);
    assert_eq!(decided["left_out"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn what_no_command_led_to_is_found_by_deciding_again_alone() {
    let realm = busy_day().await;
    let state = realm.state("forest-1");
    let ann = state.by_character(schemas::CharacterId(1)).unwrap();
    // A cunning owner leads her away through a door; its hashes are right, and its effect is numbered well.
    let mut cunning = world::decide_tick(
        &world::Rules::DEFAULT,
        state,
        &world::maps::builtin("forest").unwrap().map,
        world::TickInput {
            tick: state.tick().next(),
            at: state.at(),
            commands: Vec::new(),
            first_facts: Vec::new(),
        },
    );
    cunning.outcomes.heard.push(ann.handle);
    let header = world::FrameHeader {
        epoch: state.epoch(),
        claim: state.claim(),
    };
    let mut frame = cunning.frame(&header);
    if let Err(world::FoldError::HashMismatch { found, .. }) =
        state.clone().fold(&frame, schemas::Digest::default())
    {
        frame.hash = found;
    }
    let subject = schemas::subjects::area_events(state.area());
    let at = realm.append(&subject, schemas::encode(&frame)).await;
    for (decide, wanted) in [(false, 0), (true, 1)] {
        let args = VerifyArgs {
            decide,
            ..VerifyArgs::default()
        };
        let mut out = Vec::new();
        let cli = Cli::new(ReplayCommand::Verify(args));
        let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await;
        let text = String::from_utf8(out).unwrap();
        assert_eq!(code.unwrap(), wanted, "{text}");
        let named = format!(
            "FOUND decide    AREA_EVENTS:{at} forest-1: decided again from its commands, its outcomes, hash come out otherwise"
        );
        assert_eq!(text.contains(&named), decide, "{text}");
    }
}

#[tokio::test]
async fn a_range_in_which_nothing_happened_is_refused() {
    let realm = busy_day().await;
    let moment = |text: &str| text.parse().unwrap();
    let range = |from: Option<&str>, to: Option<&str>| WhatifArgs {
        from: from.map(moment),
        to: to.map(moment),
        ..set("walk_speed", 128)
    };
    for (from, to, named) in [
        (Some("100000"), None, "from tick 100000 to now"),
        (
            Some("2030-01-01T00:00:00Z"),
            None,
            "from 2030-01-01T00:00:00.000Z to now",
        ),
        (Some("20"), Some("10"), "tick 10 is before tick 20"),
        (
            Some("20"),
            Some("2023-11-14T22:13:20Z"),
            "from tick 20 to 2023-11-14T22:13:20.000Z",
        ),
        (
            None,
            Some("2023-01-01T00:00:00Z"),
            "from the beginning to 2023-01-01T00:00:00.000Z",
        ),
    ] {
        let refused = asked(&realm, range(from, to)).await.unwrap_err();
        assert_eq!(refused.code(), exit::USAGE, "{refused}");
        assert!(refused.to_string().contains(named), "{refused}");
    }
}
