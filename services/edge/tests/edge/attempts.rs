//! Guessing: so many failed logins of one address, whichever edge they are sent to.

use std::net::SocketAddr;

use edge::Config;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stage::{Edge, Stage, config, until};
use crate::web::{Answer, send};

fn behind_a_proxy() -> Config {
    Config {
        trusted_proxies: vec!["127.0.0.1".parse().expect("a network")],
        failed_logins_per_address: 3,
        registrations_per_hour: 3,
        ..config()
    }
}

async fn log_in(edge: SocketAddr, from: &str, password: &str) -> Answer {
    let typed = json!({ "name": "ann", "password": password });
    send(
        edge,
        "POST /v1/login",
        &[("x-forwarded-for", from)],
        Some(&typed),
    )
    .await
}

async fn register(edge: SocketAddr, from: &str, name: &str) -> Answer {
    let typed = json!({ "name": name, "password": "correct horse" });
    send(
        edge,
        "POST /v1/register",
        &[("x-forwarded-for", from)],
        Some(&typed),
    )
    .await
}

async fn two_edges() -> (Stage, Edge, Edge) {
    let stage = Stage::new(&[]).await;
    let one = stage.edge_with(behind_a_proxy()).await;
    let other = stage.edge_with(behind_a_proxy()).await;
    (stage, one, other)
}

#[tokio::test]
async fn an_address_that_guesses_is_stopped_on_every_edge_and_no_other_is() {
    let (stage, one, other) = two_edges().await;
    register(one.address, "192.0.2.9", "ann").await;
    let from = "2001:db8:1:2::3";
    for edge in [&one, &other, &one] {
        assert_eq!(
            log_in(edge.address, from, "a guess").await.problem(),
            (401, "bad_login")
        );
    }
    let asked = stage.identity.asked();
    until("both know", async || {
        let (here, there) = (
            log_in(one.address, from, "correct horse").await,
            log_in(other.address, "2001:db8:1:2:ffff::1", "correct horse").await,
        );
        assert!([200, 429].contains(&there.status), "{}", there.text);
        here.status == 429 && there.status == 429
    })
    .await;
    let stopped = log_in(other.address, from, "correct horse").await;
    assert_eq!(stopped.problem(), (429, "too_many_attempts"));
    let wait: u64 = stopped
        .header("retry-after")
        .expect("told")
        .parse()
        .expect("seconds");
    assert!((500..=600).contains(&wait), "{wait}");
    assert!(
        stage.identity.asked() <= asked + 1,
        "identity is not asked any more"
    );
    assert_eq!(
        log_in(one.address, "2001:db8:1:3::3", "correct horse")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn guesses_sent_all_at_once_count_like_others() {
    let (stage, one, _) = two_edges().await;
    let guesses = (0..12).map(|n| {
        let address = one.address;
        tokio::spawn(async move {
            log_in(address, "192.0.2.1", &format!("guess {n}"))
                .await
                .status
        })
    });
    let guesses: Vec<_> = guesses.collect();
    let mut refused = 0;
    for guess in guesses {
        refused += u32::from(guess.await.expect("answered") == 401);
    }
    assert!(refused <= 3, "{refused} guesses were judged");
    assert_eq!(stage.identity.asked(), refused);
}

#[tokio::test]
async fn so_many_accounts_are_begun_from_one_address() {
    let (_stage, one, other) = two_edges().await;
    let from = "192.0.2.1";
    assert_eq!(register(one.address, from, "ann").await.status, 200);
    assert_eq!(
        register(one.address, from, "ann").await.problem(),
        (409, "name_taken"),
        "and it counts: names are not tried out"
    );
    assert_eq!(register(one.address, from, "ben").await.status, 200);
    until("the other edge knows", async || {
        let refused = register(other.address, from, "ben").await;
        refused.problem() == (429, "too_many_registrations")
    })
    .await;
    let guest = json!({ "name": "Cleo" });
    let headers = [("x-forwarded-for", from)];
    let refused = send(one.address, "POST /v1/guest", &headers, Some(&guest)).await;
    assert_eq!(refused.problem(), (429, "too_many_registrations"));
    assert_eq!(register(one.address, "192.0.2.2", "cleo").await.status, 200);
    assert_eq!(log_in(one.address, from, "correct horse").await.status, 200);
}

#[tokio::test]
async fn this_machine_itself_may_begin_any_number_where_it_is_let() {
    let stage = Stage::new(&[]).await;
    let edge = stage
        .edge_with(Config {
            loopback_unlimited: true,
            registrations_per_hour: 1,
            ..behind_a_proxy()
        })
        .await;
    for name in ["ann", "ben", "cleo"] {
        assert_eq!(register(edge.address, "127.0.0.1", name).await.status, 200);
    }
    assert_eq!(
        register(edge.address, "192.0.2.1", "dora").await.status,
        200
    );
    let second = register(edge.address, "192.0.2.1", "emil").await;
    assert_eq!(second.problem(), (429, "too_many_registrations"));
}

#[tokio::test]
async fn a_guess_counts_though_nobody_waits_for_the_answer() {
    let (stage, one, _) = two_edges().await;
    for n in 1..=3 {
        let body = json!({ "name": "ann", "password": "a guess" }).to_string();
        let request = format!(
            "POST /v1/login HTTP/1.1\r\nhost: test\r\nx-forwarded-for: 192.0.2.1\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut socket = TcpStream::connect(one.address).await.expect("it listens");
        socket
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        until("it is asked", async || stage.identity.asked() == n).await;
        drop(socket);
    }
    until("the third is judged", async || {
        let next = log_in(one.address, "192.0.2.1", "another").await;
        next.problem() == (429, "too_many_attempts")
    })
    .await;
    assert_eq!(stage.identity.asked(), 3);
}
