import { readFileSync } from "node:fs";

import { decodeMulti } from "@msgpack/msgpack";
import { expect, test } from "vitest";

import { ClientOp, type ServerArea, type ServerFrame, ServerOp } from "../src/generated.ts";
import { Screen } from "../src/screen.ts";

const golden = (name: string) => new URL(`../../../schemas/golden/${name}`, import.meta.url);
const read = (name: string) => [...decodeMulti(readFileSync(golden(name)))] as [number, ...unknown[]][];

test("both encodings of the golden messages are the same messages", () => {
  for (const [name, ops] of [["wire-client.1", ClientOp], ["wire-server.1", ServerOp]] as const) {
    const packed = read(`${name}.msgpack`);
    const lines = readFileSync(golden(`${name}.ndjson`), "utf8").trim().split("\n").map((text) => JSON.parse(text));
    expect(packed).toEqual(lines);
    for (const [op] of packed) expect(Object.values(ops)).toContain(op);
  }
});

test("a screen folds a golden picture and a golden frame", () => {
  const messages = read("wire-server.1.msgpack");
  const screen = new Screen();
  screen.applyArea(messages.find(([op]) => op === ServerOp.Area) as unknown as ServerArea);
  expect(screen.area).toBe("harbor-1");
  const body = screen.bodies.get(screen.own)!;
  expect(body.name).toBe("Ann");
  expect(screen.position(body, 199)).toEqual([25_600, 40_960]);
  expect(screen.position(body, 199.5)).toEqual([25_600 + 256, 40_960 - 480]);
  screen.applyFrame(messages.find(([op]) => op === ServerOp.Frame) as unknown as ServerFrame);
  expect(screen.bodies.get(7)!.line!.text).toContain("Ahoy");
  expect(screen.controller![0]).toBe(41);
});
