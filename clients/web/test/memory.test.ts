import { afterEach, expect, test, vi } from "vitest";

import { guestToken, hasCookie } from "../src/memory.ts";

afterEach(() => vi.unstubAllGlobals());

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    length: 0,
    key: () => null,
    clear: () => kept.clear(),
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

test("a guest belongs to the tab, a cookie to the browser", () => {
  const [tab, otherTab, browser] = [storage(), storage(), storage()];
  vi.stubGlobal("sessionStorage", tab);
  vi.stubGlobal("localStorage", browser);
  guestToken.set("g");
  hasCookie.set("1");
  vi.stubGlobal("sessionStorage", otherTab);
  expect([guestToken.get(), hasCookie.get()]).toEqual([undefined, "1"]);
  vi.stubGlobal("sessionStorage", tab);
  expect(guestToken.get()).toBe("g");
  guestToken.clear();
  expect(guestToken.get()).toBeUndefined();
});

test("where a browser lets nothing be stored, nothing is remembered and nothing breaks", () => {
  vi.stubGlobal("sessionStorage", undefined);
  guestToken.set("g");
  expect(guestToken.get()).toBeUndefined();
  guestToken.clear();
});
