import { expect, test, vi } from "vitest";

import { ClientOp, CloseCode, NO_BODY, ServerOp, Watch, type WatchFrom } from "../src/index.ts";
import { atTheFarEnd, FarEnd, newest, OWN } from "./far_end.ts";

const picture = (step: number) => [ServerOp.Area, "harbor-1", "/maps/harbor.json", 1, step, NO_BODY, OWN, [], ""];
const playing = (state: string, at: number, step: number, speed: number) =>
  [ServerOp.Playing, "harbor-1", state, at, step, speed, 1_000, 90_000];

function begin(from: WatchFrom) {
  const told = { ended: vi.fn(), playing: vi.fn(), notice: vi.fn() };
  const watch = new Watch("ws://a/", from, told);
  newest().says([ServerOp.Hello, 1, 30_000, "edge"]);
  return { watch, ...told };
}

atTheFarEnd();

test("it begins where it is told to", () => {
  begin({ area: "harbor-1", follow: "Ann", at: 5_000, speed: 2 });
  expect(newest().sent).toEqual([[ClientOp.Observe, 1, "harbor-1", "Ann", "sdk 0.1.0"], [ClientOp.Play, 5_000, 200]]);
});

test("a living world is observed, and its clock goes by its frames", () => {
  const { watch } = begin({ area: "harbor-1" });
  expect(newest().sent).toEqual([[ClientOp.Observe, 1, "harbor-1", "", "sdk 0.1.0"]]);
  newest().says(picture(100));
  vi.advanceTimersByTime(200);
  expect(watch.clock.step(performance.now())).toBeCloseTo(110);
  expect(watch.playing).toBeUndefined();
});

test("a recorded world's time goes as fast as it is told, stands still, and jumps", () => {
  const { watch } = begin({ area: "" });
  const now = () => [watch.at(performance.now()), watch.clock.step(performance.now())];
  newest().says(playing("playing", 10_000, 500, 400));
  newest().says(picture(498));
  vi.advanceTimersByTime(100);
  expect(now()).toEqual([10_400, 520]);
  newest().says(playing("paused", 10_400, 520, 0));
  vi.advanceTimersByTime(60_000);
  expect(now()).toEqual([10_400, 520]);
  newest().says(playing("seeking", 2_000, 0, 0));
  expect(watch.playing).toMatchObject({ state: "seeking", from: 1_000, to: 90_000 });
  expect(watch.clock.step(performance.now()), "nothing is known of it yet").toBe(520);
  newest().says(playing("paused", 2_000, 100, 0));
  expect(now()).toEqual([2_000, 100]);
  newest().says(playing("playing", 89_990, 4_000, 100));
  vi.advanceTimersByTime(1_000);
  expect(now()[0], "not beyond what was recorded").toBe(90_000);
});

test("after a lost socket it goes on at the moment where it was", () => {
  const { watch } = begin({ area: "harbor-1", at: 1_000 });
  newest().says(playing("playing", 10_000, 500, 200));
  newest().says(picture(498));
  vi.advanceTimersByTime(500);
  const at = watch.at(performance.now());
  newest().onclose?.({ code: 1006, reason: "" });
  vi.advanceTimersByTime(1_000);
  expect(FarEnd.all).toHaveLength(2);
  newest().says([ServerOp.Hello, 1, 30_000, "edge"]);
  const [, play] = newest().sent as [unknown, [number, number, number]];
  expect(play[2]).toBe(200);
  expect(play[1]).toBeGreaterThanOrEqual(at);
});

test.each([CloseCode.NotIdentified, CloseCode.Outdated, CloseCode.Full])("after %i it does not come again", (code) => {
  const { ended } = begin({ area: "harbor-1" });
  newest().onclose?.({ code, reason: "why" });
  vi.advanceTimersByTime(60_000);
  expect(FarEnd.all).toHaveLength(1);
  expect(ended).toHaveBeenCalledExactlyOnceWith(code, "why");
});
