"""Follows what happens, chosen by a plain NATS subject: `python tail.py 'fact.*.harbor-1.*'`.

With `--now` it ends at the last event there is. What is said is sealed in the log and stays so here.
"""

import argparse
import asyncio
import datetime
import json

import worldline_facts as facts


async def main(subject: str, follow: bool) -> None:
    client = await facts.connect()
    try:
        async for event in facts.events(client, subject, follow=follow):
            at = datetime.datetime.fromtimestamp(event.created_at / 1000, datetime.timezone.utc)
            who = event.player or event.account or "-"
            print(
                f"{at:%H:%M:%S}.{at.microsecond // 1000:03}",
                f"{event.area or '-':<12} {who:<13} {event.event_type:<16}",
                json.dumps(event.data, separators=(",", ":"))[:100],
                flush=True,
            )
    finally:
        await client.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subject", nargs="?", default="fact.>", help="default: fact.>")
    parser.add_argument("--now", action="store_true", help="end at the last event there is")
    given = parser.parse_args()
    try:
        asyncio.run(main(given.subject, follow=not given.now))
    except KeyboardInterrupt:
        pass
