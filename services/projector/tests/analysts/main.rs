//! The examples for analysts, run as an analyst runs them: on a real broker, as its user `analyst`, over `FACTS` that the
//! writer has made of a day that the real rules have decided.

mod day;
mod python;
#[path = "../../../replay/tests/sample/mod.rs"]
mod sample;

use std::path::Path;

use devstack::test::{TestBroker, broker_with_users};
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Follow};
use past::Past;
use projector::facts::{Config, fill};
use runtime::{Shutdown, Span};
use schemas::Sequence;
use schemas::subjects::FACTS;
use serde_json::Value;

use day::Day;
use python::Python;

async fn as_role(server: &TestBroker, role: &str) -> EventLog {
    let credential = server.users().unwrap().credential(role).unwrap();
    let options = Connect::to(server.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.unwrap()
}

/// A broker with `FACTS` of that day, and Python as its analyst.
async fn after(day: &Day) -> (TestBroker, Python, u64) {
    let server = broker_with_users().await.unwrap();
    let admin = as_role(&server, "admin").await;
    let file = StreamsFile::built_in().unwrap();
    streams::apply(&admin, &file).await.unwrap();
    for (stream, role) in [
        ("AREA_EVENTS", "worker"),
        ("IDENTITY_EVENTS", "identity"),
        ("LOBBY_EVENTS", "lobby"),
        ("CONTROL_EVENTS", "director"),
    ] {
        let owner = as_role(&server, role).await;
        let mut reader = day
            .log
            .read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
        while let Some(record) = reader.next().await.unwrap() {
            let mut appender = owner.appender(&record.subject).await.unwrap();
            appender.append(record.payload, None).await.unwrap();
        }
    }
    let log = as_role(&server, "projector").await;
    let config = Config {
        // The day was years ago.
        since: Span::from_secs(200 * 365 * 86_400),
        max_rate: 1_000_000,
        every: Span::from_millis(0),
        ..Config::default()
    };
    let past = Past::from(log.clone());
    fill(&config, &past, &Shutdown::new()).await.unwrap();
    let told = log.stream_info(FACTS).await.unwrap().messages;
    let python = Python::as_analyst_of(&server).unwrap();
    (server, python, told)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_do_what_they_say() {
    let day = day::play(5, 400).await;
    let (_server, python, told) = after(&day).await;

    // A plain subject chooses.
    let doors = python.run("tail.py", &["fact.departed.harbor-1.*", "--now"]);
    assert_eq!(lines(&doors).len(), day.left_harbor, "{doors}");
    let nothing = python.run("tail.py", &["fact.*.nowhere-1.*", "--now"]);
    assert_eq!(nothing, "");
    let all = python.run("tail.py", &["--now"]);
    assert_eq!(lines(&all).len() as u64, told);

    // Ended early, asked again, and once more: each event once.
    let database = python.scratch().join("events.db");
    let database = database.to_str().unwrap();
    let first = python.run("to_sqlite.py", &[database, "--stop-after", "50"]);
    assert!(first.starts_with("50 new events"), "{first}");
    let second = python.run("to_sqlite.py", &[database]);
    assert!(
        second.starts_with(&format!("{} new events", told - 50)),
        "{second}"
    );
    let third = python.run("to_sqlite.py", &[database]);
    assert!(third.starts_with("0 new events"), "{third}");
}

/// The contract for readers in other languages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_as_the_json_schema_says() {
    let day = day::play(5, 400).await;
    let (_server, python, _) = after(&day).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/analysts/validate.py");
    let told = python.script(&script, &[]);
    let kinds = told.split_whitespace().nth(2).unwrap();
    assert!(kinds.parse::<u32>().unwrap() > 12, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_notebook_shows_who_played_where_and_how_far_they_came() {
    let day = day::play(10, 1200).await;
    let (_server, python, _) = after(&day).await;
    let pictures = python.scratch().join("pictures");
    let told = python.script(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/analysts/run_notebook.py"),
        &[
            "facts.ipynb",
            pictures.to_str().unwrap(),
            &day.step.to_string(),
        ],
    );
    let told: Value = serde_json::from_str(lines(&told).last().unwrap()).unwrap();
    // Plots: players over time, the heat map, the funnel.
    assert_eq!(told["pictures"], 3, "{told}");
    for n in 1..=3 {
        let picture = std::fs::read(pictures.join(format!("{n}.png"))).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        assert!(picture.len() > 4000, "picture {n} is empty");
    }
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        std::fs::copy(pictures.join("1.png"), docs.join("analysts-players.png")).unwrap();
        std::fs::copy(pictures.join("2.png"), docs.join("analysts-heat-map.png")).unwrap();
    }
    let funnel = &told["funnel"];
    assert_eq!(funnel["logged in"], day.accounts, "{told}");
    assert_eq!(funnel["came into the world"], day.joined, "{told}");
    assert_eq!(funnel["went through a door"], day.through_doors, "{told}");
    assert_eq!(told["playing"]["harbor-1"], day.in_harbor, "{told}");
    assert_eq!(told["playing"]["forest-1"], day.in_forest, "{told}");
    // Each body's every step is counted, and where it stood last is where it stands.
    let seconds = told["seconds"].as_f64().unwrap();
    let lived = day.harbor_steps as f64 * 0.02;
    assert!(
        (seconds - lived).abs() < lived * 0.02,
        "{seconds} s in the heat map, {lived} s lived"
    );
    let found: Vec<(i64, i64)> = serde_json::from_value(told["last"].clone()).unwrap();
    for place in &day.places {
        assert!(found.contains(place), "{place:?} is not among {found:?}");
    }
}
