"""Copies events into a table of your own, each exactly once: `python to_sqlite.py events.db`.

Rows and the place up to which they go are written in one transaction, so a copy that is killed goes on where it stood. It
begins a little before that place, because after a power cut the broker may write the end of FACTS anew: the same events,
perhaps in another order. What it has already has the same identity, and the table's key keeps it out.
"""

import argparse
import asyncio
import json
import sqlite3

import worldline_facts as facts

#: So many messages are read again. A power cut takes what was written in the last moments, far less than this.
AGAIN = 10_000
#: Events in one transaction.
BATCH = 1000

TABLES = """
CREATE TABLE IF NOT EXISTS events (
    stream         TEXT NOT NULL,
    log_position   INTEGER NOT NULL,
    event_index    INTEGER NOT NULL,
    event_type     TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    created_at     INTEGER NOT NULL, -- ms UTC
    area           TEXT,
    tick           INTEGER,
    player         TEXT,
    account        TEXT,
    data           TEXT NOT NULL,
    metadata       TEXT NOT NULL,
    PRIMARY KEY (stream, log_position, event_index)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL);
"""

COLUMNS = (
    "stream log_position event_index event_type schema_version created_at area tick player account data metadata"
).split()


def row(event: facts.Event) -> dict:
    whole = {name: event.columns[name] for name in COLUMNS}
    return whole | {name: json.dumps(whole[name]) for name in ("data", "metadata")}


def write(database: sqlite3.Connection, batch: list[facts.Event]) -> int:
    """One transaction; how many of the events are new."""
    marks = ", ".join(f":{name}" for name in COLUMNS)
    with database:
        before = database.total_changes
        database.executemany(
            f"INSERT OR IGNORE INTO events ({', '.join(COLUMNS)}) VALUES ({marks})",
            [row(event) for event in batch],
        )
        new = database.total_changes - before
        database.execute(
            "INSERT INTO position VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET sequence = excluded.sequence",
            (batch[-1].sequence,),
        )
    return new


async def main(path: str, subject: str, follow: bool, stop_after: int | None) -> None:
    database = sqlite3.connect(path)
    database.executescript(TABLES)
    client = await facts.connect()
    new = 0
    try:
        known = database.execute("SELECT sequence FROM position").fetchone()
        # FACTS may end before what we know, if its end was lost.
        known = min(known[0] if known else 0, await facts.last_sequence(client))
        batch, most = [], 1 if follow else min(BATCH, stop_after or BATCH)
        async for event in facts.events(client, subject, after=known - AGAIN, follow=follow):
            batch.append(event)
            if len(batch) >= most:
                new += write(database, batch)
                batch = []
                if stop_after is not None and new >= stop_after:
                    return
        if batch:
            new += write(database, batch)
    finally:
        await client.close()
        print(f"{new} new events in {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="a file; made if it is not there")
    parser.add_argument("--subject", default="fact.>", help="default: fact.>")
    parser.add_argument("--follow", action="store_true", help="go on when there is no more")
    parser.add_argument("--stop-after", type=int, help="end early, after so many new events")
    given = parser.parse_args()
    try:
        asyncio.run(main(given.path, given.subject, given.follow, given.stop_after))
    except KeyboardInterrupt:
        pass
