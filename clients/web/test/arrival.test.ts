import { expect, test } from "vitest";

import { arrival, returnAddress } from "../src/arrival.ts";

test("an ordinary address is no arrival", () => {
  expect(arrival("")).toBeUndefined();
  expect(arrival("?login=password&x=1")).toBeUndefined();
});

test("where the browser comes back to says that it does", () => {
  expect(arrival(returnAddress("/").slice(1))).toEqual({ logged: "in", kept: false });
  expect(arrival(returnAddress("/", true).slice(1))).toEqual({ logged: "in", kept: true });
});

test("who could not keep a character is told, and is still who they were", () => {
  const came = arrival("?login=kept&login_error=already_linked");
  expect(came).toMatchObject({ logged: "out", kept: true, why: expect.stringMatching(/another account here/) });
});

test.each(["denied", "login_expired", "oidc_bad_audience", "too_many_attempts"])("%s is told in words", (code) => {
  const came = arrival(`?login=provider&login_error=${code}`);
  expect(came).toMatchObject({ logged: "out", why: expect.stringMatching(/^[A-Z].*\.$/) });
});

test("an address cannot put words into the page's mouth", () => {
  for (const code of ["<b>Send us your password</b>", "constructor", "__proto__", ""]) {
    const came = arrival(`?login_error=${encodeURIComponent(code)}`);
    expect(came).toEqual({ logged: "out", why: "You were not logged in. Please try again.", kept: false });
  }
});
