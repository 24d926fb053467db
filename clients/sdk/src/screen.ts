/** What a client sees: bodies folded from `Area` and `Frame` messages. */
import { type Body, type Chunk, ChunkOp, type Own, type ServerArea, type ServerFrame } from "./generated.ts";
import { positionAt, type Segment, unpack } from "./motion.ts";

/** How many segments of a body are kept, so that the past few steps can still be drawn. */
const HISTORY = 16;

/** Something that was said, and when it arrived. */
export interface SpokenLine {
  text: string;
  /** First step of the frame that told it. */
  step: number;
}

/** A body in view. */
export interface SeenBody {
  handle: number;
  character: string;
  name: string;
  /** Newest last; at least one. */
  segments: Segment[];
  line: SpokenLine | undefined;
}

/** The picture of one area, kept up to date by frames. */
export class Screen {
  area = "";
  mapUrl = "";
  /** The own body's handle. */
  own = -1;
  /** What steers the own body. */
  controller: Own | undefined;
  /** First step of the newest frame's tick. */
  step = 0;
  /** Sequence of the newest frame included. */
  sequence = 0;
  readonly bodies = new Map<number, SeenBody>();

  /** A whole new picture. */
  applyArea(message: ServerArea): void {
    const [, area, mapUrl, sequence, step, handle, own, bodies] = message;
    this.area = area;
    this.mapUrl = mapUrl;
    this.sequence = sequence;
    this.step = step;
    this.own = handle;
    this.controller = own;
    this.bodies.clear();
    for (const body of bodies) this.enter(body, step);
  }

  /** What changed. */
  applyFrame(message: ServerFrame): void {
    const [, sequence, step, own, chunks] = message;
    this.sequence = sequence;
    this.step = step;
    if (own) this.controller = own;
    for (const chunk of chunks) this.applyChunk(chunk, step);
  }

  private applyChunk(chunk: Chunk, step: number): void {
    switch (chunk[0]) {
      case ChunkOp.Moved:
        unpack(chunk[1], step, (handle) => this.newest(handle), (handle, segment) => this.move(handle, segment));
        break;
      case ChunkOp.Entered:
        for (const body of chunk[1]) this.enter(body, step);
        break;
      case ChunkOp.Left:
        for (const handle of chunk[1]) this.bodies.delete(handle);
        break;
      case ChunkOp.Spoken:
        for (const [handle, text] of chunk[1]) {
          const body = this.bodies.get(handle);
          if (body) body.line = { text, step };
        }
        break;
    }
  }

  private enter([handle, character, name, motion]: Body, step: number): void {
    const before = this.bodies.get(handle);
    const same = before?.character === character ? before : undefined;
    const body: SeenBody = { handle, character, name, segments: same?.segments ?? [], line: same?.line };
    this.bodies.set(handle, body);
    unpack(motion, step, () => undefined, (_, segment) => this.move(handle, segment));
  }

  private newest(handle: number): Segment | undefined {
    return this.bodies.get(handle)?.segments.at(-1);
  }

  private move(handle: number, segment: Segment): void {
    const segments = this.bodies.get(handle)?.segments;
    if (!segments) return;
    while (segments.length > 0 && segments.at(-1)!.from >= segment.from) segments.pop();
    segments.push(segment);
    if (segments.length > HISTORY) segments.shift();
  }

  /** Where a body stands at a (fractional) `step`; [x, y] in 1/256 px. */
  position(body: SeenBody, step: number): [number, number] {
    const whole = Math.floor(step);
    const [x0, y0] = this.positionAtWhole(body, whole);
    const [x1, y1] = this.positionAtWhole(body, whole + 1);
    const part = step - whole;
    return [x0 + (x1 - x0) * part, y0 + (y1 - y0) * part];
  }

  private positionAtWhole(body: SeenBody, step: number): [number, number] {
    for (let i = body.segments.length - 1; i > 0; i--) {
      const segment = body.segments[i]!;
      if (segment.from <= step) return positionAt(segment, step);
    }
    return positionAt(body.segments[0]!, step);
  }
}
