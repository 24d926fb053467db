"""Reading what happened in a Worldline: the stream FACTS, one JSON message an event.

An event stands on the subject `fact.<type>.<area>.<player>`, with `-` where it has no area or no player, so plain NATS
wildcards select events: `fact.spoken.>`, `fact.*.harbor-1.*`, `fact.*.*.<player>`. docs/analysts.md tells the rest.

This module only connects, reads and puts events into tables; what they mean is in docs/data-dictionary.md.
"""

import json
import os
import pathlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import nats
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy

STREAM = "FACTS"
ROLE = "analyst"


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    #: Its place in FACTS, to go on behind it. Not its identity: that is (stream, log_position, event_index).
    sequence: int
    #: Its identity as one text, `AREA_EVENTS:4711:0`: the message id.
    id: str
    #: The columns of docs/data-dictionary.md.
    columns: dict

    def __getattr__(self, name):
        try:
            return self.columns[name]
        except KeyError:
            raise AttributeError(name) from None


def access() -> dict:
    """Where the broker is and who we are: from the environment, else of the stack that runs on ./.worldline."""
    environment = {
        name: os.environ.get(f"WORLDLINE_BROKER_{name.upper()}")
        for name in ("url", "user", "password")
    }
    if environment["url"]:
        return environment
    directory = pathlib.Path(os.environ.get("WORLDLINE_DATA_DIR", ".worldline"))
    try:
        stack = json.loads((directory / "run.json").read_text())["nats"]
    except FileNotFoundError:
        raise SystemExit(
            f"no stack runs on {directory}: start `worldline up` there, name its directory with WORLDLINE_DATA_DIR, or the "
            "broker with WORLDLINE_BROKER_URL, _USER and _PASSWORD"
        ) from None
    own = stack["users"].get(ROLE, {})
    return {"url": stack["url"], "user": own.get("user"), "password": own.get("password")}


async def connect() -> Client:
    """A connection as the broker's user `analyst`, who may read FACTS and nothing else."""
    found = access()
    return await nats.connect(
        found["url"].split(","),
        user=found["user"],
        password=found["password"],
        # Others' answers cannot be listened to, so ours have a place of their own.
        inbox_prefix=f"_INBOX.{found['user'] or ROLE}".encode(),
    )


async def last_sequence(client: Client) -> int:
    """The last place that FACTS has given."""
    return (await client.jetstream().stream_info(STREAM)).state.last_seq


async def events(
    client: Client, subject: str = "fact.>", after: int = 0, follow: bool = False
) -> AsyncIterator[Event]:
    """The events on `subject`, in the order of FACTS, behind the place `after`; without `follow` up to the last one."""
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(1, after + 1)
    )
    # An ordered consumer is this reader's own, needs no acknowledgements and is made anew when a message is missing.
    subscription = await client.jetstream().subscribe(
        subject, stream=STREAM, ordered_consumer=True, config=config
    )
    try:
        if not follow:
            known = await subscription.consumer_info()
            if known.num_pending == 0 and known.delivered.consumer_seq == 0:
                return
        async for message in subscription.messages:
            place = message.metadata
            yield Event(
                sequence=place.sequence.stream,
                id=message.headers["Nats-Msg-Id"],
                columns=json.loads(message.data),
            )
            if not follow and place.num_pending == 0:
                return
    finally:
        await subscription.unsubscribe()


async def all_events(subject: str = "fact.>") -> list[Event]:
    """All events on `subject` that FACTS holds now, over a connection of its own."""
    client = await connect()
    try:
        return [event async for event in events(client, subject)]
    finally:
        await client.close()


def table(of: Iterable[Event]):
    """Events as a pandas table: a column for each of theirs, and `data.<field>` for each field of their data."""
    import pandas

    rows = [
        {name: value for name, value in event.columns.items() if name not in ("data", "metadata")}
        | {f"data.{name}": value for name, value in (event.data or {}).items()}
        for event in of
    ]
    found = pandas.DataFrame(rows)
    if len(found):
        found["created_at"] = pandas.to_datetime(found["created_at"], unit="ms", utc=True)
    return found
