import { afterEach, expect, test } from "vitest";

import {
  changePassword, createCharacter, deleteCharacter, endLoginSession, linkAddress, listCharacters, loginAsGuest, type Login,
  logOut, loginSessions, loginWithPassword, Problem, providers, register, requestTicket, restoreCharacter,
  resumeLogin, upgrade,
} from "../src/index.ts";
import { type Asked, refused, serve, type TestServer, type Told } from "./server.ts";

let server: TestServer | undefined;
afterEach(() => server?.stop());

const start = async (answer: (asked: Asked, nth: number) => Told | Promise<Told>) => (server = await serve(answer));

let generation = 0;
const tokens = (more: object = {}) => ({
  account: "a1",
  session: "s1",
  access_token: `access-${++generation}`,
  expires_in: 600,
  characters: ["c1"],
  ...more,
});
const row = (more: object = {}) => ({
  id: "c1", name: "Ann", level: 1, played_ms: 0, area: null, in_world: false, ranking: null, deleted_until: null, ...more,
});
const expired = { expires_in: 0 };
const problemOf = async (promise: Promise<unknown>): Promise<Problem> => {
  const problem = await promise.then(() => undefined, (error: unknown) => error);
  expect(problem).toBeInstanceOf(Problem);
  return problem as Problem;
};
const bearer = (asked: Asked | undefined) => asked?.headers.authorization;

test("a guest gets tokens in the body and no cookie", async () => {
  const { base, asked } = await start(() => ({ body: tokens({ guest_token: "g", character: "c9", name: "Ann", refresh_token: "r1" }) }));
  const guest = await loginAsGuest(base, { name: "Ann" });
  expect(guest).toMatchObject({ account: "a1", session: "s1", guestToken: "g", character: "c9", name: "Ann", isGuest: true });
  expect(asked[0]).toMatchObject({ method: "POST", path: "/v1/guest", body: { name: "Ann" } });
  expect(asked[0]?.headers["x-worldline-cookie"]).toBeUndefined();
});

test("an account in a browser asks for a cookie and never holds the refresh token", async () => {
  const { base, asked } = await start(() => ({ body: tokens({ refresh_token: "must not be kept" }) }));
  const login = await loginWithPassword(base, "ann", "pass phrase", "cookie");
  expect(asked[0]).toMatchObject({ path: "/v1/login", body: { name: "ann", password: "pass phrase" } });
  expect(asked[0]?.headers["x-worldline-cookie"]).toBe("1");
  expect(JSON.stringify(login)).not.toContain("must not be kept");
});

test("a refusal keeps its code, its words and its patience", async () => {
  const { base } = await start(() => refused(429, "locked", "Wait <b>a bit</b>.", { "retry-after": "8" }));
  const problem = await problemOf(register(base, "ann", "x", "memory"));
  expect(problem).toMatchObject({ status: 429, code: "locked", message: "Wait <b>a bit</b>.", retryAfter: 8 });
});

test("an answer that is no problem document, and no answer at all", async () => {
  const { base, stop } = await start(() => ({ status: 502, body: ["gateway"] }));
  expect(await problemOf(providers(base))).toMatchObject({ status: 502, code: "http_502", message: "The server answered 502." });
  await stop();
  expect(await problemOf(providers(base))).toMatchObject({ status: 0, code: "unreachable", unreachable: true });
});

test("a token about to end is renewed once for all who ask at the same time", async () => {
  const { base, of } = await start(({ path, headers }) => {
    if (path === "/v1/login") return { body: tokens(expired) };
    if (path === "/v1/refresh") return { body: tokens() };
    return { body: { characters: [], sessions: [], seen: headers.authorization } };
  });
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  await Promise.all([listCharacters(login), loginSessions(login), listCharacters(login)]);
  await listCharacters(login);
  expect(of("/v1/refresh")).toHaveLength(1);
  expect(of("/v1/refresh")[0]).toMatchObject({ method: "POST", body: {}, headers: { "x-worldline-cookie": "1" } });
  for (const one of [...of("/v1/characters"), ...of("/v1/sessions")]) {
    expect(bearer(one)).toBe(`Bearer access-${generation}`);
  }
});

test("without cookies each refresh token is used once, and the next one after it", async () => {
  const { base, of } = await start(({ path }, nth) => {
    if (path === "/v1/guest") return { body: tokens({ ...expired, guest_token: "g", refresh_token: "r1" }) };
    if (path === "/v1/refresh") return { body: tokens({ ...expired, refresh_token: `r${nth + 1}` }) };
    return { body: { characters: [] } };
  });
  const guest = await loginAsGuest(base, { token: "g" });
  for (let i = 0; i < 3; i++) await listCharacters(guest);
  expect(of("/v1/refresh").map(({ body }) => body?.["refresh_token"])).toEqual(["r1", "r2", "r3"]);
});

test("a token that is not believed any more is renewed, once", async () => {
  const { base, of } = await start(({ path }, nth) => {
    if (path === "/v1/login" || path === "/v1/refresh") return { body: tokens() };
    return nth === 1 ? refused(401, "not_logged_in") : { body: { characters: [] } };
  });
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  await expect(listCharacters(login)).resolves.toEqual([]);
  expect(of("/v1/refresh")).toHaveLength(1);
  expect(of("/v1/characters")).toHaveLength(2);
});

test.each(["session_unknown", "session_reused", "log_in_again"])("a refresh refused with %s ends the login", async (code) => {
  const { base, of } = await start(({ path }) => (path === "/v1/refresh" ? refused(401, code) : { body: tokens(expired) }));
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  const why: Problem[] = [];
  login.ended = (problem) => why.push(problem);
  const told = await Promise.all([problemOf(listCharacters(login)), problemOf(loginSessions(login))]);
  expect(told.map((problem) => problem.code)).toEqual([code, code]);
  expect(why.map((problem) => problem.code)).toEqual([code]);
  expect(await problemOf(listCharacters(login))).toMatchObject({ code });
  expect(of("/v1/refresh")).toHaveLength(1);
});

test("a request refused because the session was revoked ends the login", async () => {
  const { base } = await start(({ path }) => (path === "/v1/login" ? { body: tokens() } : refused(401, "session_ended")));
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  let why: Problem | undefined;
  login.ended = (problem) => (why = problem);
  await problemOf(requestTicket(login, "c1"));
  expect(why?.code).toBe("session_ended");
});

test("a wrong old password ends nothing", async () => {
  const { base } = await start(({ path }) => (path === "/v1/login" ? { body: tokens() } : refused(401, "bad_login")));
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  let ended = false;
  login.ended = () => (ended = true);
  expect(await problemOf(changePassword(login, "old", "new"))).toMatchObject({ code: "bad_login" });
  expect(ended).toBe(false);
});

test("a refresh whose answer is lost is repeated with the same token", async () => {
  const { base, of } = await start(({ path }, nth) => {
    if (path === "/v1/guest") return { body: tokens({ ...expired, guest_token: "g", refresh_token: "r1" }) };
    if (path === "/v1/refresh") return nth === 1 ? { hangUp: true } : { body: tokens({ refresh_token: "r2" }) };
    return { body: { characters: [] } };
  });
  await listCharacters(await loginAsGuest(base, { name: "Ann" }));
  expect(of("/v1/refresh").map(({ body }) => body?.["refresh_token"])).toEqual(["r1", "r1"]);
});

test("another account's cookie is not taken for one's own", async () => {
  const { base, of } = await start(({ path }) => ({ body: path === "/v1/login" ? tokens(expired) : tokens({ account: "a2" }) }));
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  expect(await problemOf(listCharacters(login))).toMatchObject({ code: "other_account" });
  expect(of("/v1/characters")).toHaveLength(0);
});

test("a login goes on with the browser's cookie", async () => {
  const { base, asked } = await start(() => ({ body: tokens() }));
  expect(await resumeLogin(base)).toMatchObject({ account: "a1", isGuest: false });
  expect(asked[0]).toMatchObject({ method: "POST", path: "/v1/refresh", body: {}, headers: { "x-worldline-cookie": "1" } });
});

test("after logging out nothing is asked any more, even if the server could not be told", async () => {
  const { base, asked } = await start(({ path }) => (path === "/v1/login" ? { body: tokens() } : { hangUp: true }));
  const login = await loginWithPassword(base, "ann", "p", "cookie");
  await problemOf(logOut(login));
  const before = asked.length;
  expect(await problemOf(listCharacters(login))).toMatchObject({ code: "not_logged_in" });
  expect(asked).toHaveLength(before);
});

test("characters and sessions, as the page needs them", async () => {
  const { base, asked } = await start(({ path, method }) => {
    if (path === "/v1/login") return { body: tokens() };
    if (path === "/v1/characters" && method === "GET")
      return { body: { characters: [row({ level: 3, area: "harbor-1", in_world: true, ranking: 7 }), row({ id: "c2", name: "Bo", deleted_until: 5 })] } };
    if (path === "/v1/characters") return { status: 201, body: row({ id: "c3", name: "Cy" }) };
    if (path === "/v1/sessions")
      return { body: { sessions: [{ id: "s1", method: "password", opened_at: 1, used_at: 2, current: true }, { id: "s2", method: "openid", opened_at: 1, used_at: 9, current: false, device: "a phone" }] } };
    if (path === "/v1/start") return { body: { ticket: "t", endpoint: "/v1/ws", expires_at: 1 } };
    return { status: 204 };
  });
  const login: Login = await loginWithPassword(base, "ann", "p", "cookie");
  expect(await listCharacters(login)).toEqual([
    { id: "c1", name: "Ann", level: 3, area: "harbor-1", inWorld: true, ranking: 7, goneAt: undefined },
    { id: "c2", name: "Bo", level: 1, area: undefined, inWorld: false, ranking: undefined, goneAt: 5 },
  ]);
  expect((await createCharacter(login, "Cy")).id).toBe("c3");
  expect((await loginSessions(login)).map(({ id, current }) => [id, current])).toEqual([["s2", false], ["s1", true]]);
  expect(await requestTicket(login, "c1")).toEqual({ ticket: "t", endpoints: ["/v1/ws"], area: undefined });
  await requestTicket(login, "c1", "Ann");
  expect(server.of("/v1/start").map(({ body }) => body)).toEqual([{ character: "c1" }, { character: "c1", with: "Ann" }]);
  await deleteCharacter(login, "c1");
  await restoreCharacter(login, "c1");
  await endLoginSession(login, "s2");
  expect(asked.slice(-3).map(({ method, path }) => `${method} ${path}`)).toEqual([
    "DELETE /v1/characters/c1", "POST /v1/characters/c1/restore", "DELETE /v1/sessions/s2",
  ]);
});

test("a guest becomes an account with a cookie", async () => {
  const { base, asked } = await start(({ path }) => ({ body: tokens({ guest_token: "g", refresh_token: path }) }));
  const guest = await loginAsGuest(base, { name: "Ann" });
  const account = await upgrade(guest, "ann", "pass phrase", "cookie");
  expect(account.isGuest).toBe(false);
  expect(asked[1]).toMatchObject({ path: "/v1/upgrade", headers: { "x-worldline-cookie": "1" }, body: { name: "ann", password: "pass phrase" } });
  expect(bearer(asked[1])).toMatch(/^Bearer access-/);
});

test("a guest asks where to go to keep the character with a provider", async () => {
  const url = "https://id.example/authorize?state=s";
  const { base, asked } = await start(({ path }) => ({ body: path.endsWith("/link") ? { url } : tokens({ guest_token: "g" }) }));
  const guest = await loginAsGuest(base, { name: "Ann" });
  expect(await linkAddress(guest, { name: "club", title: "The Club" }, "/?login=kept")).toBe(url);
  expect(asked[1]).toMatchObject({ path: "/v1/oidc/club/link", body: { return: "/?login=kept" } });
  expect(bearer(asked[1])).toMatch(/^Bearer access-/);
});
