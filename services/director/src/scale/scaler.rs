//! Brings policy and backend together: one step at a time, in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{EventLog, MessageId};
use metrics::{counter, gauge};
use runtime::metric_definitions::{FLEET_ERRORS_TOTAL, FLEET_STEPS_TOTAL, FLEET_WORKERS};
use schemas::control::{Duty, FleetCommand, Order};
use schemas::encode;
use schemas::keyed::KeyedMessage;
use schemas::subjects::{Domain, keyed_command};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::backend::{Backend, BackendError, Size};
use super::local::Local;
use super::policy::{Action, Decision, Policy, Reason};
use super::{BackendKind, Config, View};

/// How often the backend is asked how many there are.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A backend that did not answer is left alone for so long, and twice as long each time, up to the most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Whose orders these are.
const DIRECTOR: &str = "director";

/// Keeps the fleet as large as its load needs.
pub struct Scaler {
    policy: Policy,
    backend: Option<Arc<dyn Backend>>,
    log: EventLog,
    size: Option<Size>,
    /// The step under way.
    step: Option<oneshot::Receiver<Done>>,
    next: Option<Instant>,
    pause: Duration,
    told: Option<Reason>,
}

/// How a step ended.
enum Done {
    Looked(Result<Size, BackendError>),
    Scaled(Result<Size, BackendError>),
    Ordered(Result<(), String>),
}

impl Scaler {
    /// With the backend that `config` names.
    ///
    /// # Errors
    /// When that backend cannot be had.
    pub fn new(config: Config, log: EventLog) -> anyhow::Result<Self> {
        let backend: Option<Arc<dyn Backend>> = match config.backend {
            BackendKind::None => None,
            BackendKind::Local => Some(Arc::new(Local::new(&config)?)),
            #[cfg(feature = "kubernetes")]
            BackendKind::Kubernetes => {
                Some(Arc::new(super::kubernetes::Kubernetes::in_cluster(&config)))
            }
            #[cfg(not(feature = "kubernetes"))]
            BackendKind::Kubernetes => {
                anyhow::bail!("fleet.backend: this program is built without `kubernetes`")
            }
        };
        Ok(Self::with(backend, config, log))
    }

    /// With any backend; `None` does nothing.
    #[must_use]
    pub fn with(backend: Option<Arc<dyn Backend>>, config: Config, log: EventLog) -> Self {
        Self {
            policy: Policy::new(config),
            backend,
            log,
            size: None,
            step: None,
            next: None,
            pause: FIRST_PAUSE,
            told: None,
        }
    }

    /// Whether it does anything at all: without a backend the director need not show it what it knows.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.backend.is_some()
    }

    /// Begins the step that is due, if one is; only a director that leads asks, and asks again and again.
    pub fn consider(&mut self, view: &View, now: Instant) {
        let Some(backend) = self.backend.clone() else {
            return;
        };
        self.policy.leads(now);
        if !self.settled(now) {
            return;
        }
        let seen = match &self.size {
            Some(seen) if self.next.is_some_and(|next| now < next) => seen.clone(),
            // After an error it is left alone until `next`.
            None if self.next.is_some_and(|next| now < next) => return,
            _ => {
                self.begin(async move { Done::Looked(backend.size().await) });
                return;
            }
        };
        let Decision { action, reason } = self.policy.decide(view, &seen, now);
        self.tell(&action, &reason);
        match action {
            Action::Rest => {}
            Action::Up { to } | Action::Down { to } => {
                self.begin(async move { Done::Scaled(backend.scale_to(to, &seen).await) });
            }
            Action::Drain { worker, life } => {
                let order = Order {
                    by: DIRECTOR.to_owned(),
                    reason: reason.to_string(),
                };
                let log = self.log.clone();
                self.begin(async move { Done::Ordered(drain(&log, worker, life, order).await) });
            }
        }
    }

    /// The director ends: workers that live by it end first, each within its grace.
    pub async fn close(self) {
        if let Some(backend) = self.backend {
            backend.close().await;
        }
    }

    fn begin(&mut self, step: impl Future<Output = Done> + Send + 'static) {
        let (done, receiver) = oneshot::channel();
        self.step = Some(receiver);
        // Whoever has begun the step may be gone when it ends.
        ambient::spawn(async move { drop(done.send(step.await)) });
    }

    /// Takes in what has ended; whether nothing is under way.
    fn settled(&mut self, now: Instant) -> bool {
        let Some(step) = &mut self.step else {
            return true;
        };
        let done = match step.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => return false,
            Err(oneshot::error::TryRecvError::Closed) => {
                Done::Looked(Err(BackendError::Unavailable("the step panicked".into())))
            }
            Ok(done) => done,
        };
        self.step = None;
        match done {
            Done::Looked(Ok(size)) => self.sized(size, now),
            Done::Scaled(Ok(size)) => {
                self.policy.changed(now);
                self.sized(size, now);
            }
            Done::Looked(Err(error)) | Done::Scaled(Err(error)) => self.failed(&error, now),
            Done::Ordered(Ok(())) => {}
            Done::Ordered(Err(error)) => {
                tracing::warn!(
                    error,
                    "a worker could not be told to drain; it is told again"
                );
            }
        }
        true
    }

    fn sized(&mut self, size: Size, now: Instant) {
        gauge!(FLEET_WORKERS, "state" => "wanted").set(f64::from(size.wanted));
        gauge!(FLEET_WORKERS, "state" => "actual").set(f64::from(size.actual));
        self.size = Some(size);
        self.next = Some(now + LOOK_EVERY);
        self.pause = FIRST_PAUSE;
    }

    fn failed(&mut self, error: &BackendError, now: Instant) {
        self.size = None;
        if *error == BackendError::Changed {
            tracing::info!(%error, "the fleet is looked at anew");
            self.next = None;
            return;
        }
        counter!(FLEET_ERRORS_TOTAL).increment(1);
        tracing::error!(%error, again_in_s = self.pause.as_secs(), "the fleet cannot be scaled");
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// What is done is said each time; why nothing is done, only when that has changed.
    fn tell(&mut self, action: &Action, reason: &Reason) {
        let step = match action {
            Action::Rest => {
                if self.told.as_ref() != Some(reason) {
                    tracing::debug!(%reason, "the fleet stays as it is");
                    self.told = Some(reason.clone());
                }
                return;
            }
            Action::Up { .. } => "up",
            Action::Drain { .. } => "drain",
            Action::Down { .. } => "down",
        };
        counter!(FLEET_STEPS_TOTAL, "step" => step).increment(1);
        match action {
            Action::Drain { worker, .. } => {
                tracing::info!(worker, %reason, "a worker is drained, as fewer suffice");
            }
            Action::Up { to } | Action::Down { to } => {
                tracing::info!(workers = to, %reason, "the fleet's size is changed");
            }
            Action::Rest => {}
        }
    }
}

/// By a command like an operator's: the worker hands over, and the log says why.
async fn drain(log: &EventLog, worker: String, life: u64, order: Order) -> Result<(), String> {
    let subject = keyed_command(Domain::Fleet, &worker);
    let message = KeyedMessage::Command {
        request: 0,
        reply: None,
        body: FleetCommand::SetDuty {
            worker,
            life,
            duty: Duty::Drain,
            order,
        },
    };
    let payload = encode(&message).into();
    let sent = log
        .send_as(&MessageId::random(), &subject, payload, None)
        .await;
    sent.map(|_| ()).map_err(|error| error.to_string())
}
