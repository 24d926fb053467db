import { decode, encode } from "@msgpack/msgpack";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ClientOp, CloseCode, ServerOp, Session } from "../src/index.ts";

/** The browser's socket, at whose far end the test sits. */
class FarEnd {
  static readonly OPEN = 1;
  static all: FarEnd[] = [];
  readonly readyState = FarEnd.OPEN;
  readonly sent: unknown[] = [];
  onmessage: ((event: { data: ArrayBuffer }) => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;

  constructor(readonly url: string) {
    FarEnd.all.push(this);
  }
  send(bytes: Uint8Array): void {
    this.sent.push(decode(bytes));
  }
  close(): void {}
  says(message: unknown[]): void {
    const bytes = encode(message);
    this.onmessage?.({ data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer });
  }
  ends(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }
}

const HELLO = [ServerOp.Hello, 1, 30_000, "edge"];
const OWN = [0, 0, 0, 0, 0, 0, 0, 0, 0];
const AREA = [ServerOp.Area, "harbor-1", "/maps/harbor.json", 1, 10, 0, OWN, [], "resume-me"];
const newest = () => FarEnd.all.at(-1)!;
const begin = (urls: string | string[]) => {
  const ended = vi.fn();
  const lost = vi.fn();
  const session = new Session(urls, "ticket", { ended, lost });
  return { session, ended, lost };
};

beforeEach(() => {
  vi.useFakeTimers();
  FarEnd.all = [];
  vi.stubGlobal("WebSocket", FarEnd);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("an address where nobody answers is passed over, and the ticket is shown at the next", () => {
  const { ended } = begin(["ws://a/", "ws://b/"]);
  newest().ends(1006);
  expect(FarEnd.all.map(({ url }) => url)).toEqual(["ws://a/", "ws://b/"]);
  newest().says(HELLO);
  expect(newest().sent).toEqual([[ClientOp.Identify, 1, "ticket", "sdk 0.1.0"]]);
  expect(ended).not.toHaveBeenCalled();
  newest().ends(CloseCode.BadTicket, "used");
  expect(ended).toHaveBeenCalledWith(CloseCode.BadTicket, "used");
});

test("a ticket that was shown is not carried to another address", () => {
  const { ended } = begin(["ws://a/", "ws://b/"]);
  newest().says(HELLO);
  newest().ends(1006);
  expect(FarEnd.all).toHaveLength(1);
  expect(ended).toHaveBeenCalledWith(1006, "");
});

test("a lost socket is resumed", () => {
  const { ended, lost } = begin("ws://a/");
  newest().says(HELLO);
  newest().says(AREA);
  newest().ends(1006);
  expect(lost).toHaveBeenCalledWith(1006);
  vi.advanceTimersByTime(1_000);
  newest().says(HELLO);
  expect(newest().sent).toEqual([[ClientOp.Resume, 1, "resume-me"]]);
  expect(ended).not.toHaveBeenCalled();
});

test.each([CloseCode.Replaced, CloseCode.SessionEnded, CloseCode.Outdated, CloseCode.CannotResume])(
  "after %i the session does not come back by itself",
  (code) => {
    const { ended } = begin("ws://a/");
    newest().says(HELLO);
    newest().says(AREA);
    newest().ends(code, "why");
    vi.advanceTimersByTime(60_000);
    expect(FarEnd.all).toHaveLength(1);
    expect(ended).toHaveBeenCalledExactlyOnceWith(code, "why");
  },
);
