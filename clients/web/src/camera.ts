/** Where an observer's page looks: along with somebody, or wherever it is dragged to. */
import { NO_BODY, type Screen, SUBPIXELS, type Watch } from "@worldline/sdk";

/** The server is told no more often while somebody drags. */
const TELL_MILLIS = 150;
/** How far a held key goes in a second, px. */
const KEY_SPEED = 400;

const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Camera {
  /** The middle of the picture, px of the world; none: nothing is known yet. */
  private middle: { x: number; y: number } | undefined;
  private told = 0;
  private untold = false;
  private readonly held = new Set<string>();
  private drawn = 0;

  constructor(
    private readonly watch: Watch,
    canvas: HTMLCanvasElement,
    private readonly zoom: () => number,
    private readonly freed: () => void,
  ) {
    let from: { x: number; y: number } | undefined;
    canvas.addEventListener("pointerdown", (event) => {
      from = { x: event.clientX, y: event.clientY };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (this.watch.follow && Math.hypot(dx, dy) < 8) return;
      this.move(-dx / this.zoom(), -dy / this.zoom());
      from = { x: event.clientX, y: event.clientY };
    });
    for (const end of ["pointerup", "pointercancel"] as const) canvas.addEventListener(end, () => (from = undefined));
    addEventListener("keydown", (event) => {
      if (!(event.code in DIRECTIONS) || !onCanvas() || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.held.add(event.code);
    });
    addEventListener("keyup", (event) => this.held.delete(event.code));
    addEventListener("blur", () => this.held.clear());
  }

  /** Another picture: of whatever stands in its middle. */
  pictured(screen: Screen): void {
    if (screen.own !== NO_BODY) this.middle = undefined;
  }

  /** The middle of the picture at `step`, px; none while nobody was seen and nobody has looked anywhere. */
  at(screen: Screen, step: number, now: number): { x: number; y: number } | undefined {
    this.pan(now);
    const body = screen.bodies.get(screen.own) ?? (this.middle ? undefined : screen.bodies.values().next().value);
    if (body && !this.untold) {
      const [x, y] = screen.position(body, step);
      // Where they go out of sight is where to look on.
      this.middle = { x: x / SUBPIXELS, y: y / SUBPIXELS };
    }
    if (this.untold && now - this.told >= TELL_MILLIS) {
      this.told = now;
      this.untold = false;
      this.watch.look(this.middle!.x * SUBPIXELS, this.middle!.y * SUBPIXELS);
    }
    return this.middle;
  }

  private pan(now: number): void {
    const passed = Math.min(100, now - this.drawn) / 1_000;
    this.drawn = now;
    let [x, y] = [0, 0];
    for (const code of this.held) {
      x += DIRECTIONS[code]![0];
      y += DIRECTIONS[code]![1];
    }
    if (x || y) this.move(x * KEY_SPEED * passed, y * KEY_SPEED * passed);
  }

  private move(x: number, y: number): void {
    if (!this.middle) return;
    if (this.watch.follow) {
      this.watch.follow = "";
      this.freed();
    }
    this.watch.screen.own = NO_BODY;
    this.middle = { x: this.middle.x + x, y: this.middle.y + y };
    this.untold = true;
  }
}

function onCanvas(): boolean {
  return document.activeElement === document.body || document.activeElement instanceof HTMLCanvasElement;
}
