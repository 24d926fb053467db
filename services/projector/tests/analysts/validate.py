"""Holds what stands on FACTS against schemas/json/event.json; prints how many of how many kinds were looked at."""

import asyncio
import collections
import json
import pathlib

from jsonschema import Draft202012Validator

import worldline_facts as facts

#: Of each kind so many are enough.
ENOUGH = 25

schema = json.loads((pathlib.Path("../../schemas/json/event.json")).read_text())
validator = Draft202012Validator(schema)
seen = collections.Counter()
for event in asyncio.run(facts.all_events()):
    seen[event.event_type] += 1
    if seen[event.event_type] > ENOUGH:
        continue
    wrong = sorted(validator.iter_errors(event.columns), key=str)
    if wrong:
        own = [c for c in wrong[0].context or [] if not any(p in ("event_type", "stream") for p in c.path)]
        raise SystemExit(f"{event.id} {event.columns}: {wrong[0].message[:300]} {own[:3]}")
print(f"{sum(min(count, ENOUGH) for count in seen.values())} of {len(seen)} kinds")
