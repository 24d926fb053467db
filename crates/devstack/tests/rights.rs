//! What each broker user is refused, asked of a real broker.
//!
//! The rights themselves are data (`nats/users.toml`); here stands what must be true of them whatever changes.

use std::time::Duration;

use anyhow::Context;
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull, push};
use async_nats::{ConnectOptions, Event};
use devstack::nats::rights::{permissions, role_names};
use devstack::nats::users::render_for_environment;
use devstack::test::{TestBroker, broker_with_users};
use futures_util::StreamExt;
use tokio::sync::mpsc;

type Outcome = anyhow::Result<()>;

/// Only the server publishes to `live.…`.
const NOBODYS: &str = "live.nobodys";
/// Far longer than a broker takes to refuse.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who alone appends to which events.
const OWNERS: [(&str, &str); 5] = [
    ("evt.area.harbor-1", "worker"),
    ("evt.identity.a", "identity"),
    ("evt.lobby.c", "lobby"),
    ("evt.control.harbor-1", "director"),
    ("fact.spoken.harbor-1.c", "projector"),
];

struct Member {
    client: async_nats::Client,
    refusals: mpsc::UnboundedReceiver<String>,
}

impl Member {
    async fn connect(broker: &TestBroker, role: &str) -> anyhow::Result<Member> {
        let credential = broker
            .users()
            .and_then(|users| users.credential(role))
            .context("no such role")?;
        let (sender, refusals) = mpsc::unbounded_channel();
        let client = ConnectOptions::with_user_and_password(credential.user, credential.password)
            .custom_inbox_prefix(credential.inbox_prefix)
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    sender.send(error.to_string()).ok();
                }
                async {}
            })
            .connect(broker.url())
            .await?;
        Ok(Member { client, refusals })
    }

    /// Whether the broker refuses a message of ours on `subject`. It reads in order, and says nothing to what it allows:
    /// what it says to a second message, which it allows nobody, comes after whatever it says to the first.
    async fn is_refused(&mut self, subject: &str) -> anyhow::Result<bool> {
        for subject in [subject, NOBODYS] {
            self.client
                .publish(subject.to_owned(), "forged".into())
                .await?;
        }
        let first = self.refusal().await?;
        if is_of(&first, NOBODYS) {
            return Ok(false);
        }
        anyhow::ensure!(is_of(&first, subject), "{subject}: unexpected: {first}");
        let second = self.refusal().await?;
        anyhow::ensure!(is_of(&second, NOBODYS), "{subject}: unexpected: {second}");
        Ok(true)
    }

    /// The next thing that the broker refuses.
    async fn refusal(&mut self) -> anyhow::Result<String> {
        tokio::time::timeout(PATIENCE, self.refusals.recv())
            .await
            .context("the broker refuses nothing")?
            .context("the connection is gone")
    }
}

/// Whether this is the refusal of a message on `subject`.
fn is_of(refusal: &str, subject: &str) -> bool {
    let refused = format!("permissions violation for publish to \"{subject}\"");
    refusal.to_lowercase().contains(&refused.to_lowercase())
}

async fn with_streams() -> anyhow::Result<TestBroker> {
    let broker = broker_with_users().await?;
    let admin = jetstream::new(Member::connect(&broker, "admin").await?.client);
    for (name, subject) in [
        ("AREA_COMMANDS", "cmd.area.>"),
        ("AREA_EVENTS", "evt.area.>"),
        ("IDENTITY_COMMANDS", "cmd.identity.>"),
    ] {
        let config = jetstream::stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            republish: subject
                .starts_with("evt")
                .then(|| jetstream::stream::Republish {
                    source: subject.to_owned(),
                    destination: format!("live.{subject}"),
                    headers_only: false,
                }),
            ..Default::default()
        };
        admin.create_stream(config).await?;
    }
    Ok(broker)
}

#[tokio::test]
async fn events_are_appended_by_their_owner_and_live_by_nobody() -> Outcome {
    let broker = with_streams().await?;
    for role in role_names()? {
        let mut member = Member::connect(&broker, &role).await?;
        assert!(
            member.is_refused("live.evt.area.harbor-1").await?,
            "{role} may publish to live"
        );
        for (subject, owner) in OWNERS {
            if role != owner {
                assert!(
                    member.is_refused(subject).await?,
                    "{role} may publish to {subject}"
                );
            }
        }
    }
    for (subject, owner) in OWNERS {
        assert!(
            !Member::connect(&broker, owner)
                .await?
                .is_refused(subject)
                .await?,
            "{owner} may not publish to {subject}"
        );
    }
    Ok(())
}

/// What others believe of a command hangs on its subject: an edge is an edge there, an aggregate an aggregate.
#[tokio::test]
async fn nobody_sends_in_the_name_of_another_kind() -> Outcome {
    let broker = with_streams().await?;
    let edges = ["cmd.area.harbor-1.edge.x", "cmd.lobby.0.c"];
    let aggregates = [
        "cmd.area.harbor-1.area-forest-1",
        "cmd.area.harbor-1.character-c",
        "cmd.lobby.0.c.from.area-harbor-1",
    ];
    let control = ["cmd.area.harbor-1.control.harbor-1"];
    let others = [&edges[..], &aggregates[..]].concat();
    let not_the_edges = [&edges[..], &control[..]].concat();
    let not_the_aggregates = [&aggregates[..], &control[..]].concat();
    for (role, may, may_not) in [
        ("edge", &edges[..], &not_the_aggregates[..]),
        ("worker", &aggregates, &not_the_edges),
        // The lobby asks itself for the lost; what is asked of it, it decides itself anyway.
        ("lobby", &aggregates, &[edges[0], control[0]]),
        ("identity", &[], &not_the_aggregates),
        ("director", &control, &others),
    ] {
        let mut member = Member::connect(&broker, role).await?;
        for subject in may {
            assert!(
                !member.is_refused(subject).await?,
                "{role} may not publish to {subject}"
            );
        }
        for subject in may_not {
            assert!(
                member.is_refused(subject).await?,
                "{role} may publish to {subject}"
            );
        }
    }
    let mut edge = Member::connect(&broker, "edge").await?;
    for subject in ["cmd.area.harbor-1.x", "cmd.area.harbor-1.edge.x.y"] {
        assert!(edge.is_refused(subject).await?, "{subject}");
    }
    Ok(())
}

#[tokio::test]
async fn readers_write_nothing() -> Outcome {
    let broker = with_streams().await?;
    for role in ["analyst", "replay", "projector"] {
        let mut reader = Member::connect(&broker, role).await?;
        for subject in [
            "cmd.area.harbor-1.edge.x",
            "cmd.area.harbor-1.area-forest-1",
            "cmd.lobby.0.c",
            "cmd.lobby.0.c.from.area-harbor-1",
            "wake.area.harbor-1",
            "ready.area.harbor-1",
            "reply.e.1",
            "hb.worker.w",
            "$KV.sessions.x",
        ] {
            assert!(
                reader.is_refused(subject).await?,
                "{role} may publish to {subject}"
            );
        }
        for request in [
            "STREAM.DELETE.AREA_EVENTS",
            "STREAM.PURGE.AREA_EVENTS",
            "STREAM.MSG.DELETE.AREA_EVENTS",
        ] {
            assert!(
                reader.is_refused(&format!("$JS.API.{request}")).await?,
                "{role} may {request}"
            );
        }
    }
    Ok(())
}

/// An analyst has one stream, and hears nothing but what is republished of it.
#[tokio::test]
async fn an_analyst_reads_single_events_and_nothing_else() -> Outcome {
    let broker = with_streams().await?;
    let mut analyst = Member::connect(&broker, "analyst").await?;
    let requests = [
        "STREAM.INFO",
        "STREAM.MSG.GET",
        "DIRECT.GET",
        "CONSUMER.CREATE",
        "CONSUMER.MSG.NEXT",
    ];
    for stream in [
        "AREA_EVENTS",
        "AREA_COMMANDS",
        "IDENTITY_EVENTS",
        "CREDENTIAL_EVENTS",
        "LOBBY_EVENTS",
        "KV_facts",
        "KV_sessions",
        "KV_snapshots",
    ] {
        for request in requests {
            let subject = format!("$JS.API.{request}.{stream}");
            assert!(analyst.is_refused(&subject).await?, "{subject}");
        }
    }
    for request in ["STREAM.INFO", "STREAM.MSG.GET", "CONSUMER.CREATE"] {
        let subject = format!("$JS.API.{request}.FACTS");
        assert!(!analyst.is_refused(&subject).await?, "{subject}");
    }
    for request in [
        "STREAM.UPDATE",
        "STREAM.DELETE",
        "STREAM.PURGE",
        "STREAM.MSG.DELETE",
        "STREAM.SNAPSHOT",
    ] {
        let subject = format!("$JS.API.{request}.FACTS");
        assert!(analyst.is_refused(&subject).await?, "{subject}");
    }
    for subject in [
        "fact.spoken.harbor-1.c",
        "live.fact.spoken.harbor-1.c",
        "$KV.facts.AREA_EVENTS",
    ] {
        assert!(analyst.is_refused(subject).await?, "{subject}");
    }
    for subject in [">", "live.evt.>", "live.>", "fact.>", "hb.>", "$KV.>"] {
        let mut other = Member::connect(&broker, "analyst").await?;
        let _subscription = other.client.subscribe(subject).await?;
        let told = other.refusal().await?;
        assert!(
            told.to_lowercase().contains("permissions violation"),
            "{subject}: {told}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn persons_keys_are_read_by_few_and_destroyed_by_one() -> Outcome {
    let broker = with_streams().await?;
    let may_read = ["admin", "edge", "eraser", "replay"];
    let may_write = ["admin", "edge", "eraser"];
    for role in role_names()? {
        let mut member = Member::connect(&broker, &role).await?;
        let cases = [
            ("$JS.API.STREAM.MSG.GET.KV_person_keys", &may_read[..]),
            ("$JS.API.DIRECT.GET.KV_person_keys", &may_read[..]),
            ("$JS.API.CONSUMER.CREATE.KV_person_keys", &may_read[..]),
            ("$KV.person_keys.ann", &may_write[..]),
            (
                "$JS.API.STREAM.MSG.DELETE.KV_person_keys",
                &["admin", "eraser"][..],
            ),
        ];
        for (subject, allowed) in cases {
            let refused = member.is_refused(subject).await?;
            assert_eq!(
                refused,
                !allowed.contains(&role.as_str()),
                "{role}: {subject}"
            );
        }
    }
    let mut eraser = Member::connect(&broker, "eraser").await?;
    for subject in [
        "evt.identity.a",
        "evt.lobby.c",
        "cmd.area.harbor-1.edge.e1",
        "$KV.identity_keys.sign",
        "$JS.API.STREAM.MSG.DELETE.IDENTITY_EVENTS",
        "$JS.API.STREAM.PURGE.KV_person_keys",
    ] {
        assert!(eraser.is_refused(subject).await?, "{subject}");
    }
    Ok(())
}

#[tokio::test]
async fn a_service_can_do_its_work() -> Outcome {
    let broker = with_streams().await?;
    let worker = jetstream::new(Member::connect(&broker, "worker").await?.client);
    let edge = Member::connect(&broker, "edge").await?;
    let mut live = edge.client.subscribe("live.evt.area.>").await?;
    edge.client.flush().await?;

    let commands = jetstream::new(edge.client.clone());
    commands
        .publish("cmd.area.harbor-1.edge.e1", "walk".into())
        .await?
        .await?;
    commands
        .publish("cmd.identity.0.ann", "log in".into())
        .await?
        .await?;

    let stream = worker.get_stream("AREA_COMMANDS").await?;
    let ordered = pull::OrderedConfig {
        filter_subject: "cmd.area.harbor-1.>".to_owned(),
        ..Default::default()
    };
    let mut messages = stream.create_consumer(ordered).await?.messages().await?;
    assert_eq!(messages.next().await.context("a command")??.payload, "walk");

    worker
        .publish("evt.area.harbor-1", "walked".into())
        .await?
        .await?;
    assert_eq!(live.next().await.context("a frame")?.payload, "walked");

    let events = worker.get_stream("AREA_EVENTS").await?;
    assert_eq!(
        events
            .get_last_raw_message_by_subject("evt.area.harbor-1")
            .await?
            .payload,
        "walked"
    );

    let identity = jetstream::new(Member::connect(&broker, "identity").await?.client);
    let durable = pull::Config {
        durable_name: Some("identity-0".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..Default::default()
    };
    let mut consumer = identity
        .get_stream("IDENTITY_COMMANDS")
        .await?
        .create_consumer(durable)
        .await?;
    let command = consumer
        .messages()
        .await?
        .next()
        .await
        .context("a command")??;
    command
        .double_ack()
        .await
        .map_err(|error| anyhow::anyhow!(error))?;
    assert_eq!(consumer.info().await?.num_ack_pending, 0);
    Ok(())
}

#[tokio::test]
async fn nobody_hears_anothers_answers() -> Outcome {
    let broker = broker_with_users().await?;
    let mut analyst = Member::connect(&broker, "analyst").await?;
    let _subscription = analyst.client.subscribe("_INBOX.edge.>").await?;
    let told = analyst.refusal().await?;
    assert!(
        told.to_lowercase().contains("permissions violation"),
        "{told}"
    );
    assert!(
        async_nats::connect(broker.url()).await.is_err(),
        "a stranger came in"
    );
    Ok(())
}

#[test]
fn rights_name_whole_subjects_of_ours() -> Outcome {
    for role in role_names()? {
        let rights = permissions(&role)?.context("a role")?;
        for subject in rights.publish.iter().chain(&rights.subscribe) {
            let tokens: Vec<&str> = subject.split('.').collect();
            let first = tokens.first().copied().unwrap_or_default();
            assert!(
                [
                    "cmd", "evt", "fact", "live", "wake", "ready", "hb", "reply", "_INBOX", "$JS",
                    "$KV", "$O"
                ]
                .contains(&first),
                "{role}: {subject}"
            );
            assert!(!tokens.contains(&""), "{role}: {subject}");
        }
        assert!(
            rights
                .publish
                .iter()
                .all(|subject| !subject.starts_with("live") && subject != ">"),
            "{role}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn who_copies_streams_changes_none() -> Outcome {
    let broker = with_streams().await?;
    let mut backup = Member::connect(&broker, "backup").await?;
    for request in ["STREAM.INFO", "STREAM.SNAPSHOT", "CONSUMER.LIST"] {
        let subject = format!("$JS.API.{request}.AREA_EVENTS");
        assert!(!backup.is_refused(&subject).await?, "{request}");
    }
    for request in [
        "STREAM.RESTORE",
        "STREAM.UPDATE",
        "STREAM.DELETE",
        "STREAM.PURGE",
        "STREAM.MSG.DELETE",
        "CONSUMER.CREATE",
    ] {
        let subject = format!("$JS.API.{request}.AREA_EVENTS");
        assert!(backup.is_refused(&subject).await?, "{request}");
    }
    for subject in [
        "evt.area.harbor-1",
        "$KV.keys.x",
        "$JS.SNAPSHOT.RESTORE.x.y",
    ] {
        assert!(backup.is_refused(subject).await?, "{subject}");
    }
    // Restoring is the administrator's, and nobody else's.
    for role in role_names()? {
        let mut member = Member::connect(&broker, &role).await?;
        let refused = member.is_refused("$JS.SNAPSHOT.RESTORE.x.y").await?;
        assert_eq!(refused, role != "admin", "{role}");
    }
    Ok(())
}

/// compose.yaml mounts the rendered file.
#[test]
fn the_committed_users_conf_is_rendered_from_users_toml() -> Outcome {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nats/users.conf");
    let rendered = render_for_environment()?;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &rendered)?;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == rendered,
        "nats/users.conf is not what users.toml says: run this test with UPDATE_GOLDEN=1"
    );
    Ok(())
}

/// A consumer that pushes to a subject has the *server* send there, which rights by subject do not cover; that it ends
/// neither in the log nor on a screen is seen, not promised by the server, so it stays under test.
#[tokio::test]
async fn a_reader_cannot_have_the_server_write_for_it() -> Outcome {
    let broker = with_streams().await?;
    let edge = Member::connect(&broker, "edge").await?;
    let mut live = edge.client.subscribe("live.evt.>").await?;
    let commands = jetstream::new(edge.client.clone());
    commands
        .publish("cmd.area.harbor-1.edge.e1", "forged".into())
        .await?
        .await?;

    let replay = Member::connect(&broker, "replay").await?;
    let own = "_INBOX.replay.pushed";
    let mut pushed = replay.client.subscribe(own).await?;
    replay.client.flush().await?;
    let reader = jetstream::new(replay.client.clone());
    let stream = reader.get_stream("AREA_COMMANDS").await?;
    for deliver_subject in ["evt.area.harbor-1", "live.evt.area.harbor-1", own] {
        let push = push::Config {
            deliver_subject: deliver_subject.to_owned(),
            ..Default::default()
        };
        stream.create_consumer(push).await?;
    }
    // The last one shows that pushing works, and that the ones before have had their turn.
    assert_eq!(pushed.next().await.context("pushed")?.payload, "forged");
    let arrived = tokio::time::timeout(Duration::from_millis(200), live.next()).await;
    assert!(arrived.is_err(), "an edge was sent {arrived:?}");
    let worker = jetstream::new(Member::connect(&broker, "worker").await?.client);
    assert_eq!(
        worker
            .get_stream("AREA_EVENTS")
            .await?
            .cached_info()
            .state
            .messages,
        0
    );
    Ok(())
}
