/** A websocket to an edge: messages, the heartbeat, and coming again when it is lost. */
import { decode, encode } from "@msgpack/msgpack";

import { type ClientMessage, ClientOp, type ServerMessage, SUBPROTOCOL } from "./generated.ts";

/** How often a lost socket is tried anew before giving up. */
const ATTEMPTS = 20;

export class Socket {
  private socket: WebSocket | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private over = false;

  /** `lost` is told when a socket closes, unless it was `close` that closed it. */
  constructor(
    private readonly receive: (message: ServerMessage) => void,
    private readonly lost: (code: number, why: string) => void,
  ) {}

  open(url: string): void {
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onmessage = (event) => this.receive(decode(event.data as ArrayBuffer) as ServerMessage);
    socket.onclose = (event) => {
      clearInterval(this.heartbeat);
      if (!this.over) this.lost(event.code, event.reason);
    };
  }

  /** Opens the address that is right by then, after a pause that grows; false: it has been tried too often. */
  openAgain(url: () => string): boolean {
    if (++this.attempts > ATTEMPTS) return false;
    const pause = Math.min(4_000, 100 * 2 ** this.attempts) * (0.5 + Math.random() / 2);
    this.again = setTimeout(() => this.open(url()), pause);
    return true;
  }

  /** The server has let in: the next loss is a first one. */
  letIn(): void {
    this.attempts = 0;
  }

  send(message: ClientMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(message));
  }

  /** Sends heartbeats twice as often as the server wants them, ms. */
  beat(every: number): void {
    clearInterval(this.heartbeat);
    this.heartbeat = setInterval(() => this.send([ClientOp.Heartbeat, Date.now()]), every / 2);
  }

  /** Closes this socket, as if it had been lost. */
  drop(): void {
    this.socket?.close(1000);
  }

  /** Closes it for good. */
  close(): void {
    this.over = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.again);
    this.socket?.close(1000);
  }
}
