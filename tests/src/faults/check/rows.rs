//! The rows know the same whereabouts as the log, by books that no projection has a part in.

use std::collections::BTreeMap;

use schemas::CharacterId;
use schemas::subjects::AggregateId;
use sqlx::{Connection, PgConnection, Row};

use super::Finding;
use crate::{Stack, eventually};

pub(super) async fn check(
    stack: &Stack,
    places: &BTreeMap<CharacterId, AggregateId>,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let expected: BTreeMap<String, Option<String>> = places
        .iter()
        .map(|(character, holder)| {
            let area = match holder {
                AggregateId::Area(area) => Some(area.to_string()),
                AggregateId::Character(_) | AggregateId::Control(_) => None,
            };
            (character.to_string(), area)
        })
        .collect();
    // Rows follow the log; what is waited for is that they have come to its end.
    let caught_up = eventually("the rows know where everybody is", || async {
        Ok(rows(stack).await? == expected)
    });
    if let Err(error) = caught_up.await {
        let rows = rows(stack).await?;
        for (character, area) in &expected {
            let row = rows.get(character);
            if row != Some(area) {
                findings.push(Finding::new(
                    "rows",
                    format!("{character} is in {area:?}, its row says {row:?} ({error:#})"),
                ));
            }
        }
        if rows.len() != expected.len() {
            let counts = (rows.len(), expected.len());
            findings.push(Finding::new(
                "rows",
                format!("{counts:?} characters in rows and log"),
            ));
        }
    }
    Ok(())
}

async fn rows(stack: &Stack) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let mut db = PgConnection::connect(stack.database_url()).await?;
    let rows =
        sqlx::query("SELECT character, CASE WHEN in_world THEN area END AS area FROM characters")
            .fetch_all(&mut db)
            .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("character")?, row.try_get("area")?)))
        .collect()
}
