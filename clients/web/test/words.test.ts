import { CloseCode, Problem } from "@worldline/sdk";
import { expect, test, vi } from "vitest";

import { anotherName } from "../src/names.ts";
import { describe, farewell, inWords, words } from "../src/words.ts";

test.each([
  [1, "1 second"], [2, "2 seconds"], [59, "59 seconds"], [60, "1 minute"], [61, "2 minutes"], [900, "15 minutes"],
  [3_600, "1 hour"], [86_399, "24 hours"], [86_400, "1 day"], [604_800, "7 days"],
])("%i seconds are %s", (seconds, said) => expect(inWords(seconds)).toBe(said));

test("a problem is told in the server's words, with the wait if it asks for one", () => {
  expect(words(new Problem(401, "bad_login", "The name or the password is wrong."))).toBe("The name or the password is wrong.");
  expect(words(new Problem(429, "locked", "Too many wrong passwords.", 8))).toBe("Too many wrong passwords. You can try again in 8 seconds.");
  expect(words(new Problem(503, "unavailable", "The world does not answer now.", 1))).toBe("The world does not answer now.");
});

test("half sentences become whole ones, and what is for programmers is put plainly", () => {
  expect(words(new Problem(409, "name_taken", "somebody has this name; choose another"))).toBe("Somebody has this name; choose another.");
  expect(words(new Problem(401, "session_reused", "this refresh token had been used"))).toContain("for safety");
});

test("what is no problem of the server's is not shown, but logged", () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(words(new TypeError("x is undefined"))).not.toContain("undefined");
  expect(logged).toHaveBeenCalledOnce();
});

test("a character in a line", () => {
  const ann = { id: "c", name: "Ann", level: 3, area: "harbor-1", inWorld: false, ranking: 7, goneAt: undefined };
  expect(describe(ann)).toBe("Level 3 · last in harbor-1 · rank 7");
  expect(describe({ ...ann, inWorld: true })).toContain("now in harbor-1");
  expect(describe({ ...ann, area: undefined, ranking: undefined })).toBe("Level 3");
  expect(describe({ ...ann, goneAt: 172_800_000 }, 0)).toBe("Deleted; it can be restored for 2 days.");
  expect(describe({ ...ann, goneAt: 5 }, 10_000)).toBe("Deleted; it can be restored for 1 second.");
});

test("each end has its own words", () => {
  expect(farewell(CloseCode.Replaced, "a newer session took over").title).toBe("Playing elsewhere");
  expect(farewell(CloseCode.Outdated, "").text).toContain("Reload");
  expect(farewell(CloseCode.SessionEnded, "kicked").text).toBe("The server says: kicked.");
  expect(farewell(1006, "").text).toBe("The server does not answer.");
});

test("another name keeps within the length, in whole characters", () => {
  expect(anotherName("Ann", () => 0)).toBe("Ann 2");
  expect(anotherName("Ann 2", () => 0)).toBe("Ann 3");
  expect(anotherName(" Ann of Ávila ", () => 0.999)).toBe("Ann of Ávila 98");
  expect([...anotherName("🙂".repeat(24), () => 0.5)]).toHaveLength(24);
  expect(anotherName("4711", () => 0)).toBe("2");
});
