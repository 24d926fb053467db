//! The same through a real broker, and with no more rights than the role has.

mod sample;

use devstack::test::{TestBroker, broker, broker_with_users};
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog};
use replay::{Answer, Cli, ListArgs, ReplayCommand, ShowArgs, TailArgs, VerifyArgs};
use sample::{Realm, area_id, play};
use schemas::subjects::area_events;

async fn apply_streams(log: &EventLog) {
    let wanted = StreamsFile::built_in().unwrap();
    streams::apply(log, &wanted).await.unwrap();
}

async fn execute(log: &EventLog, command: ReplayCommand) -> (u8, String) {
    let mut out = Vec::new();
    let cli = Cli::new(command);
    let code = replay::execute(
        cli,
        &log.clone().into(),
        Some(sample::realm_key()),
        &mut out,
    )
    .await;
    (code.unwrap(), String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn a_busy_day_on_a_real_broker_is_clean() {
    let server = broker().await.unwrap();
    let log = EventLog::connect(&Connect::to(server.url(), "test"))
        .await
        .unwrap();
    apply_streams(&log).await;
    let mut realm = Realm::on(log);
    play(&mut realm).await;
    let settled = VerifyArgs {
        settled: true,
        answer: Answer::default(),
        ..VerifyArgs::default()
    };
    let (code, report) = execute(&realm.log, ReplayCommand::Verify(settled)).await;
    assert!(report.ends_with("clean\n"), "{report}");
    assert_eq!(code, 0);
    let ben = TailArgs {
        all: true,
        once: true,
        kind: vec!["spoken".into()],
        ..TailArgs::default()
    };
    let (_, told) = execute(&realm.log, ReplayCommand::Tail(ben)).await;
    assert_eq!(told.lines().count(), 2, "{told}");
}

async fn as_role(server: &TestBroker, role: &str) -> EventLog {
    let credential = server.users().unwrap().credential(role).unwrap();
    let options = Connect::to(server.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.unwrap()
}

#[tokio::test]
async fn the_role_may_do_all_that_its_subcommands_need() {
    let server = broker_with_users().await.unwrap();
    apply_streams(&as_role(&server, "admin").await).await;
    let worker = as_role(&server, "worker").await;
    let mut harbor = sample::Area::restore(&worker, &area_id("harbor-1")).await;
    harbor
        .own("w1", schemas::UnixMillis(sample::BEGINNING))
        .await;
    let log = as_role(&server, "replay").await;
    let (_, list) = execute(&log, ReplayCommand::List(ListArgs::default())).await;
    assert!(list.contains("harbor-1"), "{list}");
    let show = ShowArgs::of(area_id("harbor-1"), "now".parse().unwrap());
    let (_, shown) = execute(&log, ReplayCommand::Show(show)).await;
    assert!(shown.contains("owner w1"), "{shown}");
    let tail = TailArgs {
        all: true,
        once: true,
        ..TailArgs::default()
    };
    let (_, told) = execute(&log, ReplayCommand::Tail(tail)).await;
    assert!(told.contains("owned.1"), "{told}");
    let (code, report) = execute(&log, ReplayCommand::Verify(VerifyArgs::default())).await;
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("nothing has ever opened it"), "{report}");
    // And nothing more than reading.
    let denied = log.appender(&area_events(&area_id("harbor-1"))).await;
    let append = denied.unwrap().append("x".into(), None).await;
    assert!(append.is_err());
}
