/** One request to an edge over HTTP; a refusal becomes a `Problem`. */

/** A refused request (RFC 9457): `code` is stable, the message is for people. */
export class Problem extends Error {
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** After how many seconds it is worth while to ask again. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }

  /** Nobody answered; whether the request was carried out is not known. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

export interface Ask {
  method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
  accessToken?: string | undefined;
  /** The refresh token travels as a cookie that no script can read. */
  cookie?: boolean;
}

/** Asks `url`, and reads the answer as `T` (undefined when it has no body). */
export async function ask<T>(url: string, { method = "GET", body, accessToken, cookie }: Ask = {}): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (accessToken) headers["authorization"] = `Bearer ${accessToken}`;
  if (cookie) headers["x-worldline-cookie"] = "1";
  const init: RequestInit = { method, headers };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(url, init).catch(() => {
    throw new Problem(0, "unreachable", "The server cannot be reached.");
  });
  if (!response.ok) throw await problem(response);
  const text = await response.text().catch(() => {
    throw new Problem(0, "unreachable", "The server's answer broke off.");
  });
  try {
    return (text === "" ? undefined : JSON.parse(text)) as T;
  } catch {
    throw new Problem(response.status, "no_json", "What answered is no Worldline server.");
  }
}

async function problem(response: Response): Promise<Problem> {
  const told: unknown = await response.json().catch(() => undefined);
  const { code, detail, title } = (told ?? {}) as Record<string, unknown>;
  const message = [detail, title].find((text) => typeof text === "string" && text !== "");
  const after = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new Problem(
    response.status,
    typeof code === "string" ? code : `http_${response.status}`,
    (message as string | undefined) ?? `The server answered ${response.status}.`,
    Number.isFinite(after) && after >= 0 ? after : undefined,
  );
}
