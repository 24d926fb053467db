/** The menu of who is logged in: devices, password, keeping a guest's character, leaving. */
import {
  changePassword, endLoginSession, type Login, loginMethods, logOut, logOutEverywhere, type LoginSession, loginSessions,
  upgrade,
} from "@worldline/sdk";

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
  /** To the list of characters, out of the world. */
  characters(): void;
  /** Logged out, by one's own wish. */
  left(): void;
}

let login: Login | undefined;

/** Whose menu it is; without anybody there is none. */
export function setMenu(of: Login | undefined): void {
  login = of;
  opener.hidden = of === undefined;
  if (!of && dialog.open) dialog.close();
}

export function openMenu(): void {
  if (!login || dialog.open) return;
  news.textContent = "";
  dress(login);
  dialog.showModal();
  element("menu-title").focus();
  void attempt(offerPassword);
}

export function prepareMenu(doors: Doors): void {
  opener.addEventListener("click", openMenu);
  element("menu-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => element("panels").hidden && element("game").focus());
  element("menu-sessions").addEventListener("toggle", () => void attempt(refresh));
  element("to-characters").addEventListener("click", () => {
    dialog.close();
    doors.characters();
  });
  element("logout").addEventListener("click", async () => {
    const leaving = login;
    if (!leaving || (leaving.isGuest && !(await mayForget()))) return;
    // Told or not, this page forgets the tokens; the server ends an unused login by itself.
    await logOut(leaving).catch(() => {});
    doors.left();
  });
  element("logout-everywhere").addEventListener("click", () => void attempt(async () => {
    if (!login || (login.isGuest && !(await mayForget()))) return;
    await logOutEverywhere(login);
    doors.left();
  }));
  onSubmit(element<HTMLFormElement>("keep"), async () => {
    const account = await upgrade(login!, field("keep-name").value, field("keep-password").value, "cookie");
    field("keep-password").value = "";
    doors.upgraded(account);
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
    "A guest who logs out cannot come back: the character is lost. Keep it with a name and a password first.",
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
