/** Login over HTTP, on the port of the websocket. */

/** A guest who is logged in. `token` lets it come back; keep it as one keeps a password. */
export interface Guest {
  token: string;
  accessToken: string;
  character: string;
  name: string;
}

/** A refused login: `code` is stable, the message is for people. */
export class LoginError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function post<T>(url: string, body: unknown, accessToken?: string): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (accessToken) headers["authorization"] = `Bearer ${accessToken}`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; title?: string };
  throw new LoginError(
    response.status,
    problem.code ?? `http_${response.status}`,
    problem.detail ?? problem.title ?? `The server answered ${response.status}.`,
  );
}

interface GuestAnswer {
  guest_token: string;
  access_token: string;
  character: string;
  name: string;
}

/** Become a guest with a name, or come back with a token. */
export async function loginAsGuest(base: string, who: { name: string } | { token: string }): Promise<Guest> {
  const body = "name" in who ? { name: who.name } : { guest_token: who.token };
  const answer = await post<GuestAnswer>(`${base}/v1/guest`, body);
  return {
    token: answer.guest_token,
    accessToken: answer.access_token,
    character: answer.character,
    name: answer.name,
  };
}

/** Ask for a ticket: good for 30 s and one join. */
export async function requestTicket(base: string, guest: Guest): Promise<{ ticket: string; endpoint: string }> {
  return post(`${base}/v1/start`, { character: guest.character }, guest.accessToken);
}
