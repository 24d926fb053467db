// Two players in two tabs: what one does, the other sees.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Player, startBrowser, startStack } from "./stack.mjs";

let stack;
let browser;
before(async () => {
  stack = await startStack();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  const code = await stack?.stop();
  assert.equal(code, 0, "SIGTERM ends the stack in order");
});

const positionOf = (screen, clock, name) => {
  const body = [...screen.bodies.values()].find((seen) => seen.name === name);
  return body && screen.position(body, clock.step(performance.now())).map((unit) => unit / 256);
};

test("two players meet, walk, jump, speak, use a door and come back after a reload", async () => {
  const ann = await Player.join(browser, stack.url, "Ann");
  const ben = await Player.join(browser, stack.url, "Ben");
  await ann.until((worldline) => worldline.screen.bodies.size >= 2);
  await ben.until((worldline) => worldline.screen.bodies.size >= 2);

  const start = await ben.sees("Ann");
  await ann.holding(["ArrowRight"], () =>
    ben.until(
      `(worldline, name, from) => (${positionOf})(worldline.screen, worldline.clock, "Ann")?.[0] > from + 12`,
      start.x,
    ),
  );
  const ground = await ben.sees("Ann");
  await ann.holding(["ArrowUp"], () =>
    ben.until(
      `(worldline, name, from) => (${positionOf})(worldline.screen, worldline.clock, "Ann")?.[1] < from - 8`,
      ground.y,
    ),
  );
  await ben.until((worldline) => {
    const body = [...worldline.screen.bodies.values()].find((seen) => seen.name === "Ann");
    return body?.segments.at(-1).mode === 0;
  });

  await ann.page.keyboard.press("Enter");
  await ann.page.keyboard.type("Ahoy, Ben! ⚓");
  await ann.page.keyboard.press("Enter");
  await ben.until((worldline) =>
    [...worldline.screen.bodies.values()].some((body) => body.name === "Ann" && body.line?.text === "Ahoy, Ben! ⚓"),
  );
  if (process.env.SCREENSHOTS) await ben.page.screenshot({ path: `${process.env.SCREENSHOTS}/two-players.png` });

  const home = await ann.page.evaluate(() => globalThis.worldline.screen.area);
  const door = await walkToDoor(ann);
  await ann.page.keyboard.press("KeyE");
  await ann.isIn(door.to_area);
  await ben.until((worldline) => ![...worldline.screen.bodies.values()].some((body) => body.name === "Ann"));
  if (process.env.SCREENSHOTS) await ann.page.screenshot({ path: `${process.env.SCREENSHOTS}/other-area.png` });

  const stood = await ann.sees("Ann");
  await ann.page.reload();
  await ann.isIn(door.to_area);
  const stands = await ann.sees("Ann");
  assert.ok(Math.abs(stands.x - stood.x) < 2 && Math.abs(stands.y - stood.y) < 2, "a reload changes no position");

  await walkToDoor(ann, home);
  await ann.page.keyboard.press("KeyE");
  await ann.isIn(home);
});

/** Walks until the own body stands within a door (to `area`, if given); its door. */
async function walkToDoor(player, area) {
  const door = await player.page.evaluate(async (wanted) => {
    const map = await (await fetch(globalThis.worldline.screen.mapUrl)).json();
    return map.doors.find((one) => !wanted || one.to_area === wanted);
  }, area);
  // A slow machine hears late that the key is up: then the body stands beyond the door, and goes back.
  let here;
  do {
    await walkTowards(player, door);
    here = await player.sees(player.name);
  } while (!isWithin(here.x, door));
  return door;
}

const isWithin = (x, door) => x + 6 > door.x && x + 6 < door.x + door.width;

/** Walks towards the door, jumping whenever stuck, until the body is there or beyond; then lets it come to a stand. */
async function walkTowards(player, door) {
  const here = await player.sees(player.name);
  const [key, isThere] = here.x + 6 < door.x
    ? ["ArrowRight", (x, door) => x + 6 > door.x]
    : ["ArrowLeft", (x, door) => x + 6 < door.x + door.width];
  // A page that draws seldom may not see the body within the door at all.
  const arrived = player.until(`(worldline, name, door) => {
    const [x] = (${positionOf})(worldline.screen, worldline.clock, name);
    return (${isThere})(x, door);
  }`, door);
  let walking = true;
  const jumping = (async () => {
    let last = here.x;
    while (walking) {
      await player.page.waitForTimeout(300);
      const now = await player.sees(player.name);
      if (walking && now && Math.abs(now.x - last) < 1) await player.page.keyboard.press("ArrowUp", { delay: 250 });
      last = now?.x ?? last;
    }
  })();
  await player.holding([key], () => arrived);
  walking = false;
  await jumping;
  // Standing still again: the door is used from where the server sees the body.
  await player.until((worldline) => {
    const segment = worldline.screen.bodies.get(worldline.screen.own)?.segments.at(-1);
    return segment && segment.vx === 0 && segment.ax === 0 && segment.mode === 0;
  });
}
