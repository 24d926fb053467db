/** A session: one character in the world, over as many sockets as it takes. */
import { Clock } from "./clock.ts";
import {
  type ClientMessage,
  ClientOp,
  CloseCode,
  PROTOCOL,
  type ServerMessage,
  ServerOp,
} from "./generated.ts";
import { Screen } from "./screen.ts";
import { Socket } from "./socket.ts";

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

/** Newest commands that are repeated when a session is resumed; the server knows repetitions. */
type Unanswered = Extract<ClientMessage, [op: 35 | 36 | 37 | 38, ...rest: unknown[]]>;

export class Session {
  readonly screen = new Screen();
  readonly clock = new Clock();
  private readonly socket = new Socket(
    (message) => this.receive(message),
    (code, why) => this.lost(code, why),
  );
  private token: string | undefined;
  private seq = 0;
  private bits = 0;
  private unanswered: Unanswered[] = [];
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
    this.socket.open(this.url);
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
    this.socket.close();
  }

  private command(message: Unanswered): void {
    this.unanswered.push(message);
    if (this.screen.area) this.socket.send(message);
  }

  private lost(code: number, why: string): void {
    // Nobody has answered at this address, so the ticket is unused.
    const next = this.greeted ? undefined : this.others.shift();
    if (next) {
      this.url = next;
      this.socket.open(next);
      return;
    }
    const goesOn = this.token && !FINAL.has(code) && this.socket.openAgain(() => this.url);
    if (goesOn) this.events.lost?.(code);
    else this.events.ended?.(code, why);
  }

  private receive(message: ServerMessage): void {
    switch (message[0]) {
      case ServerOp.Hello: {
        const [, , heartbeatMs] = message;
        this.greeted = true;
        this.socket.beat(heartbeatMs);
        this.socket.send(
          this.token
            ? [ClientOp.Resume, PROTOCOL, this.token]
            : [ClientOp.Identify, PROTOCOL, this.ticket, this.client],
        );
        break;
      }
      case ServerOp.Ready: {
        const [, , name, , resumed, ackSeq] = message;
        this.socket.letIn();
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
        for (const command of this.unanswered) this.socket.send(command);
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
        this.socket.drop();
        break;
    }
  }

  private answered(ackSeq: number): void {
    this.unanswered = this.unanswered.filter((command) => command[1] > ackSeq);
  }
}
