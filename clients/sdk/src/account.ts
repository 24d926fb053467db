/** What one can do with the account in which one is logged in. */
import type { Provider } from "./login.ts";
import { type Keep, Login, type LoginAnswer } from "./tokens.ts";

/** A device that is logged in. */
export interface LoginSession {
  id: string;
  /** How it was begun: `guest`, `password` or `openid`. */
  method: string;
  /** Milliseconds since 1970. */
  openedAt: number;
  usedAt: number;
  /** What the device calls itself. */
  device: string | undefined;
  /** Whether it is this one. */
  current: boolean;
}

/** What lets into the account besides a guest's token: `password`, `openid`. */
export async function loginMethods(login: Login): Promise<string[]> {
  return (await login.ask<{ methods: string[] }>("/v1/account")).methods;
}

interface SessionRow {
  id: string;
  method: string;
  opened_at: number;
  used_at: number;
  device?: string | null;
  current: boolean;
}

/** Where the account is logged in, the one used last first. */
export async function loginSessions(login: Login): Promise<LoginSession[]> {
  const { sessions } = await login.ask<{ sessions: SessionRow[] }>("/v1/sessions");
  return sessions
    .map((row) => ({
      id: row.id,
      method: row.method,
      openedAt: row.opened_at,
      usedAt: row.used_at,
      device: row.device ?? undefined,
      current: row.current,
    }))
    .sort((a, b) => b.usedAt - a.usedAt);
}

/** Log out on another device. */
export async function endLoginSession(login: Login, id: string): Promise<void> {
  await login.ask(`/v1/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** Another password; the other devices are logged out. */
export async function changePassword(login: Login, old: string, fresh: string): Promise<void> {
  await login.ask("/v1/password", { method: "POST", body: { old, new: fresh } });
}

/** A guest gets a name and a password, and keeps the character. */
export async function upgrade(login: Login, name: string, password: string, keep: Keep): Promise<Login> {
  const answer = await login.ask<LoginAnswer>("/v1/upgrade", {
    method: "POST",
    body: { name, password },
    cookie: keep === "cookie",
  });
  return new Login(login.base, answer, keep);
}

/** Where a browser goes so that a provider's word counts for this account from now on; it comes back to `path`. */
export async function linkAddress(login: Login, provider: Provider, path: string): Promise<string> {
  const link = `/v1/oidc/${encodeURIComponent(provider.name)}/link`;
  return (await login.ask<{ url: string }>(link, { method: "POST", body: { return: path } })).url;
}

/** Log out here. The tokens are forgotten even if the server cannot be told. */
export async function logOut(login: Login): Promise<void> {
  await login.ask("/v1/logout", { method: "POST" }).finally(() => login.forget());
}

/** Log out here and on every other device. */
export async function logOutEverywhere(login: Login): Promise<void> {
  await login.ask("/v1/logout-everywhere", { method: "POST" });
  login.forget();
}
