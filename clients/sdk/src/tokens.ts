/**
 * A login: the access token in memory, and what gets the next one.
 *
 * An access token lives for ten minutes; the refresh token gives new ones and changes at every use.
 * It is either a cookie that no script can read or, where there are no cookies, kept here. It must
 * never be sent twice, or the server takes the login for stolen: so one refresh serves all who wait.
 */
import { type Ask, ask, Problem } from "./http.ts";

/** What the server answers to a login. */
export interface LoginAnswer {
  account: string;
  session: string;
  access_token: string;
  /** Seconds. */
  expires_in: number;
  refresh_token?: string | null;
  guest_token?: string | null;
  characters?: string[];
  character?: string | null;
  name?: string | null;
}

/** Where the refresh token is kept: a guest's in memory, an account's in a browser as a cookie. */
export type Keep = "cookie" | "memory";

/** A token is renewed this long before it ends, ms; of a short one a fifth. */
const MARGIN = 60_000;
/** After how long a refresh without an answer is repeated, ms; the server allows 10 s for it. */
const AGAIN = [300, 1_000, 2_000];

export class Login {
  readonly account: string;
  /** Which of the account's logins; another one when this browser has logged in to it anew. */
  session = "";
  /** Lets a guest come back; keep it as one keeps a password. */
  readonly guestToken: string | undefined;
  /** A guest's one character. */
  readonly character: string | undefined;
  /** The name a guest chose. */
  readonly name: string | undefined;
  /** Called once, when the server has ended the login. */
  ended: ((why: Problem) => void) | undefined;

  private access = { token: "", until: 0 };
  private refreshToken: string | undefined;
  private renewing: Promise<string> | undefined;
  private over: Problem | undefined;

  constructor(
    readonly base: string,
    answer: LoginAnswer,
    private readonly keep: Keep,
  ) {
    this.account = answer.account;
    // Who holds a cookie comes back with that, a former guest too.
    this.guestToken = keep === "cookie" ? undefined : (answer.guest_token ?? undefined);
    this.character = answer.character ?? answer.characters?.[0];
    this.name = answer.name ?? undefined;
    this.adopt(answer);
  }

  get isGuest(): boolean {
    return this.guestToken !== undefined;
  }

  /** Asks as this login, with a fresh token if need be. */
  async ask<T>(path: string, request: Ask = {}): Promise<T> {
    const send = (accessToken: string) =>
      ask<T>(this.base + path, { cookie: this.keep === "cookie", ...request, accessToken });
    const token = await this.accessToken();
    try {
      try {
        return await send(token);
      } catch (problem) {
        if (!(problem instanceof Problem) || problem.code !== "not_logged_in") throw problem;
        // The token was good when we looked; perhaps the server's keys or our clock have moved.
        return await send(token === this.access.token ? await this.renew() : await this.accessToken());
      }
    } catch (problem) {
      if (problem instanceof Problem && endsLogin(problem)) this.end(problem);
      throw problem;
    }
  }

  /** A token that is good for a while. */
  async accessToken(): Promise<string> {
    if (this.over) throw this.over;
    return Date.now() < this.access.until ? this.access.token : this.renew();
  }

  private adopt(answer: LoginAnswer): void {
    this.session = answer.session;
    const millis = answer.expires_in * 1_000;
    this.access = { token: answer.access_token, until: Date.now() + millis - Math.min(MARGIN, millis / 5) };
    if (this.keep === "memory") this.refreshToken = answer.refresh_token ?? this.refreshToken;
  }

  /** Forgets the tokens; whoever asks with this login from now on is refused. */
  forget(why = new Problem(401, "not_logged_in", "You are logged out.")): void {
    this.over ??= why;
    this.access = { token: "", until: 0 };
    this.refreshToken = undefined;
  }

  /** One refresh at a time, shared by all who need it. */
  private renew(): Promise<string> {
    this.renewing ??= this.refresh().finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  private async refresh(): Promise<string> {
    if (this.over) throw this.over;
    try {
      const cookie = this.keep === "cookie";
      const body = cookie ? {} : { refresh_token: this.refreshToken };
      const answer = await insist(() => ask<LoginAnswer>(`${this.base}/v1/refresh`, { method: "POST", body, cookie }));
      // Browsers share cookies between tabs.
      if (answer.account !== this.account) throw OTHER_ACCOUNT;
      if (this.over) throw this.over;
      this.adopt(answer);
      return answer.access_token;
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 401) this.end(problem);
      throw problem;
    }
  }

  private end(why: Problem): void {
    if (this.over) return;
    this.forget(why);
    this.ended?.(why);
  }
}

const OTHER_ACCOUNT = new Problem(401, "other_account", "Another account is logged in in this browser now.");

/** Whether the server says that this login is no more. */
export function endsLogin({ status, code }: Problem): boolean {
  return status === 401 && (code.startsWith("session_") || code === "log_in_again" || code === "not_logged_in");
}

/** The same again while nobody answers, within the time in which a used token is taken once more. */
export async function insist<T>(attempt: () => Promise<T>): Promise<T> {
  for (const wait of AGAIN) {
    try {
      return await attempt();
    } catch (problem) {
      if (!(problem instanceof Problem) || (!problem.unreachable && problem.status !== 503)) throw problem;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return attempt();
}
