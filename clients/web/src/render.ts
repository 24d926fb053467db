/** The picture: tiles, doors, bodies with their names and lines, around the own body. */
import { type Screen, type SeenBody, SUBPIXELS, STEP_MILLIS } from "@worldline/sdk";

import type { LoadedMap } from "./map.ts";

/**
 * How far behind the server's step bodies are drawn, in steps: long enough that the frame that
 * tells a change has arrived before the change is due.
 */
export const DELAY = 5;
/** A body's size, px; `BODY_WIDTH` and `BODY_HEIGHT` of the world's rules. */
const BODY = { width: 12, height: 24 };
/** How long a spoken line stands over a head, ms. */
const LINE_MILLIS = 6_000;
/** Screen pixels per pixel of the world. */
export const ZOOM = 2;

export class Renderer {
  private readonly context: CanvasRenderingContext2D;
  private map: LoadedMap | undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("This browser has no canvas.");
    this.context = context;
  }

  show(map: LoadedMap): void {
    this.map = map;
  }

  /** Draws the screen as it stood at step `at`, around `middle` (px), the own body, or the middle of the ground. */
  draw(screen: Screen, at: number, middle?: { x: number; y: number }): void {
    const { canvas, context } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(innerWidth * ratio), Math.round(innerHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#7fb4e6";
    context.fillRect(0, 0, width, height);
    if (!this.map) return;

    const placed = [...screen.bodies.values()].map((body) => {
      const [x, y] = screen.position(body, at);
      return { body, x: x / SUBPIXELS, y: y / SUBPIXELS };
    });
    const own = placed.find(({ body }) => body.handle === screen.own);
    const scale = ZOOM * ratio;
    const { map } = this.map;
    const { x, y } = middle ?? own ?? { x: (map.width * map.tile_px) / 2, y: map.height * map.tile_px };
    const view = this.camera(x, y, width / scale, height / scale);
    context.setTransform(scale, 0, 0, scale, -Math.round(view.x * scale), -Math.round(view.y * scale));
    this.drawTiles(view);
    this.drawDoors();
    for (const { body, x, y } of placed) this.drawBody(body, x, y, body.handle === screen.own);
    for (const { body, x, y } of placed) this.drawWords(body, x, y, at);
  }

  private camera(x: number, y: number, width: number, height: number) {
    const map = this.map!.map;
    const within = (middle: number, seen: number, whole: number) =>
      whole <= seen ? (whole - seen) / 2 : Math.max(0, Math.min(whole - seen, middle - seen / 2));
    return {
      x: within(x + BODY.width / 2, width, map.width * map.tile_px),
      y: within(y + BODY.height / 2, height, map.height * map.tile_px),
      width,
      height,
    };
  }

  private drawTiles(view: { x: number; y: number; width: number; height: number }): void {
    const { map, tiles } = this.map!;
    const px = map.tile_px;
    const first = { column: Math.max(0, Math.floor(view.x / px)), row: Math.max(0, Math.floor(view.y / px)) };
    const last = {
      column: Math.min(map.width - 1, Math.floor((view.x + view.width) / px)),
      row: Math.min(map.height - 1, Math.floor((view.y + view.height) / px)),
    };
    for (const layer of map.layers) {
      for (let row = first.row; row <= last.row; row++) {
        for (let column = first.column; column <= last.column; column++) {
          const tile = (layer.tiles[row * map.width + column] ?? 0) - 1;
          if (tile < 0) continue;
          const [sx, sy] = [(tile % map.tileset.columns) * px, Math.floor(tile / map.tileset.columns) * px];
          this.context.drawImage(tiles, sx, sy, px, px, column * px, row * px, px, px);
        }
      }
    }
  }

  private drawDoors(): void {
    const { context } = this;
    context.textAlign = "center";
    context.font = "6px system-ui, sans-serif";
    for (const door of this.map!.map.doors) {
      context.fillStyle = "#0006";
      context.fillRect(door.x, door.y, door.width, door.height);
      context.fillStyle = "#fff";
      context.fillText(`E: ${door.to_area}`, door.x + door.width / 2, door.y - 3);
    }
  }

  private drawBody(body: SeenBody, x: number, y: number, own: boolean): void {
    const { context } = this;
    const hue = [...body.character].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
    context.fillStyle = `hsl(${hue} 65% ${own ? 55 : 45}%)`;
    context.beginPath();
    context.roundRect(x, y, BODY.width, BODY.height, 4);
    context.fill();
    if (own) {
      context.strokeStyle = "#fff";
      context.lineWidth = 1;
      context.stroke();
    }
    const facing = Math.sign(body.segments.at(-1)?.vx ?? 0);
    context.fillStyle = "#fff";
    context.fillRect(x + BODY.width / 2 - 3 + facing * 2, y + 5, 2, 3);
    context.fillRect(x + BODY.width / 2 + 1 + facing * 2, y + 5, 2, 3);
  }

  private drawWords(body: SeenBody, x: number, y: number, step: number): void {
    const { context } = this;
    const middle = x + BODY.width / 2;
    context.textAlign = "center";
    context.font = "7px system-ui, sans-serif";
    outlined(context, body.name, middle, y - 3, "#fff");
    if (!body.line || (step - body.line.step) * STEP_MILLIS > LINE_MILLIS) return;
    const lines = wrapped(body.line.text, 32);
    lines.forEach((text, index) => outlined(context, text, middle, y - 13 - (lines.length - 1 - index) * 8, "#ffe9a8"));
  }
}

function outlined(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string): void {
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/** Breaks a line into rows of about `width` letters, at most six. */
export function wrapped(text: string, width: number): string[] {
  const rows: string[] = [];
  for (const word of text.split(/\s+/)) {
    const row = rows.at(-1);
    if (row !== undefined && row.length + 1 + word.length <= width) rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(word.slice(0, width * 2));
  }
  return rows.length > 6 ? [...rows.slice(0, 5), `${rows[5]}…`] : rows;
}
