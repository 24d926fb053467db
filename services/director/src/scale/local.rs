//! Workers as processes of this machine: children of the director, and gone with it.
//!
//! Each child has a log of its own, is started again when it ends by itself, and is told to end by
//! SIGTERM, upon which it hands over what it has. It also ends when its standard input does, so it
//! cannot outlive the director, however that went (ADR 0010). Two directors of one machine need two
//! names of fleets, because the names of workers are unique.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Config;
use super::backend::{Answer, Backend, Size};
use super::policy::member_name;

/// A worker that has ended by itself is started again after so long.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The workers that this process has started.
pub struct Local {
    recipe: Arc<Recipe>,
    members: Mutex<Vec<Member>>,
}

/// How a worker is started, and ended.
struct Recipe {
    fleet: String,
    program: String,
    arguments: Vec<String>,
    log_dir: PathBuf,
    grace: Duration,
}

/// One worker through all its processes. Dropped, its process is killed.
struct Member {
    wanted: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Local {
    /// Without any yet.
    ///
    /// # Errors
    /// When it is not said what a worker is, or the directory of the logs cannot be made.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let mut command = config.command.iter().cloned();
        let program = command
            .next()
            .context("fleet.command: say which program is a worker")?;
        let log_dir = config.log_dir.clone().unwrap_or_else(|| PathBuf::from("."));
        std::fs::create_dir_all(&log_dir)
            .with_context(|| format!("fleet.log_dir: making {}", log_dir.display()))?;
        Ok(Self {
            recipe: Arc::new(Recipe {
                fleet: config.name.clone(),
                program,
                arguments: command.collect(),
                log_dir,
                grace: config.grace.duration(),
            }),
            members: Mutex::default(),
        })
    }

    fn members(&self) -> std::sync::MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Size {
        let wanted = u32::try_from(self.members().len()).unwrap_or(u32::MAX);
        Size {
            wanted,
            actual: wanted,
            version: wanted.to_string(),
        }
    }

    /// Lets the members from `keep` on end, each within its grace.
    async fn end_from(&self, keep: usize) {
        let leaving = {
            let mut members = self.members();
            let keep = keep.min(members.len());
            members.split_off(keep)
        };
        for member in leaving.iter().rev() {
            member.wanted.send_replace(false);
        }
        for mut member in leaving {
            if let Err(error) = (&mut member.task).await {
                tracing::warn!(%error, "the keeper of a worker");
            }
        }
    }
}

impl Backend for Local {
    fn size(&self) -> Answer<'_> {
        Box::pin(async { Ok(self.now()) })
    }

    fn scale_to(&self, wanted: u32, _: &Size) -> Answer<'_> {
        Box::pin(async move {
            {
                let mut members = self.members();
                while let Ok(number) = u32::try_from(members.len())
                    && number < wanted
                {
                    members.push(Member::start(&self.recipe, number));
                }
            }
            self.end_from(usize::try_from(wanted).unwrap_or(usize::MAX))
                .await;
            Ok(self.now())
        })
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.end_from(0))
    }
}

impl Member {
    fn start(recipe: &Arc<Recipe>, number: u32) -> Self {
        let (wanted, is_wanted) = watch::channel(true);
        let name = member_name(&recipe.fleet, number);
        let recipe = recipe.clone();
        let task = ambient::spawn(async move { recipe.keep(&name, is_wanted).await });
        Self { wanted, task }
    }
}

impl Recipe {
    /// Keeps a worker running until it is not wanted any more.
    async fn keep(&self, name: &str, mut wanted: watch::Receiver<bool>) {
        while *wanted.borrow() {
            let how = match self.start(name) {
                Ok(child) => match self.watch(name, child, &mut wanted).await {
                    Some(how) => how,
                    None => return,
                },
                Err(error) => format!("{error:#}"),
            };
            tracing::warn!(
                worker = name,
                how,
                "a worker has ended; it is started again"
            );
            tokio::select! {
                () = dismissed(&mut wanted) => return,
                () = tokio::time::sleep(RESTART_AFTER) => {}
            }
        }
    }

    /// Waits for the end of a process; says how it ended by itself, or nothing if it was told to.
    async fn watch(
        &self,
        name: &str,
        mut child: Child,
        wanted: &mut watch::Receiver<bool>,
    ) -> Option<String> {
        // Its end would be the end of the child; `wait` would close it.
        let stdin = child.stdin.take();
        let ended = tokio::select! {
            ended = child.wait() => Some(ended),
            () = dismissed(wanted) => None,
        };
        if let Some(ended) = ended {
            return Some(ended.map_or_else(|error| error.to_string(), |status| status.to_string()));
        }
        tracing::info!(worker = name, "a worker is told to end");
        end(name, &mut child, self.grace).await;
        drop(stdin);
        None
    }

    fn start(&self, name: &str) -> anyhow::Result<Child> {
        let log = log_of(&self.log_dir, name)?;
        let arguments = self.arguments.iter().map(|a| a.replace("{name}", name));
        let child = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal is for the director, which ends its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {} as {name}", self.program))?;
        tracing::info!(worker = name, pid = child.id(), "a worker is started");
        Ok(child)
    }
}

/// Waits until the worker is not wanted any more, or nobody is there to want it.
async fn dismissed(wanted: &mut watch::Receiver<bool>) {
    drop(wanted.wait_for(|wanted| !wanted).await);
}

fn log_of(directory: &Path, name: &str) -> anyhow::Result<std::fs::File> {
    let path = directory.join(format!("{name}.log"));
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.with_context(|| format!("opening {}", path.display()))
}

/// SIGTERM, and SIGKILL after the grace.
async fn end(name: &str, child: &mut Child, grace: Duration) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid
        && let Err(error) = kill(Pid::from_raw(pid), Signal::SIGTERM)
    {
        tracing::debug!(worker = name, %error, "had ended");
    }
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        tracing::warn!(worker = name, "did not end in its grace and is killed");
        if let Err(error) = child.kill().await {
            tracing::warn!(worker = name, %error, "cannot be killed");
        }
    }
}
