/** Watching: an area seen without a character, as it lives or as it was recorded. */
import { Clock } from "./clock.ts";
import { ClientOp, CloseCode, PROTOCOL, type ServerMessage, ServerOp } from "./generated.ts";
import { Screen } from "./screen.ts";
import { Socket } from "./socket.ts";

/** Where in time a recorded world stands. */
export interface Playing {
  area: string;
  /** `ended`: there is nothing after it. */
  state: "playing" | "paused" | "seeking" | "ended";
  /** The moment that is shown, ms since 1970. */
  at: number;
  /** Times as fast as it was played; 0: it stands still. */
  speed: number;
  /** When the area's recording begins, and when it ends. */
  from: number;
  to: number;
}

/** What a watch tells its owner. */
export interface WatchEvents {
  /** A new picture: another area, or another time. */
  area?(screen: Screen): void;
  /** Where a recorded world stands. */
  playing?(playing: Playing): void;
  /** Whom one follows has gone to another area. */
  transit?(area: string): void;
  /** The areas that can be watched, as asked for. */
  areas?(names: string[]): void;
  /** Something to read. */
  notice?(code: string, message: string): void;
  /** The socket was lost; it is opened again. */
  lost?(code: number): void;
  /** It is over. */
  ended?(code: number, why: string): void;
}

/** What to begin with. */
export interface WatchFrom {
  /** Empty: what the server shows. */
  area: string;
  /** A character's id or name; empty: nobody. */
  follow?: string;
  /** Of a recorded world: ms since 1970; none: where the server begins. */
  at?: number | undefined;
  /** Of a recorded world: times as fast as it was played; none: as the server says. */
  speed?: number | undefined;
}

/** Close codes after which there is no use in coming again. */
const FINAL: ReadonlySet<number> = new Set([CloseCode.NotIdentified, CloseCode.Outdated, CloseCode.Full]);

export class Watch {
  readonly screen = new Screen();
  readonly clock = new Clock();
  /** Where a recorded world stood when it last told; none: this one is alive. */
  playing: Playing | undefined;
  /** With whom one goes along. */
  follow: string;
  private told = 0;
  private area: string;
  private readonly socket = new Socket(
    (message) => this.receive(message),
    (code, why) => this.lost(code, why),
  );

  constructor(
    private readonly url: string,
    private readonly from: WatchFrom,
    private readonly events: WatchEvents,
    private readonly client = "sdk 0.1.0",
  ) {
    this.area = from.area;
    this.follow = from.follow ?? "";
    this.socket.open(url);
  }

  /** The moment of a recorded world that is shown at `now`, ms since 1970. */
  at(now: number): number {
    const { playing } = this;
    if (!playing) return Date.now();
    if (playing.state !== "playing") return playing.at;
    return Math.min(playing.at + (now - this.told) * playing.speed, Math.max(playing.to, playing.at));
  }

  /** Goes on to another area, at the same moment. */
  observe(area: string, follow = this.follow): void {
    this.area = area;
    this.follow = follow;
    this.socket.send([ClientOp.Observe, PROTOCOL, area, follow, this.client]);
  }

  /** Looks at a place, in 1/256 px, or goes along with a character. */
  look(x: number, y: number, follow = ""): void {
    this.follow = follow;
    this.socket.send([ClientOp.Look, Math.round(x), Math.round(y), follow]);
  }

  /** Goes on at this speed (times as fast as it was played; 0: stands still), from that moment if one is given. */
  play(speed: number, at?: number): void {
    this.socket.send([ClientOp.Play, Math.max(0, Math.round(at ?? 0)), Math.round(speed * 100)]);
  }

  /** Asks which areas can be watched. */
  askAreas(): void {
    this.socket.send([ClientOp.Query, 1, "areas"]);
  }

  close(): void {
    this.socket.close();
  }

  private lost(code: number, why: string): void {
    const goesOn = !FINAL.has(code) && this.socket.openAgain(() => this.url);
    if (goesOn) this.events.lost?.(code);
    else this.events.ended?.(code, why);
  }

  private receive(message: ServerMessage): void {
    const now = performance.now();
    switch (message[0]) {
      case ServerOp.Hello: {
        this.socket.beat(message[2]);
        this.observe(this.area);
        this.goOn(now);
        break;
      }
      case ServerOp.Area:
        this.socket.letIn();
        this.area = message[1];
        if (!this.playing) this.clock.reset();
        this.screen.applyArea(message);
        this.clock.saw(message[4], now);
        this.events.area?.(this.screen);
        break;
      case ServerOp.Frame:
        this.clock.saw(message[2], now);
        this.screen.applyFrame(message);
        break;
      case ServerOp.Playing: {
        const [, area, state, at, step, speed, from, to] = message;
        const seeking = state === "seeking";
        // While it is looked for, the recording's ends are those that were told before.
        const ends = seeking && this.playing ? { from: this.playing.from, to: this.playing.to } : { from, to };
        this.playing = { area, state: state as Playing["state"], at, speed: speed / 100, ...ends };
        this.told = now;
        if (!seeking) this.clock.stands(step, now, state === "playing" ? speed / 100 : 0);
        this.events.playing?.(this.playing);
        break;
      }
      case ServerOp.Transit:
        this.events.transit?.(message[1]);
        break;
      case ServerOp.QueryReply:
        this.events.areas?.(message[2].map(([, name]) => name));
        break;
      case ServerOp.Notice:
        this.events.notice?.(message[1], message[2]);
        break;
      case ServerOp.GoAway:
        this.socket.drop();
        break;
    }
  }

  /** A recorded world goes on where it stood, or begins where it was wanted. */
  private goOn(now: number): void {
    if (this.playing) this.play(this.playing.speed, this.at(now));
    else if (this.from.at !== undefined || this.from.speed !== undefined) {
      this.play(this.from.speed ?? 1, this.from.at);
    }
  }
}
