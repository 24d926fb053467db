//! Who decides the alternative: this build, with other numbers, or another one, behind pipes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::ReplayError;
use crate::decide::protocol::{self, Answer, Answered, Asked, Begin, Decider as Who, Question};
use crate::decide::{Alternative, myself};

/// What came of ticks that were asked.
pub(super) enum Ticks {
    /// One answer for each.
    Decided(Vec<Answered>),
    /// It cannot go on, in words.
    Stopped(String),
}

/// Who decides.
pub(super) enum Decider {
    /// This build.
    Here(Option<Box<Alternative>>),
    /// Another one.
    Build(Box<Build>),
}

impl Decider {
    /// This build.
    pub(super) const fn here() -> Self {
        Self::Here(None)
    }

    /// The build at `path`.
    pub(super) async fn start(path: &Path) -> Result<Self, ReplayError> {
        Ok(Self::Build(Box::new(Build::start(path).await?)))
    }

    /// How it names itself.
    pub(super) fn who(&self) -> Who {
        match self {
            Self::Here(_) => myself(),
            Self::Build(build) => build.who.clone(),
        }
    }

    /// Begins with an area; whether it has another map for it.
    pub(super) async fn begin(&mut self, begin: Begin) -> Result<bool, ReplayError> {
        match self {
            Self::Here(area) => {
                let begun = Alternative::begin(&begin).map_err(|refused| {
                    ReplayError::Usage(format!("{:#}", anyhow::Error::new(refused)))
                })?;
                let other_map = begun.has_other_map();
                *area = Some(Box::new(begun));
                Ok(other_map)
            }
            Self::Build(build) => match build.ask(&Question::Begin(begin)).await? {
                Answer::Begun { other_map } => Ok(other_map),
                Answer::Failed(why) => Err(build.error(&why)),
                _ => Err(build.error("it answers something else than it was asked")),
            },
        }
    }

    /// Decides ticks, in order.
    pub(super) async fn ticks(&mut self, asked: Vec<Asked>) -> Result<Ticks, ReplayError> {
        match self {
            Self::Here(None) => Ok(Ticks::Stopped("it has not begun".to_owned())),
            Self::Here(Some(area)) => {
                let answers: Result<Vec<_>, _> = asked.iter().map(|one| area.tick(one)).collect();
                Ok(match answers {
                    Ok(answers) => Ticks::Decided(answers),
                    Err(broken) => Ticks::Stopped(broken.to_string()),
                })
            }
            Self::Build(build) => {
                let count = asked.len();
                match build.ask(&Question::Ticks(asked)).await? {
                    Answer::Ticks(answers) if answers.len() == count => Ok(Ticks::Decided(answers)),
                    Answer::Failed(why) => Ok(Ticks::Stopped(why)),
                    _ => Err(build.error("it answers something else than it was asked")),
                }
            }
        }
    }
}

/// Another build, as a process that ends with this value.
pub(super) struct Build {
    path: PathBuf,
    who: Who,
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Build {
    async fn start(path: &Path) -> Result<Self, ReplayError> {
        let error = |why: String| ReplayError::Usage(format!("--build {}: {why}", path.display()));
        let mut child = Command::new(path)
            .args(["replay", "decide"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| error(format!("it cannot be started: {source}")))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(error("it has no pipes".to_owned()));
        };
        let mut build = Self {
            path: path.to_owned(),
            who: myself(),
            child,
            input,
            output,
        };
        let hello = Question::Hello {
            protocol: protocol::VERSION,
        };
        match build.ask(&hello).await? {
            Answer::Hello(who) if who.protocol == protocol::VERSION => build.who = who,
            Answer::Hello(who) => {
                return Err(build.error(&format!(
                    "it speaks version {} of what `replay decide` speaks, this build version {}",
                    who.protocol,
                    protocol::VERSION
                )));
            }
            _ => return Err(build.error("it does not say who it is")),
        }
        Ok(build)
    }

    async fn ask(&mut self, question: &Question) -> Result<Answer, ReplayError> {
        let bytes = schemas::encode(question);
        let answered = self.exchange(&bytes).await;
        match answered {
            Ok(bytes) => schemas::decode(&bytes)
                .map_err(|error| self.error(&format!("it cannot be understood: {error}"))),
            Err(error) => {
                // It tells why on standard error, which is ours.
                let end = match self.child.try_wait() {
                    Ok(Some(status)) => format!("it has ended ({status})"),
                    _ => format!("it does not answer: {error}"),
                };
                Err(self.error(&format!("{end}; does that build know `replay decide`?")))
            }
        }
    }

    async fn exchange(&mut self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let length = u32::try_from(question.len()).map_err(std::io::Error::other)?;
        self.input.write_all(&length.to_be_bytes()).await?;
        self.input.write_all(question).await?;
        self.input.flush().await?;
        let length = self.output.read_u32().await?;
        if length > protocol::MAX_MESSAGE_BYTES {
            let why = format!("{length} bytes are no answer");
            return Err(std::io::Error::other(why));
        }
        let mut answer = vec![0; usize::try_from(length).unwrap_or(0)];
        self.output.read_exact(&mut answer).await?;
        Ok(answer)
    }

    fn error(&self, why: &str) -> ReplayError {
        ReplayError::Usage(format!("--build {}: {why}", self.path.display()))
    }
}
