/** What to watch, as it stands in the page's address: `?watch=harbor-1&at=2026-01-31T12:00:00Z&speed=2&follow=Ann`. */
import { MAX_SPEED, type WatchFrom } from "@worldline/sdk";

/** Reads the address's query; `undefined` when nothing is to be watched. */
export function watched(query: string): WatchFrom | undefined {
  const told = new URLSearchParams(query);
  const area = told.get("watch");
  if (area === null) return undefined;
  return { area, follow: told.get("follow") ?? "", at: moment(told.get("at")), speed: speed(told.get("speed")) };
}

/** The query that leads to the same moment again. */
export function address(area: string, at: number | undefined, times: number | undefined, follow: string): string {
  const told = new URLSearchParams({ watch: area });
  if (at !== undefined) told.set("at", String(Math.round(at)));
  if (times !== undefined) told.set("speed", String(times));
  if (follow) told.set("follow", follow);
  return `?${told}`;
}

/** Milliseconds since 1970, or a time as people write it. */
function moment(text: string | null): number | undefined {
  if (text === null || text.trim() === "") return undefined;
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(at) && at > 0 ? at : undefined;
}

function speed(text: string | null): number | undefined {
  const times = text === null || text.trim() === "" ? NaN : Number(text);
  return times >= 0 ? Math.min(times, MAX_SPEED / 100) : undefined;
}
