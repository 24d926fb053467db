//! What each subcommand prints for a small log, word by word.
//!
//! `UPDATE_GOLDEN=1 cargo test -p replay --test golden` writes the files anew; look at the difference.

mod sample;

use replay::{
    Answer, Canvas, Cli, DiffArgs, ExplainArgs, ListArgs, ReplayCommand, ShowArgs, TailArgs,
    VerifyArgs, exit,
};
use sample::{Realm, area_id, busy_day, realm_key};

async fn printed(realm: &Realm, command: ReplayCommand) -> (u8, String) {
    let mut out = Vec::new();
    let cli = Cli::new(command);
    let code = replay::execute(cli, &realm.log.clone().into(), Some(realm_key()), &mut out).await;
    (code.unwrap(), String::from_utf8(out).unwrap())
}

/// Hides what is random by nature or comes from the broker's clock.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\n')) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let hash = word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let digest = word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let broker_time = word.len() == 13
            && word
                .parse::<u64>()
                .is_ok_and(|n| n > sample::BEGINNING + 86_400_000);
        masked.push_str(match (hash, digest, broker_time) {
            (true, ..) => "<hash>",
            (_, true, _) => "<digest>",
            (.., true) => "<broker time>",
            _ => &word,
        });
        word.clear();
        masked.push(c);
    }
    masked.pop();
    masked
}

fn check(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (here, there)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(here, there, "line {} of {name}", number + 1);
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "{name}");
}

/// Incarnations are random, and so are the bytes of sealed texts.
fn masked_list(text: &str) -> String {
    let column = |line: &str| {
        let stream = line.split_whitespace().next().unwrap_or_default();
        stream.contains('_')
    };
    text.lines()
        .map(|line| match column(line) {
            true => line
                .rsplit_once(' ')
                .map_or(line, |(rest, _)| rest.trim_end()),
            false => line,
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

#[tokio::test]
async fn a_busy_day_is_listed_told_shown_and_clean() {
    let realm = busy_day().await;
    let (_, list) = printed(&realm, ReplayCommand::List(ListArgs::default())).await;
    check("list.txt", &masked_list(&list));

    let whole = TailArgs {
        all: true,
        once: true,
        ..TailArgs::default()
    };
    let (_, tail) = printed(&realm, ReplayCommand::Tail(whole.clone())).await;
    check("tail.txt", &masked(&tail));

    let spoken = TailArgs {
        kind: vec!["spoken".into()],
        answer: Answer::json(),
        ..whole.clone()
    };
    let (_, tail) = printed(&realm, ReplayCommand::Tail(spoken)).await;
    check("tail_spoken.json", &masked(&tail));

    let of_ben = TailArgs {
        area: vec![area_id("harbor-1")],
        player: vec![schemas::CharacterId(2)],
        ..whole
    };
    let (_, tail) = printed(&realm, ReplayCommand::Tail(of_ben)).await;
    check("tail_ben.txt", &masked(&tail));

    let show = |area: &str, at: &str, entity: Option<&str>, answer| {
        ReplayCommand::Show(ShowArgs {
            entity: entity.map(str::to_owned),
            answer,
            ..ShowArgs::of(area_id(area), at.parse().unwrap())
        })
    };
    let (_, shown) = printed(&realm, show("harbor-1", "9", None, Answer::default())).await;
    check("show_tick.txt", &masked(&shown));
    let (_, shown) = printed(
        &realm,
        show(
            "harbor-1",
            "2023-11-14T22:13:20.400Z",
            Some("1"),
            Answer::default(),
        ),
    )
    .await;
    check("show_entity.txt", &masked(&shown));
    let (_, shown) = printed(&realm, show("forest-1", "now", None, Answer::json())).await;
    let commands = realm.log.stream_info("AREA_COMMANDS").await.unwrap();
    let shown = shown.replace(&commands.incarnation.to_string(), "<incarnation>");
    check("show_now.json", &masked(&shown));

    let (code, report) = printed(&realm, ReplayCommand::Verify(VerifyArgs::default())).await;
    check("verify.txt", &report);
    assert_eq!(code, 0);
    let settled = VerifyArgs {
        settled: true,
        answer: Answer::json(),
        ..VerifyArgs::default()
    };
    let (code, report) = printed(&realm, ReplayCommand::Verify(settled)).await;
    check("verify.json", &report);
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_busy_day_is_compared_explained_and_drawn() {
    let realm = busy_day().await;
    let diff = |from: &str, to: &str, answer| {
        ReplayCommand::Diff(DiffArgs {
            area: area_id("harbor-1"),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            entity: None,
            answer,
        })
    };
    let (code, told) = printed(&realm, diff("9", "24", Answer::default())).await;
    check("diff.txt", &masked(&told));
    assert_eq!(code, exit::FINDINGS);
    let (_, told) = printed(&realm, diff("9", "24", Answer::json())).await;
    check("diff.json", &masked(&told));
    let (_, told) = printed(&realm, diff("9", "24", Answer::ndjson())).await;
    check("diff.ndjson", &masked(&told));
    let (code, told) = printed(&realm, diff("9", "9", Answer::default())).await;
    assert!(told.ends_with("no difference\n"), "{told}");
    assert_eq!(code, exit::CLEAN);

    let ann = ExplainArgs::player(schemas::CharacterId(1));
    let (_, told) = printed(&realm, ReplayCommand::Explain(ann.clone())).await;
    check("explain_ann.txt", &masked(&told));
    let moving = ExplainArgs {
        motion: true,
        answer: Answer::ndjson(),
        ..ann
    };
    let (_, told) = printed(&realm, ReplayCommand::Explain(moving)).await;
    check("explain_ann.ndjson", &masked(&told));
    let ben = ExplainArgs {
        player: None,
        entity: Some("1".into()),
        area: Some(area_id("harbor-1")),
        at: "9".parse().unwrap(),
        answer: Answer::json(),
        ..ExplainArgs::player(schemas::CharacterId(0))
    };
    let (_, told) = printed(&realm, ReplayCommand::Explain(ben)).await;
    check("explain_ben.json", &masked(&told));
    let sword = ExplainArgs {
        player: None,
        item: Some("sword-of-ann".into()),
        ..ExplainArgs::player(schemas::CharacterId(0))
    };
    let (code, told) = printed(&realm, ReplayCommand::Explain(sword)).await;
    check("explain_item.txt", &told);
    assert_eq!(code, exit::CLEAN);

    let map = ShowArgs {
        map: Some(Canvas::Text),
        ..ShowArgs::of(area_id("harbor-1"), "9".parse().unwrap())
    };
    let (_, drawn) = printed(&realm, ReplayCommand::Show(map.clone())).await;
    check("show_map.txt", &masked(&drawn));
    let map = ShowArgs {
        answer: Answer::json(),
        ..map
    };
    let (_, drawn) = printed(&realm, ReplayCommand::Show(map)).await;
    let drawn: serde_json::Value = serde_json::from_str(&drawn).unwrap();
    assert_eq!(drawn["drawn"]["bodies"][0]["name"], "Ann");
}

#[tokio::test]
async fn what_was_refused_is_told_alone_and_between_two_times() {
    let realm = busy_day().await;
    let whole = TailArgs {
        all: true,
        once: true,
        refused: true,
        ..TailArgs::default()
    };
    let (_, told) = printed(&realm, ReplayCommand::Tail(whole.clone())).await;
    check("tail_refused.txt", &masked(&told));
    let limited = TailArgs {
        limit: Some(3),
        answer: Answer::ndjson(),
        ..whole.clone()
    };
    let (_, first) = printed(&realm, ReplayCommand::Tail(limited)).await;
    assert_eq!(first.lines().count(), 3, "{first}");
    let until = TailArgs {
        to: Some(schemas::UnixMillis(sample::BEGINNING + 400)),
        ..whole
    };
    let (_, early) = printed(&realm, ReplayCommand::Tail(until)).await;
    assert!(told.starts_with(&early), "{early}");
    assert!(early.lines().count() < told.lines().count());
    assert!(early.contains("no_door"), "{early}");
    assert!(!early.contains("20.440Z"), "{early}");
}
