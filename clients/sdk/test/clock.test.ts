import { expect, test } from "vitest";

import { Clock } from "../src/clock.ts";

test("late frames hardly move the clock, early ones do", () => {
  const clock = new Clock();
  for (let i = 0; i < 200; i++) clock.saw(1000 + 2 * i, 5_000 + 40 * i + (i % 10 === 0 ? 60 : 0));
  expect(clock.step(5_000 + 40 * 200)).toBeGreaterThan(1_400 - 1);
  expect(clock.step(5_000 + 40 * 200)).toBeLessThanOrEqual(1_400);
});

test("another area's steps begin anew", () => {
  const clock = new Clock();
  clock.saw(1_000_000, 1_000);
  clock.saw(10, 1_040);
  expect(Math.round(clock.step(1_040))).toBe(10);
});

test("a recorded world's clock goes by what it is told, gently where it nearly fits", () => {
  const clock = new Clock();
  clock.stands(1_000, 0, 2);
  clock.saw(5, 10);
  expect(clock.step(100)).toBe(1_010);
  clock.stands(1_015, 100, 2);
  expect(clock.step(100)).toBe(1_011);
  clock.stands(2_000, 100, 2);
  expect(clock.step(100)).toBe(2_000);
  clock.stands(2_003, 100, 0);
  expect([clock.rate, clock.step(10_000)]).toEqual([0, 2_003]);
});
