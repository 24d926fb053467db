//! An archive in an object store that speaks S3: written, gone on with, verified and read as one in a directory is.

use anyhow::{Context, ensure};
use worldline_tests::eventually;
use worldline_tests::stack::{Plan, Stack};

use crate::BINARY;

/// Harbor, forest, meadow.
const AREAS: usize = 3;
const NAME: &str = "Annabella";
const SAID: &str = "kept for ever";

/// What is told of the past, a line each.
async fn told(stack: &Stack, options: &[&str]) -> anyhow::Result<Vec<String>> {
    let words = ["replay"].iter().chain(options);
    let words: Vec<&str> = words.chain(&["tail", "--once", "--all"]).copied().collect();
    let told = stack.tool(&words).await?;
    Ok(told.lines().map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_in_an_object_store_is_written_verified_and_read() -> anyhow::Result<()> {
    let mut objects = devstack::test::object_store().await?;
    let (place, mut variables) = (objects.place("eu/1"), objects.variables());
    variables.extend(
        [
            ("WORLDLINE_ARCHIVE_WHERE", place.as_str()),
            ("WORLDLINE_ARCHIVE_SEGMENT_BYTES", "16KiB"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let plan = Plan {
        variables,
        ..Plan::default()
    };
    let mut stack = Stack::planned(BINARY, plan).await?;
    stack.start_worker("w1", None)?;
    let mut ann = stack.player(NAME).await?;
    let said = ann.say(SAID)?;
    ann.outcome(said).await?;

    // Twice: the second goes on where the first ended.
    let first = stack.tool(&["archive", "run", "--once"]).await?;
    ensure!(first.contains("AREA_EVENTS: 1 to "), "{first}");
    ann.leave().await?;
    let stack = &stack;
    eventually("the areas sleep", || async move {
        let told = told(stack, &[]).await?;
        let asleep = told.iter().filter(|line| line.contains("hibernated"));
        Ok(asleep.count() == AREAS)
    })
    .await?;
    let second = stack.tool(&["archive", "run", "--once"]).await?;
    ensure!(
        second.contains("AREA_EVENTS: ") && !second.contains("AREA_EVENTS: 1 to "),
        "{second}"
    );
    let verified = stack.tool(&["archive", "verify"]).await?;
    ensure!(verified.contains("0 findings"), "{verified}");

    let both = told(stack, &[]).await?;
    ensure!(both.iter().any(|line| line.contains(SAID)), "{both:?}");
    // The keys of what people wrote are with the broker, not in the archive.
    let alone = told(stack, &["--only-archive"]).await?;
    assert_eq!(alone.len(), both.len());
    for (alone, both) in alone.iter().zip(&both) {
        ensure!(
            alone == both || alone.contains("[sealed person."),
            "{alone}, but was {both}"
        );
    }
    ensure!(!alone.concat().contains(SAID), "{alone:?}");

    objects.kill()?;
    let refused = told(stack, &["--only-archive"]).await;
    let refused = refused.err().context("an archive that is away was read")?;
    let refused = refused.to_string();
    ensure!(refused.contains(&place), "{refused}");
    stack.is_well();
    Ok(())
}
