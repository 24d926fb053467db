/** The time bar: where a recorded world stands, to stop it, to seek in it, and how fast it goes. */
import type { Playing } from "@worldline/sdk";

import { element } from "./dom.ts";

/** What somebody wants who uses the bar. */
export interface Wishes {
  /** Go on at this speed (0: stand still), from that moment if one is given. */
  play(speed: number, at?: number): void;
}

const bar = element("time-bar");
const toggle = element<HTMLButtonElement>("time-toggle");
const slider = element<HTMLInputElement>("time-slider");
const shown = element<HTMLTimeElement>("time-shown");
const speeds = element<HTMLSelectElement>("time-speed");
const state = element("time-state");

/** While somebody drags, a seek is asked for no more often. */
const DRAG_MILLIS = 300;
/** How far the buttons and keys jump, ms. */
const JUMP_MILLIS = 10_000;

let playing: Playing | undefined;
/** The speed to go on with after standing still. */
let speed = 1;
let dragging = false;
let wishes: Wishes;

/** Prepares the bar. */
export function prepareTimeBar(of: Wishes): void {
  wishes = of;
  toggle.addEventListener("click", () => toggleTime());
  element("time-back").addEventListener("click", () => jump(-JUMP_MILLIS));
  element("time-forth").addEventListener("click", () => jump(JUMP_MILLIS));
  speeds.addEventListener("change", () => {
    speed = Number(speeds.value);
    if (goes()) wishes.play(speed);
  });
  let asked = 0;
  slider.addEventListener("input", () => {
    dragging = true;
    tell(Number(slider.value));
    if (performance.now() - asked < DRAG_MILLIS) return;
    asked = performance.now();
    seek(Number(slider.value));
  });
  slider.addEventListener("change", () => {
    dragging = false;
    seek(Number(slider.value));
  });
}

/** Stops a recorded world, or lets it go on; from its end, from its beginning. */
export function toggleTime(): void {
  if (!playing) return;
  if (playing.state === "ended") wishes.play(speed, playing.from);
  else wishes.play(goes() ? 0 : speed);
}

/** Goes so many milliseconds back or forth. */
export function jump(by: number): void {
  if (playing) seek(Number(slider.value) + by);
}

function goes(): boolean {
  return playing !== undefined && playing.speed > 0;
}

function seek(at: number): void {
  if (!playing) return;
  const { from, to } = playing;
  wishes.play(goes() ? speed : 0, Math.max(from, Math.min(to, at)));
}

/** The world says where it stands. */
export function stands(told: Playing): void {
  const stops = !playing || goes() !== told.speed > 0 || playing.state !== told.state;
  playing = told;
  bar.hidden = false;
  if (told.speed > 0) choose(told.speed);
  slider.min = String(told.from);
  slider.max = String(told.to);
  if (stops) {
    toggle.textContent = goes() && told.state !== "ended" ? "❚❚" : "▶";
    toggle.setAttribute("aria-label", goes() && told.state !== "ended" ? "Stand still" : "Go on");
    state.textContent = told.state === "seeking" ? "Looking for it…" : told.state === "ended" ? "The recording ends here." : "";
  }
}

/** Shows the moment, as often as one likes. */
export function showMoment(at: number): void {
  if (!playing || dragging || at <= 0) return;
  slider.value = String(Math.round(at));
  tell(at);
}

function tell(at: number): void {
  const text = timeText(at);
  if (shown.textContent === text) return;
  shown.textContent = text;
  shown.dateTime = new Date(at).toISOString();
  slider.setAttribute("aria-valuetext", text);
}

/** `2026-01-31 12:00:00.0`, UTC as everywhere in the log. */
export function timeText(at: number): string {
  return new Date(at).toISOString().replace("T", " ").slice(0, 21);
}

/** Shows a speed in the list, even one that is not on it. */
function choose(times: number): void {
  speed = times;
  const value = String(times);
  if (speeds.value === value) return;
  if (![...speeds.options].some((option) => option.value === value)) speeds.add(new Option(`${value}×`, value));
  speeds.value = value;
}
