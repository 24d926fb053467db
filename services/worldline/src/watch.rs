//! `worldline replay watch`: the past, shown in the page as it was played.
//!
//! An edge of its own, which shows a recording instead of the living world: whoever opens its page is an observer, may
//! stop, seek and go faster, and disturbs nobody else who watches. It listens on this machine only, unless told
//! otherwise: it has no login, and shows who was where and what was said.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use edge::Recording;
use past::Past;
use replay::{Index, Moment, ReplayError, WatchArgs};
use runtime::{Ctx, Flags, Shutdown};
use schemas::UnixMillis;
use schemas::sealed::RealmKey;
use schemas::subjects::area_events;

use crate::keys::Keys;
use crate::role::{Process, edge_config};
use crate::up::web;

/// Those who may watch at a time; each reads the recording for itself.
const MOST_OBSERVERS: usize = 64;

/// Shows `past` until a signal.
pub(crate) async fn run(
    args: WatchArgs,
    past: Past,
    index: Option<String>,
    texts: Option<RealmKey>,
    process: &Process,
) -> anyhow::Result<ExitCode> {
    let index = match index.as_deref().map(Index::open).transpose() {
        Ok(index) => index.flatten().map(Arc::new),
        Err(error) => return Ok(refused(error)),
    };
    let at = match beginning(&args, &past, index.as_deref()).await {
        Ok(at) => at,
        Err(error) => return Ok(refused(error)),
    };
    let past_is_archived = past.log().is_none();
    let found = past.clone();
    let find: edge::Find = Arc::new(move |area, at| {
        let (past, index) = (found.clone(), index.clone());
        Box::pin(async move {
            let moment = Moment::Time(at);
            let stood = replay::then(&past, index.as_deref(), &area, moment).await?;
            Ok(stood)
        })
    });
    let mut recording = Recording::new(past, find, args.area.clone());
    recording.at = at;
    recording.speed = args.speed;
    recording.texts = texts;
    recording.follow = args.follow.clone().unwrap_or_default();

    if past_is_archived {
        eprintln!(
            "names and words are not shown: persons' keys lie in the broker, which is not read"
        );
    }
    let config = config(&args, process).await?;
    let ctx = Ctx::new(Shutdown::on_signals().context("listening for signals")?);
    let listener = edge::listen(args.listen).with_context(|| {
        format!(
            "listening on {}: is it taken? Choose another address with --listen",
            args.listen
        )
    })?;
    let address = listener.local_addr().context("asking for the port")?;
    if !address.ip().is_loopback() {
        eprintln!("whoever reaches {address} sees who was where, and reads what was said");
    }
    // Standard output carries this one line: programs wait for it.
    println!("ready http://{address}{}", recording.page());
    edge::show(config, recording, ctx, listener).await?;
    Ok(ExitCode::SUCCESS)
}

fn refused(error: ReplayError) -> ExitCode {
    let code = error.code();
    eprintln!("error: {:#}", anyhow::Error::new(error));
    ExitCode::from(code)
}

/// The moment with which watching begins; 0: the beginning, whenever that was.
async fn beginning(
    args: &WatchArgs,
    past: &Past,
    index: Option<&Index>,
) -> Result<UnixMillis, ReplayError> {
    let area = &args.area;
    let none = |what: String| {
        let hint = "`worldline replay list` shows from when to when there are some";
        Err(ReplayError::Usage(format!(
            "area {area} has no frame {what}; {hint}"
        )))
    };
    let Some(last) = past.last(&area_events(area)).await? else {
        return none("at all".to_owned());
    };
    let Some(from) = args.from else {
        return Ok(UnixMillis(0));
    };
    let (state, sequence) = replay::then(past, index, area, from).await?;
    match from {
        _ if sequence.0 == 0 => none(format!("at or before {from}")),
        // Between its frames, an area may be watched as it stood; after its last one there is nothing.
        Moment::Time(at) if sequence < last.sequence => Ok(at),
        Moment::Time(at) if at > state.at() => none(format!("after {from}")),
        _ => Ok(state.at()),
    }
}

/// An edge's configuration with what matters here. Without the realm's keys texts stay sealed, and are shown as dots.
async fn config(args: &WatchArgs, process: &Process) -> anyhow::Result<edge::Config> {
    let flags = match Keys::load(&process.keys_path()) {
        Ok(_) => Flags::new(),
        Err(error) => {
            eprintln!("names and words are not shown: {error:#}");
            Keys::generate().into_flags(Flags::new())
        }
    };
    let mut config = edge_config(&process.sources(flags)?)?;
    config.listen = args.listen;
    config.max_connections = MOST_OBSERVERS;
    config.observers = MOST_OBSERVERS;
    config.web_dir = match args.web_dir.clone() {
        Some(dir) => Some(dir),
        None => web::build().await,
    };
    Ok(config)
}
