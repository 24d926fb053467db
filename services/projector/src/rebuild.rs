//! Folding rows anew: into a second schema beside the first, then one switch; and the way back.

use std::collections::BTreeSet;

use past::Past;
use runtime::Shutdown;
use sqlx::{AssertSqlSafe, PgPool};

use crate::config::Config;
use crate::copy::copy;
use crate::database::{self, Exclusive, drop_schema, has_schema};
use crate::driver::{Goal, Surroundings};
use crate::error::ProjectError;
use crate::goals::Goals;
use crate::name::Name;
use crate::progress::{self, Progress};
use crate::service::project;
use crate::switch::Switch;

/// The rows aside are switched to once no more than so many messages are missing: they are folded while the checkpoints
/// are held, which a running projector waits for.
const NEAR: u64 = 2_000;
/// Should the log grow faster than it is folded, somebody has to know.
const ROUNDS: u32 = 100;

/// What is to be folded anew.
#[derive(Debug, Clone, Default)]
pub struct Rebuild {
    /// These projections; the rows of all others are taken over as they are. Empty: all.
    pub names: BTreeSet<Name>,
    /// Drop the former rows instead of keeping them as `<schema>_old`.
    pub drop_old: bool,
    /// Begin at the first event even if an interrupted rebuild of the same could go on.
    pub fresh: bool,
}

/// What a rebuild or a rollback has done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// The schema that now holds the new rows.
    pub schema: String,
    /// The schema to which the former rows were moved, when they were to be kept.
    pub kept: Option<String>,
    /// Whether it went on where an interrupted one had stopped.
    pub resumed: bool,
}

/// Folds rows anew beside those that are served, and puts them in their place.
///
/// A projector that runs meanwhile keeps the former rows fresh until the switch and goes on in the
/// new ones after it: they carry its owner's epoch. Interrupted, it leaves what it has done for the next one.
///
/// # Errors
/// As a projector's; then nothing was switched.
pub async fn rebuild(
    config: &Config,
    past: &Past,
    what: &Rebuild,
    shutdown: &Shutdown,
    listener: impl Fn(&Progress),
) -> Result<Rebuilt, ProjectError> {
    let _exclusive = Exclusive::take(config).await?;
    database::migrate(config).await?;
    let aside = config.with_schema(format!("{}_rebuild", config.schema));
    let old = kept_as(config);
    let pool = database::connect(config)?;
    let done = async {
        let resumed = prepare(&pool, config, &aside, what).await?;
        let around = Surroundings::new(&aside, past, shutdown)?;
        fold_near(&around, &listener).await?;
        drop_schema(&pool, &old).await?;
        let switch = Switch {
            live: &config.schema,
            aside: &aside.schema,
            kept: &old,
        };
        switch.run(&pool, Some(&around)).await?;
        if what.drop_old {
            drop_schema(&pool, &old).await?;
        }
        Ok::<_, ProjectError>(resumed)
    }
    .await;
    pool.close().await;
    Ok(Rebuilt {
        schema: config.schema.clone(),
        kept: (!what.drop_old).then_some(old),
        resumed: done?,
    })
}

/// Puts the rows that a rebuild has replaced in their old place; the rebuilt ones are kept in theirs, so that this can
/// be undone by doing it again.
///
/// First they are folded up to the head. With `at_once` they are not, and a projector that runs does it afterwards.
///
/// # Errors
/// [`ProjectError::NothingKept`]; as a projector's; then nothing was switched.
pub async fn rollback(
    config: &Config,
    past: &Past,
    at_once: bool,
    shutdown: &Shutdown,
    listener: impl Fn(&Progress),
) -> Result<Rebuilt, ProjectError> {
    let _exclusive = Exclusive::take(config).await?;
    let aside = config.with_schema(kept_as(config));
    let pool = database::connect(config)?;
    let done = async {
        if !has_schema(&pool, &aside.schema).await? {
            return Err(ProjectError::NothingKept(aside.schema.clone()));
        }
        database::migrate(&aside).await?;
        let around = Surroundings::new(&aside, past, shutdown)?;
        if !at_once {
            fold_near(&around, &listener).await?;
        }
        let switch = Switch {
            live: &config.schema,
            aside: &aside.schema,
            kept: &aside.schema,
        };
        switch.run(&pool, (!at_once).then_some(&around)).await
    }
    .await;
    pool.close().await;
    done?;
    Ok(Rebuilt {
        schema: config.schema.clone(),
        kept: Some(aside.schema),
        resumed: false,
    })
}

fn kept_as(config: &Config) -> String {
    format!("{}_old", config.schema)
}

/// Makes the schema aside, with the rows that are not folded anew; whether one was there that can go on.
async fn prepare(
    pool: &PgPool,
    config: &Config,
    aside: &Config,
    what: &Rebuild,
) -> Result<bool, ProjectError> {
    let anew: BTreeSet<Name> = match what.names.is_empty() {
        true => Name::ALL.into(),
        false => what.names.clone(),
    };
    let names: Vec<&str> = anew.iter().map(|name| name.as_str()).collect();
    // What another build has folded is of no use: that is what a rebuild is for.
    let plan = format!("A rebuild of {} by {}.", names.join(", "), this_build());
    let found = noted(pool, &aside.schema).await?;
    if !what.fresh && found.as_ref() == Some(&plan) {
        database::migrate(aside).await?;
        return Ok(true);
    }
    drop_schema(pool, &aside.schema).await?;
    database::migrate(aside).await?;
    let kept = Name::ALL
        .into_iter()
        .filter(|name| !anew.contains(name))
        .collect();
    copy(pool, &config.schema, &aside.schema, &kept).await?;
    note(pool, &aside.schema, &plan).await?;
    Ok(false)
}

/// The program as it is on disk: its version alone does not tell two builds of a working day apart.
fn this_build() -> String {
    let program = std::env::current_exe().and_then(std::fs::metadata);
    let made = program.as_ref().map_or(0, std::fs::Metadata::len);
    let at = program.ok().and_then(|program| program.modified().ok());
    let at = at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    format!(
        "{} ({made} bytes of {})",
        env!("CARGO_PKG_VERSION"),
        at.map_or(0, |at| at.as_millis())
    )
}

async fn noted(pool: &PgPool, schema: &str) -> Result<Option<String>, sqlx::Error> {
    let note = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    let found: Option<Option<String>> = sqlx::query_scalar(note)
        .bind(schema)
        .fetch_optional(pool)
        .await?;
    Ok(found.flatten())
}

async fn note(pool: &PgPool, schema: &str, text: &str) -> Result<(), sqlx::Error> {
    let statement = format!("COMMENT ON SCHEMA {schema} IS '{text}'");
    sqlx::query(AssertSqlSafe(statement))
        .execute(pool)
        .await
        .map(drop)
}

/// Folds until next to nothing is missing. While it folds the world goes on, so once is not enough.
async fn fold_near(
    around: &Surroundings,
    listener: &impl Fn(&Progress),
) -> Result<(), ProjectError> {
    let goals = Goals::all(Goal::Head);
    for _ in 0..ROUNDS {
        tokio::select! {
            done = project(around, &goals, |_| None) => done?,
            () = progress::tell(around, listener) => {}
        }
        if around.shutdown.has_begun() {
            return Err(ProjectError::Interrupted);
        }
        if missing(around).await? <= NEAR {
            return Ok(());
        }
    }
    tracing::warn!("the log grows as fast as it is folded; the switch may take a while");
    Ok(())
}

async fn missing(around: &Surroundings) -> Result<u64, ProjectError> {
    let mut missing = 0;
    for name in Name::ALL {
        let head = around.log.stream_info(name.stream()).await?.last;
        let folded = around.board.folded(name);
        missing += head.0.saturating_sub(folded.0);
    }
    Ok(missing)
}

/// Folds the log up to `goals` into `config.schema`, which begins empty but for what operators have given up in `live`.
pub(crate) async fn fill(
    config: &Config,
    live: &str,
    past: &Past,
    goals: &Goals,
    shutdown: &Shutdown,
) -> Result<(), ProjectError> {
    let pool = database::connect(config)?;
    let around = Surroundings::new(config, past, shutdown)?;
    let filled = async {
        drop_schema(&pool, &config.schema).await?;
        database::migrate(config).await?;
        copy(&pool, live, &config.schema, &BTreeSet::new()).await?;
        project(&around, goals, |_| None).await
    }
    .await;
    pool.close().await;
    match filled {
        Ok(()) if shutdown.has_begun() => Err(ProjectError::Interrupted),
        filled => filled,
    }
}
