// A real `worldline up` on a free port with data of its own, and a real browser.
import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const PROGRAM = process.env.WORLDLINE_BIN;
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** How long anything is waited for, ms: a slow machine draws a few pictures a second. */
export const PATIENCE = 40_000;

/** Starts the stack, with these settings in its environment; `stop` ends it in order and removes its data. */
export async function startStack(environment = {}) {
  if (!PROGRAM) throw new Error("WORLDLINE_BIN must name the worldline program");
  const dataDir = await mkdtemp(join(tmpdir(), "worldline-browser-"));
  // As root, the database runs as somebody else, who must get in.
  await chmod(dataDir, 0o755);
  const up = program(["--data-dir", dataDir, "up", "--port", "0", "--exit-after", "590"], environment);
  const stop = async () => {
    const code = await up.stop();
    await rm(dataDir, { recursive: true, force: true });
    return code;
  };
  const url = await up.ready.catch(async (error) => {
    await stop();
    throw error;
  });
  return { url, dataDir, stop };
}

/** Shows the past of a stack on an address of its own: `worldline replay watch` with these arguments. */
export async function startWatch(stack, ...args) {
  const watch = program(["--data-dir", stack.dataDir, "replay", "watch", "--listen", "127.0.0.1:0", ...args]);
  return { url: await watch.ready, stop: watch.stop };
}

/** Runs the program; `ready` is the address that it says it is ready at. */
function program(args, environment = {}) {
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...environment } });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("ready ")) resolve(line.slice(6));
    });
    ended.then((code) => reject(new Error(`worldline ${args.join(" ")} ended with ${code} before it was ready`)));
  });
  const stop = () => {
    child.kill("SIGTERM");
    return ended;
  };
  return { ready, stop };
}

/** Starts the browser that CHROMIUM names. */
export function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** A player in a tab of its own: what it sees, and what it does with its keyboard. */
export class Player {
  constructor(page, name) {
    this.page = page;
    this.name = name;
  }

  /** Opens the page and logs in as a guest. */
  static async join(browser, url, name) {
    const page = await (await browser.newContext({ viewport: { width: 900, height: 560 } })).newPage();
    page.on("pageerror", (error) => console.error(`${name}'s page: ${error}`));
    await page.goto(url);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Play" }).click();
    const player = new Player(page, name);
    await player.isIn();
    return player;
  }

  /** Waits until the own body stands in an area (of that name, if one is given). */
  isIn(area) {
    return this.until((worldline, name, wanted) => {
      const { screen } = worldline;
      return screen.bodies.get(screen.own)?.name === name && (!wanted || screen.area === wanted);
    }, area);
  }

  /** Waits until `condition(session, name, argument)` holds in the page. */
  until(condition, argument, who = this.name) {
    const source = `(${condition})(globalThis.worldline, ${JSON.stringify(who)}, ${JSON.stringify(argument)})`;
    return this.page.waitForFunction(`globalThis.worldline && ${source}`, undefined, { timeout: PATIENCE });
  }

  /** Where this player sees `name` now: {x, y} in px, or null when it is not in view. */
  sees(name) {
    return this.page.evaluate((who) => {
      const { screen, clock } = globalThis.worldline;
      const body = [...screen.bodies.values()].find((seen) => seen.name === who);
      if (!body) return null;
      const [x, y] = screen.position(body, clock.step(performance.now()));
      return { x: x / 256, y: y / 256 };
    }, name);
  }

  /** Holds keys while waiting for a condition in this player's page. */
  async holding(keys, wait) {
    for (const key of keys) await this.page.keyboard.down(key);
    try {
      await wait();
    } finally {
      for (const key of keys) await this.page.keyboard.up(key);
    }
  }
}
