//! Which tables there are, and which projection writes which of their columns.
//!
//! Two projections may share a table: then they share its key and nothing else. So one can be folded anew while the
//! columns of the other are copied. A test holds this list against the tables.

use crate::name::Name;

/// The columns of one projection in one table.
pub(crate) struct Part {
    pub(crate) writer: Name,
    /// Without the key.
    pub(crate) columns: &'static [&'static str],
    /// Not null in every row of which this projection has said something; empty: the table is its own.
    pub(crate) mark: &'static str,
}

/// A table that is folded from the log.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Its primary key, in the order in which it is dumped.
    pub(crate) key: &'static [&'static str],
    pub(crate) parts: &'static [Part],
}

const fn table(name: &'static str, key: &'static [&'static str], parts: &'static [Part]) -> Table {
    Table { name, key, parts }
}

macro_rules! part {
    ($writer:ident, $mark:literal, [$($column:literal),* $(,)?]) => {
        Part { writer: Name::$writer, mark: $mark, columns: &[$($column),*] }
    };
}

/// Tables with a row for each key of a projection, whichever it is: they have a column `projection`.
pub(crate) const SHARED: [&str; 4] = [
    "checkpoints",
    "projection_state",
    "parked_events",
    "dropped_events",
];

/// All others.
pub(crate) const TABLES: [Table; 9] = [
    table(
        "accounts",
        &["account"],
        &[part!(
            Accounts,
            "",
            [
                "name_key",
                "name_nonce",
                "name_bytes",
                "logins",
                "registered_at",
                "last_login_at",
                "at",
                "sequence",
                "methods",
                "sessions",
                "characters"
            ]
        )],
    ),
    table(
        "areas",
        &["area"],
        &[
            part!(
                Control,
                "control_sequence",
                ["opened_map", "opened_seed", "opened_at", "control_sequence"]
            ),
            part!(
                Areas,
                "frame_sequence",
                [
                    "map",
                    "owner",
                    "build",
                    "rules",
                    "epoch",
                    "claim",
                    "state",
                    "tick",
                    "frame_no",
                    "players",
                    "pending_effects",
                    "commands_up_to",
                    "at",
                    "frame_sequence"
                ]
            ),
        ],
    ),
    table(
        "characters",
        &["character"],
        &[
            part!(
                Lobby,
                "lobby_sequence",
                [
                    "account",
                    "name_key",
                    "name_nonce",
                    "name_bytes",
                    "place",
                    "place_area",
                    "session",
                    "edge",
                    "last_seen_area",
                    "last_seen_x",
                    "last_seen_y",
                    "lobby_at",
                    "lobby_sequence",
                    "login",
                    "played_ms",
                    "level",
                    "deleted_until",
                    "erased"
                ]
            ),
            part!(
                Areas,
                "frame_sequence",
                [
                    "in_world",
                    "area",
                    "handle",
                    "x",
                    "y",
                    "vx",
                    "vy",
                    "ax",
                    "ay",
                    "from_step",
                    "until_step",
                    "mode",
                    "client_seq",
                    "area_session",
                    "tick",
                    "at",
                    "frame_sequence"
                ]
            ),
        ],
    ),
    table(
        "chat",
        &["area", "sequence", "line"],
        &[part!(
            Areas,
            "",
            [
                "character",
                "tick",
                "at",
                "text_key",
                "text_nonce",
                "text_bytes"
            ]
        )],
    ),
    table(
        "credentials",
        &["credential"],
        &[part!(
            Credentials,
            "",
            [
                "account",
                "method",
                "failures",
                "failed_at",
                "registered_at",
                "granted_at",
                "changed_at",
                "at",
                "sequence"
            ]
        )],
    ),
    table(
        "erasures",
        &["account"],
        &[part!(
            Accounts,
            "",
            ["ordered_by", "reason", "at", "sequence"]
        )],
    ),
    table(
        "login_sessions",
        &["account", "login"],
        &[part!(
            Accounts,
            "",
            [
                "method",
                "device_key",
                "device_nonce",
                "device_bytes",
                "opened_at",
                "used_at",
                "generation",
                "address",
                "ended_at",
                "end_reason",
                "sequence"
            ]
        )],
    ),
    table(
        "security_events",
        &["account", "sequence", "line"],
        &[part!(Accounts, "", ["what", "login", "at"])],
    ),
    table(
        "sessions",
        &["character", "session"],
        &[part!(
            Lobby,
            "",
            [
                "edge",
                "resumed",
                "started_at",
                "ended_at",
                "end_reason",
                "sequence",
                "login"
            ]
        )],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::database;

    #[tokio::test]
    async fn the_list_knows_every_column_and_its_one_writer() {
        let database = devstack::test::database().await.unwrap();
        let config = Config::new(database.url());
        database::migrate(&config).await.unwrap();
        let pool = database::connect(&config).unwrap();
        let there: Vec<(String, String)> = sqlx::query_as(
            "SELECT c.table_name::TEXT, c.column_name::TEXT FROM information_schema.columns c
             JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name <> '_sqlx_migrations'",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let mut there: BTreeMap<(String, String), u32> =
            there.into_iter().map(|column| (column, 0)).collect();
        there.retain(|(table, _), _| !SHARED.contains(&table.as_str()));
        for table in &TABLES {
            let written = table.parts.iter().flat_map(|part| part.columns);
            for column in table.key.iter().chain(written) {
                let known = there.get_mut(&(table.name.to_owned(), (*column).to_owned()));
                *known.unwrap_or_else(|| panic!("{}.{column} is not there", table.name)) += 1;
            }
            for part in table.parts.iter().filter(|part| !part.mark.is_empty()) {
                assert!(part.columns.contains(&part.mark), "{}", table.name);
            }
        }
        let wrong: Vec<_> = there.iter().filter(|(_, writers)| **writers != 1).collect();
        assert_eq!(wrong, [], "columns of no projection, or of more than one");
    }
}
