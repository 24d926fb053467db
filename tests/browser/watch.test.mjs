// Looking on, and looking back: a page without a character sees a living area, and a recorded one with its time bar.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Player, startBrowser, startStack, startWatch } from "./stack.mjs";

let stack;
let browser;
before(async () => {
  stack = await startStack({ WORLDLINE_EDGE_OBSERVERS: "4" });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  const code = await stack?.stop();
  assert.equal(code, 0, "SIGTERM ends the stack in order");
});

/** Opens an address, and waits until something of the world is drawn there. */
async function open(url) {
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 600 } })).newPage();
  page.on("pageerror", (error) => assert.fail(`the page has failed: ${error}`));
  await page.goto(url);
  const watcher = new Player(page, "Ann");
  await watcher.until((worldline) => worldline.screen.area !== "");
  return watcher;
}

/** Ann's newest segment. */
const segmentOf = (worldline, name) =>
  [...worldline.screen.bodies.values()].find((seen) => seen.name === name)?.segments.at(-1);
const flies = `(worldline, name) => (${segmentOf})(worldline, name)?.mode === 1`;
const stands = `(worldline, name) => (${segmentOf})(worldline, name)?.mode === 0`;
const shot = async (page, name) => {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
};

/** Stops a recorded world while Ann is in the air; where that comes too late, from the same moment again, and slower. */
async function stopInTheAir(past, from) {
  for (const speed of [0.25, 0.1, 0.05]) {
    await past.page.evaluate((play) => globalThis.worldline.play(...play), [speed, from]);
    await past.until(flies);
    await past.page.getByRole("button", { name: "Stand still" }).click();
    await past.until((worldline) => worldline.playing.state === "paused");
    if (await past.page.evaluate(`(${flies})(globalThis.worldline, "Ann")`)) return;
  }
  assert.fail("she has landed each time before it stood still");
}

test("a jump is seen from outside while it happens, and again afterwards", async () => {
  const ann = await Player.join(browser, stack.url, "Ann");
  await ann.until(stands);
  const area = await ann.page.evaluate(() => globalThis.worldline.screen.area);

  const living = await open(`${stack.url}/?watch=${area}&follow=Ann`);
  await living.until((worldline, name) => worldline.screen.bodies.get(worldline.screen.own)?.name === name);
  assert.equal(await living.page.locator("#time-bar").isVisible(), false, "nobody stops the living");
  const stood = Date.now();
  await ann.holding(["ArrowUp"], async () => {
    await Promise.all([ann.until(flies), living.until(flies)]);
  });
  await Promise.all([ann.until(stands), living.until(stands)]);
  const landed = Date.now();
  await ann.page.keyboard.press("Enter");
  await ann.page.keyboard.type("What a view!");
  await ann.page.keyboard.press("Enter");
  const said = `(worldline, name) => [...worldline.screen.bodies.values()].some((body) => body.line?.text === "What a view!")`;
  await living.until(said);
  assert.equal(await ann.page.evaluate(() => globalThis.worldline.screen.bodies.size), 1, "observers are not seen");
  await shot(living.page, "observed");

  const from = ["--from", String(stood), "--speed", "0.25"];
  const watch = await startWatch(stack, "--area", area, "--follow", "Ann", ...from);
  try {
    const past = await open(watch.url);
    const { page } = past;
    const slider = page.getByRole("slider", { name: "Moment" });
    await slider.waitFor();
    await stopInTheAir(past, stood);
    const moment = await page.evaluate(() => globalThis.worldline.playing.at);
    assert.ok(stood < moment && moment < landed, `${moment} is between ${stood} and ${landed}, when she jumped`);
    const before = await past.sees("Ann");
    await page.waitForTimeout(300);
    assert.deepEqual(await past.sees("Ann"), before, "time stands still, in the middle of the air");
    await past.until(flies);
    const text = new Date(moment).toISOString().replace("T", " ").slice(0, 21);
    await past.until((_, name, wanted) => document.querySelector("#time-shown").textContent === wanted, text);
    await page.locator("#watch-follow option", { hasText: "Ann" }).waitFor({ state: "attached" });
    await shot(page, "past-jump");

    await page.getByLabel("Speed").selectOption("2");
    await page.getByRole("button", { name: "Go on" }).click();
    await past.until(stands);
    await past.until(said);
    await shot(page, "past-word");
    await page.getByRole("button", { name: "Stand still" }).click();
    await past.until((worldline) => worldline.playing.state === "paused");

    // Back to the beginning, where nobody was there yet, and forth again to the jump.
    await slider.focus();
    await page.keyboard.press("Home");
    await past.until((worldline) => worldline.playing.at === worldline.playing.from && worldline.screen.bodies.size === 0);
    await page.evaluate((at) => globalThis.worldline.play(0, at), moment);
    await past.until(flies);
    const again = await past.sees("Ann");
    assert.ok(Math.abs(again.x - before.x) < 1 && Math.abs(again.y - before.y) < 1, "the same moment looks the same");

    // What the address says is what a colleague sees.
    await page.waitForFunction((at) => new URLSearchParams(location.search).get("at") === String(at), moment);
    const colleague = await open(page.url());
    await colleague.until(flies);
  } finally {
    assert.equal(await watch.stop(), 0);
  }
});
