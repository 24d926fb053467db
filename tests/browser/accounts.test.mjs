// Accounts in the page: passwords, characters, providers, devices, and one place for each character.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { PATIENCE, Player, startBrowser, startStack } from "./stack.mjs";

const PASSWORD = "seven tidy gulls on a mast";

let stack;
let browser;
before(async () => {
  stack = await startStack();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

/** A browser of its own, with the page open. */
async function open(context) {
  context ??= await browser.newContext({ viewport: { width: 900, height: 700 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(`the page has failed: ${error}`));
  await page.goto(stack.url);
  return page;
}

const login = (page) => page.locator("#login");
const button = (where, name) => where.getByRole("button", { name, exact: true });
const seen = (locator) => locator.waitFor({ timeout: PATIENCE });
const heading = (page, name) => seen(page.getByRole("heading", { name }));

async function fillIn(page, name, password) {
  await login(page).getByLabel("Login name").fill(name);
  await login(page).getByLabel("Password", { exact: true }).fill(password);
}

async function createAccount(page, name) {
  await button(login(page), "Create an account").click();
  await fillIn(page, name, PASSWORD);
  await button(login(page), "Create account").click();
  await heading(page, "Your characters");
}

async function logIn(page, name, password = PASSWORD) {
  await fillIn(page, name, password);
  await button(login(page), "Log in").click();
}

async function createCharacter(page, name) {
  await page.getByLabel("Name of a new character").fill(name);
  await button(page, "Create").click();
  await seen(button(page, `Play ${name}`));
}

async function play(page, name) {
  await button(page, `Play ${name}`).click();
  const player = new Player(page, name);
  await player.isIn();
  return player;
}

async function openMenu(page) {
  await button(page, "Menu").click();
  await seen(page.locator("#menu"));
  return page.locator("#menu");
}

const standing = (player) =>
  player.until((worldline) => {
    const segment = worldline.screen.bodies.get(worldline.screen.own)?.segments.at(-1);
    return segment && segment.vx === 0 && segment.ax === 0 && segment.mode === 0;
  });

test("an account: create, play, log out, log in again, and stand where one stood", async () => {
  const page = await open();
  await createAccount(page, "cara");
  await createCharacter(page, "Cara");
  const player = await play(page, "Cara");
  await standing(player);
  const start = await player.sees("Cara");
  await player.holding(["ArrowRight"], () =>
    player.until((worldline, _, from) => {
      const { screen, clock } = worldline;
      return screen.position(screen.bodies.get(screen.own), clock.step(performance.now()))[0] / 256 > from + 12;
    }, start.x),
  );
  await standing(player);
  const stood = await player.sees("Cara");
  const area = await page.evaluate(() => globalThis.worldline.screen.area);

  // What a script can see holds nothing that lets anybody in.
  const readable = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(readable, /[\w-]{40,}/, "no token is in reach of a script");

  await page.reload();
  await player.isIn(area);
  const reloaded = await player.sees("Cara");
  assert.ok(Math.abs(reloaded.x - stood.x) < 2, "a reload changes nothing");

  await button(await openMenu(page), "Log out").click();
  await seen(login(page).getByText("You are logged out."));
  await logIn(page, "cara", "not this one, surely");
  await seen(page.locator("#password-problem:not(:empty)"));
  assert.match(await page.locator("#password-problem").textContent(), /password/i);

  await logIn(page, "cara");
  await heading(page, "Your characters");
  await seen(page.getByText(`last in ${area}`));
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/characters.png` });
  await play(page, "Cara");
  await player.isIn(area);
  const stands = await player.sees("Cara");
  assert.ok(Math.abs(stands.x - stood.x) < 2 && Math.abs(stands.y - stood.y) < 2, "the last place is restored");

  // Another tab of the same browser takes the character over, and the first one says so.
  const tab = await open(page.context());
  await heading(tab, "Your characters");
  await play(tab, "Cara");
  await heading(page, "Playing elsewhere");
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/elsewhere.png` });
  await button(page, "Play here").click();
  await player.isIn(area);
  await heading(tab, "Playing elsewhere");
});

test("a device that is logged out from another one is told so", async () => {
  const here = await open();
  await createAccount(here, "dora");
  await createCharacter(here, "Dora");
  const there = await open();
  await logIn(there, "dora");
  await play(there, "Dora");

  const menu = await openMenu(here);
  await menu.getByText("Where you are logged in").click();
  await button(menu, /^End the login/).click();
  await seen(menu.getByText(/is logged out\.$/));
  await heading(there, "You have left the world");
  await button(there, "Characters").click();
  await seen(login(there).locator("#login-reason:not(:empty)"));
});

test("another password ends the other logins, and logging out everywhere ends all", async () => {
  const here = await open();
  await createAccount(here, "hilda");
  const there = await open();
  await logIn(there, "hilda");
  await heading(there, "Your characters");

  const menu = await openMenu(here);
  await menu.getByText("Change the password").click();
  const change = async (old) => {
    await menu.getByLabel("Password until now").fill(old);
    await menu.locator("#change-new").fill(`${PASSWORD}, twice`);
    await button(menu, "Change").click();
  };
  await change("not this one, surely");
  await seen(menu.locator("#change-problem:not(:empty)"));
  await change(PASSWORD);
  await seen(menu.getByText("The password is changed."));

  await there.reload();
  await seen(login(there).locator("#login-reason:not(:empty)"));
  await logIn(there, "hilda", `${PASSWORD}, twice`);
  await heading(there, "Your characters");

  await menu.getByText("Where you are logged in").click();
  await button(menu, "Log out everywhere").click();
  await seen(login(here).getByText("You are logged out."));
  await there.reload();
  await seen(login(there).locator("#login-reason:not(:empty)"));
});

test("a deleted character can be restored, and a name has one bearer", async () => {
  const page = await open();
  await createAccount(page, "edda");
  await createCharacter(page, "Edda");
  await button(page, "Delete Edda").click();
  await button(page.locator("#confirm"), "Delete").click();
  await button(page, "Restore Edda").click();
  await seen(button(page, "Play Edda"));

  await page.getByLabel("Name of a new character").fill("Edda");
  await button(page, "Create").click();
  await seen(page.locator("#create-problem").getByText(/How about/));
});

test("who guesses has to wait, and is told for how long", async () => {
  const page = await open();
  const locked = page.locator("#password-problem").getByText(/You can try again in \d+ second/);
  for (let guess = 1; !(await locked.isVisible()); guess++) {
    assert.ok(guess <= 12, "the name is locked after a few failures");
    await logIn(page, "greta", `guess number ${guess}`);
    await seen(page.locator("#password-login:not([aria-busy]) #password-problem:not(:empty)"));
  }
  // The button counts, and the other ways stay open.
  assert.match((await page.locator("#password-submit").getAttribute("data-wait")) ?? "0:00", /^\d+:\d\d$/);
  await page.getByLabel("Your name").fill("Greta");
  await button(page, "Play").click();
  await new Player(page, "Greta").isIn();
});

test("a guest keeps the character with a name and a password", async () => {
  const guest = await Player.join(browser, stack.url, "Finn");
  const menu = await openMenu(guest.page);
  await menu.getByLabel("Login name").fill("finn");
  await menu.locator("#keep-password").fill(PASSWORD);
  await button(menu, "Keep").click();
  await seen(menu.getByText("The character is yours."));
  await button(menu, "Close").click();
  await guest.page.reload();
  await guest.isIn();

  const elsewhere = await open();
  await logIn(elsewhere, "finn");
  await play(elsewhere, "Finn");
  await heading(guest.page, "Playing elsewhere");
});

/** The cookies that a browser holds for the server, by name. */
async function cookies(page) {
  const held = await page.context().cookies();
  return new Map(held.map((cookie) => [cookie.name, cookie]));
}

/** Goes on at the provider as somebody, from the page there; what the browser holds on the way. */
async function choose(page, persona) {
  const link = page.getByRole("link", { name: persona });
  await seen(link);
  const attempt = (await cookies(page)).get("worldline_oidc");
  assert.ok(attempt?.httpOnly && attempt.sameSite === "Lax" && attempt.path === "/v1/oidc", "the attempt is in a cookie");
  await link.click();
}

const toProvider = (page) => page.getByRole("link", { name: /^Continue with/ }).first().click();

test("a provider's word is enough", async () => {
  const page = await open();
  await toProvider(page);
  await choose(page, /^Ada/);
  await heading(page, "Your characters");
  const held = await cookies(page);
  assert.equal(held.get("worldline_oidc"), undefined, "the attempt is over");
  assert.ok(held.get("worldline_refresh")?.httpOnly, "no script reads the refresh token");
  assert.doesNotMatch(page.url(), /[?&](code|state|login)=/, "nothing of it stays in the address");
  await createCharacter(page, "Ada");
  await play(page, "Ada");

  const refused = await open();
  await toProvider(refused);
  await choose(refused, /^Nobody/);
  await seen(login(refused).locator("#login-reason:not(:empty)"));
  assert.equal((await cookies(refused)).size, 0, "nothing is left behind");
});

test("a guest keeps the character with a provider, who lets in from anywhere", async () => {
  const keep = async (page, persona) => {
    await (await openMenu(page)).getByRole("button", { name: /^Keep with/ }).first().click();
    await choose(page, persona);
    await seen(page.locator("#menu-news:not(:empty)"));
    const news = await page.locator("#menu-news").textContent();
    assert.equal((await cookies(page)).get("worldline_oidc"), undefined);
    return news;
  };
  const guest = await Player.join(browser, stack.url, "Ivo");
  assert.match(await keep(guest.page, /^Ben/), /is yours/);
  await guest.isIn();
  assert.equal(await guest.page.evaluate(() => sessionStorage.getItem("worldline.guest")), null, "no guest any more");

  const elsewhere = await open();
  await toProvider(elsewhere);
  await choose(elsewhere, /^Ben/);
  await heading(elsewhere, "Your characters");
  await play(elsewhere, "Ivo");
  await heading(guest.page, "Playing elsewhere");

  // Ben has an account now: another guest's character cannot be his as well, and the guest goes on as one.
  const other = await Player.join(browser, stack.url, "Jana");
  assert.match(await keep(other.page, /^Ben/), /another account here/);
  await other.isIn();
  await other.page.reload();
  await other.isIn();
});
