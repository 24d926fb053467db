/** A session: one character in the world, over as many sockets as it takes. */
import { decode, encode } from "@msgpack/msgpack";

import { Clock } from "./clock.ts";
import {
  type ClientMessage,
  ClientOp,
  CloseCode,
  PROTOCOL,
  type ServerMessage,
  ServerOp,
  SUBPROTOCOL,
} from "./generated.ts";
import { Screen } from "./screen.ts";

/** What a session tells its owner. */
export interface SessionEvents {
  /** The session has begun, or goes on after a lost socket. */
  ready?(name: string, resumed: boolean): void;
  /** A new picture: another area, or the same after a resume. */
  area?(screen: Screen): void;
  /** The character is between two areas. */
  transit?(area: string, status: string): void;
  /** A command was refused. */
  rejected?(clientSeq: number, reason: number, message: string): void;
  /** The socket was lost; the session is being resumed. */
  lost?(code: number): void;
  /** The session is over; start over with a new ticket. */
  ended?(code: number, why: string): void;
}

/** Close codes after which the resume token is of no use. */
const FINAL: ReadonlySet<number> = new Set([
  CloseCode.BadTicket,
  CloseCode.SessionEnded,
  CloseCode.Replaced,
  CloseCode.Outdated,
  CloseCode.CannotResume,
]);

/** How often a lost socket is tried anew before giving up. */
const ATTEMPTS = 20;

/** Newest commands that are repeated when a session is resumed; the server knows repetitions. */
type Unanswered = Extract<ClientMessage, [op: 35 | 36 | 37 | 38, ...rest: unknown[]]>;

export class Session {
  readonly screen = new Screen();
  readonly clock = new Clock();
  private socket: WebSocket | undefined;
  private token: string | undefined;
  private seq = 0;
  private bits = 0;
  private unanswered: Unanswered[] = [];
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private attempts = 0;
  private over = false;
  private greeted = false;
  private url: string;
  private others: string[];

  /** `urls` are the websocket's addresses, the best first; `ticket` from `requestTicket`. */
  constructor(
    urls: string | readonly string[],
    private readonly ticket: string,
    private readonly events: SessionEvents,
    private readonly client = "sdk 0.1.0",
  ) {
    [this.url = "", ...this.others] = typeof urls === "string" ? [urls] : urls;
    this.connect();
  }

  /** Hold these keys from now on; sent when they differ from before. */
  input(bits: number): void {
    if (bits === this.bits) return;
    this.bits = bits;
    this.command([ClientOp.Input, ++this.seq, 0, bits, this.screen.step]);
  }

  /** Say something to those who are near. */
  say(text: string): void {
    this.command([ClientOp.Say, ++this.seq, text]);
  }

  /** Go through the door at which the body stands. */
  useDoor(): void {
    this.command([ClientOp.UseDoor, ++this.seq]);
  }

  /** Leave the world and end the session. */
  leave(): void {
    this.command([ClientOp.Leave, ++this.seq]);
  }

  /** Drop the socket without leaving: the body stays until its link counts as dead. */
  close(): void {
    this.over = true;
    clearInterval(this.heartbeat);
    this.socket?.close(1000);
  }

  private command(message: Unanswered): void {
    this.unanswered.push(message);
    if (this.screen.area) this.send(message);
  }

  private send(message: ClientMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(message));
  }

  private connect(): void {
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onmessage = (event) => this.receive(decode(event.data as ArrayBuffer) as ServerMessage);
    socket.onclose = (event) => this.closed(event.code, event.reason);
  }

  private closed(code: number, why: string): void {
    clearInterval(this.heartbeat);
    if (this.over) return;
    // Nobody has answered at this address, so the ticket is unused.
    const next = this.greeted ? undefined : this.others.shift();
    if (next) {
      this.url = next;
      this.connect();
      return;
    }
    if (!this.token || FINAL.has(code) || ++this.attempts > ATTEMPTS) {
      this.over = true;
      this.events.ended?.(code, why);
      return;
    }
    this.events.lost?.(code);
    setTimeout(() => this.connect(), Math.min(4_000, 100 * 2 ** this.attempts) * (0.5 + Math.random() / 2));
  }

  private receive(message: ServerMessage): void {
    switch (message[0]) {
      case ServerOp.Hello: {
        const [, , heartbeatMs] = message;
        this.greeted = true;
        clearInterval(this.heartbeat);
        this.heartbeat = setInterval(() => this.send([ClientOp.Heartbeat, Date.now()]), heartbeatMs / 2);
        this.send(
          this.token
            ? [ClientOp.Resume, PROTOCOL, this.token]
            : [ClientOp.Identify, PROTOCOL, this.ticket, this.client],
        );
        break;
      }
      case ServerOp.Ready: {
        const [, , name, , resumed, ackSeq] = message;
        this.attempts = 0;
        this.answered(ackSeq);
        this.events.ready?.(name, resumed);
        break;
      }
      case ServerOp.Area: {
        const first = this.screen.area !== message[1];
        if (first) this.clock.reset();
        this.screen.applyArea(message);
        this.token = message[8];
        this.clock.saw(message[4], performance.now());
        this.answered(message[6][0]);
        for (const command of this.unanswered) this.send(command);
        this.events.area?.(this.screen);
        break;
      }
      case ServerOp.Frame:
        this.clock.saw(message[2], performance.now());
        this.screen.applyFrame(message);
        if (message[3]) this.answered(message[3][0]);
        break;
      case ServerOp.Rejected:
        this.events.rejected?.(message[1], message[2], message[3]);
        break;
      case ServerOp.Transit:
        this.events.transit?.(message[1], message[2]);
        break;
      case ServerOp.Token:
        this.token = message[1];
        break;
      case ServerOp.GoAway:
        if (message[1]) this.url = message[1];
        this.socket?.close(1000);
        break;
    }
  }

  private answered(ackSeq: number): void {
    this.unanswered = this.unanswered.filter((command) => command[1] > ackSeq);
  }
}
