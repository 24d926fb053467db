import { expect, test } from "vitest";

import { positionAt, rebased, type Segment, unpack } from "../src/motion.ts";

const fall: Segment = { from: 100, x: 7, y: -30, vx: 300, vy: -1200, ax: 5, ay: 40, mode: 1, until: 140 };

test("the closed form is what stepping gives, and a body is held at its segment's end", () => {
  let [x, y, vx, vy] = [fall.x, fall.y, fall.vx, fall.vy];
  for (let step = fall.from; step < fall.until; step++) {
    expect(positionAt(fall, step)).toEqual([x, y]);
    vx += fall.ax;
    vy += fall.ay;
    x += vx;
    y += vy;
  }
  expect(positionAt(fall, fall.until + 1000)).toEqual([x, y]);
});

test("re-basing changes nothing that follows", () => {
  for (let at = 100; at < 150; at++) {
    for (let step = at; step < 160; step++) expect(positionAt(rebased(fall, at), step)).toEqual(positionAt(fall, step));
  }
});

test("a record without a predecessor must be full, and later records continue earlier ones", () => {
  const found: [number, Segment][] = [];
  const newest = new Map<number, Segment>();
  const note = (handle: number, segment: Segment) => {
    newest.set(handle, segment);
    found.push([handle, segment]);
  };
  const full = [7, 1 | 2 | 4 | 8 | 16 | 64 | 128, -1, -1, 0, 0, 512, 0, 0, 1000, 2000];
  unpack([...full, 7, 1, 0, 20, -64], 100, (handle) => newest.get(handle), note);
  expect(found[0]).toEqual([7, { from: 99, x: 1000, y: 2000, vx: 512, vy: 0, ax: 0, ay: 0, mode: 0, until: Infinity }]);
  expect(found[1]).toEqual([7, { from: 100, x: 1512, y: 2000, vx: 512, vy: 0, ax: -64, ay: 0, mode: 0, until: 120 }]);
  expect(() => unpack([8, 1, 0, 20, -64], 100, () => undefined, note)).toThrow(/not known/);
  expect(() => unpack([7, 1, 0], 100, (handle) => newest.get(handle), note)).toThrow(/ends within/);
});
