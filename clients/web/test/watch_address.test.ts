import { expect, test } from "vitest";

import { address, watched } from "../src/watch_address.ts";

test("an address without a watch is the game's", () => {
  expect(watched("?login=provider")).toBeUndefined();
});

test("an address leads to the moment that it was made from", () => {
  const made = address("harbor-1", 1_769_860_800_000.4, 2.5, "Ann & Bo");
  expect(watched(made)).toEqual({ area: "harbor-1", follow: "Ann & Bo", at: 1_769_860_800_000, speed: 2.5 });
});

test("a time may be written by hand, and nonsense is passed over", () => {
  expect(watched("?watch=a-1&at=2026-01-31T12:00:00Z")!.at).toBe(1_769_860_800_000);
  expect(watched("?watch=&at=soon&speed=fast")).toEqual({ area: "", follow: "", at: undefined, speed: undefined });
  expect(watched("?watch=a-1&speed=100000")!.speed).toBe(100);
  expect(watched("?watch=a-1&speed=0")!.speed).toBe(0);
});
