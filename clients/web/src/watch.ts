/** The page without a character: it shows an area as it lives, or as it was recorded. */
import { type Screen, SUBPIXELS, Watch, type WatchFrom } from "@worldline/sdk";

import { Camera } from "./camera.ts";
import { element, showPanel } from "./dom.ts";
import { loadMap } from "./map.ts";
import { DELAY, Renderer, ZOOM } from "./render.ts";
import { jump, prepareTimeBar, showMoment, stands, toggleTime } from "./time_bar.ts";
import { address } from "./watch_address.ts";

const status = element<HTMLParagraphElement>("status");
const game = element<HTMLCanvasElement>("game");
const areas = element<HTMLSelectElement>("watch-area");
const follows = element<HTMLSelectElement>("watch-follow");

/** The lists and the address are kept up to date so often, ms. */
const LISTS_MILLIS = 500;
/** The names of all that were seen, by their ids. */
const names = new Map<string, string>();

function say(text: string): void {
  status.textContent = text;
  status.hidden = text === "";
}

/** Watches until the page is left. */
export function startWatching(from: WatchFrom, base = location.href): void {
  const url = new URL("/v1/ws", base);
  url.protocol = url.protocol.replace("http", "ws");
  showPanel("none");
  element("watch-bar").hidden = false;
  document.title = "Worldline: watching";

  const renderer = new Renderer(game);
  const watch: Watch = new Watch(url.href, from, {
    area: (screen) => {
      document.body.dataset["area"] = screen.area;
      say("");
      camera.pictured(screen);
      void loadMap(screen.mapUrl).then((map) => renderer.show(map));
    },
    playing: (playing) => stands(playing),
    transit: (area) => watch.follow && watch.observe(area),
    areas: (names) => list(areas, names.map((name) => [name, name]), watch.screen.area),
    notice: (_, message) => say(message),
    lost: () => say("Connection lost; reconnecting…"),
    ended: (_, why) => say(why ? `The server says: ${why}.` : "The server does not answer."),
  }, "web 0.1.0");
  const camera = new Camera(watch, game, () => ZOOM, () => (follows.value = ""));
  // For people with a console, and for the browser test.
  Object.assign(globalThis, { worldline: watch });

  prepareTimeBar({ play: (speed, at) => watch.play(speed, at) });
  areas.addEventListener("change", () => watch.observe(areas.value));
  areas.addEventListener("focus", () => watch.askAreas());
  follows.addEventListener("change", () => {
    const now = performance.now();
    const { x, y } = camera.at(watch.screen, watch.clock.step(now), now) ?? { x: 0, y: 0 };
    watch.look(x * SUBPIXELS, y * SUBPIXELS, follows.value);
  });
  addEventListener("keydown", (event) => {
    if (document.activeElement !== document.body && document.activeElement !== game) return;
    if (event.code === "Space") toggleTime();
    else if (event.code === "KeyJ") jump(-10_000);
    else if (event.code === "KeyL") jump(10_000);
    else return;
    event.preventDefault();
  });
  setInterval(() => keepUp(watch), LISTS_MILLIS);

  let delay = 0;
  const draw = (now: number) => {
    const { clock, screen } = watch;
    // Standing still, a moment is shown as it was; going on, late enough that what is drawn has arrived.
    const wanted = clock.rate === 0 ? 0 : DELAY * Math.max(1, clock.rate);
    delay += (wanted - delay) * 0.1;
    const step = clock.step(now) - delay;
    if (screen.area) renderer.draw(screen, step, camera.at(screen, step, now));
    showMoment(watch.at(now));
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}

/** The lists of who and what can be seen, and an address that leads here again. */
function keepUp(watch: Watch): void {
  const { screen, playing } = watch;
  if (!screen.area) return;
  for (const { character, name } of screen.bodies.values()) names.set(character, name);
  // Whom one follows by name has been found.
  const followed = screen.bodies.get(screen.own);
  if (watch.follow && followed) watch.follow = followed.character;
  if (areas.options.length === 0) watch.askAreas();
  if (document.activeElement !== follows) list(follows, [["", "nobody"], ...seen(screen, watch.follow)], watch.follow);
  if (document.activeElement !== areas) areas.value = screen.area;
  const here = address(screen.area, playing && watch.at(performance.now()), playing?.speed, watch.follow);
  if (location.search !== here) history.replaceState(null, "", location.pathname + here);
}

/** Who is in view, by name; whom one follows too, if they are out of sight. */
function seen(screen: Screen, followed: string): [string, string][] {
  const bodies = [...screen.bodies.values()].map(({ character, name }): [string, string] => [character, name || character]);
  bodies.sort(([, one], [, other]) => one.localeCompare(other));
  const inView = bodies.some(([character]) => character === followed);
  if (followed && !inView) bodies.push([followed, `${names.get(followed) ?? followed} (not here)`]);
  return bodies;
}

function list(select: HTMLSelectElement, entries: [value: string, text: string][], chosen: string): void {
  const same = select.options.length === entries.length &&
    entries.every(([value, text], at) => select.options[at]!.value === value && select.options[at]!.text === text);
  if (!same) select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  if (select.value !== chosen) select.value = chosen;
}
