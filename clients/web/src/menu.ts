/** The menu of who is logged in: devices, password, keeping a guest's character, leaving. */
import {
  changePassword, endLoginSession, linkAddress, type Login, loginMethods, logOut, logOutEverywhere, type LoginSession,
  loginSessions, type Provider, upgrade,
} from "@worldline/sdk";

import { returnAddress } from "./arrival.ts";
import { confirmed } from "./confirm.ts";
import { button, element, make } from "./dom.ts";
import { onSubmit } from "./forms.ts";
import { words } from "./words.ts";

const dialog = element<HTMLDialogElement>("menu");
const opener = element<HTMLButtonElement>("menu-button");
const news = element("menu-news");
const list = element<HTMLUListElement>("session-list");
const field = (id: string) => element<HTMLInputElement>(id);

/** What the menu leads to. */
export interface Doors {
  /** The guest is an account now. */
  upgraded(login: Login): void;
  /** The guest goes to a provider, to come back with its word. */
  away(guest: Login): void;
  /** To the list of characters, out of the world. */
  characters(): void;
  /** Logged out, by one's own wish. */
  left(): void;
}

let login: Login | undefined;
let doors: Doors | undefined;

/** Whose menu it is; without anybody there is none. */
export function setMenu(of: Login | undefined): void {
  login = of;
  opener.hidden = of === undefined;
  if (!of && dialog.open) dialog.close();
}

/** Opens it, with news if there are any. */
export function openMenu(text = ""): void {
  if (!login || dialog.open) return;
  dress(login);
  dialog.showModal();
  element("menu-title").focus();
  void attempt(offerPassword);
  news.textContent = text;
}

/** Offers a guest the providers that the server knows. */
export function offerKeeping(known: readonly Provider[]): void {
  const choice = (provider: Provider) => make("li", {}, button(`Keep with ${provider.title}`, () => void keepWith(provider)));
  element("keep-links").replaceChildren(...known.map(choice));
  element("keep-elsewhere").hidden = known.length === 0;
}

async function keepWith(provider: Provider): Promise<void> {
  await attempt(async () => {
    if (!login) return;
    const url = await linkAddress(login, provider, returnAddress(location.pathname, true));
    doors?.away(login);
    location.assign(url);
  });
}

export function prepareMenu(to: Doors): void {
  doors = to;
  opener.addEventListener("click", () => openMenu());
  element("menu-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => element("panels").hidden && element("game").focus());
  element("menu-sessions").addEventListener("toggle", () => void attempt(refresh));
  element("to-characters").addEventListener("click", () => {
    dialog.close();
    to.characters();
  });
  element("logout").addEventListener("click", async () => {
    const leaving = login;
    if (!leaving || (leaving.isGuest && !(await mayForget()))) return;
    // Told or not, this page forgets the tokens; the server ends an unused login by itself.
    await logOut(leaving).catch(() => {});
    to.left();
  });
  element("logout-everywhere").addEventListener("click", () => void attempt(async () => {
    if (!login || (login.isGuest && !(await mayForget()))) return;
    await logOutEverywhere(login);
    to.left();
  }));
  onSubmit(element<HTMLFormElement>("keep"), async () => {
    const account = await upgrade(login!, field("keep-name").value, field("keep-password").value, "cookie");
    field("keep-password").value = "";
    to.upgraded(account);
    dress(account);
    void attempt(offerPassword);
    news.textContent = "The character is yours. Log in with this name and password from anywhere.";
  });
  onSubmit(element<HTMLFormElement>("change"), async () => {
    await changePassword(login!, field("change-old").value, field("change-new").value);
    field("change-old").value = field("change-new").value = "";
    element<HTMLDetailsElement>("menu-password").open = false;
    news.textContent = "The password is changed.";
  });
}

/** Shows what this login can do. */
function dress(of: Login): void {
  element("menu-keep").hidden = !of.isGuest;
  element("menu-password").hidden = true;
  element("to-characters").hidden = of.isGuest;
  for (const id of ["menu-sessions", "menu-password"]) element<HTMLDetailsElement>(id).open = false;
}

/** A password can be changed where there is one. */
async function offerPassword(): Promise<void> {
  const of = login;
  if (!of || of.isGuest) return;
  const methods = await loginMethods(of);
  if (login === of) element("menu-password").hidden = !methods.includes("password");
}

function mayForget(): Promise<boolean> {
  return confirmed(
    "Log out as a guest?",
    "A guest who logs out cannot come back: the character is lost. Keep it first: the menu tells how.",
    "Log out for good",
  );
}

async function refresh(): Promise<void> {
  if (!login || !element<HTMLDetailsElement>("menu-sessions").open) return;
  const sessions = await loginSessions(login);
  list.replaceChildren(...sessions.map(row));
}

const METHODS: Readonly<Record<string, string>> = { guest: "as a guest", password: "with a password", openid: "through a provider" };

function row(session: LoginSession): HTMLLIElement {
  const name = session.current ? "This device" : (session.device ?? "A device");
  const when = new Date(session.usedAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const about = `logged in ${METHODS[session.method] ?? ""}, last used ${when}`;
  const item = make("li", {}, make("strong", {}, name), make("span", { className: "about" }, about));
  if (!session.current) {
    const end = button("End", () => void attempt(async () => {
      await endLoginSession(login!, session.id);
      await refresh();
      news.textContent = `${name} is logged out.`;
    }), "quiet");
    end.setAttribute("aria-label", `End the login of ${name}`);
    item.append(end);
  }
  return item;
}

async function attempt(action: () => Promise<void>): Promise<void> {
  news.textContent = "";
  try {
    await action();
  } catch (error) {
    news.textContent = words(error);
  }
}
