//! `replay decide`: this build decides what another one asks, through standard input and output.

use std::io::{self, Read, Write};

use schemas::codec::DecodeError;

use super::alternative::Alternative;
use super::protocol::{Answer, Begin, Decider, MAX_MESSAGE_BYTES, Question, VERSION};

/// Why it stops before its input ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// Whoever asked is gone.
    #[error("whoever asks is gone")]
    Io(#[from] io::Error),
    /// What it was told is not in the protocol: this is spoken to by `replay whatif --build`, not by people.
    #[error("this is no message of `replay whatif --build`")]
    Message(#[from] DecodeError),
    /// A message that claims to be too long to be one.
    #[error("a message of {0} bytes is none of `replay whatif --build`")]
    TooLong(u32),
}

/// Answers until the input ends.
///
/// # Errors
/// See [`ServeError`].
pub(crate) fn serve(input: &mut dyn Read, output: &mut dyn Write) -> Result<(), ServeError> {
    let mut area: Option<Alternative> = None;
    while let Some(bytes) = read(input)? {
        let answer = match schemas::decode::<Question>(&bytes)? {
            Question::Hello { .. } => Answer::Hello(myself()),
            Question::Begin(begin) => begin_with(&begin, &mut area),
            Question::Ticks(asked) => match &mut area {
                None => Answer::Failed("it was not told where to begin".to_owned()),
                Some(area) => {
                    let ticks = asked.iter().map(|asked| area.tick(asked));
                    match ticks.collect() {
                        Ok(answered) => Answer::Ticks(answered),
                        Err(broken) => Answer::Failed(broken.to_string()),
                    }
                }
            },
        };
        let bytes = schemas::encode(&answer);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        output.write_all(&length.to_be_bytes())?;
        output.write_all(&bytes)?;
        output.flush()?;
    }
    Ok(())
}

/// This build, as it names itself.
pub(crate) fn myself() -> Decider {
    Decider {
        protocol: VERSION,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        rules: world::RULES_VERSION,
    }
}

fn begin_with(begin: &Begin, area: &mut Option<Alternative>) -> Answer {
    *area = None;
    match Alternative::begin(begin) {
        Ok(begun) => {
            let other_map = begun.has_other_map();
            *area = Some(begun);
            Answer::Begun { other_map }
        }
        Err(refused) => Answer::Failed(format!("{:#}", anyhow::Error::new(refused))),
    }
}

/// The next message; `None` when the input ends between two.
fn read(input: &mut dyn Read) -> Result<Option<Vec<u8>>, ServeError> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let length = u32::from_be_bytes(length);
    if length > MAX_MESSAGE_BYTES {
        return Err(ServeError::TooLong(length));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}
