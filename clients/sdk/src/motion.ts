/**
 * Packed motion and trajectory segments; the twin of `schemas/src/{segment,motion}.rs`.
 *
 * All lengths are integers of 1/256 px, all times steps of 20 ms, so that this arithmetic and
 * the server's agree to the bit (every value stays far below 2^53).
 */
import { MotionFlag } from "./generated.ts";

/** One stretch of motion with constant acceleration, valid from `from` until `until`. */
export interface Segment {
  /** At the end of this step the body stands at (x, y). */
  from: number;
  x: number;
  y: number;
  vx: number;
  vy: number;
  ax: number;
  ay: number;
  /** 0 ground, 1 air. */
  mode: number;
  /** The body is held where it is then; Infinity for a body at rest. */
  until: number;
}

/** Where a body stands at the end of a whole `step`, held at `until`; [x, y] in 1/256 px. */
export function positionAt(segment: Segment, step: number): [number, number] {
  const n = Math.max(0, Math.min(step, segment.until) - segment.from);
  const gained = (n * (n + 1)) / 2;
  return [
    segment.x + n * segment.vx + segment.ax * gained,
    segment.y + n * segment.vy + segment.ay * gained,
  ];
}

/** The same motion told from `step` on. */
export function rebased(segment: Segment, step: number): Segment {
  const at = Math.max(segment.from, Math.min(step, segment.until));
  const n = at - segment.from;
  const [x, y] = positionAt(segment, at);
  return { ...segment, from: at, x, y, vx: segment.vx + n * segment.ax, vy: segment.vy + n * segment.ay };
}

/** Packed motion that does not follow the format, or continues a body that is not known. */
export class MotionError extends Error {}

const FULL =
  MotionFlag.Ax | MotionFlag.Ay | MotionFlag.Vx | MotionFlag.Vy | MotionFlag.Mode | MotionFlag.X | MotionFlag.Y;

/**
 * Unpacks every record in order, telling each to `found` at once, so that a later record of the
 * same body continues the earlier one. `known` answers with a body's newest segment.
 */
export function unpack(
  list: readonly number[],
  base: number,
  known: (handle: number) => Segment | undefined,
  found: (handle: number, segment: Segment) => void,
): void {
  let at = 0;
  const next = (): number => {
    const value = list[at++];
    if (value === undefined) throw new MotionError(`packed motion ends within a record, after ${list.length} integers`);
    return value;
  };
  while (at < list.length) {
    const handle = next();
    const flags = next();
    const from = base + next();
    const length = next();
    const before = known(handle);
    if (!before && (flags & FULL) !== FULL) {
      throw new MotionError(`packed motion continues body ${handle}, which is not known here`);
    }
    const segment: Segment = before
      ? rebased(before, from)
      : { from, x: 0, y: 0, vx: 0, vy: 0, ax: 0, ay: 0, mode: 0, until: 0 };
    segment.from = from;
    segment.until = length === -1 ? Infinity : from + length;
    if (flags & MotionFlag.Ax) segment.ax = next();
    if (flags & MotionFlag.Ay) segment.ay = next();
    if (flags & MotionFlag.Vx) segment.vx = next();
    if (flags & MotionFlag.Vy) segment.vy = next();
    if (flags & MotionFlag.Mode) segment.mode = next();
    if (flags & MotionFlag.Input) next();
    if (flags & MotionFlag.X) segment.x = next();
    if (flags & MotionFlag.Y) segment.y = next();
    for (const flag of [MotionFlag.Coyote, MotionFlag.Buffer, MotionFlag.Drop, MotionFlag.Stun]) {
      if (flags & flag) next();
    }
    found(handle, segment);
  }
}
