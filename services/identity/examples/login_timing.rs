//! Measures what a password login costs, and whether an unknown name can be told from a wrong
//! password by its time. Run it with `cargo run --release -p identity --example login_timing`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventlog::Aggregate;
use eventlog::keyed::{Context, Input};
use identity::asked::Asked;
use identity::oidc::Verifier;
use identity::password::{HashParameters, HashPool};
use identity::secrets::Secrets;
use identity::{Checks, Credentials, KeyRing, Vouching};
use schemas::credential::{Credential, CredentialCommand, Secret, bound_to};
use schemas::locate::Locator;
use schemas::sealed_to::{BoxSecret, CREDENTIAL, SealedTo};
use schemas::{AccountId, Sequence, UnixMillis, encode};

const ROUNDS: usize = 100;
const PASSWORD: &str = "correct horse battery";

struct Bench {
    credentials: Credentials,
    keys: KeyRing,
    key: String,
}

impl Bench {
    fn new(workers: usize) -> Self {
        let secrets = Secrets::from_text("0123456789abcdef0123456789abcdef").expect("long enough");
        let keys = KeyRing::alone();
        let http = runtime::HttpClient::new(Duration::from_secs(1));
        let verifier = Verifier::new(&runtime::OidcIssuers::default(), &http);
        let locator = Locator::of_realm([7; 32]);
        let key = locator.login_name("Ann").to_string();
        let checks = Checks {
            keys: keys.clone(),
            pool: HashPool::new(HashParameters::default(), workers, 1024).expect("parameters"),
            vault: secrets.vault("bench"),
            locator,
            vouching: Vouching::alone(verifier),
            patience: Duration::from_secs(3600),
            serving_since: UnixMillis::now(),
        };
        Self {
            credentials: Credentials::new(&secrets, checks, Arc::default()),
            keys,
            key,
        }
    }

    fn sealed(&self, password: &str, reply: &BoxSecret) -> SealedTo {
        let (kid, public) = self.keys.box_key();
        let secret = encode(&Secret::Password {
            password: password.into(),
        });
        let bound_to = bound_to(&self.key, reply.public());
        SealedTo::seal(public, &kid, CREDENTIAL, &bound_to, &secret).expect("a good key")
    }

    /// Handles one command as the service does, all but the broker; the state after it.
    async fn handle(&self, state: &Credential, command: CredentialCommand) -> Credential {
        let ctx = Context {
            sequence: Sequence(1),
            stored_at: UnixMillis::now(),
            pending: 0,
        };
        let asked = Asked::from(command);
        let asked = self
            .credentials
            .prepare(&self.key, state, asked, &ctx)
            .await;
        let input = Input::Command(&asked);
        let verdict = self.credentials.decide(&self.key, state, input, &ctx);
        let mut after = state.clone();
        for event in &verdict.events {
            Credentials::evolve(&mut after, event);
        }
        if verdict.refusal.is_none() {
            let answer = self.credentials.answer(&self.key, &after, &asked, &ctx);
            std::hint::black_box(answer);
        }
        after
    }

    async fn log_in(&self, state: &Credential, password: &str) {
        let reply = BoxSecret::generate();
        let command = CredentialCommand::LogIn {
            account: AccountId(1),
            secret: self.sealed(password, &reply),
            reply_key: reply.public(),
        };
        self.handle(state, command).await;
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn logins_per_second(workers: usize) -> f64 {
    let bench = Arc::new(Bench::new(workers));
    let ann = registered(&bench).await;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (bench, state) = (bench.clone(), ann.clone());
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                bench.log_in(&state, PASSWORD).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let logins = (workers * ROUNDS) as f64;
    logins / began.elapsed().as_secs_f64()
}

async fn registered(bench: &Bench) -> Credential {
    let reply = BoxSecret::generate();
    let register = CredentialCommand::Register {
        account: AccountId(7),
        upgrade: false,
        secret: bench.sealed(PASSWORD, &reply),
        reply_key: reply.public(),
    };
    bench.handle(&Credential::default(), register).await
}

#[tokio::main]
async fn main() {
    let bench = Bench::new(1);
    let ann = registered(&bench).await;
    let nobody = Credential::default();
    let mut times = [const { Vec::new() }; 3];
    // One after the other, so that whatever else the machine does falls on all alike.
    for _ in 0..ROUNDS {
        for (case, (state, password)) in [(&nobody, PASSWORD), (&ann, "wrong"), (&ann, PASSWORD)]
            .into_iter()
            .enumerate()
        {
            let began = Instant::now();
            bench.log_in(state, password).await;
            times[case].push(began.elapsed());
        }
    }
    let [mut unknown, mut wrong, mut right] = times;
    println!("median of {ROUNDS} logins, one at a time:");
    println!("  unknown name    {:?}", median(&mut unknown));
    println!("  wrong password  {:?}", median(&mut wrong));
    println!("  right password  {:?}", median(&mut right));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for workers in [1, cores] {
        let rate = logins_per_second(workers).await;
        println!("  {rate:.1} logins a second on {workers} of {cores} cores");
    }
}
