//! What somebody has typed is in no answer, not in the process's log, and in no stream.

use std::io::Write;
use std::sync::{Arc, Mutex};

use eventlog::{EventLog, Follow};
use schemas::Sequence;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::stage::Stage;
use crate::web::post;

const PASSWORD: &str = "correct-horse-battery";

/// What the process logs, with everything switched on.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn everything_stored(log: &EventLog) -> Vec<u8> {
    let mut all = Vec::new();
    for domain in schemas::subjects::Domain::ALL {
        for stream in [domain.command_stream(), domain.event_stream()] {
            let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
            while let Some(record) = reader.next().await.expect("the twin") {
                all.extend_from_slice(&record.payload);
            }
        }
    }
    all
}

fn holds(all: &[u8], secret: &str) -> bool {
    all.windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn no_secret_is_in_an_answer_a_log_or_a_stream() {
    let logged = Logged::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(logged.clone())
        .finish();
    // Of the whole process: what other tests log from here on is looked through as well.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let typed = json!({ "name": "ann", "password": PASSWORD });
    let begun = post(edge.address, "/v1/register", &typed).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let wrong = json!({ "name": "ann", "password": format!("{PASSWORD}x") });
    let refresh = json!({ "refresh_token": begun.get("refresh_token") });
    let broken = format!("{{\"name\": \"ann\", \"password\": \"{PASSWORD}\"");
    let mut answers = vec![
        post(edge.address, "/v1/login", &wrong).await,
        post(edge.address, "/v1/register", &typed).await,
        post(edge.address, "/v1/login", &json!({ "password": PASSWORD })).await,
        crate::web::send_raw(edge.address, "POST /v1/login", &[], &broken).await,
        crate::web::send_raw(
            edge.address,
            "POST /v1/login",
            &[],
            &format!("{PASSWORD:?}"),
        )
        .await,
    ];
    assert_eq!(
        post(edge.address, "/v1/refresh", &refresh).await.status,
        200
    );
    answers.push(post(edge.address, "/v1/refresh", &refresh).await);
    for answer in &answers {
        assert!((400..500).contains(&answer.status), "{}", answer.text);
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
    let (stored, logged) = (
        everything_stored(&stage.log).await,
        logged.0.lock().expect("whole").clone(),
    );
    assert!(!stored.is_empty(), "commands are stored");
    assert!(holds(&logged, "the edge listens"), "the log is read");
    for secret in [
        PASSWORD,
        begun.get("refresh_token"),
        begun.get("access_token"),
    ] {
        assert!(!holds(&stored, secret), "{secret} is in a stream");
        assert!(!holds(&logged, secret), "{secret} is in the log");
    }
}
