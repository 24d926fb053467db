import { expect, test } from "vitest";

import { wrapped } from "../src/render.ts";

test("a long line breaks between words and ends after six rows", () => {
  expect(wrapped("hello there", 32)).toEqual(["hello there"]);
  const rows = wrapped(Array(60).fill("lighthouse").join(" "), 32);
  expect(rows).toHaveLength(6);
  expect(rows[5]).toMatch(/…$/);
  for (const row of rows.slice(0, 5)) expect(row.length).toBeLessThanOrEqual(32);
});
