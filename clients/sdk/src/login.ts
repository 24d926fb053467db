/** The ways to log in, over HTTP on the port of the websocket. */
import { ask } from "./http.ts";
import { insist, type Keep, Login, type LoginAnswer } from "./tokens.ts";

/** Somebody else who can tell the server who a person is. */
export interface Provider {
  /** Its name in addresses. */
  name: string;
  /** What people call it. */
  title: string;
}

/** Become a guest with a name, or come back with a token. Guests get no cookie: each tab is one. */
export async function loginAsGuest(base: string, who: { name: string } | { token: string }): Promise<Login> {
  const body = "name" in who ? { name: who.name } : { guest_token: who.token };
  return new Login(base, await ask<LoginAnswer>(`${base}/v1/guest`, { method: "POST", body }), "memory");
}

/** Log in with a name and its password. */
export function loginWithPassword(base: string, name: string, password: string, keep: Keep): Promise<Login> {
  return open(base, "/v1/login", { name, password }, keep);
}

/** A new account with a name and a password, and a login to it. */
export function register(base: string, name: string, password: string, keep: Keep): Promise<Login> {
  return open(base, "/v1/register", { name, password }, keep);
}

/** Go on with the login whose refresh token the browser has as a cookie. */
export function resumeLogin(base: string): Promise<Login> {
  return insist(() => open(base, "/v1/refresh", {}, "cookie"));
}

/** Who else can say who somebody is; none when the server has none. */
export async function providers(base: string): Promise<Provider[]> {
  return (await ask<{ providers: Provider[] }>(`${base}/v1/oidc/providers`)).providers;
}

/** Where a browser goes to log in with a provider; it comes back to `path`, perhaps with a `login_error`. */
export function providerAddress(base: string, provider: Provider, path: string): string {
  return `${base}/v1/oidc/${encodeURIComponent(provider.name)}/authorize?return=${encodeURIComponent(path)}`;
}

async function open(base: string, path: string, body: unknown, keep: Keep): Promise<Login> {
  const answer = await ask<LoginAnswer>(base + path, { method: "POST", body, cookie: keep === "cookie" });
  return new Login(base, answer, keep);
}
