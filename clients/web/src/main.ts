/** The page's life: is it new enough, who is here, which panel they see, into the world and out of it. */
import { type Login, loginAsGuest, Problem, providers, resumeLogin } from "@worldline/sdk";

import { arrival } from "./arrival.ts";
import { openCharacters, preparePanel as prepareCharacters } from "./characters_panel.ts";
import { gate } from "./gate.ts";
import { offer, openLogin, preparePanel as prepareLogin } from "./login_panel.ts";
import { guestToken, hasCookie, lastCharacter } from "./memory.ts";
import { offerKeeping, openMenu, prepareMenu, setMenu } from "./menu.ts";
import { openOver } from "./over_panel.ts";
import { join, leave, startPlaying } from "./play.ts";
import { startWatching } from "./watch.ts";
import { watched } from "./watch_address.ts";
import { words } from "./words.ts";

const KEPT = "The character is yours. Log in the same way from anywhere.";

/** Who is logged in. */
let login: Login | undefined;

/** Takes a login: remembers what a reload needs, and stays with it until it ends. */
function hold(taken: Login): void {
  login = taken;
  if (taken.isGuest) {
    guestToken.set(taken.guestToken ?? "");
  } else {
    guestToken.clear();
    hasCookie.set("1");
  }
  taken.ended = (why) => login === taken && loggedOut(words(why), why.code !== "other_account");
  setMenu(taken);
}

/** Nobody is logged in any more. The cookie's note stays when the cookie is another account's. */
function loggedOut(why = "", forgetCookie = true): void {
  if (login?.isGuest) guestToken.clear();
  else if (forgetCookie) hasCookie.clear();
  lastCharacter.clear();
  login = undefined;
  setMenu(undefined);
  leave("close");
  openLogin(why);
}

/** From a fresh login on: a guest into the world, an account to its characters. */
async function entered(taken: Login): Promise<void> {
  hold(taken);
  if (taken.isGuest) await play(taken, taken.character ?? "");
  else await openCharacters(taken);
}

async function play(as: Login, character: string, company = ""): Promise<void> {
  if (!as.isGuest) lastCharacter.set(character);
  await join(as, character, company, (code, why) =>
    openOver(as, code, why, {
      again: () => void play(as, character, company).catch((error: unknown) => refusedEntry(as, error)),
      characters: () => void toCharacters(as),
    }),
  );
}

/** Where somebody stands whom the world does not let in. */
function refusedEntry(as: Login, error: unknown): void {
  if (login !== as) return;
  if (as.isGuest) openLogin(words(error));
  else void toCharacters(as, words(error));
}

function toCharacters(as: Login, text = ""): Promise<void> {
  lastCharacter.clear();
  return openCharacters(as, text);
}

/** Goes on where a reload has interrupted; `false`: there is nothing to go on with. */
async function resume(): Promise<boolean> {
  const token = guestToken.get();
  if (!token && !hasCookie.get()) return false;
  const character = lastCharacter.get();
  try {
    hold(await (token ? loginAsGuest("", { token }) : resumeLogin("")));
  } catch (error) {
    // A refused token is of no use any more; with all else a reload may try again.
    if (error instanceof Problem && error.status === 401) (token ? guestToken : hasCookie).clear();
    openLogin(words(error));
    return true;
  }
  const as = login!;
  const wanted = as.isGuest ? as.character : character;
  if (!wanted) await openCharacters(as);
  else await play(as, wanted).catch((error: unknown) => refusedEntry(as, error));
  return true;
}

const toWatch = watched(location.search);
if (toWatch) {
  if (await gate()) startWatching(toWatch);
} else {
  await startGame();
}

/** From the login on. */
async function startGame(): Promise<void> {
  prepareLogin(entered);
  prepareCharacters(play);
  prepareMenu({
    upgraded: (account) => {
      hold(account);
      lastCharacter.set(account.character ?? "");
    },
    // The tab comes back with this character, whatever becomes of it there.
    away: (guest) => lastCharacter.set(guest.character ?? ""),
    characters: () => {
      leave("leave");
      if (login) void toCharacters(login);
    },
    left: () => {
      leave("leave");
      loggedOut("You are logged out.");
    },
  });
  startPlaying(() => openMenu());

  if (await gate()) {
    const came = arrival(location.search);
    if (came) history.replaceState(null, "", location.pathname);
    if (came?.logged === "in") {
      guestToken.clear();
      if (!came.kept) lastCharacter.clear();
      hasCookie.set("1");
    }
    const why = came?.logged === "out" ? came.why : "";
    // Who wanted to keep a character and could not is the guest still.
    if (why && !came?.kept) openLogin(why);
    else if (!(await resume())) openLogin(why);
    else if (came?.kept) openMenu(why || KEPT);
    const known = await providers("").catch(() => []);
    offer(known);
    offerKeeping(known);
  }
}
