/** The server's step, estimated from the frames that arrive; of a recorded world, as it is told. */
import { STEP_MILLIS } from "./generated.ts";

/** Within so many steps (at the speed they were played) a recorded world's clock is corrected gently. */
const GENTLY = 12;

/**
 * Follows the earliest arrivals closely and forgets them slowly: a frame can be late for many
 * reasons, but never early; and a busy area may run slow for good.
 */
export class Clock {
  /** Local time at which step 0 would have been seen at this rate, ms. */
  private origin: number | undefined;
  /** Of a recorded world: where it stands, and when that was. */
  private told: { step: number; now: number } | undefined;
  /** Steps that go by in the time of one; 0 while a recorded world stands still. */
  private pace = 1;

  /** How fast it goes; 1: as fast as the living world. */
  get rate(): number {
    return this.pace;
  }

  /** Notes that a frame whose newest step is `step` arrived at `now` (ms of a monotonic clock). */
  saw(step: number, now: number): void {
    if (this.told) return;
    const sample = now - step * STEP_MILLIS;
    if (this.origin === undefined || Math.abs(sample - this.origin) > 2_000) this.origin = sample;
    else this.origin += (sample - this.origin) * (sample < this.origin ? 0.5 : 0.02);
  }

  /** A recorded world stands at `step` and goes on at `rate`; frames do not tell the time any more. */
  stands(step: number, now: number, rate: number): void {
    const shown = this.step(now);
    const off = step - shown;
    const gently = this.told !== undefined && rate === this.pace && rate > 0 && Math.abs(off) < GENTLY * Math.max(1, rate);
    this.told = { step: gently ? shown + off * 0.2 : step, now };
    this.pace = rate;
  }

  /** The step being executed at `now`, with its fraction; 0 before the first frame. */
  step(now: number): number {
    if (this.told) return this.told.step + ((now - this.told.now) / STEP_MILLIS) * this.pace;
    return this.origin === undefined ? 0 : (now - this.origin) / STEP_MILLIS;
  }

  /** Forget everything: another area has another clock. */
  reset(): void {
    this.origin = undefined;
    this.told = undefined;
    this.pace = 1;
  }
}
