/** A small HTTP server that answers as a test says, and remembers what was asked. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: Record<string, unknown> | undefined;
}

export interface Told {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Take the request and hang up instead of answering. */
  hangUp?: boolean;
}

export interface TestServer {
  base: string;
  asked: Asked[];
  /** What was asked of this path. */
  of(path: string): Asked[];
  stop(): Promise<void>;
}

export async function serve(answer: (asked: Asked, nth: number) => Told | Promise<Told>): Promise<TestServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    const one: Asked = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: text ? JSON.parse(text) : undefined,
    };
    asked.push(one);
    const nth = asked.filter(({ path }) => path === one.path).length;
    const told = await answer(one, nth);
    if (told.hangUp) return void request.socket.destroy();
    const kind = { "content-type": (told.status ?? 200) < 400 ? "application/json" : "application/problem+json" };
    response.writeHead(told.status ?? 200, { ...kind, ...told.headers });
    response.end(told.body === undefined ? undefined : JSON.stringify(told.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    of: (path) => asked.filter((one) => one.path === path),
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** A refusal as the edge words it. */
export function refused(status: number, code: string, detail = `because of ${code}`, headers = {}): Told {
  return { status, headers, body: { type: "about:blank", title: "No", status, code, detail } };
}
