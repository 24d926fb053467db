import { decode, encode } from "@msgpack/msgpack";
import { afterEach, beforeEach, vi } from "vitest";

/** The browser's socket, at whose far end the test sits. */
export class FarEnd {
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

/** The far end of the socket that was opened last. */
export const newest = () => FarEnd.all.at(-1)!;

/** Own state of a body that does nothing, as a picture has it. */
export const OWN = [0, 0, 0, 0, 0, 0, 0, 0, 0];

/** In this file's tests sockets end here, and time passes when it is told to. */
export function atTheFarEnd(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    FarEnd.all = [];
    vi.stubGlobal("WebSocket", FarEnd);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}
