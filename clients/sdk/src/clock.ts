/** The server's step, estimated from the frames that arrive. */
import { STEP_MILLIS } from "./generated.ts";

/**
 * Follows the earliest arrivals closely and forgets them slowly: a frame can be late for many
 * reasons, but never early; and a busy area may run slow for good.
 */
export class Clock {
  /** Local time at which step 0 would have been seen, ms. */
  private origin: number | undefined;

  /** Notes that a frame whose newest step is `step` arrived at `now` (ms of a monotonic clock). */
  saw(step: number, now: number): void {
    const sample = now - step * STEP_MILLIS;
    if (this.origin === undefined || Math.abs(sample - this.origin) > 2_000) this.origin = sample;
    else this.origin += (sample - this.origin) * (sample < this.origin ? 0.5 : 0.02);
  }

  /** The step being executed at `now`, with its fraction; 0 before the first frame. */
  step(now: number): number {
    return this.origin === undefined ? 0 : (now - this.origin) / STEP_MILLIS;
  }

  /** Forget everything: another area has another clock. */
  reset(): void {
    this.origin = undefined;
  }
}
